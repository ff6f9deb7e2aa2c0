#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "server/gcs_call.h"
#include "server/gcs_json.h"
#include "server/http_exchange.h"

#define RANGE_NOT_SATISFIABLE 416

/* ---- the pieces ---- */

static void read_piece(struct gcs_call *call);
static void send_piece(struct gcs_call *call);

static void cut(struct gcs_call *call)
{
    http_exchange_cut(call->exchange);
}

/* On a worker. A file that a job has made shorter meanwhile ends the answer, and the connection with it. */
static void read_piece(struct gcs_call *call)
{
    size_t size = call->read_left < LIMIT_OBJECT_PIECE_BYTES ? (size_t)call->read_left : LIMIT_OBJECT_PIECE_BYTES;
    size_t used = 0;

    while (used < size) {
        ssize_t got = pread(call->fd, call->piece + used, size - used, (off_t)(call->read_offset + used));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            call->resume = cut;
            return;
        }
        used += (size_t)got;
    }
    call->piece_bytes = size;
    call->read_offset += size;
    call->read_left -= size;
    call->resume = send_piece;
}

static void more(void *state)
{
    struct gcs_call *call = state;

    http_exchange_on_gone(call->exchange, NULL);
    call->work = read_piece;
    gcs_call_post(call);
}

/* While libh2o has the piece nobody else would notice. */
static void gone(void *state)
{
    struct gcs_call *call = state;

    http_exchange_cut(call->exchange);
}

static void send_piece(struct gcs_call *call)
{
    bool is_last = call->read_left == 0;

    if (http_exchange_is_gone(call->exchange)) {
        http_exchange_cut(call->exchange);
        return;
    }
    if (!is_last) {
        http_exchange_on_gone(call->exchange, gone);
    }
    http_exchange_send(call->exchange, span_make(call->piece, call->piece_bytes), is_last);
}

/* ---- the head ---- */

static void start(struct gcs_call *call)
{
    uint64_t length = call->read_left + call->piece_bytes;

    gcs_call_send_headers(call);
    if (call->request.is_head || length == 0) {
        http_exchange_start_answer(call->exchange, call->status, call->content_type, length, more);
        http_exchange_send(call->exchange, span_make("", 0), true);
        return;
    }
    http_exchange_start_answer(call->exchange, call->status, call->content_type, length, more);
    send_piece(call);
}

static void add_field(struct gcs_call *call, const char *header, const char *field)
{
    const char *value = json_string_value(json_object_get(call->info.fields, field));

    if (value && strpbrk(value, "\r\n") == NULL) {
        gcs_call_add_header(call, header, "%s", value);
    }
}

static void add_modified(struct gcs_call *call)
{
    time_t seconds = (time_t)(call->info.updated_unix_us / 1000000);
    char text[64];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    if (strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0) {
        gcs_call_add_header(call, "last-modified", "%s", text);
    }
}

static void add_headers(struct gcs_call *call)
{
    const struct object_info *info = &call->info;
    char crc32c[GCS_CRC32C_CHARS], md5[GCS_MD5_CHARS], etag[GCS_ETAG_CHARS];
    const char *type = json_string_value(json_object_get(info->fields, "contentType"));

    call->content_type = type && strpbrk(type, "\r\n") == NULL ? type : "application/octet-stream";
    gcs_etag_format(info, etag);
    gcs_call_add_header(call, "etag", "\"%s\"", etag);
    gcs_call_add_header(call, "x-goog-generation", "%" PRId64, info->generation);
    gcs_call_add_header(call, "x-goog-metageneration", "%" PRId64, info->metageneration);
    gcs_call_add_header(call, "x-goog-stored-content-length", "%" PRIu64, info->size_bytes);
    gcs_call_add_header(call, "accept-ranges", "bytes");
    if (info->has_checksums) {
        gcs_crc32c_format(info->crc32c, crc32c);
        gcs_md5_format(info->md5, md5);
        gcs_call_add_header(call, "x-goog-hash", "crc32c=%s,md5=%s", crc32c, md5);
    }
    add_modified(call);
    add_field(call, "cache-control", "cacheControl");
    add_field(call, "content-disposition", "contentDisposition");
    add_field(call, "content-encoding", "contentEncoding");
    add_field(call, "content-language", "contentLanguage");
}

/* False: there is no such part of the object. */
static bool choose_range(struct gcs_call *call)
{
    const struct gcs_range *range = &call->request.range;
    uint64_t size = call->info.size_bytes;
    uint64_t first = 0;
    uint64_t last = size > 0 ? size - 1 : 0;

    call->status = 200;
    call->read_left = size;
    if (!range->is_there) {
        return true;
    }
    if (range->first == OBJECT_ANY) {
        first = (uint64_t)range->last < size ? size - (uint64_t)range->last : 0;
    } else {
        first = (uint64_t)range->first;
        last = range->last != OBJECT_ANY && (uint64_t)range->last < last ? (uint64_t)range->last : last;
    }
    if (first >= size) {
        return false;
    }
    call->status = 206;
    call->read_offset = first;
    call->read_left = last - first + 1;
    gcs_call_add_header(call, "content-range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, size);
    return true;
}

void gcs_work_download(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct err err = ERR_INIT;

    if (object_open(call->tree, &request->route.bucket, &request->route.object, &request->conditions, &call->fd,
                    &call->info, &err) != 0) {
        gcs_call_fail(call, &err);
        return;
    }
    if (!choose_range(call)) {
        gcs_call_add_header(call, "content-range", "bytes */%" PRIu64, call->info.size_bytes);
        gcs_call_answer_empty(call, RANGE_NOT_SATISFIABLE);
        return;
    }
    add_headers(call);
    if (!request->is_head && call->read_left > 0) {
        read_piece(call);
    }
    if (call->resume != cut) {
        call->resume = start;
        return;
    }
    err_set(&err, ERR_UNAVAILABLE, "The object became shorter while it was read; try again.");
    gcs_call_fail(call, &err);
}
