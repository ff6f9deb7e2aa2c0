#include "buckets/bucket_name.h"

#include <string.h>

/* What of a name is told in an error. */
#define TOLD_BYTES 120

static struct span told(struct span text)
{
    return span_make(text.data, text.size < TOLD_BYTES ? text.size : TOLD_BYTES);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int bucket_name_read(struct span text, struct bucket_name *ret_name, struct err *err)
{
    if (text.size == 0 || text.size > BUCKET_NAME_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "Invalid bucket name: '%.*s' has %zu characters, a bucket's has 1 to %d.",
                       SPAN_FORMAT(told(text)), text.size, BUCKET_NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < text.size; i++) {
        bool may_stand =
            is_alphanumeric(text.data[i]) || (i > 0 && strchr("-_.", text.data[i]) && text.data[i] != '\0');

        if (!may_stand) {
            return err_set(err, ERR_INVALID,
                           "Invalid bucket name: '%.*s'. It is made of letters, digits, '-', '_' and '.', and begins "
                           "with a letter or a digit.",
                           SPAN_FORMAT(told(text)));
        }
    }
    memcpy(ret_name->text, text.data, text.size);
    ret_name->text[text.size] = '\0';
    return 0;
}

static int refuse_segment(struct span name, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "The object name '%.*s' %s: objects are files here, and a name is the path of one below its bucket.",
                   SPAN_FORMAT(told(name)), why);
}

static int check_segment(struct span name, struct span segment, bool is_last, struct err *err)
{
    if (segment.size == 0 && !(is_last && name.size > 1)) {
        return refuse_segment(name, "has an empty part between slashes", err);
    }
    if (segment.size > 255) {
        return refuse_segment(name, "has a part of more than 255 bytes", err);
    }
    if (span_equal_text(segment, ".") || span_equal_text(segment, "..")) {
        return refuse_segment(name, "has a part \".\" or \"..\"", err);
    }
    return 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_step(const unsigned char *at, size_t left)
{
    size_t size = at[0] < 0x80                    ? 1
                  : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                  : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                  : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                  : 0;

    if (size == 0 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return size;
}

static bool is_text(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.data;

    for (size_t i = 0; i < text.size;) {
        size_t step = at[i] == '\0' || at[i] == '\n' || at[i] == '\r' ? 0 : utf8_step(at + i, text.size - i);

        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

int object_name_read(struct span text, struct object_name *ret_name, struct err *err)
{
    struct span left = text;

    if (text.size == 0 || text.size > OBJECT_NAME_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "The object name '%.*s' has %zu bytes, an object's has 1 to %d.",
                       SPAN_FORMAT(told(text)), text.size, OBJECT_NAME_BYTES_MAX);
    }
    if (!is_text(text)) {
        return err_set(err, ERR_INVALID, "The object name is not UTF-8 text in one line.");
    }
    for (unsigned depth = 1;; depth++) {
        const char *slash = left.size > 0 ? memchr(left.data, '/', left.size) : NULL;
        struct span segment = span_make(left.data, slash ? (size_t)(slash - left.data) : left.size);

        if (depth > OBJECT_NAME_DEPTH_MAX) {
            return err_set(err, ERR_INVALID, "The object name '%.*s' has more than %d parts.", SPAN_FORMAT(told(text)),
                           OBJECT_NAME_DEPTH_MAX);
        }
        if (check_segment(text, segment, !slash, err)) {
            return -1;
        }
        if (!slash) {
            break;
        }
        left = span_skip(left, segment.size + 1);
    }
    memcpy(ret_name->text, text.data, text.size);
    ret_name->text[text.size] = '\0';
    return 0;
}

bool object_name_is_placeholder(const struct object_name *name)
{
    return name->text[strlen(name->text) - 1] == '/';
}
