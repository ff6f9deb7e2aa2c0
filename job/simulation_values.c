#include "job/simulation_values.h"

#include <stddef.h>
#include <string.h>

#include "executor/simulate_task.h"

/* A call is late by this much at most. */
#define LATENCY_NS_MAX (600 * CLOCK_NS_PER_S)

int simulation_take_duration(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                             struct err *err)
{
    struct err why = ERR_INIT;
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    if (!text[0] || simulate_task_duration(text, 0, target, &why)) {
        return yaml_fault(source, value, err, "%s: %s", key, text[0] ? why.text : "there is no duration");
    }
    return 0;
}

/* *= proto: google.rpc.Code, in order. */
static const char *const code_names[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

int simulation_code(const char *name)
{
    for (size_t i = 0; i < sizeof code_names / sizeof code_names[0]; i++) {
        if (strcmp(code_names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int take_code(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                     struct err *err)
{
    const char *text;
    int code;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    code = simulation_code(text);
    if (code < 0) {
        return yaml_fault(source, value, err, "%s: '%.100s' is no status code such as UNAVAILABLE", key, text);
    }
    *(int *)target = code;
    return 0;
}

static int take_latency(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                        struct err *err)
{
    if (simulation_take_duration(source, value, key, target, err)) {
        return -1;
    }
    if (*(int64_t *)target > LATENCY_NS_MAX) {
        return yaml_fault(source, value, err, "%s: more than 10m, the limit", key);
    }
    return 0;
}

#define OF_FAULT(member) offsetof(struct call_fault, member)

int simulation_take_fault(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                          struct err *err)
{
    static const struct yaml_key keys[] = {{"method", yaml_take_text, OF_FAULT(method)},
                                           {"code", take_code, OF_FAULT(code)},
                                           {"message", yaml_take_text, OF_FAULT(message)},
                                           {"latency", take_latency, OF_FAULT(latency_ns)},
                                           {"count", yaml_take_count, OF_FAULT(count)},
                                           {"probability", yaml_take_probability, OF_FAULT(probability)},
                                           {"answer_lost", yaml_take_switch, OF_FAULT(answer_lost)},
                                           {NULL, NULL, 0}};
    struct call_fault *fault = target;

    (void)key;
    *fault = (struct call_fault){.method = "*", .probability = 1};
    return yaml_take_keys(source, value, "a fault", keys, fault, err);
}
