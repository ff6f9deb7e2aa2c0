#include "job/simulation_file.h"

#include <stdlib.h>
#include <string.h>

#include "executor/simulate_task.h"
#include "job/simulation_values.h"

#define FAULTS_MAX SIMULATION_RULES_MAX

/* A rule with what it points to. */
struct rule {
    struct simulate_rule rule; /* first */
    struct simulate_line lines[SIMULATION_LINES_MAX];
    struct env_entry labels[64];
};

struct simulation_file {
    struct yaml_source source;
    uint64_t seed;
    struct rule **rules; /* while reading */
    size_t rule_count;
    struct simulate_rule *flat; /* what is given */
    struct simulate_scenario scenario;
    struct call_fault *faults;
    size_t fault_count;
};

/* ---- values ---- */

/* "2h", or {min: 1h, max: 3h}. */
static int take_range(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                      struct err *err)
{
    static const struct yaml_key keys[] = {{"min", simulation_take_duration, offsetof(struct simulate_range, least_ns)},
                                           {"max", simulation_take_duration, offsetof(struct simulate_range, most_ns)},
                                           {NULL, NULL, 0}};
    struct simulate_range *range = target;

    if (value->type != YAML_MAPPING_NODE) {
        if (simulation_take_duration(source, value, key, &range->least_ns, err)) {
            return -1;
        }
        range->most_ns = range->least_ns;
        return 0;
    }
    range->most_ns = -1;
    if (yaml_take_keys(source, value, key, keys, range, err)) {
        return -1;
    }
    if (range->most_ns < range->least_ns) {
        return yaml_fault(source, value, err, "%s: max is missing, or less than min", key);
    }
    return 0;
}

static int take_run_time(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                         struct err *err)
{
    struct simulate_rule *rule = target;

    rule->has_duration = true;
    return take_range(source, value, key, &rule->duration, err);
}

static int take_exit_code(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                          struct err *err)
{
    struct err why = ERR_INIT;
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    return simulate_task_exit_code(text, target, &why) ? yaml_fault(source, value, err, "%s: %s", key, why.text) : 0;
}

static int take_signal(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                       struct err *err)
{
    struct simulate_rule *rule = target;
    struct err why = ERR_INIT;
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    rule->exit_code = -1;
    return simulate_task_signal(text, &rule->term_signal, &why)
               ? yaml_fault(source, value, err, "%s: %s", key, why.text)
               : 0;
}

static int take_end(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                    struct err *err)
{
    struct simulate_rule *rule = target;
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    if (strcmp(text, "preempted") == 0) {
        rule->end = SIMULATE_END_PREEMPTED;
    } else if (strcmp(text, "oom") == 0) {
        rule->exit_code = -1;
        rule->term_signal = SIMULATE_SIGNAL_KILL;
        rule->oom_killed = true;
    } else if (strcmp(text, "start-failed") == 0) {
        rule->start_failure = rule->start_failure ? rule->start_failure : "The simulated program cannot be started.";
    } else if (strcmp(text, "exit") != 0) {
        return yaml_fault(source, value, err, "%s: '%.100s' is none of exit, oom, preempted, start-failed", key, text);
    }
    return 0;
}

static int take_attempt(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                        struct err *err)
{
    uint64_t number;

    if (yaml_take_count(source, value, key, &number, err)) {
        return -1;
    }
    if (number < 1 || number > UINT32_MAX) {
        return yaml_fault(source, value, err, "%s counts from 1", key);
    }
    *(uint32_t *)target = (uint32_t)number;
    return 0;
}

static int take_restart(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                        struct err *err)
{
    uint64_t number;

    if (yaml_take_count(source, value, key, &number, err)) {
        return -1;
    }
    *(int64_t *)target = (int64_t)number;
    return 0;
}

/* ---- lines ---- */

static int take_stream(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                       struct err *err)
{
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    if (strcmp(text, "stdout") != 0 && strcmp(text, "stderr") != 0) {
        return yaml_fault(source, value, err, "%s: '%.100s' is neither stdout nor stderr", key, text);
    }
    *(enum log_stream *)target = strcmp(text, "stderr") == 0 ? LOG_STREAM_STDERR : LOG_STREAM_STDOUT;
    return 0;
}

static int take_line(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                     struct err *err)
{
    static const struct yaml_key keys[] = {
        {"at", simulation_take_duration, offsetof(struct simulate_line, at_ns)},
        {"every", simulation_take_duration, offsetof(struct simulate_line, every_ns)},
        {"stream", take_stream, offsetof(struct simulate_line, stream)},
        {"text", yaml_take_text, offsetof(struct simulate_line, text)},
        {NULL, NULL, 0}};
    struct simulate_line *line = target;

    (void)key;
    *line = (struct simulate_line){.at_ns = -1, .stream = LOG_STREAM_STDOUT};
    if (yaml_take_keys(source, value, "a line of a log", keys, line, err)) {
        return -1;
    }
    if (!line->text) {
        return yaml_fault(source, value, err, "a line of a log has no text");
    }
    if (line->every_ns > 0 && line->every_ns < SIMULATION_EVERY_NS_MIN) {
        return yaml_fault(source, value, err, "every: a line comes once a second at most");
    }
    line->at_ns = line->at_ns < 0 ? line->every_ns : line->at_ns;
    return 0;
}

static int take_log(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                    struct err *err)
{
    struct rule *rule = target;

    rule->rule.lines = rule->lines;
    return yaml_take_items(source, value, key, take_line, rule->lines, sizeof rule->lines[0], SIMULATION_LINES_MAX,
                           &rule->rule.line_count, err);
}

/* ---- rules ---- */

static int take_labels(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                       struct err *err)
{
    struct rule *rule = target;
    const size_t max = sizeof rule->labels / sizeof rule->labels[0];

    if (value->type != YAML_MAPPING_NODE) {
        return yaml_fault(source, value, err, "%s is a mapping of labels to patterns", key);
    }
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start; pair < value->data.mapping.pairs.top; pair++) {
        struct env_entry *label = &rule->labels[rule->rule.label_count];

        if (rule->rule.label_count == max) {
            return yaml_fault(source, value, err, "%s has more than %zu entries, the limit", key, max);
        }
        if (yaml_take_text(source, yaml_document_get_node(&source->document, pair->key), key, &label->name, err) ||
            yaml_take_text(source, yaml_document_get_node(&source->document, pair->value), key, &label->value, err)) {
            return -1;
        }
        rule->rule.label_count++;
    }
    rule->rule.labels = rule->labels;
    return 0;
}

#define OF_RULE(member) offsetof(struct simulate_rule, member)

static int take_match(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                      struct err *err)
{
    static const struct yaml_key keys[] = {{"display_name", yaml_take_text, OF_RULE(display_name)},
                                           {"labels", take_labels, 0},
                                           {"replica", yaml_take_text, OF_RULE(replica)},
                                           {"job_attempt", take_attempt, OF_RULE(job_attempt)},
                                           {"restart", take_restart, OF_RULE(restart)},
                                           {"probability", yaml_take_probability, OF_RULE(probability)},
                                           {NULL, NULL, 0}};

    return yaml_take_keys(source, value, key, keys, target, err);
}

static int take_rule(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                     struct err *err)
{
    static const struct yaml_key keys[] = {{"match", take_match, 0},
                                           {"start_delay", take_range, OF_RULE(start_delay)},
                                           {"start_failure", yaml_take_text, OF_RULE(start_failure)},
                                           {"duration", take_run_time, 0},
                                           {"end", take_end, 0},
                                           {"exit_code", take_exit_code, OF_RULE(exit_code)},
                                           {"signal", take_signal, 0},
                                           {"stop_time", simulation_take_duration, OF_RULE(stop_ns)},
                                           {"log", take_log, 0},
                                           {NULL, NULL, 0}};
    struct rule *rule = calloc(1, sizeof *rule);

    (void)key;
    if (!rule) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a rule");
    }
    *(struct rule **)target = rule;
    rule->rule.restart = -1;
    rule->rule.probability = 1;
    return yaml_take_keys(source, value, "a rule", keys, rule, err);
}

static int take_rules(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                      struct err *err)
{
    struct simulation_file *file = target;

    file->rules = calloc(SIMULATION_RULES_MAX, sizeof *file->rules);
    file->flat = calloc(SIMULATION_RULES_MAX, sizeof *file->flat);
    if (!file->rules || !file->flat) {
        return err_set(err, ERR_EXHAUSTED, "no memory for rules");
    }
    if (yaml_take_items(source, value, key, take_rule, file->rules, sizeof file->rules[0], SIMULATION_RULES_MAX,
                        &file->rule_count, err)) {
        return -1;
    }
    for (size_t i = 0; i < file->rule_count; i++) {
        file->flat[i] = file->rules[i]->rule;
    }
    return 0;
}

/* ---- faults ---- */

static int take_faults(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                       struct err *err)
{
    struct simulation_file *file = target;

    file->faults = calloc(FAULTS_MAX, sizeof *file->faults);
    if (!file->faults) {
        return err_set(err, ERR_EXHAUSTED, "no memory for faults");
    }
    return yaml_take_items(source, value, key, simulation_take_fault, file->faults, sizeof file->faults[0], FAULTS_MAX,
                           &file->fault_count, err);
}

/* ---- the file ---- */

static int read_document(struct simulation_file *file, struct err *err)
{
    static const struct yaml_key keys[] = {{"seed", yaml_take_count, offsetof(struct simulation_file, seed)},
                                           {"replicas", take_rules, 0},
                                           {"faults", take_faults, 0},
                                           {NULL, NULL, 0}};
    const yaml_node_t *root = yaml_document_get_root_node(&file->source.document);

    return root ? yaml_take_keys(&file->source, root, "a scenario", keys, file, err) : 0;
}

int simulation_file_open(const char *path, struct simulation_file **ret_file, struct err *err)
{
    struct simulation_file *file = calloc(1, sizeof *file);

    if (!file) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a scenario");
    }
    if (yaml_source_open("scenario file", path, SIMULATION_FILE_BYTES_MAX, &file->source, err) ||
        read_document(file, err)) {
        simulation_file_close(file);
        return -1;
    }
    file->scenario =
        (struct simulate_scenario){.seed = file->seed, .rules = file->flat, .rule_count = file->rule_count};
    *ret_file = file;
    return 0;
}

void simulation_file_close(struct simulation_file *file)
{
    if (!file) {
        return;
    }
    for (size_t i = 0; file->rules && i < SIMULATION_RULES_MAX; i++) {
        free(file->rules[i]);
    }
    free(file->rules);
    free(file->flat);
    free(file->faults);
    yaml_source_close(&file->source);
    free(file);
}

const struct simulate_scenario *simulation_file_scenario(const struct simulation_file *file)
{
    return &file->scenario;
}

const struct call_fault *simulation_file_faults(const struct simulation_file *file, size_t *ret_count)
{
    *ret_count = file->fault_count;
    return file->faults;
}
