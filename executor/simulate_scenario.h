/* simulate_scenario: what becomes of simulated replicas: rules, and the fate that they make of one attempt.
 *
 * Used by   executor_simulate.c; job/simulation_file.c reads rules from a file.
 * Shape     the first rule that matches an attempt makes its fate; where none does, it runs for the default time and
 *           exits with 0. Labels of the job come on top: simulate-duration, simulate-exit-code, simulate-signal,
 *           simulate-start-delay, simulate-end, simulate-stop-time. What a rule leaves to chance is decided by the
 *           seed, the attempt's key and the rule's place: the same each time it is asked.
 * Owns      nothing: texts and arrays are whoever's made the rules.
 * Thread    any; pure.      Units     ns.
 * Errors    ERR_INVALID names the label, what it says and what is expected.
 */
#ifndef EXECUTOR_SIMULATE_SCENARIO_H_
#define EXECUTOR_SIMULATE_SCENARIO_H_

#include "executor/executor.h"

C_DECLS_BEGIN

enum simulate_end {
    SIMULATE_END_EXIT,     /* with exit_code, or by term_signal where that is not 0 */
    SIMULATE_END_PREEMPTED /* its machine is taken away: LOST */
};

/* Evenly between the two, or just the one where they are the same. */
struct simulate_range {
    int64_t least_ns;
    int64_t most_ns;
};

/* What a replica prints, counted from when it runs. */
struct simulate_line {
    int64_t at_ns;
    int64_t every_ns; /* again so often; 0: once */
    enum log_stream stream;
    const char *text; /* "{n}" stands for how often it was printed, from 1 */
};

struct simulate_rule {
    /* Matches when all of these do; patterns as in a shell. */
    const char *display_name; /* NULL: any */
    const char *replica;      /* of "workerpool0-0"; NULL: any */
    const struct env_entry *labels;
    size_t label_count;
    uint32_t job_attempt; /* 0: any */
    int64_t restart;      /* -1: any */
    double probability;   /* this part of the attempts that match otherwise; 1: all */

    bool has_duration; /* else the executor's default */
    struct simulate_range duration;
    struct simulate_range start_delay;
    const char *start_failure; /* it never runs, and this is why; NULL: it does */
    enum simulate_end end;
    int exit_code;
    int term_signal;
    bool oom_killed;
    int64_t stop_ns; /* from SIGTERM to its end; above the grace it is killed */
    const struct simulate_line *lines;
    size_t line_count;
};

struct simulate_scenario {
    uint64_t seed;
    const struct simulate_rule *rules;
    size_t rule_count;
};

/* What will become of one attempt. */
struct simulate_fate {
    int64_t start_delay_ns;
    int64_t duration_ns;
    const char *start_failure;
    enum simulate_end end;
    int exit_code;
    int term_signal;
    bool oom_killed;
    int64_t stop_ns;
    const struct simulate_line *lines;
    size_t line_count;
};

MUST_USE int simulate_decide(const struct simulate_scenario *scenario, const struct task *task, int64_t default_ns,
                             struct simulate_fate *ret_fate, struct err *err);

/* When the first line after this moment is due; INT64_MAX: none. after_ns: -1 for the very first. */
int64_t simulate_next_line_ns(const struct simulate_fate *fate, int64_t after_ns);
/* How often the line was printed up to and with this moment; 0: it was not. */
int64_t simulate_line_times(const struct simulate_line *line, int64_t at_ns);
/* The line as it is printed for the n-th time. */
void simulate_line_format(const struct simulate_line *line, int64_t n, char *text, size_t text_bytes);

C_DECLS_END

#endif /* EXECUTOR_SIMULATE_SCENARIO_H_ */
