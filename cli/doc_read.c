#include "cli/doc_read.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/json_read.h"
#include "cli/yaml_read.h"

const char *doc_source_name(const char *name)
{
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

static int read_all(FILE *file, size_t limit, struct text *text, const char *source, struct err *err)
{
    char piece[16384];
    size_t got;

    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        text_add(text, span_make(piece, got));
        if (text->size > limit) {
            return err_set(err, ERR_INVALID, "%s: more than %zu bytes", source, limit);
        }
    }
    if (ferror(file)) {
        err_set_errno(err, errno, "%s", source);
        err->code = ERR_INVALID;
        return -1;
    }
    return text_check(text, err);
}

int doc_read_contents(const char *name, size_t limit, struct upb_Arena *arena, struct span *ret_bytes, struct err *err)
{
    const char *source = doc_source_name(name);
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    struct text text = {.data = NULL};
    int failed;

    if (!file) {
        err_set_errno(err, errno, "%s", source);
        err->code = ERR_INVALID;
        return -1;
    }
    failed = read_all(file, limit, &text, source, err);
    if (file != stdin) {
        fclose(file);
    }
    if (!failed) {
        *ret_bytes = doc_copy(arena, text_span(&text));
        failed = ret_bytes->data ? 0 : err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    text_deinit(&text);
    return failed;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name), ending_size = strlen(ending);

    return size >= ending_size && strcmp(name + size - ending_size, ending) == 0;
}

static bool looks_like_json(const char *name, struct span bytes)
{
    if (ends_with(name, ".json") || ends_with(name, ".yaml") || ends_with(name, ".yml")) {
        return ends_with(name, ".json");
    }
    while (bytes.size > 0 && memchr(" \t\r\n", bytes.data[0], 4)) {
        bytes = span_skip(bytes, 1);
    }
    return bytes.size > 0 && (bytes.data[0] == '{' || bytes.data[0] == '[');
}

int doc_read_bytes(const char *name, struct span bytes, struct upb_Arena *arena, struct doc **ret_doc, struct err *err)
{
    int failed =
        looks_like_json(name, bytes) ? json_read(bytes, arena, ret_doc, err) : yaml_read(bytes, arena, ret_doc, err);

    return failed ? err_wrap(err, "%s", doc_source_name(name)) : 0;
}

int doc_read_file(const char *name, struct upb_Arena *arena, struct doc **ret_doc, struct err *err)
{
    struct span bytes;

    if (doc_read_contents(name, LIMIT_REQUEST_BYTES, arena, &bytes, err)) {
        return -1;
    }
    return doc_read_bytes(name, bytes, arena, ret_doc, err);
}
