#include "cli/json_message.h"

#include "cli/json_read.h"
#include "upb/json_decode.h"
#include "upb/json_encode.h"

int json_message_decode(struct span json, const upb_MessageDef *type, const upb_DefPool *pool, upb_Arena *arena,
                        upb_Message **ret_message, struct err *err)
{
    upb_Message *message = upb_Message_New(type, arena);
    upb_Status status;

    if (!message) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    upb_Status_Clear(&status);
    if (!upb_JsonDecode(json.data, json.size, message, type, pool, 0, arena, &status)) {
        return err_set(err, ERR_INVALID, "%s", upb_Status_ErrorMessage(&status));
    }
    *ret_message = message;
    return 0;
}

int json_message_to_doc(const upb_Message *message, const upb_MessageDef *type, const upb_DefPool *pool,
                        upb_Arena *arena, struct doc **ret_doc, struct err *err)
{
    upb_Status status;
    size_t size;
    char *json;

    upb_Status_Clear(&status);
    size = upb_JsonEncode(message, type, pool, 0, NULL, 0, &status);
    if (!upb_Status_IsOk(&status)) {
        return err_set(err, ERR_INTERNAL, "the answer cannot be written as JSON: %s", upb_Status_ErrorMessage(&status));
    }
    json = upb_Arena_Malloc(arena, size + 1);
    if (!json) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    upb_JsonEncode(message, type, pool, 0, json, size + 1, &status);
    if (json_read(span_make(json, size), arena, ret_doc, err)) {
        return err_wrap(err, "the answer's JSON");
    }
    return 0;
}
