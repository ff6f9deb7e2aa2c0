#include "server/request_fault.h"

int request_fault_note(struct violations *violations, const char *field, const struct err *err)
{
    if (err->code != ERR_INVALID) {
        return -1;
    }
    violations_add(violations, field, "%s", err->text);
    return 0;
}

void request_fault_reply(struct call *call, const char *field, const struct err *err)
{
    struct violations violations;

    violations_init(&violations, call_arena(call));
    if (request_fault_note(&violations, field, err)) {
        request_fault_reply_error(call, err);
    } else {
        call_reply_violations(call, &violations);
    }
}

void request_fault_reply_error(struct call *call, const struct err *err)
{
    call_reply_error(call, err, span_make(NULL, 0));
}
