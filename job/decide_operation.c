#include "base/limits.h"
#include "job/controller_state.h"

static int refuse_not_found(struct span name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "The Operation \"%.*s\" was not found.", SPAN_FORMAT(name));
}

/* As readers see it now: id and whether it is done. */
static int find(struct controller *controller, struct span name, uint64_t *ret_id, bool *ret_done, struct err *err)
{
    struct store_version *version = store_get_by_name(controller->options.store, STORE_TABLE_OPERATION, name);

    if (!version) {
        return refuse_not_found(name, err);
    }
    *ret_id = store_version_id(version);
    *ret_done = store_version_state(version) != 0;
    store_version_unref(version);
    for (size_t i = 0; i < controller->turn.forgotten_operations.count; i++) {
        if (controller->turn.forgotten_operations.ids[i] == *ret_id) {
            return refuse_not_found(name, err);
        }
    }
    return 0;
}

void decide_delete_operation(struct controller *controller, struct command *command)
{
    struct err err = ERR_INIT;
    bool is_done;
    uint64_t id;
    int result = find(controller, command->name, &id, &is_done, &err);

    if (result == 0 && !is_done) {
        result = err_set(&err, ERR_PRECONDITION, "The Operation \"%.*s\" is not done and cannot be deleted.",
                         SPAN_FORMAT(command->name));
    }
    if (result) {
        turn_reply_error(controller, command, &err);
        return;
    }
    turn_add_id(controller, &controller->turn.forgotten_operations, id);
    stage_delete(controller, STORE_TABLE_OPERATION, id);
    retention_note_deleted(controller->retention, STORE_TABLE_OPERATION);
    turn_reply_done(controller, command, NULL);
}

static int refuse_to_wait(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
}

static int may_not_wait(const struct controller *controller, const struct command *command, struct err *err)
{
    return command_is_abandoned(command) || __atomic_load_n(&controller->ends_waits, __ATOMIC_ACQUIRE)
               ? refuse_to_wait(err)
               : 0;
}

void decide_wait(struct controller *controller, struct command *command)
{
    int64_t latest = controller->turn.now_call_ns + LIMIT_OPERATION_WAIT_S * CLOCK_NS_PER_S;
    int64_t deadline = command->deadline_mono_ns < latest ? command->deadline_mono_ns : latest;
    struct err err = ERR_INIT;
    bool is_done;
    uint64_t id;

    if (find(controller, command->name, &id, &is_done, &err)) {
        turn_reply_error(controller, command, &err);
    } else if (!is_done && may_not_wait(controller, command, &err)) {
        turn_reply_error(controller, command, &err);
    } else if (is_done || deadline <= controller->turn.now_call_ns) {
        turn_reply_version(controller, command, STORE_TABLE_OPERATION, id);
    } else if (waits_add(controller->waits, command, id, deadline, &err)) {
        turn_reply_error(controller, command, &err);
    }
}

void decide_waits(struct controller *controller)
{
    const struct id_list *done = &controller->turn.done_operations;

    for (size_t i = 0; i < done->count; i++) {
        struct command *command;

        while ((command = waits_take(controller->waits, done->ids[i]))) {
            turn_reply_version(controller, command, STORE_TABLE_OPERATION, done->ids[i]);
        }
    }
}

void dismiss_waits(struct controller *controller)
{
    bool everyone = __atomic_load_n(&controller->ends_waits, __ATOMIC_ACQUIRE);
    bool some = __atomic_exchange_n(&controller->has_abandoned, false, __ATOMIC_ACQ_REL);
    struct mail *dismissed = everyone || some ? waits_dismiss(controller->waits, everyone) : NULL;
    struct err err = ERR_INIT;
    const struct command_result result = {.err = &err};

    refuse_to_wait(&err);
    while (dismissed) {
        struct command *command = (struct command *)dismissed;

        dismissed = dismissed->next;
        command->done(command, &result);
    }
}
