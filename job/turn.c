#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault_point.h"
#include "job/controller_state.h"

void controller_fail(struct controller *controller, const struct err *err)
{
    if (!controller_has_failed(controller)) {
        controller->failure = *err;
        if (controller->failure.code == ERR_NONE) {
            controller->failure.code = ERR_INTERNAL;
        }
    }
}

static void fail_memory(struct controller *controller)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_EXHAUSTED, "no memory to decide about jobs");
    controller_fail(controller, &err);
}

/* Room for one more item; the array, or NULL when memory is gone. */
static void *make_room(void *items, size_t count, size_t *capacity, size_t item_size)
{
    size_t larger = *capacity ? *capacity * 2 : 64;

    if (count < *capacity) {
        return items;
    }
    items = realloc(items, larger * item_size);
    if (items) {
        *capacity = larger;
    }
    return items;
}

void turn_add_id(struct controller *controller, struct id_list *list, uint64_t id)
{
    uint64_t *ids = make_room(list->ids, list->count, &list->capacity, sizeof *ids);

    if (!ids) {
        fail_memory(controller);
        return;
    }
    list->ids = ids;
    ids[list->count++] = id;
}

void turn_act(struct controller *controller, struct act act)
{
    struct turn *turn = &controller->turn;
    struct act *acts = make_room(turn->acts, turn->act_count, &turn->act_capacity, sizeof *acts);

    if (!acts) {
        free(act.line);
        fail_memory(controller);
        return;
    }
    turn->acts = acts;
    acts[turn->act_count++] = act;
}

void turn_tell(struct controller *controller, const struct job *job, const char *format, ...)
{
    struct act act = {.kind = ACT_SERVICE_LOG, .key = {.job_id = job->id}};
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vasprintf(&act.line, format, arguments);
    va_end(arguments);
    if (size < 0) {
        fail_memory(controller);
        return;
    }
    turn_act(controller, act);
}

static void add_reply(struct controller *controller, struct reply reply)
{
    struct turn *turn = &controller->turn;
    struct reply *replies = make_room(turn->replies, turn->reply_count, &turn->reply_capacity, sizeof *replies);

    if (!replies) {
        free(reply.operation_name);
        free(reply.err);
        fail_memory(controller);
        return;
    }
    turn->replies = replies;
    replies[turn->reply_count++] = reply;
}

void turn_seal(struct controller *controller, const struct job *job, bool has_ended)
{
    struct act act = {.kind = has_ended ? ACT_SEAL_END : ACT_SEAL_BEGIN, .key = {.job_id = job->id}};

    if (!job->execution.kms_key_name) {
        return;
    }
    if (!has_ended) {
        act.line = strdup(job->execution.kms_key_name);
        if (!act.line) {
            fail_memory(controller);
            return;
        }
    }
    turn_act(controller, act);
}

void turn_reply_version(struct controller *controller, struct command *command, enum store_table table, uint64_t id)
{
    add_reply(controller, (struct reply){.command = command, .table = table, .id = id});
}

void turn_reply_done(struct controller *controller, struct command *command, const char *operation_name)
{
    struct reply reply = {.command = command};

    if (operation_name) {
        reply.operation_name = strdup(operation_name);
        if (!reply.operation_name) {
            fail_memory(controller);
        }
    }
    add_reply(controller, reply);
}

void turn_reply_error(struct controller *controller, struct command *command, const struct err *err)
{
    struct reply reply = {.command = command, .err = malloc(sizeof *err)};

    if (reply.err) {
        *reply.err = *err;
    } else {
        fail_memory(controller);
    }
    add_reply(controller, reply);
}

/* Deleted between the answer's decision and now, or before: a retried Create whose job is gone. */
static void set_not_found(const struct reply *reply, struct err *err)
{
    if (reply->command->kind == COMMAND_CREATE_JOB) {
        err_set(err, ERR_NOT_FOUND,
                "The CustomJob \"%.*s/customJobs/%" PRIu64 "\" was not found. An earlier call with this "
                "x-goog-request-id made it, and it has been deleted since.",
                SPAN_FORMAT(reply->command->parent), reply->id);
    } else {
        err_set(err, ERR_NOT_FOUND, "The Operation \"%.*s\" was not found.", SPAN_FORMAT(reply->command->name));
    }
}

static void send_reply(struct controller *controller, const struct reply *reply)
{
    struct command_result result = {.err = reply->err, .operation_name = span_of(reply->operation_name)};
    struct err err = ERR_INIT;

    if (reply->table != 0) {
        result.version = store_get(controller->options.store, reply->table, reply->id);
        if (!result.version) {
            set_not_found(reply, &err);
            result.err = &err;
        }
    }
    reply->command->done(reply->command, &result);
    if (result.version) {
        store_version_unref(result.version);
    }
}

/* What the executor refuses at once is an event like what it refuses later. */
static void start_task(struct controller *controller, const struct act *act)
{
    struct err err = ERR_INIT;

    if (controller->executor->ops->start(controller->executor, act->task, &err)) {
        struct execution_event event = {.kind = EXECUTION_EVENT_START_FAILED,
                                        .key = act->key,
                                        .time_unix_ns = controller->turn.now_unix_ns,
                                        .is_host_fault = err.code != ERR_INVALID,
                                        .message = err.text};

        controller_take_event(controller, &event, true);
    }
}

static void adopt_execution(struct controller *controller, const struct act *act)
{
    struct err err = ERR_INIT;
    char key[EXECUTION_KEY_BYTES];

    if (controller->executor->ops->adopt(controller->executor, &act->key, &err)) {
        snprintf(key, sizeof key, "%" PRIu64 "-%u-workerpool%u-%u-%u", act->key.job_id, act->key.job_attempt,
                 act->key.pool_index, act->key.replica_index, act->key.restart);
        err_wrap(&err, "cannot take over execution %s", key);
        controller_fail(controller, &err);
    }
}

/* The job's row has to outlive a crash before this point, so that the removal is asked for again: what comes of it is
 * decided in the next turn. */
static void remove_files(struct controller *controller, const struct act *act)
{
    struct err err = ERR_INIT;

    if (controller->executor->ops->remove(controller->executor, act->key.job_id, &err)) {
        struct execution_event event = {.kind = EXECUTION_EVENT_REMOVED,
                                        .key = act->key,
                                        .time_unix_ns = controller->turn.now_unix_ns,
                                        .message = err.text};

        controller_take_event(controller, &event, true);
    }
}

static void do_act(struct controller *controller, const struct act *act)
{
    struct executor *executor = controller->executor;

    switch (act->kind) {
    case ACT_START:
        FAULT_POINT("act.start");
        start_task(controller, act);
        break;
    case ACT_ADOPT:
        FAULT_POINT("act.adopt");
        adopt_execution(controller, act);
        break;
    case ACT_STOP:
        FAULT_POINT("act.stop");
        executor->ops->stop(executor, &act->key, controller->options.stop_grace_ms);
        break;
    case ACT_RELEASE_ADDRESSES:
        executor->ops->release_addresses(executor, act->key.job_id);
        break;
    case ACT_REMOVE:
        FAULT_POINT("act.remove");
        remove_files(controller, act);
        break;
    case ACT_SEAL_BEGIN:
        executor->ops->seal_begin(executor, act->key.job_id, act->line);
        break;
    case ACT_SEAL_END:
        executor->ops->seal_end(executor, act->key.job_id);
        break;
    case ACT_SERVICE_LOG:
        executor->ops->service_log(executor, act->key.job_id, act->line);
        break;
    }
}

void turn_carry_out(struct controller *controller)
{
    struct turn *turn = &controller->turn;

    for (size_t i = 0; i < turn->reply_count; i++) {
        send_reply(controller, &turn->replies[i]);
    }
    FAULT_POINT("turn.answered");
    for (size_t i = 0; i < turn->act_count; i++) {
        do_act(controller, &turn->acts[i]);
    }
    turn_drop(controller);
}

void turn_drop(struct controller *controller)
{
    struct turn *turn = &controller->turn;

    for (size_t i = 0; i < turn->reply_count; i++) {
        free(turn->replies[i].operation_name);
        free(turn->replies[i].err);
    }
    for (size_t i = 0; i < turn->act_count; i++) {
        free(turn->acts[i].line);
    }
    turn->reply_count = 0;
    turn->act_count = 0;
    turn->forgotten_operations.count = 0;
    turn->done_operations.count = 0;
}

void turn_deinit(struct turn *turn)
{
    free(turn->acts);
    free(turn->replies);
    free(turn->forgotten_operations.ids);
    free(turn->done_operations.ids);
    *turn = (struct turn){0};
}
