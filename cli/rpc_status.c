#include "cli/rpc_status.h"

static const struct {
    const char *name;
    enum err_code code;
} codes[] = {
    [0] = {"OK", ERR_NONE},
    [1] = {"CANCELLED", ERR_INTERNAL},
    [2] = {"UNKNOWN", ERR_INTERNAL},
    [3] = {"INVALID_ARGUMENT", ERR_INVALID},
    [4] = {"DEADLINE_EXCEEDED", ERR_DEADLINE},
    [5] = {"NOT_FOUND", ERR_NOT_FOUND},
    [6] = {"ALREADY_EXISTS", ERR_EXISTS},
    [7] = {"PERMISSION_DENIED", ERR_DENIED},
    [8] = {"RESOURCE_EXHAUSTED", ERR_EXHAUSTED},
    [9] = {"FAILED_PRECONDITION", ERR_PRECONDITION},
    [10] = {"ABORTED", ERR_INTERNAL},
    [11] = {"OUT_OF_RANGE", ERR_INVALID},
    [12] = {"UNIMPLEMENTED", ERR_UNSUPPORTED},
    [13] = {"INTERNAL", ERR_INTERNAL},
    [14] = {"UNAVAILABLE", ERR_UNAVAILABLE},
    [15] = {"DATA_LOSS", ERR_CORRUPT},
    [16] = {"UNAUTHENTICATED", ERR_DENIED},
};

#define CODE_COUNT (sizeof codes / sizeof codes[0])

void rpc_status_clear(struct rpc_status *status)
{
    status->code = 0;
    text_cut(&status->message, 0);
    text_cut(&status->details, 0);
    text_cut(&status->operation, 0);
}

void rpc_status_deinit(struct rpc_status *status)
{
    text_deinit(&status->message);
    text_deinit(&status->details);
    text_deinit(&status->operation);
}

const char *rpc_status_name(int code)
{
    return code >= 0 && (size_t)code < CODE_COUNT ? codes[code].name : "UNKNOWN";
}

int rpc_status_fail(const struct rpc_status *status, struct err *err)
{
    enum err_code code =
        status->code > 0 && (size_t)status->code < CODE_COUNT ? codes[status->code].code : ERR_INTERNAL;

    return err_set(err, code, "%s", text_c(&status->message));
}
