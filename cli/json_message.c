#include "cli/json_message.h"

#include "cli/doc.h"
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

static const upb_FieldDef *field_of(const upb_MessageDef *type, const struct doc_item *item)
{
    return upb_MessageDef_FindByJsonNameWithSize(type, item->key.data, item->key.size);
}

/* The item whose field has the least number among those of the list, taken out of it. */
static struct doc_item *take_least(struct doc_item **list, const upb_MessageDef *type)
{
    struct doc_item **least = list, *taken;

    for (struct doc_item **at = list; *at; at = &(*at)->next) {
        const upb_FieldDef *field = field_of(type, *at), *best = field_of(type, *least);

        if (field && best && upb_FieldDef_Number(field) < upb_FieldDef_Number(best)) {
            least = at;
        }
    }
    taken = *least;
    *least = taken->next;
    taken->next = NULL;
    return taken;
}

static void order_fields(struct doc *doc, const upb_MessageDef *type);

/* A value of the field, or a list or map of them. */
static void order_value(struct doc *doc, const upb_FieldDef *field)
{
    const upb_MessageDef *type = upb_FieldDef_IsSubMessage(field) ? upb_FieldDef_MessageSubDef(field) : NULL;

    if (!type || upb_FieldDef_IsMap(field)) {
        return;
    }
    if (!upb_FieldDef_IsRepeated(field)) {
        order_fields(doc, type);
        return;
    }
    for (struct doc_item *item = doc->first; item; item = item->next) {
        order_fields(item->value, type);
    }
}

/* upb writes fields in the order in which it keeps them in memory; people know them in that of their numbers. */
static void order_fields(struct doc *doc, const upb_MessageDef *type)
{
    struct doc_item *rest = doc->first;

    if (doc->kind != DOC_MAP || upb_MessageDef_WellKnownType(type) != kUpb_WellKnown_Unspecified) {
        return;
    }
    doc->first = doc->last = NULL;
    while (rest) {
        struct doc_item *item = take_least(&rest, type);
        const upb_FieldDef *field = field_of(type, item);

        if (doc->last) {
            doc->last->next = item;
        } else {
            doc->first = item;
        }
        doc->last = item;
        if (field) {
            order_value(item->value, field);
        }
    }
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
    order_fields(*ret_doc, type);
    return 0;
}
