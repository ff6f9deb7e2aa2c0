#include "cli/doc.h"

#include "upb/arena.h"

static void *allocate(upb_Arena *arena, size_t size, struct err *err)
{
    void *memory = upb_Arena_Malloc(arena, size);

    if (!memory) {
        err_set(err, ERR_EXHAUSTED, "out of memory");
        return NULL;
    }
    memset(memory, 0, size);
    return memory;
}

struct doc *doc_new(upb_Arena *arena, enum doc_kind kind, uint32_t line, struct err *err)
{
    struct doc *doc = allocate(arena, sizeof *doc, err);

    if (doc) {
        doc->kind = kind;
        doc->line = line;
    }
    return doc;
}

struct doc *doc_string(upb_Arena *arena, struct span text, struct err *err)
{
    struct doc *doc = doc_new(arena, DOC_STRING, 0, err);

    if (doc) {
        doc->text = doc_copy(arena, text);
        if (!doc->text.data) {
            err_set(err, ERR_EXHAUSTED, "out of memory");
            return NULL;
        }
    }
    return doc;
}

static struct doc_item *add_item(upb_Arena *arena, struct doc *parent, struct doc *value, struct err *err)
{
    struct doc_item *item = allocate(arena, sizeof *item, err);

    if (!item) {
        return NULL;
    }
    item->value = value;
    item->line = value->line;
    if (parent->last) {
        parent->last->next = item;
    } else {
        parent->first = item;
    }
    parent->last = item;
    parent->count++;
    return item;
}

int doc_append(upb_Arena *arena, struct doc *list, struct doc *value, struct err *err)
{
    return add_item(arena, list, value, err) ? 0 : -1;
}

int doc_set(upb_Arena *arena, struct doc *map, struct span key, uint32_t line, struct doc *value, struct err *err)
{
    struct doc_item *item;

    for (item = map->first; item; item = item->next) {
        if (span_equal(item->key, key)) {
            return err_set(err, ERR_INVALID, "\"%.*s\" stands here twice", SPAN_FORMAT(key));
        }
    }
    item = add_item(arena, map, value, err);
    if (!item) {
        return -1;
    }
    item->key = key;
    item->line = line;
    return 0;
}

struct doc *doc_get(const struct doc *map, const char *key)
{
    if (map->kind == DOC_MAP) {
        for (struct doc_item *item = map->first; item; item = item->next) {
            if (span_equal_text(item->key, key)) {
                return item->value;
            }
        }
    }
    return NULL;
}

struct span doc_copy(upb_Arena *arena, struct span bytes)
{
    char *copy = upb_Arena_Malloc(arena, bytes.size + 1);

    if (!copy) {
        return span_make(NULL, 0);
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    copy[bytes.size] = '\0';
    return span_make(copy, bytes.size);
}

const char *doc_kind_name(enum doc_kind kind)
{
    static const char *const names[] = {
        [DOC_NULL] = "null",     [DOC_BOOL] = "true or false", [DOC_NUMBER] = "a number",
        [DOC_STRING] = "a text", [DOC_LIST] = "a list",        [DOC_MAP] = "a mapping",
    };
    _Static_assert(sizeof names / sizeof names[0] == DOC_MAP + 1, "one name per kind");

    return names[kind];
}
