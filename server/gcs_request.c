#include "server/gcs_request.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "server/excerpt.h"
#include "server/gcs_fields.h"
#include "server/gcs_multipart.h"
#include "server/http_exchange.h"
#include "server/rest_query.h"
#include "upb/arena.h"

#define JSON_BYTES_MAX (256 * 1024)

/* ---- parameters ---- */

enum parameter_kind { PARAMETER_TEXT, PARAMETER_NUMBER, PARAMETER_IGNORED, PARAMETER_OTHER };

static const struct parameter {
    const char *name;
    enum parameter_kind kind;
    size_t offset; /* of a struct span, or of an int64_t */
} parameters[] = {
    {"name", PARAMETER_TEXT, offsetof(struct gcs_request, name)},
    {"upload_id", PARAMETER_TEXT, offsetof(struct gcs_request, upload_id)},
    {"prefix", PARAMETER_TEXT, offsetof(struct gcs_request, prefix)},
    {"delimiter", PARAMETER_TEXT, offsetof(struct gcs_request, delimiter)},
    {"pageToken", PARAMETER_TEXT, offsetof(struct gcs_request, page_token)},
    {"startOffset", PARAMETER_TEXT, offsetof(struct gcs_request, start_offset)},
    {"endOffset", PARAMETER_TEXT, offsetof(struct gcs_request, end_offset)},
    {"permissions", PARAMETER_TEXT, offsetof(struct gcs_request, permissions)},
    {"generation", PARAMETER_NUMBER, offsetof(struct gcs_request, conditions.generation)},
    {"ifGenerationMatch", PARAMETER_NUMBER, offsetof(struct gcs_request, conditions.generation_match)},
    {"ifGenerationNotMatch", PARAMETER_NUMBER, offsetof(struct gcs_request, conditions.generation_not_match)},
    {"ifMetagenerationMatch", PARAMETER_NUMBER, offsetof(struct gcs_request, conditions.metageneration_match)},
    {"ifMetagenerationNotMatch", PARAMETER_NUMBER, offsetof(struct gcs_request, conditions.metageneration_not_match)},
    {"sourceGeneration", PARAMETER_NUMBER, offsetof(struct gcs_request, source_conditions.generation)},
    {"ifSourceGenerationMatch", PARAMETER_NUMBER, offsetof(struct gcs_request, source_conditions.generation_match)},
    {"ifSourceGenerationNotMatch", PARAMETER_NUMBER,
     offsetof(struct gcs_request, source_conditions.generation_not_match)},
    {"ifSourceMetagenerationMatch", PARAMETER_NUMBER,
     offsetof(struct gcs_request, source_conditions.metageneration_match)},
    {"ifSourceMetagenerationNotMatch", PARAMETER_NUMBER,
     offsetof(struct gcs_request, source_conditions.metageneration_not_match)},
    {"alt", PARAMETER_OTHER, 0},
    {"uploadType", PARAMETER_OTHER, 0},
    {"maxResults", PARAMETER_OTHER, 0},
    {"contentEncoding", PARAMETER_OTHER, 0},
    {"versions", PARAMETER_OTHER, 0},
    {"$.xgafv", PARAMETER_IGNORED, 0},
    {"$alt", PARAMETER_IGNORED, 0},
    {"access_token", PARAMETER_IGNORED, 0},
    {"destinationPredefinedAcl", PARAMETER_IGNORED, 0},
    {"enableObjectRetention", PARAMETER_IGNORED, 0},
    {"fields", PARAMETER_IGNORED, 0},
    {"includeFoldersAsPrefixes", PARAMETER_IGNORED, 0},
    {"includeTrailingDelimiter", PARAMETER_IGNORED, 0},
    {"key", PARAMETER_IGNORED, 0},
    {"maxBytesRewrittenPerCall", PARAMETER_IGNORED, 0},
    {"oauth_token", PARAMETER_IGNORED, 0},
    {"predefinedAcl", PARAMETER_IGNORED, 0},
    {"predefinedDefaultObjectAcl", PARAMETER_IGNORED, 0},
    {"prettyPrint", PARAMETER_IGNORED, 0},
    {"project", PARAMETER_IGNORED, 0},
    {"projection", PARAMETER_IGNORED, 0},
    {"quotaUser", PARAMETER_IGNORED, 0},
    {"rewriteToken", PARAMETER_IGNORED, 0},
    {"uploader", PARAMETER_IGNORED, 0},
    {"userIp", PARAMETER_IGNORED, 0},
    {"userProject", PARAMETER_IGNORED, 0},
};

static const struct parameter *find_parameter(struct span name)
{
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (span_equal_text(name, parameters[i].name)) {
            return &parameters[i];
        }
    }
    return NULL;
}

static int bad_value(const struct rest_parameter *parameter, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "Invalid argument: the parameter %.*s is \"%.*s\"; it is to be %s.",
                   SPAN_FORMAT(excerpt(parameter->name)), SPAN_FORMAT(excerpt(parameter->value)), what);
}

/* A number from 0 on, of at most 18 digits. */
static int read_number(struct span text, int64_t *ret_number)
{
    int64_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 18) {
            return -1;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = number;
    return text.size > 0 ? 0 : -1;
}

static int take_upload_type(const struct rest_parameter *parameter, struct gcs_request *request, struct err *err)
{
    static const char *const names[] = {"", "media", "multipart", "resumable"};

    for (int i = GCS_UPLOAD_MEDIA; i <= GCS_UPLOAD_RESUMABLE; i++) {
        if (span_equal_text(parameter->value, names[i])) {
            request->upload_type = (enum gcs_upload_type)i;
            return 0;
        }
    }
    return bad_value(parameter, "media, multipart or resumable", err);
}

static int take_other(const struct rest_parameter *parameter, struct gcs_request *request, struct err *err)
{
    int64_t number;

    if (span_equal_text(parameter->name, "uploadType")) {
        return take_upload_type(parameter, request, err);
    }
    if (span_equal_text(parameter->name, "alt")) {
        request->wants_media = span_equal_text(parameter->value, "media");
        return request->wants_media || span_equal_text(parameter->value, "json")
                   ? 0
                   : bad_value(parameter, "json or media", err);
    }
    if (span_equal_text(parameter->name, "contentEncoding")) {
        json_t *value = json_stringn(parameter->value.data, parameter->value.size);

        return json_object_set_new(request->fields, "contentEncoding", value) == 0
                   ? 0
                   : err_set(err, ERR_EXHAUSTED, "no memory for a request");
    }
    if (span_equal_text(parameter->name, "versions")) {
        return span_equal_text(parameter->value, "false") ? 0
                                                          : bad_value(parameter, "false: there is one of each", err);
    }
    if (read_number(parameter->value, &number) != 0) {
        return bad_value(parameter, "a number", err);
    }
    request->count_max = (uint32_t)(number < LIMIT_OBJECT_PAGE ? number : LIMIT_OBJECT_PAGE);
    return 0;
}

static int take_parameter(const struct rest_parameter *parameter, struct gcs_request *request, struct err *err)
{
    const struct parameter *known = find_parameter(parameter->name);
    int64_t number = 0;

    if (!known) {
        return err_set(err, ERR_INVALID, "Invalid argument: the parameter \"%.*s\" is not known here.",
                       SPAN_FORMAT(excerpt(parameter->name)));
    }
    switch (known->kind) {
    case PARAMETER_TEXT:
        memcpy((char *)request + known->offset, &parameter->value, sizeof parameter->value);
        return 0;
    case PARAMETER_NUMBER:
        if (read_number(parameter->value, &number) != 0) {
            return bad_value(parameter, "a generation's number", err);
        }
        memcpy((char *)request + known->offset, &number, sizeof number);
        return 0;
    case PARAMETER_OTHER:
        return take_other(parameter, request, err);
    case PARAMETER_IGNORED:
        break;
    }
    return 0;
}

static int read_query(struct span query, struct upb_Arena *arena, struct gcs_request *request, struct err *err)
{
    struct rest_parameter parameter;
    bool is_end = false;

    for (int i = 0; i <= LIMIT_HTTP_PARAMETERS; i++) {
        if (rest_next_parameter(&query, arena, &parameter, &is_end, err) != 0) {
            return -1;
        }
        if (is_end) {
            return 0;
        }
        if (take_parameter(&parameter, request, err) != 0) {
            return -1;
        }
    }
    return err_set(err, ERR_INVALID, "The request has more than %d parameters.", LIMIT_HTTP_PARAMETERS);
}

/* ---- headers ---- */

/* "A-B", "A-" or "-B". */
static int read_first_last(struct span text, struct gcs_range *range)
{
    const char *dash = text.size > 0 ? memchr(text.data, '-', text.size) : NULL;
    struct span first = span_make(text.data, dash ? (size_t)(dash - text.data) : 0);
    struct span last = dash ? span_skip(text, first.size + 1) : first;

    range->first = range->last = OBJECT_ANY;
    if (!dash || (first.size == 0 && last.size == 0) || (first.size > 0 && read_number(first, &range->first) != 0) ||
        (last.size > 0 && read_number(last, &range->last) != 0)) {
        return -1;
    }
    return first.size > 0 && last.size > 0 && range->last < range->first ? -1 : 0;
}

/* RFC 9110: what is not understood, or asks for several ranges, is as if it were not there. */
static void read_range(struct span header, struct gcs_range *range)
{
    range->is_there = span_starts_with(header, span_of("bytes=")) && read_first_last(span_skip(header, 6), range) == 0;
}

/* "bytes A-B/T", where A-B and T may be a star each. */
static int read_content_range(struct span header, struct gcs_range *range, struct err *err)
{
    struct span text = header;
    const char *slash = header.size > 0 ? memchr(header.data, '/', header.size) : NULL;
    struct span total;

    range->first = range->last = range->total = OBJECT_ANY;
    if (header.size == 0) {
        return 0;
    }
    range->is_there = true;
    if (slash && span_starts_with(text, span_of("bytes "))) {
        text = span_make(text.data + 6, (size_t)(slash - text.data) - 6);
        total = span_skip(header, (size_t)(slash - header.data) + 1);
        if ((span_equal_text(total, "*") || read_number(total, &range->total) == 0) &&
            (span_equal_text(text, "*") ||
             (read_first_last(text, range) == 0 && range->first != OBJECT_ANY && range->last != OBJECT_ANY))) {
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "Invalid Content-Range: \"%.*s\" is not \"bytes FIRST-LAST/TOTAL\".",
                   SPAN_FORMAT(excerpt(header)));
}

static int make_base_url(struct http_exchange *exchange, struct upb_Arena *arena, struct span *ret_url, struct err *err)
{
    struct span scheme = http_exchange_scheme(exchange);
    struct span host = http_exchange_host(exchange);
    size_t size = scheme.size + host.size + 4;
    char *url = upb_Arena_Malloc(arena, size);

    if (!url) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request");
    }
    *ret_url = span_make(url, (size_t)snprintf(url, size, "%.*s://%.*s", SPAN_FORMAT(scheme), SPAN_FORMAT(host)));
    return 0;
}

/* ---- the body ---- */

static int read_json(struct span text, struct gcs_request *request, struct err *err)
{
    json_error_t where;

    if (text.size > JSON_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "The request's JSON has %zu bytes, the limit is %d.", text.size,
                       JSON_BYTES_MAX);
    }
    if (text.size == 0) {
        return 0;
    }
    request->json = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &where);
    if (!request->json) {
        return err_set(err, ERR_INVALID, "Parse Error: line %d, column %d of the request's JSON: %s.", where.line,
                       where.column, where.text);
    }
    return json_is_object(request->json) ? 0 : err_set(err, ERR_INVALID, "The request's JSON is to be an object.");
}

static int set_type(struct gcs_request *request, struct span type, bool wins, struct err *err)
{
    if (type.size == 0 || (!wins && json_object_get(request->fields, "contentType"))) {
        return 0;
    }
    return json_object_set_new(request->fields, "contentType", json_stringn(type.data, type.size)) == 0
               ? 0
               : err_set(err, ERR_INVALID, "The content type \"%.*s\" is no UTF-8 text.", SPAN_FORMAT(excerpt(type)));
}

/* The resource's own name counts when the parameter says none. */
static int take_resource(struct gcs_request *request, struct err *err)
{
    const json_t *name = request->json ? json_object_get(request->json, "name") : NULL;

    if (request->name.size == 0 && json_is_string(name)) {
        request->name = span_make(json_string_value(name), json_string_length(name));
    }
    if (request->json && gcs_fields_take(request->json, request, err) != 0) {
        return -1;
    }
    if (request->name.size == 0) {
        return err_set(err, ERR_INVALID, "Required parameter: name");
    }
    return object_name_read(request->name, &request->route.object, err);
}

static int read_insert(struct http_exchange *exchange, struct gcs_request *request, struct err *err)
{
    struct span body = http_exchange_body(exchange);
    struct span type = http_exchange_header(exchange, "content-type");
    struct gcs_multipart multipart;

    switch (request->upload_type) {
    case GCS_UPLOAD_MEDIA:
        request->media_bytes = body.size;
        return set_type(request, type, true, err) != 0 ? -1 : take_resource(request, err);
    case GCS_UPLOAD_MULTIPART:
        if (gcs_multipart_read(type, body, &multipart, err) != 0 || read_json(multipart.json, request, err) != 0 ||
            take_resource(request, err) != 0) {
            return -1;
        }
        request->media_offset = multipart.media_offset;
        request->media_bytes = multipart.media_bytes;
        return set_type(request, multipart.media_type, false, err);
    case GCS_UPLOAD_RESUMABLE:
        if (read_json(body, request, err) != 0 || take_resource(request, err) != 0) {
            return -1;
        }
        return set_type(request, http_exchange_header(exchange, "x-upload-content-type"), false, err);
    case GCS_UPLOAD_NONE:
        break;
    }
    return err_set(err, ERR_INVALID, "Required parameter: uploadType");
}

static int read_body(struct http_exchange *exchange, struct gcs_request *request, struct err *err)
{
    struct span body = http_exchange_body(exchange);

    if (request->route.method == GCS_INSERT_OBJECT && request->upload_id.size > 0) {
        request->route.method = GCS_CONTINUE_UPLOAD; /* gcsfs goes on by POST */
    }
    switch (request->route.method) {
    case GCS_INSERT_OBJECT:
        return read_insert(exchange, request, err);
    case GCS_CONTINUE_UPLOAD:
        request->media_bytes = body.size;
        return read_content_range(http_exchange_header(exchange, "content-range"), &request->range, err);
    case GCS_PATCH_OBJECT:
    case GCS_UPDATE_OBJECT:
    case GCS_COPY_OBJECT:
    case GCS_MOVE_OBJECT:
    case GCS_REWRITE_OBJECT:
        if (read_json(body, request, err) != 0) {
            return -1;
        }
        return request->json ? gcs_fields_take(request->json, request, err) : 0;
    case GCS_COMPOSE_OBJECT:
    case GCS_INSERT_BUCKET:
        return read_json(body, request, err);
    default:
        read_range(http_exchange_header(exchange, "range"), &request->range);
        return 0;
    }
}

int gcs_request_read(struct http_exchange *exchange, struct upb_Arena *arena, struct gcs_request *request,
                     struct err *err)
{
    const struct object_conditions none = OBJECT_UNCONDITIONAL;

    request->conditions = none;
    request->source_conditions = none;
    request->is_head = span_equal_text(http_exchange_method(exchange), "HEAD");
    request->takes_no_308 = span_equal_text(http_exchange_header(exchange, "x-guploader-no-308"), "yes");
    request->fields = json_object();
    if (!request->fields) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request");
    }
    return read_query(http_exchange_query(exchange), arena, request, err) != 0 ||
                   make_base_url(exchange, arena, &request->base_url, err) != 0 ||
                   read_body(exchange, request, err) != 0 ||
                   gcs_fields_take_hashes(http_exchange_header(exchange, "x-goog-hash"), request, err) != 0
               ? -1
               : 0;
}

void gcs_request_deinit(struct gcs_request *request)
{
    json_decref(request->json);
    json_decref(request->fields);
    request->json = request->fields = NULL;
}
