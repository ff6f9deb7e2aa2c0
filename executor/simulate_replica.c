/* One at a time tells everything: what was just asked for, in order, and what is due, by a heap of times. */
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "executor/simulate_state.h"

/* ---- telling; the mutex is not held, so that a sink may come back with a command ---- */

static void tell(struct executor_simulate *self, struct execution_event event)
{
    if (event.time_unix_ns == 0) {
        event.time_unix_ns = clock_wall_unix_ns(self->options.clock);
    }
    event.message = event.message ? event.message : "";
    pthread_mutex_unlock(&self->mutex);
    self->sink.event(self->sink.context, &event);
    pthread_mutex_lock(&self->mutex);
}

/* at_ns: of its run. */
static void say(struct executor_simulate *self, const struct simulated *replica, int64_t at_ns, const char *text)
{
    memory_log_append(self->log, &replica->key, LOG_STREAM_STDOUT, replica->start_unix_ns + at_ns, text);
}

/* What it prints at this moment of its run. */
static void print_lines(struct executor_simulate *self, const struct simulated *replica, int64_t at_ns)
{
    char text[MEMORY_LOG_TEXT_BYTES];

    for (size_t i = 0; i < replica->fate.line_count; i++) {
        const struct simulate_line *line = &replica->fate.lines[i];
        int64_t times = simulate_line_times(line, at_ns);

        if (times > simulate_line_times(line, at_ns - 1)) {
            simulate_line_format(line, times, text, sizeof text);
            memory_log_append(self->log, &replica->key, line->stream, replica->start_unix_ns + at_ns, text);
        }
    }
}

/* ---- the steps of a replica ---- */

/* In the heap by what comes next. */
static void await_next(struct executor_simulate *self, struct simulated *replica)
{
    int64_t line_ns = simulate_next_line_ns(&replica->fate, replica->printed_ns);

    replica->due.due_mono_ns = replica->end_mono_ns;
    if (line_ns < replica->end_mono_ns - replica->start_mono_ns) {
        replica->due.due_mono_ns = replica->start_mono_ns + line_ns;
    }
    simulate_heap_add(&self->heap, &replica->due);
}

/* One that ran before the server was started again is where it was to be, and so is its log. */
static void begin_run(struct executor_simulate *self, struct simulated *replica)
{
    int64_t now_unix_ns = clock_wall_unix_ns(self->options.clock);

    replica->phase = SIMULATE_PHASE_RUNNING;
    replica->start_mono_ns = simulate_now_mono_ns(self);
    if (replica->start_unix_ns == 0 || replica->start_unix_ns > now_unix_ns) {
        replica->start_unix_ns = now_unix_ns;
    }
    replica->start_mono_ns -= now_unix_ns - replica->start_unix_ns;
    replica->end_mono_ns = replica->start_mono_ns + (replica->stop_signal ? 0 : replica->fate.duration_ns);
    replica->printed_ns = -1;
    say(self, replica, 0, "The simulated replica runs.");
    await_next(self, replica);
    tell(self, (struct execution_event){
                   .kind = EXECUTION_EVENT_STARTED, .key = replica->key, .time_unix_ns = replica->start_unix_ns});
}

/* Forgets the replica and tells the event, which is its last. */
static void drop(struct executor_simulate *self, struct simulated *replica, const struct execution_event *event)
{
    tdelete(&replica->key, &self->replicas, execution_key_compare);
    self->count--;
    free(replica);
    tell(self, *event);
}

static void fail_start(struct executor_simulate *self, struct simulated *replica, const char *message)
{
    struct execution_event event = {
        .kind = EXECUTION_EVENT_START_FAILED, .key = replica->key, .exit_code = -1, .message = message};

    drop(self, replica, &event);
}

/* What it printed last on standard error, of each of its lines. */
static struct span stderr_tail(const struct simulated *replica, int64_t at_ns, char text[LIMIT_ERROR_TAIL_BYTES])
{
    size_t size = 0;

    for (size_t i = 0; i < replica->fate.line_count; i++) {
        const struct simulate_line *line = &replica->fate.lines[i];
        int64_t times = simulate_line_times(line, at_ns);

        if (line->stream == LOG_STREAM_STDERR && times > 0 && LIMIT_ERROR_TAIL_BYTES - size > MEMORY_LOG_TEXT_BYTES) {
            simulate_line_format(line, times, text + size, MEMORY_LOG_TEXT_BYTES);
            size += strlen(text + size);
            text[size++] = '\n';
        }
    }
    return span_make(text, size);
}

static void end_run(struct executor_simulate *self, struct simulated *replica)
{
    const struct simulate_fate *fate = &replica->fate;
    int64_t passed = replica->end_mono_ns - replica->start_mono_ns;
    bool is_stopped = replica->stop_signal != 0 && passed < fate->duration_ns;
    struct execution_event event = {.kind = EXECUTION_EVENT_EXITED, .key = replica->key, .exit_code = -1};
    char tail[LIMIT_ERROR_TAIL_BYTES];
    char text[80];

    if (is_stopped) {
        event.term_signal = replica->stop_signal;
        (void)snprintf(text, sizeof text, "The simulated replica is stopped.");
    } else if (fate->end == SIMULATE_END_PREEMPTED) {
        event.kind = EXECUTION_EVENT_LOST;
        event.message = "The simulated machine was preempted.";
        (void)snprintf(text, sizeof text, "The simulated machine is preempted.");
    } else if (fate->term_signal != 0) {
        event.term_signal = fate->term_signal;
        event.oom_killed = fate->oom_killed;
        (void)snprintf(text, sizeof text, "The simulated replica is ended by signal %d.", fate->term_signal);
    } else {
        event.exit_code = fate->exit_code;
        (void)snprintf(text, sizeof text, "The simulated replica exits with %d.", fate->exit_code);
    }
    event.stderr_tail = stderr_tail(replica, passed, tail);
    event.time_unix_ns = replica->start_unix_ns + passed;
    say(self, replica, passed, text);
    drop(self, replica, &event);
}

/* It is due, and not in the heap. */
static void go_on(struct executor_simulate *self, struct simulated *replica)
{
    int64_t passed;

    if (replica->phase == SIMULATE_PHASE_STARTING && replica->stop_signal != 0) {
        fail_start(self, replica, "It was stopped before it ran.");
        return;
    }
    if (replica->phase == SIMULATE_PHASE_STARTING && replica->fate.start_failure) {
        fail_start(self, replica, replica->fate.start_failure);
        return;
    }
    if (replica->phase == SIMULATE_PHASE_STARTING) {
        begin_run(self, replica);
        return;
    }
    passed = replica->due.due_mono_ns - replica->start_mono_ns;
    if (passed > replica->printed_ns) {
        print_lines(self, replica, passed);
        replica->printed_ns = passed;
    }
    if (passed >= replica->end_mono_ns - replica->start_mono_ns) {
        end_run(self, replica);
    } else {
        await_next(self, replica);
    }
}

static void take_start(struct executor_simulate *self, struct simulated *replica)
{
    replica->phase = SIMULATE_PHASE_STARTING;
    if (replica->start_unix_ns != 0 || (replica->fate.start_delay_ns == 0 && !replica->fate.start_failure)) {
        begin_run(self, replica);
        return;
    }
    replica->due.due_mono_ns = simulate_now_mono_ns(self) + (replica->stop_signal ? 0 : replica->fate.start_delay_ns);
    simulate_heap_add(&self->heap, &replica->due);
}

static void take_request(struct executor_simulate *self)
{
    struct simulated *request = self->first;
    struct execution_event event = {.kind = EXECUTION_EVENT_NOT_LAUNCHED, .key = request->key};

    self->first = request->next;
    if (!self->first) {
        self->last_next = &self->first;
    }
    if (request->kind == SIMULATE_REQUEST_START) {
        take_start(self, request);
        return;
    }
    if (request->kind == SIMULATE_REQUEST_REMOVE) {
        event.kind = EXECUTION_EVENT_REMOVED;
    }
    self->count--;
    free(request);
    tell(self, event);
}

bool simulate_take_next(struct executor_simulate *self)
{
    const struct simulate_heap_entry *next = simulate_heap_first(&self->heap);

    if (self->first) {
        take_request(self);
    } else if (next && next->due_mono_ns <= simulate_now_mono_ns(self)) {
        go_on(self, simulated_of(simulate_heap_take(&self->heap)));
    } else {
        return false;
    }
    return true;
}

void simulate_stop(struct executor_simulate *self, struct simulated *replica, int64_t grace_ns)
{
    int64_t stop_ns = replica->fate.stop_ns < grace_ns ? replica->fate.stop_ns : grace_ns;
    int64_t due = simulate_now_mono_ns(self) + (replica->phase == SIMULATE_PHASE_RUNNING ? stop_ns : 0);

    replica->stop_signal = replica->fate.stop_ns > grace_ns ? SIGKILL : SIGTERM;
    if (replica->phase == SIMULATE_PHASE_ASKED) {
        return;
    }
    if (replica->phase == SIMULATE_PHASE_RUNNING) {
        replica->end_mono_ns = due < replica->end_mono_ns ? due : replica->end_mono_ns;
    }
    if (due < replica->due.due_mono_ns) {
        replica->due.due_mono_ns = due;
        simulate_heap_advance(&self->heap, &replica->due);
        pthread_cond_signal(&self->changed);
    }
}
