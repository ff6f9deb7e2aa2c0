#include <stdlib.h>

#include "cli/calls.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/output.h"
#include "cli/table.h"
#include "customjobd/v1/simulation.upbdefs.h"
#include "google/protobuf/duration.upb.h"

#define SIM(name) customjobd_v1_##name
#define CODE_MAX 16

static const char *const titles[] = {"METHOD", "CODE", "LATENCY", "COUNT", "PROBABILITY", "ANSWER LOST", "HITS", NULL};

static void add_row(struct table *table, struct text *cell, const SIM(Fault) * fault)
{
    const google_protobuf_Duration *latency = SIM(Fault_latency)(fault);

    table_add(table, api_span(SIM(Fault_method)(fault)));
    table_add(table, span_of(SIM(Fault_code)(fault) ? rpc_status_name(SIM(Fault_code)(fault)) : ""));
    text_cut(cell, 0);
    if (latency) {
        duration_add(cell, google_protobuf_Duration_seconds(latency) * CLOCK_NS_PER_S +
                               google_protobuf_Duration_nanos(latency));
    }
    table_add(table, text_span(cell));
    text_cut(cell, 0);
    if (SIM(Fault_count)(fault) > 0) {
        text_add_format(cell, "%lld", (long long)SIM(Fault_count)(fault));
    }
    table_add(table, text_span(cell));
    text_cut(cell, 0);
    text_add_format(cell, "%g", SIM(Fault_probability)(fault));
    table_add(table, text_span(cell));
    table_add(table, span_of(SIM(Fault_answer_lost)(fault) ? "yes" : ""));
    text_cut(cell, 0);
    text_add_format(cell, "%lld", (long long)SIM(Fault_hits)(fault));
    table_add(table, text_span(cell));
}

static int print_faults(struct session *session, const SIM(Faults) * faults, struct err *err)
{
    struct text text = {.data = NULL}, cell = {.data = NULL};
    const SIM(Fault) *const *items;
    struct table table;
    size_t count;

    if (session->format != FORMAT_TABLE) {
        return output_message(session, faults, SIM(Faults_getmsgdef)(session->defs), err);
    }
    items = SIM(Faults_faults)(faults, &count);
    table_init(&table, titles, false);
    for (size_t i = 0; i < count; i++) {
        add_row(&table, &cell, items[i]);
    }
    table_flush(&table, &text);
    table_deinit(&table);
    text_deinit(&cell);
    return session_print(session, &text, err);
}

int command_simulation_faults(struct session *session, int *exit_code, struct err *err)
{
    const SIM(Faults) * faults;

    (void)exit_code;
    return calls_get_faults(session, session->arena, &faults, err) ? -1 : print_faults(session, faults, err);
}

/* ---- one more ---- */

static int read_code(const char *name, int32_t *ret_code, struct err *err)
{
    for (int32_t code = 1; code <= CODE_MAX; code++) {
        if (strcmp(rpc_status_name(code), name) == 0) {
            *ret_code = code;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "--code %s: a status such as UNAVAILABLE", name);
}

static int read_probability(const char *text, double *ret_number, struct err *err)
{
    char *end;
    double number = strtod(text, &end);

    if (*end || end == text || !(number > 0 && number <= 1)) {
        return err_set(err, ERR_INVALID, "--probability %s: a number above 0, and 1 at most", text);
    }
    *ret_number = number;
    return 0;
}

static int fill_fault(const struct args *args, SIM(Fault) * fault, upb_Arena *arena, struct err *err)
{
    int64_t latency_ns = args_number(args, OPTION_LATENCY, 0);
    google_protobuf_Duration *latency = latency_ns > 0 ? SIM(Fault_mutable_latency)(fault, arena) : NULL;
    double probability = 1;
    int32_t code = 0;

    if ((args_has(args, OPTION_CODE) && read_code(args_text(args, OPTION_CODE, ""), &code, err)) ||
        (args_has(args, OPTION_PROBABILITY) &&
         read_probability(args_text(args, OPTION_PROBABILITY, ""), &probability, err))) {
        return -1;
    }
    if (latency) {
        google_protobuf_Duration_set_seconds(latency, latency_ns / CLOCK_NS_PER_S);
        google_protobuf_Duration_set_nanos(latency, (int32_t)(latency_ns % CLOCK_NS_PER_S));
    }
    SIM(Fault_set_method)(fault, upb_StringView_FromString(args->operands[0]));
    SIM(Fault_set_code)(fault, code);
    SIM(Fault_set_message)(fault, upb_StringView_FromString(args_text(args, OPTION_MESSAGE, "")));
    SIM(Fault_set_count)(fault, args_number(args, OPTION_TIMES, 0));
    SIM(Fault_set_probability)(fault, probability);
    SIM(Fault_set_answer_lost)(fault, args_has(args, OPTION_ANSWER_LOST));
    return 0;
}

/* All there are and one more, since the server takes them as a whole. */
static int add_fault(struct session *session, SIM(SetFaultsRequest) * request, struct err *err)
{
    const SIM(Faults) * before;
    const SIM(Fault) *const *items;
    SIM(Fault) * *all;
    size_t count;

    if (calls_get_faults(session, session->arena, &before, err)) {
        return -1;
    }
    items = SIM(Faults_faults)(before, &count);
    all = SIM(SetFaultsRequest_resize_faults)(request, count + 1, session->arena);
    if (all) {
        for (size_t i = 0; i < count; i++) {
            all[i] = (SIM(Fault) *)(uintptr_t)items[i];
        }
        all[count] = SIM(Fault_new)(session->arena);
    }
    if (!all || !all[count]) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    SIM(SetFaultsRequest_set_seed)(request, (uint64_t)args_number(session->args, OPTION_SEED, 0));
    return fill_fault(session->args, all[count], session->arena, err);
}

static int set_faults(struct session *session, bool adds, struct err *err)
{
    SIM(SetFaultsRequest) *request = SIM(SetFaultsRequest_new)(session->arena);
    const SIM(Faults) * faults;

    if (!request) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if ((adds && add_fault(session, request, err)) ||
        calls_set_faults(session, request, session->arena, &faults, err)) {
        return -1;
    }
    return session->quiet ? 0 : print_faults(session, faults, err);
}

int command_simulation_fault(struct session *session, int *exit_code, struct err *err)
{
    (void)exit_code;
    return set_faults(session, true, err);
}

int command_simulation_heal(struct session *session, int *exit_code, struct err *err)
{
    (void)exit_code;
    return set_faults(session, false, err);
}
