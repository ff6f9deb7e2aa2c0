/* doc: a JSON or YAML document as a tree that remembers lines, before anybody knows what it means.
 *
 * Used by   json_read.c and yaml_read.c make it, doc_typed.c gives it types, doc_write.c prints it.
 * Shape     a YAML alias is the node it names, so a node may stand in several places: a tree is read only once made.
 * Owns      nothing: nodes and texts lie in the arena they were made in, or in the input.
 * Thread    the arena's.
 */
#ifndef CLI_DOC_H_
#define CLI_DOC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct upb_Arena;

/* Nesting of lists and maps; a CustomJob has 6 levels. */
#define DOC_DEPTH_MAX 32

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_STRING, DOC_LIST, DOC_MAP };

struct doc_item;

struct doc {
    enum doc_kind kind;
    bool plain;             /* a YAML scalar without quotes: kind is what it looks like */
    bool truth;             /* DOC_BOOL */
    uint32_t line;          /* from 1; 0: not from a file */
    struct span text;       /* DOC_STRING: the value. Other scalars: as written */
    struct doc_item *first; /* DOC_LIST, DOC_MAP */
    struct doc_item *last;
    size_t count;
};

struct doc_item {
    struct span key; /* DOC_MAP */
    uint32_t line;
    struct doc *value;
    struct doc_item *next;
};

/* NULL when memory is gone; then err says so. */
MUST_USE struct doc *doc_new(struct upb_Arena *arena, enum doc_kind kind, uint32_t line, struct err *err);
MUST_USE struct doc *doc_string(struct upb_Arena *arena, struct span text, struct err *err);
MUST_USE int doc_append(struct upb_Arena *arena, struct doc *list, struct doc *value, struct err *err);
/* ERR_INVALID when the key is there already. */
MUST_USE int doc_set(struct upb_Arena *arena, struct doc *map, struct span key, uint32_t line, struct doc *value,
                     struct err *err);
/* NULL when it is no map or has no such key. */
struct doc *doc_get(const struct doc *map, const char *key);
/* A copy in the arena; data NULL when memory is gone. */
struct span doc_copy(struct upb_Arena *arena, struct span bytes);
const char *doc_kind_name(enum doc_kind kind);

C_DECLS_END

#endif /* CLI_DOC_H_ */
