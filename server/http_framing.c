#include "server/http_framing.h"

#include <strings.h>

static struct span next_line(struct span *rest)
{
    const char *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    struct span line = *rest;

    if (end) {
        line.size = (size_t)(end - rest->data);
        *rest = span_skip(*rest, line.size + 1);
    } else {
        rest->size = 0;
    }
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    return line;
}

static bool is_header(struct span line, const char *name)
{
    size_t size = strlen(name);

    return line.size > size && line.data[size] == ':' && strncasecmp(line.data, name, size) == 0;
}

bool http_framing_is_ambiguous(struct span head)
{
    int framings = 0;

    (void)next_line(&head);
    while (head.size > 0) {
        struct span line = next_line(&head);

        if (line.size == 0) {
            break;
        }
        framings += is_header(line, "content-length") || is_header(line, "transfer-encoding");
    }
    return framings > 1;
}
