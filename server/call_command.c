#include "server/call_command.h"

#include "server/request_fault.h"
#include "server/services.h"

struct call_command {
    struct command command; /* first */
    struct call *call;
};

struct call *call_of_command(const struct command *command)
{
    return ((const struct call_command *)command)->call;
}

void call_reply_result_version(struct command *command, const struct command_result *result)
{
    struct call *call = call_of_command(command);

    if (result->err) {
        call_reply_error(call, result->err, command->name);
    } else {
        call_reply_version(call, store_version_ref(result->version));
    }
}

static void abandon(struct call *call, void *command)
{
    controller_abandon(call_services(call)->controller, command);
}

void call_submit(struct call *call, const struct command *command)
{
    struct call_command *mine = call_allocate(call, sizeof *mine);
    struct err err = ERR_INIT;

    if (!mine) {
        err_set(&err, ERR_EXHAUSTED, "no memory for a request");
        request_fault_reply_error(call, &err);
        return;
    }
    mine->command = *command;
    mine->command.version = call_api_version(call);
    mine->call = call;
    if (command->kind == COMMAND_WAIT_OPERATION) {
        call_on_gone(call, abandon, &mine->command);
    }
    if (controller_submit(call_services(call)->controller, &mine->command, &err)) {
        request_fault_reply_error(call, &err);
    }
}
