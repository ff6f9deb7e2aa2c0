/* customjobd.v1.Simulation: the time of a server that only simulates, and the faults that it makes. */
#include "base/limits.h"
#include "customjobd/v1/simulation.upb.h"
#include "google/protobuf/duration.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "job/api.h"
#include "job/simulation.h"
#include "server/call_faults.h"
#include "server/handlers.h"
#include "server/request_decode.h"
#include "server/request_fault.h"
#include "server/services.h"

#define SIM(name) customjobd_v1_##name

struct advancing {
    struct simulation_advance advance; /* first */
    struct call *call;
};

/* False: the call has been answered. */
static bool is_served(struct call *call)
{
    struct err err = ERR_INIT;

    if (call_services(call)->simulates) {
        return true;
    }
    err_set(&err, ERR_UNSUPPORTED,
            "customjobd.v1.Simulation is served where replicas are simulated: customjobd serve --executor=simulate");
    request_fault_reply_error(call, &err);
    return false;
}

static void reply_clock(struct call *call, int64_t now_unix_ns)
{
    upb_Arena *arena = call_arena(call);
    SIM(Clock) *clock = SIM(Clock_new)(arena);
    google_protobuf_Timestamp *time = clock ? SIM(Clock_mutable_time)(clock, arena) : NULL;
    struct err err = ERR_INIT;
    char *wire = NULL;
    size_t size = 0;

    if (time) {
        google_protobuf_Timestamp_set_seconds(time, now_unix_ns / CLOCK_NS_PER_S);
        google_protobuf_Timestamp_set_nanos(time, (int32_t)(now_unix_ns % CLOCK_NS_PER_S));
        SIM(Clock_set_is_virtual)(clock, call_services(call)->simulation != NULL);
        wire = SIM(Clock_serialize)(clock, arena, &size);
    }
    if (!wire) {
        err_set(&err, ERR_EXHAUSTED, "no memory for an answer");
        request_fault_reply_error(call, &err);
        return;
    }
    call_reply(call, span_make(wire, size));
}

void handle_get_clock(struct call *call)
{
    SIM(GetClockRequest) *message = SIM(GetClockRequest_new)(call_arena(call));
    struct err err = ERR_INIT;

    if (!is_served(call)) {
        return;
    }
    if (request_decode(call_request(call), message, &SIM(GetClockRequest_msginit), call_arena(call), &err)) {
        request_fault_reply_error(call, &err);
        return;
    }
    reply_clock(call, clock_wall_unix_ns(call_services(call)->job_clock));
}

/* On the simulation's thread. */
static void advanced(struct simulation_advance *advance, int64_t now_unix_ns, const struct err *err)
{
    struct call *call = ((struct advancing *)advance)->call;

    if (err) {
        request_fault_reply_error(call, err);
    } else {
        reply_clock(call, now_unix_ns);
    }
}

/* Absent is 0; a longer one than 64 bits of ns hold is as long as they do. */
static int read_duration(const google_protobuf_Duration *duration, const char *field, int64_t *ret_ns, struct err *err)
{
    int64_t seconds = duration ? google_protobuf_Duration_seconds(duration) : 0, ns;
    int32_t nanos = duration ? google_protobuf_Duration_nanos(duration) : 0;

    if (seconds < 0 || nanos < 0 || nanos >= CLOCK_NS_PER_S) {
        return err_set(err, ERR_INVALID, "%s must be a Duration of 0 or more", field);
    }
    if (__builtin_mul_overflow(seconds, CLOCK_NS_PER_S, &ns) || __builtin_add_overflow(ns, nanos, &ns)) {
        ns = INT64_MAX;
    }
    *ret_ns = ns;
    return 0;
}

static int read_by(struct call *call, int64_t *ret_ns, struct err *err)
{
    SIM(AdvanceClockRequest) *message = SIM(AdvanceClockRequest_new)(call_arena(call));

    if (request_decode(call_request(call), message, &SIM(AdvanceClockRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    return read_duration(SIM(AdvanceClockRequest_by)(message), "by", ret_ns, err);
}

void handle_advance_clock(struct call *call)
{
    struct simulation *simulation = call_services(call)->simulation;
    struct advancing *advancing;
    struct err err = ERR_INIT;

    if (!is_served(call)) {
        return;
    }
    advancing = call_allocate(call, sizeof *advancing);
    if (!advancing) {
        err_set(&err, ERR_EXHAUSTED, "no memory for a request");
    } else if (!simulation) {
        err_set(&err, ERR_PRECONDITION,
                "the clock of this server is the system's, which nobody advances: start it with --clock=virtual");
    } else if (read_by(call, &advancing->advance.by_ns, &err) == 0) {
        advancing->advance.done = advanced;
        advancing->call = call;
        if (simulation_submit(simulation, &advancing->advance, &err) == 0) {
            return;
        }
    }
    request_fault_reply_error(call, &err);
}

/* ---- faults ---- */

struct adding {
    SIM(Faults) * faults;
    upb_Arena *arena;
    bool is_out_of_memory;
};

static upb_StringView copy_text(const char *text, upb_Arena *arena)
{
    size_t size = strlen(text);
    char *copy = upb_Arena_Malloc(arena, size + 1);

    if (!copy) {
        return upb_StringView_FromDataAndSize(NULL, 0);
    }
    memcpy(copy, text, size + 1);
    return upb_StringView_FromDataAndSize(copy, size);
}

static bool add_fault(void *context, const struct call_fault *rule)
{
    struct adding *adding = context;
    SIM(Fault) *fault = SIM(Faults_add_faults)(adding->faults, adding->arena);
    google_protobuf_Duration *latency = NULL;

    if (fault && rule->latency_ns > 0) {
        latency = SIM(Fault_mutable_latency)(fault, adding->arena);
    }
    if (!fault || (rule->latency_ns > 0 && !latency)) {
        adding->is_out_of_memory = true;
        return false;
    }
    if (latency) {
        google_protobuf_Duration_set_seconds(latency, rule->latency_ns / CLOCK_NS_PER_S);
        google_protobuf_Duration_set_nanos(latency, (int32_t)(rule->latency_ns % CLOCK_NS_PER_S));
    }
    SIM(Fault_set_method)(fault, copy_text(rule->method, adding->arena));
    SIM(Fault_set_code)(fault, rule->code);
    SIM(Fault_set_message)(fault, copy_text(rule->message, adding->arena));
    SIM(Fault_set_count)(fault, (int64_t)rule->count);
    SIM(Fault_set_probability)(fault, rule->probability);
    SIM(Fault_set_answer_lost)(fault, rule->answer_lost);
    SIM(Fault_set_hits)(fault, (int64_t)rule->hits);
    return true;
}

static void reply_faults(struct call *call)
{
    struct adding adding = {.arena = call_arena(call)};
    struct err err = ERR_INIT;
    char *wire = NULL;
    size_t size = 0;

    adding.faults = SIM(Faults_new)(adding.arena);
    if (adding.faults) {
        call_faults_visit(call_services(call)->faults, add_fault, &adding);
        wire = adding.is_out_of_memory ? NULL : SIM(Faults_serialize)(adding.faults, adding.arena, &size);
    }
    if (!wire) {
        err_set(&err, ERR_EXHAUSTED, "no memory for an answer");
        request_fault_reply_error(call, &err);
        return;
    }
    call_reply(call, span_make(wire, size));
}

void handle_get_faults(struct call *call)
{
    SIM(GetFaultsRequest) *message = SIM(GetFaultsRequest_new)(call_arena(call));
    struct err err = ERR_INIT;

    if (!is_served(call)) {
        return;
    }
    if (request_decode(call_request(call), message, &SIM(GetFaultsRequest_msginit), call_arena(call), &err)) {
        request_fault_reply_error(call, &err);
        return;
    }
    reply_faults(call);
}

static int read_text(struct call *call, upb_StringView view, const char **ret_text, struct err *err)
{
    char *text = call_allocate(call, view.size + 1);

    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request");
    }
    if (memchr(view.data ? view.data : "", '\0', view.size)) {
        return err_set(err, ERR_INVALID, "a text of a fault holds a NUL character");
    }
    if (view.size > 0) {
        memcpy(text, view.data, view.size);
    }
    *ret_text = text;
    return 0;
}

static int read_fault(struct call *call, const SIM(Fault) * from, struct call_fault *fault, struct err *err)
{
    int64_t count = SIM(Fault_count)(from), hits = SIM(Fault_hits)(from);
    double probability = SIM(Fault_probability)(from);

    if (count < 0 || hits < 0) {
        return err_set(err, ERR_INVALID, "faults.%s is below 0", count < 0 ? "count" : "hits");
    }
    fault->code = SIM(Fault_code)(from);
    fault->count = (uint64_t)count;
    fault->hits = (uint64_t)hits;
    fault->probability = probability == 0 ? 1 : probability;
    fault->answer_lost = SIM(Fault_answer_lost)(from);
    return read_duration(SIM(Fault_latency)(from), "faults.latency", &fault->latency_ns, err) ||
                   read_text(call, SIM(Fault_method)(from), &fault->method, err) ||
                   read_text(call, SIM(Fault_message)(from), &fault->message, err)
               ? -1
               : 0;
}

static int set_faults(struct call *call, struct err *err)
{
    SIM(SetFaultsRequest) *message = SIM(SetFaultsRequest_new)(call_arena(call));
    const SIM(Fault) *const *from;
    struct call_fault *faults;
    size_t count;

    if (request_decode(call_request(call), message, &SIM(SetFaultsRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    from = SIM(SetFaultsRequest_faults)(message, &count);
    faults = call_allocate(call, (count + 1) * sizeof *faults);
    if (!faults) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu faults", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (read_fault(call, from[i], &faults[i], err)) {
            return -1;
        }
    }
    return call_faults_set(call_services(call)->faults, faults, count, SIM(SetFaultsRequest_seed)(message), err);
}

void handle_set_faults(struct call *call)
{
    struct err err = ERR_INIT;

    if (!is_served(call)) {
        return;
    }
    if (set_faults(call, &err)) {
        request_fault_reply_error(call, &err);
        return;
    }
    reply_faults(call);
}
