#include "server/gcs_multipart.h"

#include <string.h>
#include <strings.h>

/* RFC 2046: a boundary has at most 70 characters. */
#define BOUNDARY_BYTES_MAX 70
/* What may stand behind the last boundary. */
#define EPILOGUE_BYTES_MAX 64

struct cursor {
    struct span body;
    size_t at;
    char mark[BOUNDARY_BYTES_MAX + 3]; /* "--" and the boundary */
    size_t mark_size;
};

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "The multipart/related body is not well-formed: %s.", what);
}

static int read_boundary(struct span content_type, struct cursor *cursor, struct err *err)
{
    const char *at = content_type.size > 0 ? memmem(content_type.data, content_type.size, "boundary=", 9) : NULL;
    const char *end = content_type.data + content_type.size;
    size_t size = 0;

    if (!at) {
        return bad(err, "the content type names no boundary");
    }
    at += 9;
    if (at < end && (*at == '"' || *at == '\'')) {
        const char *quote = memchr(at + 1, *at, (size_t)(end - at - 1));

        size = quote ? (size_t)(quote - at - 1) : 0;
        at++;
    } else {
        while (at + size < end && at[size] != ';' && at[size] != ' ') {
            size++;
        }
    }
    if (size == 0 || size > BOUNDARY_BYTES_MAX) {
        return bad(err, "the boundary has 1 to 70 characters");
    }
    memcpy(cursor->mark, "--", 2);
    memcpy(cursor->mark + 2, at, size);
    cursor->mark_size = size + 2;
    return 0;
}

static struct span rest_of(const struct cursor *cursor)
{
    return span_skip(cursor->body, cursor->at);
}

/* A line from the cursor on, without its end; the cursor stands behind. False: there is none. */
static bool take_line(struct cursor *cursor, struct span *ret_line)
{
    struct span rest = rest_of(cursor);
    const char *newline = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;

    if (!newline) {
        return false;
    }
    ret_line->data = rest.data;
    ret_line->size = (size_t)(newline - rest.data);
    cursor->at += ret_line->size + 1;
    if (ret_line->size > 0 && newline[-1] == '\r') {
        ret_line->size--;
    }
    return true;
}

/* A boundary's line, and the head of the part behind it. */
static int take_head(struct cursor *cursor, struct span *ret_type, struct err *err)
{
    struct span line;

    *ret_type = span_make("", 0);
    if (!take_line(cursor, &line) || !span_starts_with(line, span_make(cursor->mark, cursor->mark_size))) {
        return bad(err, "a part does not begin with the boundary");
    }
    for (;;) {
        if (!take_line(cursor, &line)) {
            return bad(err, "a part's head does not end");
        }
        if (line.size == 0) {
            return 0;
        }
        if (line.size > 13 && strncasecmp(line.data, "content-type:", 13) == 0) {
            *ret_type = span_skip(line, 13);
            while (ret_type->size > 0 && ret_type->data[0] == ' ') {
                *ret_type = span_skip(*ret_type, 1);
            }
        }
    }
}

/* The size of a line end before the boundary at that place. */
static size_t line_end_before(struct span body, size_t at)
{
    if (at >= 2 && body.data[at - 2] == '\r' && body.data[at - 1] == '\n') {
        return 2;
    }
    return at >= 1 && body.data[at - 1] == '\n' ? 1 : 0;
}

static int take_json(struct cursor *cursor, struct span *ret_json, struct err *err)
{
    struct span rest = rest_of(cursor);
    const char *mark = rest.size > 0 ? memmem(rest.data, rest.size, cursor->mark, cursor->mark_size) : NULL;
    size_t size = mark ? (size_t)(mark - rest.data) : 0;

    if (!mark || line_end_before(rest, size) == 0) {
        return bad(err, "its first part does not end");
    }
    *ret_json = span_make(rest.data, size - line_end_before(rest, size));
    cursor->at += size;
    return 0;
}

/* The last boundary stands at the body's end: the bytes before it are not searched. */
static int take_media(const struct cursor *cursor, struct gcs_multipart *multipart, struct err *err)
{
    struct span rest = rest_of(cursor);
    size_t window = cursor->mark_size + 2 + EPILOGUE_BYTES_MAX;
    size_t from = rest.size > window ? rest.size - window : 0;
    const char *mark = NULL;
    size_t size;

    for (size_t at = rest.size >= cursor->mark_size ? rest.size - cursor->mark_size + 1 : 0; at > from;) {
        at--;
        if (memcmp(rest.data + at, cursor->mark, cursor->mark_size) == 0) {
            mark = rest.data + at;
            break;
        }
    }
    if (!mark) {
        return bad(err, "its last boundary is missing");
    }
    size = (size_t)(mark - rest.data);
    multipart->media_offset = cursor->at;
    multipart->media_bytes = size - line_end_before(rest, size);
    return 0;
}

int gcs_multipart_read(struct span content_type, struct span body, struct gcs_multipart *ret_multipart, struct err *err)
{
    struct cursor cursor = {.body = body};
    struct gcs_multipart multipart = {.media_offset = 0};
    struct span json_type;

    if (read_boundary(content_type, &cursor, err) != 0) {
        return -1;
    }
    while (cursor.at < body.size && (body.data[cursor.at] == '\r' || body.data[cursor.at] == '\n')) {
        cursor.at++; /* some clients begin with an empty line */
    }
    if (take_head(&cursor, &json_type, err) != 0 || take_json(&cursor, &multipart.json, err) != 0 ||
        take_head(&cursor, &multipart.media_type, err) != 0 || take_media(&cursor, &multipart, err) != 0) {
        return -1;
    }
    *ret_multipart = multipart;
    return 0;
}
