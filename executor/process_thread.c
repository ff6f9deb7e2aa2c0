#include "executor/process_thread.h"

#include <errno.h>
#include <sched.h>
#include <search.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "executor/attempt_files.h"
#include "executor/attempt_sealer.h"
#include "executor/job_remover.h"
#include "executor/process_execution.h"
#include "executor/service_log.h"
#include "executor/worker_thread.h"

#define COMMANDS_MAX (1024 * 1024)
/* From here on only what jobs depend on is taken: a line of a log must not cost a stop its place. */
#define COMMANDS_CROWD (COMMANDS_MAX / 2)
#define EPOLL_EVENTS_MAX 64
/* Prepared and not yet spawned; bounds how long the first of them waits for the last. */
#define PREPARED_MAX 64

/* Executions linked by queue_next. */
struct execution_queue {
    struct process_execution *first, **last_next;
    size_t count;
};

struct process_thread {
    struct process_host host;
    struct mailbox *mailbox;
    struct job_remover *remover;
    struct attempt_sealer *sealer; /* NULL: there are no keys */
    void *executions;              /* tree of search.h, by key */
    struct execution_queue prepared;
    struct process_command quit;
    bool quits;
    atomic_size_t commands_open;
    pthread_t thread;
};

/* ---- the executions by key ---- */

static struct process_execution *find(const struct process_thread *thread, const struct execution_key *key)
{
    struct process_execution *const *found = tfind(key, &thread->executions, execution_key_compare);

    return found ? *found : NULL;
}

static void destroy_node(void *execution)
{
    process_execution_destroy(execution);
}

/* What is done is forgotten, unless a queue still points at it. */
static void settle(struct process_thread *thread, struct process_execution *execution)
{
    if (!execution->is_queued && process_execution_is_done(execution)) {
        if (thread->sealer) {
            attempt_sealer_attempt_ended(thread->sealer, &execution->key);
        }
        tdelete(&execution->key, &thread->executions, execution_key_compare);
        process_execution_destroy(execution);
    }
}

/* ---- queues of executions ---- */

static void queue_init(struct execution_queue *queue)
{
    queue->first = NULL;
    queue->last_next = &queue->first;
    queue->count = 0;
}

static void queue_add(struct execution_queue *queue, struct process_execution *execution)
{
    execution->is_queued = true;
    execution->queue_next = NULL;
    *queue->last_next = execution;
    queue->last_next = &execution->queue_next;
    queue->count++;
}

static struct process_execution *queue_take(struct execution_queue *queue)
{
    struct process_execution *execution = queue->first;

    if (execution) {
        queue->first = execution->queue_next;
        if (!queue->first) {
            queue->last_next = &queue->first;
        }
        queue->count--;
        execution->is_queued = false;
    }
    return execution;
}

/* ---- commands ---- */

static void drop_command(struct process_command *command)
{
    free(command->task);
    free(command->module_argv);
    free(command->line);
}

/* Without memory nothing can be watched, and nobody asks again: what was asked for is told as not done. */
static void tell_no_memory(const struct process_thread *thread, const struct process_command *command)
{
    struct execution_event event = {.kind = EXECUTION_EVENT_START_FAILED,
                                    .key = command->key,
                                    .time_unix_ns = clock_wall_unix_ns(thread->host.config->clock),
                                    .message = "The server has no memory for another replica."};

    thread->host.sink.event(thread->host.sink.context, &event);
}

/* A key that is known already is not begun again. */
static struct process_execution *begin(struct process_thread *thread, struct process_command *command)
{
    struct process_execution *execution = NULL;
    struct err err = ERR_INIT;

    if (find(thread, &command->key)) {
        return NULL;
    }
    if (process_execution_create(&thread->host, &command->key, command->task, command->module_argv, &execution, &err) ==
        0) {
        if (!tsearch(execution, &thread->executions, execution_key_compare)) {
            process_execution_destroy(execution);
            execution = NULL;
        }
    }
    command->task = NULL;
    command->module_argv = NULL;
    if (!execution) {
        tell_no_memory(thread, command);
    }
    return execution;
}

static void start(struct process_thread *thread, struct process_command *command)
{
    struct process_execution *execution = begin(thread, command);

    if (execution && process_execution_prepare(execution)) {
        FAULT_POINT("start.written");
        queue_add(&thread->prepared, execution);
    } else if (execution) {
        settle(thread, execution);
    }
}

static void adopt(struct process_thread *thread, struct process_command *command)
{
    struct process_execution *execution = begin(thread, command);

    if (execution) {
        process_execution_adopt(execution);
        FAULT_POINT("adopt.looked");
        settle(thread, execution);
    }
}

static void stop(struct process_thread *thread, const struct process_command *command)
{
    struct process_execution *execution = find(thread, &command->key);

    if (execution) {
        process_execution_stop(execution, command->grace_ms);
        FAULT_POINT("stop.sent");
        settle(thread, execution);
    }
}

static void take_answer(struct process_thread *thread, const struct process_command *command)
{
    struct process_execution *execution = find(thread, &command->key);

    if (!execution) {
        return;
    }
    if (command->kind == PROCESS_COMMAND_LAUNCHED) {
        process_execution_launched(execution, command->line, command->asked_for_it);
    } else {
        process_execution_cleared(execution);
    }
    settle(thread, execution);
}

/* Those of one job stand together as a rule, and share a sync. */
static void spawn_prepared(struct process_thread *thread)
{
    struct process_execution *execution;
    struct err err = ERR_INIT;
    uint64_t synced_job_id = 0;
    bool is_synced = false;

    while ((execution = queue_take(&thread->prepared))) {
        if (!is_synced || synced_job_id != execution->key.job_id) {
            err.code = ERR_NONE;
            is_synced = true;
            synced_job_id = execution->key.job_id;
            if (attempt_sync_job(thread->host.config, synced_job_id, &err) != 0) {
                /* The attempts hear of it one by one. */
            }
        }
        FAULT_POINT("start.synced");
        process_execution_spawn(execution, err.code == ERR_NONE ? NULL : &err);
        FAULT_POINT("start.spawned");
        settle(thread, execution);
    }
}

static void handle(struct process_thread *thread, struct process_command *command)
{
    switch (command->kind) {
    case PROCESS_COMMAND_START:
        start(thread, command);
        break;
    case PROCESS_COMMAND_ADOPT:
        adopt(thread, command);
        break;
    case PROCESS_COMMAND_STOP:
        stop(thread, command);
        break;
    case PROCESS_COMMAND_REMOVE:
        job_remover_add(thread->remover, command->key.job_id);
        break;
    case PROCESS_COMMAND_SERVICE_LOG:
        service_log_append(thread->host.config, command->key.job_id, command->time_unix_ns, command->line);
        break;
    case PROCESS_COMMAND_SEAL_BEGIN:
        if (thread->sealer) {
            attempt_sealer_begin(thread->sealer, command->key.job_id, command->line);
            command->line = NULL;
        }
        break;
    case PROCESS_COMMAND_SEAL_END:
        if (thread->sealer) {
            attempt_sealer_end(thread->sealer, command->key.job_id);
        }
        break;
    case PROCESS_COMMAND_LAUNCHED:
    case PROCESS_COMMAND_CLEARED:
        take_answer(thread, command);
        break;
    case PROCESS_COMMAND_QUIT:
        thread->quits = true;
        break;
    }
}

static void take_commands(struct process_thread *thread)
{
    struct process_command *command = (struct process_command *)mailbox_drain(thread->mailbox);

    while (command) {
        struct process_command *next = (struct process_command *)command->mail.next;

        handle(thread, command);
        if (thread->prepared.count >= PREPARED_MAX || !next) {
            spawn_prepared(thread);
        }
        if (command->kind != PROCESS_COMMAND_QUIT) {
            drop_command(command);
            free(command);
            atomic_fetch_sub(&thread->commands_open, 1);
        }
        command = next;
    }
}

/* ---- the loop ---- */

static void take_due(struct process_thread *thread)
{
    int64_t now = worker_now_mono_ns();
    struct process_execution *execution;
    struct execution_queue due;

    queue_init(&due);
    for (struct process_timer *timer = thread->host.timers.first; timer; timer = timer->next) {
        if (timer->due_mono_ns <= now) {
            queue_add(&due, (struct process_execution *)((char *)timer - offsetof(struct process_execution, timer)));
        }
    }
    while ((execution = queue_take(&due))) {
        process_execution_due(execution);
        settle(thread, execution);
    }
}

/* An execution has one descriptor and so at most one event in a round: none is forgotten that a later one needs. */
static void *run(void *context)
{
    struct process_thread *thread = context;
    struct epoll_event events[EPOLL_EVENTS_MAX];

    while (!thread->quits) {
        int count = epoll_wait(thread->host.epoll_fd, events, EPOLL_EVENTS_MAX,
                               process_timers_timeout_ms(&thread->host.timers));
        bool has_mail = false;

        for (int i = 0; i < count; i++) {
            struct process_execution *execution = events[i].data.ptr;

            if (execution) {
                process_execution_readable(execution);
                settle(thread, execution);
            } else {
                has_mail = true;
            }
        }
        if (has_mail) {
            take_commands(thread);
        }
        take_due(thread);
    }
    return NULL;
}

static int watch_mailbox(struct process_thread *thread, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    thread->host.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (thread->host.epoll_fd < 0 ||
        epoll_ctl(thread->host.epoll_fd, EPOLL_CTL_ADD, mailbox_fd(thread->mailbox), &event) != 0) {
        return err_set_errno(err, errno, "cannot make the executor's epoll set");
    }
    return 0;
}

static void free_thread(struct process_thread *thread)
{
    attempt_sealer_destroy(thread->sealer);
    if (thread->remover) {
        job_remover_destroy(thread->remover);
    }
    tdestroy(thread->executions, destroy_node);
    if (thread->host.epoll_fd >= 0) {
        close(thread->host.epoll_fd);
    }
    mailbox_destroy(thread->mailbox);
    free(thread);
}

int process_thread_create(const struct process_config *config, const struct process_backend *backend,
                          struct execution_sink sink, struct process_thread **ret_thread, struct err *err)
{
    struct process_thread *thread = calloc(1, sizeof *thread);

    if (!thread) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    thread->host = (struct process_host){.backend = backend, .config = config, .sink = sink, .epoll_fd = -1};
    thread->quit.kind = PROCESS_COMMAND_QUIT;
    queue_init(&thread->prepared);
    if (mailbox_create(COMMANDS_MAX, &thread->mailbox, err) != 0 || watch_mailbox(thread, err) != 0 ||
        job_remover_create(config, sink, &thread->remover, err) != 0 ||
        (config->keys && attempt_sealer_create(config, &thread->sealer, err) != 0) ||
        worker_thread_start("executor", run, thread, &thread->thread, err) != 0) {
        free_thread(thread);
        return -1;
    }
    *ret_thread = thread;
    return 0;
}

void process_thread_destroy(struct process_thread *thread)
{
    struct mail *mail;

    while (mailbox_push(thread->mailbox, &thread->quit.mail) == MAILBOX_FULL) {
        (void)sched_yield(); /* the thread is at work on the others */
    }
    (void)pthread_join(thread->thread, NULL);
    mailbox_close(thread->mailbox);
    while ((mail = mailbox_drain(thread->mailbox))) {
        while (mail) {
            struct process_command *command = (struct process_command *)mail;

            mail = mail->next;
            drop_command(command);
            free(command);
        }
    }
    free_thread(thread);
}

int process_thread_push(struct process_thread *thread, const struct process_command *command, struct err *err)
{
    struct process_command *copy = malloc(sizeof *copy);

    if (copy) {
        *copy = *command;
        atomic_fetch_add(&thread->commands_open, 1);
        if (mailbox_push(thread->mailbox, &copy->mail) == MAILBOX_PUSHED) {
            return 0;
        }
        atomic_fetch_sub(&thread->commands_open, 1);
    }
    free(copy);
    drop_command(
        &(struct process_command){.task = command->task, .module_argv = command->module_argv, .line = command->line});
    return err_set(err, ERR_EXHAUSTED, "the executor cannot take another command now");
}

bool process_thread_is_idle(struct process_thread *thread)
{
    return atomic_load(&thread->commands_open) == 0;
}

bool process_thread_is_crowded(struct process_thread *thread)
{
    return atomic_load(&thread->commands_open) >= COMMANDS_CROWD;
}
