/* customjobd.v1.Simulation: the time of a server that only simulates. */
#include "base/limits.h"
#include "customjobd/v1/simulation.upb.h"
#include "google/protobuf/duration.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "job/api.h"
#include "job/simulation.h"
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

static int read_by(struct call *call, int64_t *ret_ns, struct err *err)
{
    SIM(AdvanceClockRequest) *message = SIM(AdvanceClockRequest_new)(call_arena(call));
    const google_protobuf_Duration *by;
    int64_t seconds, ns;
    int32_t nanos;

    if (request_decode(call_request(call), message, &SIM(AdvanceClockRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    by = SIM(AdvanceClockRequest_by)(message);
    seconds = by ? google_protobuf_Duration_seconds(by) : 0;
    nanos = by ? google_protobuf_Duration_nanos(by) : 0;
    if (seconds < 0 || nanos < 0 || nanos >= CLOCK_NS_PER_S) {
        return err_set(err, ERR_INVALID, "by: a clock goes forward alone, by a Duration of 0 or more");
    }
    if (__builtin_mul_overflow(seconds, CLOCK_NS_PER_S, &ns) || __builtin_add_overflow(ns, nanos, &ns)) {
        ns = INT64_MAX; /* the simulation knows how far time goes */
    }
    *ret_ns = ns;
    return 0;
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
