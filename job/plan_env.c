#include "job/plan_env.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "job/api.h"

int plan_text(struct upb_Arena *arena, const char *what, struct span text, const char **ret_text, struct err *err)
{
    char *copy;

    if (text.size > LIMIT_EXEC_STRING_BYTES) {
        return err_set(err, ERR_INVALID, "%s has %zu bytes, the limit is %d", what, text.size, LIMIT_EXEC_STRING_BYTES);
    }
    if (text.size > 0 && memchr(text.data, 0, text.size)) {
        return err_set(err, ERR_INVALID, "%s has a NUL character within", what);
    }
    copy = upb_Arena_Malloc(arena, text.size + 1);
    if (!copy) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %s", what);
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    *ret_text = copy;
    return 0;
}

int plan_env_init(struct plan_env *env, struct upb_Arena *arena, size_t capacity, struct err *err)
{
    struct env_entry *items = upb_Arena_Malloc(arena, capacity * sizeof *items);

    if (!items) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an environment of %zu entries", capacity);
    }
    *env = (struct plan_env){arena, items, 0, capacity};
    return 0;
}

static struct env_entry *find(const struct plan_env *env, struct span name)
{
    for (size_t i = 0; i < env->count; i++) {
        if (span_equal_text(name, env->items[i].name)) {
            return &env->items[i];
        }
    }
    return NULL;
}

int plan_env_set(struct plan_env *env, struct span name, struct span value, struct err *err)
{
    struct env_entry *entry = find(env, name);
    char what[160];
    const char *name_text;
    const char *value_text;

    snprintf(what, sizeof what, "the environment variable %.*s", SPAN_FORMAT(name));
    if (plan_text(env->arena, what, value, &value_text, err)) {
        return -1;
    }
    if (entry) {
        entry->value = value_text;
        return 0;
    }
    if (env->count == env->capacity) {
        return err_set(err, ERR_INVALID, "an environment of more than %zu variables", env->capacity);
    }
    if (plan_text(env->arena, "the name of an environment variable", name, &name_text, err)) {
        return -1;
    }
    env->items[env->count++] = (struct env_entry){name_text, value_text};
    return 0;
}

int plan_env_setf(struct plan_env *env, const char *name, struct err *err, const char *format, ...)
{
    char value[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return plan_env_set(env, span_of(name), span_of(value), err);
}

/* The pieces of a text one by one, to be counted and then to be copied. */
static struct span next_piece(const struct plan_env *env, struct span *rest)
{
    const char *dollar = memchr(rest->data, '$', rest->size);
    const struct env_entry *entry;
    const char *closer;
    struct span piece;
    struct span name;

    if (dollar != rest->data || rest->size == 1) {
        piece = span_make(rest->data, dollar && dollar != rest->data ? (size_t)(dollar - rest->data) : rest->size);
        *rest = span_skip(*rest, piece.size);
        return piece;
    }
    if (rest->data[1] == '$') {
        piece = span_make(rest->data, 1);
        *rest = span_skip(*rest, 2);
        return piece;
    }
    closer = rest->data[1] == '(' ? memchr(rest->data, ')', rest->size) : NULL;
    if (!closer) {
        piece = span_make(rest->data, 1);
        *rest = span_skip(*rest, 1);
        return piece;
    }
    piece = span_make(rest->data, (size_t)(closer + 1 - rest->data));
    name = span_make(rest->data + 2, piece.size - 3);
    *rest = span_skip(*rest, piece.size);
    entry = find(env, name);
    return entry ? span_of(entry->value) : piece;
}

int plan_expand(const struct plan_env *env, const char *what, struct span text, const char **ret_text, struct err *err)
{
    size_t size = 0;
    char *expanded;
    char *at;

    if (text.size == 0 || !memchr(text.data, '$', text.size)) {
        return plan_text(env->arena, what, text, ret_text, err);
    }
    for (struct span rest = text; rest.size > 0;) {
        size += next_piece(env, &rest).size;
    }
    if (size > LIMIT_EXEC_STRING_BYTES) {
        return err_set(err, ERR_INVALID, "%s has %zu bytes after expansion, the limit is %d", what, size,
                       LIMIT_EXEC_STRING_BYTES);
    }
    expanded = upb_Arena_Malloc(env->arena, size + 1);
    if (!expanded) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %s", what);
    }
    at = expanded;
    for (struct span rest = text; rest.size > 0;) {
        struct span piece = next_piece(env, &rest);

        if (piece.size > 0) {
            memcpy(at, piece.data, piece.size);
        }
        at += piece.size;
    }
    *at = '\0';
    if (strlen(expanded) != size) {
        return err_set(err, ERR_INVALID, "%s has a NUL character within", what);
    }
    *ret_text = expanded;
    return 0;
}
