#include "executor/simulate_scenario.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "executor/simulate_task.h"

/* ---- chance ---- */

/* splitmix64: one step of a generator that needs no state but its number. */
static uint64_t mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* What a number drawn is for; two that are drawn for one attempt have nothing to do with each other. */
enum draw { DRAW_RULE, DRAW_DURATION, DRAW_START_DELAY };

/* 0 to below 1. */
static double draw(uint64_t seed, const struct execution_key *key, size_t rule, enum draw what)
{
    uint64_t hash = mix(seed ^ mix(key->job_id));

    hash = mix(hash ^ key->job_attempt);
    hash = mix(hash ^ ((uint64_t)key->pool_index << 32 | key->replica_index));
    hash = mix(hash ^ key->restart);
    hash = mix(hash ^ ((uint64_t)rule << 8 | what));
    return (double)(hash >> 11) * 0x1p-53;
}

static int64_t pick(const struct simulate_range *range, double number)
{
    return range->least_ns + (int64_t)((double)(range->most_ns - range->least_ns) * number);
}

/* ---- rules ---- */

static bool matches_text(const char *pattern, const char *text)
{
    return !pattern || fnmatch(pattern, text, 0) == 0;
}

static const char *label_of(const struct task *task, const char *name)
{
    for (size_t i = 0; i < task->label_count; i++) {
        if (strcmp(task->labels[i].name, name) == 0) {
            return task->labels[i].value;
        }
    }
    return NULL;
}

static bool matches_labels(const struct simulate_rule *rule, const struct task *task)
{
    for (size_t i = 0; i < rule->label_count; i++) {
        const char *value = label_of(task, rule->labels[i].name);

        if (!value || !matches_text(rule->labels[i].value, value)) {
            return false;
        }
    }
    return true;
}

static bool matches(const struct simulate_scenario *scenario, size_t index, const struct task *task)
{
    const struct simulate_rule *rule = &scenario->rules[index];
    const struct execution_key *key = &task->key;
    char replica[48];

    (void)snprintf(replica, sizeof replica, "workerpool%" PRIu32 "-%" PRIu32, key->pool_index, key->replica_index);
    return matches_text(rule->display_name, task->display_name ? task->display_name : "") &&
           matches_text(rule->replica, replica) && matches_labels(rule, task) &&
           (rule->job_attempt == 0 || rule->job_attempt == key->job_attempt) &&
           (rule->restart < 0 || rule->restart == (int64_t)key->restart) &&
           (rule->probability >= 1 || draw(scenario->seed, key, index, DRAW_RULE) < rule->probability);
}

static void apply_rule(const struct simulate_scenario *scenario, size_t index, const struct execution_key *key,
                       struct simulate_fate *fate)
{
    const struct simulate_rule *rule = &scenario->rules[index];

    if (rule->has_duration) {
        fate->duration_ns = pick(&rule->duration, draw(scenario->seed, key, index, DRAW_DURATION));
    }
    fate->start_delay_ns = pick(&rule->start_delay, draw(scenario->seed, key, index, DRAW_START_DELAY));
    fate->start_failure = rule->start_failure;
    fate->end = rule->end;
    fate->exit_code = rule->exit_code;
    fate->term_signal = rule->term_signal;
    fate->oom_killed = rule->oom_killed;
    fate->stop_ns = rule->stop_ns;
    fate->lines = rule->lines;
    fate->line_count = rule->line_count;
}

static int apply_end(const char *label, struct simulate_fate *fate, struct err *err)
{
    if (strcmp(label, "preempted") == 0) {
        fate->end = SIMULATE_END_PREEMPTED;
    } else if (strcmp(label, "oom") == 0) {
        fate->end = SIMULATE_END_EXIT;
        fate->exit_code = -1;
        fate->term_signal = SIMULATE_SIGNAL_KILL;
        fate->oom_killed = true;
    } else if (strcmp(label, "start-failed") == 0) {
        fate->start_failure = "The simulated program cannot be started.";
    } else if (strcmp(label, "exit") == 0) {
        fate->end = SIMULATE_END_EXIT;
    } else {
        return err_set(err, ERR_INVALID, "\"%.100s\" is none of exit, oom, preempted, start-failed", label);
    }
    return 0;
}

static int apply_signal(const char *label, struct simulate_fate *fate, struct err *err)
{
    if (simulate_task_signal(label, &fate->term_signal, err) != 0) {
        return -1;
    }
    fate->exit_code = -1;
    fate->end = SIMULATE_END_EXIT;
    return 0;
}

static int apply_exit_code(const char *label, struct simulate_fate *fate, struct err *err)
{
    if (simulate_task_exit_code(label, &fate->exit_code, err) != 0) {
        return -1;
    }
    fate->term_signal = 0;
    fate->oom_killed = false;
    fate->end = SIMULATE_END_EXIT;
    return 0;
}

static int apply_duration(const char *label, struct simulate_fate *fate, struct err *err)
{
    return simulate_task_duration(label, 0, &fate->duration_ns, err);
}

static int apply_start_delay(const char *label, struct simulate_fate *fate, struct err *err)
{
    return simulate_task_duration(label, 0, &fate->start_delay_ns, err);
}

static int apply_stop_time(const char *label, struct simulate_fate *fate, struct err *err)
{
    return simulate_task_duration(label, 0, &fate->stop_ns, err);
}

static int apply_labels(const struct task *task, struct simulate_fate *fate, struct err *err)
{
    static const struct {
        const char *name;
        int (*apply)(const char *label, struct simulate_fate *fate, struct err *err);
    } labels[] = {{"simulate-duration", apply_duration},       {"simulate-exit-code", apply_exit_code},
                  {"simulate-signal", apply_signal},           {"simulate-end", apply_end},
                  {"simulate-start-delay", apply_start_delay}, {"simulate-stop-time", apply_stop_time}};

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        const char *value = label_of(task, labels[i].name);

        if (value && value[0] && labels[i].apply(value, fate, err) != 0) {
            return err_wrap(err, "label %s", labels[i].name);
        }
    }
    return 0;
}

int simulate_decide(const struct simulate_scenario *scenario, const struct task *task, int64_t default_ns,
                    struct simulate_fate *ret_fate, struct err *err)
{
    struct simulate_fate fate = {.duration_ns = default_ns};

    for (size_t i = 0; scenario && i < scenario->rule_count; i++) {
        if (matches(scenario, i, task)) {
            apply_rule(scenario, i, &task->key, &fate);
            break;
        }
    }
    if (apply_labels(task, &fate, err) != 0) {
        return -1;
    }
    *ret_fate = fate;
    return 0;
}

/* ---- lines ---- */

int64_t simulate_next_line_ns(const struct simulate_fate *fate, int64_t after_ns)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < fate->line_count; i++) {
        const struct simulate_line *line = &fate->lines[i];
        int64_t due = line->at_ns;

        if (due <= after_ns && line->every_ns > 0) {
            due += ((after_ns - due) / line->every_ns + 1) * line->every_ns;
        }
        if (due > after_ns && due < next) {
            next = due;
        }
    }
    return next;
}

int64_t simulate_line_times(const struct simulate_line *line, int64_t at_ns)
{
    if (at_ns < line->at_ns) {
        return 0;
    }
    return line->every_ns > 0 ? (at_ns - line->at_ns) / line->every_ns + 1 : 1;
}

void simulate_line_format(const struct simulate_line *line, int64_t n, char *text, size_t text_bytes)
{
    const char *mark = strstr(line->text, "{n}");

    if (mark) {
        (void)snprintf(text, text_bytes, "%.*s%" PRId64 "%s", (int)(mark - line->text), line->text, n, mark + 3);
    } else {
        (void)snprintf(text, text_bytes, "%s", line->text);
    }
}
