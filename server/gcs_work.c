#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "buckets/object_list.h"
#include "server/excerpt.h"
#include "server/gcs_call.h"
#include "server/gcs_fields.h"
#include "server/gcs_json.h"

#define TOKEN_CHARS_MAX (4 * (OBJECT_NAME_BYTES_MAX + 3) / 3 + 1)

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for an answer");
}

/* ---- page tokens: the last name, in base64 ---- */

static int read_token(struct span token, char name[OBJECT_NAME_BYTES_MAX + 4], struct span *ret_name, struct err *err)
{
    int size = token.size > 0 && token.size < TOKEN_CHARS_MAX && token.size % 4 == 0
                   ? EVP_DecodeBlock((unsigned char *)name, (const unsigned char *)token.data, (int)token.size)
               : token.size == 0 ? 0
                                 : -1;

    for (size_t i = token.size; size > 0 && i > 0 && token.data[i - 1] == '='; i--) {
        size--;
    }
    if (size < 0 || size > OBJECT_NAME_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "Invalid argument: the pageToken \"%.*s\" is none that this server has given.",
                       SPAN_FORMAT(excerpt(token)));
    }
    *ret_name = span_make(name, (size_t)size);
    return 0;
}

static int put_token(json_t *answer, const char *name, struct err *err)
{
    char token[TOKEN_CHARS_MAX];

    (void)EVP_EncodeBlock((unsigned char *)token, (const unsigned char *)name, (int)strlen(name));
    return json_object_set_new(answer, "nextPageToken", json_string(token)) == 0 ? 0 : no_memory(err);
}

/* ---- buckets ---- */

static json_t *write_buckets(struct gcs_call *call, const struct bucket_info *infos, uint32_t count, bool more,
                             struct err *err)
{
    json_t *items = json_array();
    json_t *answer = json_pack("{s:s}", "kind", "storage#buckets");

    for (uint32_t i = 0; i < count; i++) {
        (void)json_array_append_new(items, gcs_json_bucket(call->request.base_url, &infos[i]));
    }
    if (!answer || json_array_size(items) != count || json_object_set(answer, "items", items) != 0 ||
        (more && put_token(answer, infos[count - 1].name.text, err) != 0)) {
        no_memory(err);
        json_decref(answer);
        answer = NULL;
    }
    json_decref(items);
    return answer;
}

void gcs_work_list_buckets(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    uint32_t count_max = request->count_max > 0 ? request->count_max : LIMIT_OBJECT_PAGE;
    char name[OBJECT_NAME_BYTES_MAX + 4];
    struct bucket_info *infos = NULL;
    struct span after;
    struct err err = ERR_INIT;
    json_t *answer = NULL;
    uint32_t count = 0;
    bool more = false;

    if (read_token(request->page_token, name, &after, &err) == 0 &&
        bucket_list(call->tree, request->prefix, after, count_max, &infos, &count, &more, &err) == 0) {
        answer = write_buckets(call, infos, count, more && count > 0, &err);
    }
    free(infos);
    if (answer) {
        gcs_call_answer(call, 200, answer);
    } else {
        gcs_call_fail(call, &err);
    }
}

static void answer_bucket(struct gcs_call *call, int result, const struct bucket_info *info, const struct err *err)
{
    if (result == 0) {
        gcs_call_answer(call, 200, gcs_json_bucket(call->request.base_url, info));
    } else {
        gcs_call_fail(call, err);
    }
}

void gcs_work_insert_bucket(struct gcs_call *call)
{
    const json_t *text = call->request.json ? json_object_get(call->request.json, "name") : NULL;
    struct bucket_info info;
    struct bucket_name name;
    struct err err = ERR_INIT;
    int result;

    if (!json_is_string(text)) {
        result = err_set(&err, ERR_INVALID, "Required parameter: name");
    } else {
        result = bucket_name_read(span_make(json_string_value(text), json_string_length(text)), &name, &err) == 0
                     ? bucket_make(call->tree, &name, &info, &err)
                     : -1;
    }
    answer_bucket(call, result, &info, &err);
}

void gcs_work_get_bucket(struct gcs_call *call)
{
    struct bucket_info info;
    struct err err = ERR_INIT;

    answer_bucket(call, bucket_stat(call->tree, &call->request.route.bucket, &info, &err), &info, &err);
}

static void answer_nothing(struct gcs_call *call, int result, const struct err *err)
{
    if (result == 0) {
        gcs_call_answer_empty(call, 204);
    } else {
        gcs_call_fail(call, err);
    }
}

void gcs_work_delete_bucket(struct gcs_call *call)
{
    struct err err = ERR_INIT;

    answer_nothing(call, bucket_remove(call->tree, &call->request.route.bucket, &err), &err);
}

void gcs_work_test_permissions(struct gcs_call *call)
{
    struct bucket_info info;
    struct err err = ERR_INIT;

    if (bucket_stat(call->tree, &call->request.route.bucket, &info, &err) != 0) {
        gcs_call_fail(call, &err);
        return;
    }
    gcs_call_answer(call, 200,
                    json_pack("{s:s,s:[s%]}", "kind", "storage#testIamPermissionsResponse", "permissions",
                              call->request.permissions.data ? call->request.permissions.data : "",
                              call->request.permissions.size));
}

/* ---- objects ---- */

static int write_page(struct gcs_call *call, const struct object_page *page, json_t *answer, struct err *err)
{
    json_t *items = json_array();
    json_t *prefixes = json_array();
    int result = 0;

    for (uint32_t i = 0; i < page->item_count; i++) {
        (void)json_array_append_new(
            items, gcs_json_object(call->request.base_url, &call->request.route.bucket, &page->items[i]));
    }
    for (uint32_t i = 0; i < page->prefix_count; i++) {
        (void)json_array_append_new(prefixes, json_string(page->prefixes[i].text));
    }
    if (json_array_size(items) != page->item_count || json_array_size(prefixes) != page->prefix_count ||
        (page->item_count > 0 && json_object_set(answer, "items", items) != 0) ||
        (page->prefix_count > 0 && json_object_set(answer, "prefixes", prefixes) != 0) ||
        (page->more && put_token(answer, page->last.text, err) != 0)) {
        result = no_memory(err);
    }
    json_decref(items);
    json_decref(prefixes);
    return result;
}

static int list_objects(struct gcs_call *call, json_t *answer, struct err *err)
{
    const struct gcs_request *request = &call->request;
    struct object_query query = {.prefix = request->prefix,
                                 .by_directory = request->delimiter.size > 0,
                                 .start = request->start_offset,
                                 .end = request->end_offset,
                                 .count_max = request->count_max};
    char name[OBJECT_NAME_BYTES_MAX + 4];
    struct object_page page;
    int result;

    if (request->delimiter.size > 0 && !span_equal_text(request->delimiter, "/")) {
        return err_set(err, ERR_INVALID,
                       "Invalid argument: the delimiter \"%.*s\" is not supported; it is to be \"/\".",
                       SPAN_FORMAT(excerpt(request->delimiter)));
    }
    if (read_token(request->page_token, name, &query.after, err) != 0 ||
        object_list(call->tree, &request->route.bucket, &query, &page, err) != 0) {
        return -1;
    }
    result = write_page(call, &page, answer, err);
    object_page_deinit(&page);
    return result;
}

void gcs_work_list_objects(struct gcs_call *call)
{
    json_t *answer = json_pack("{s:s}", "kind", "storage#objects");
    struct err err = ERR_INIT;

    if (!answer || list_objects(call, answer, &err) != 0) {
        json_decref(answer);
        gcs_call_fail(call, &err);
        return;
    }
    gcs_call_answer(call, 200, answer);
}

static void answer_object(struct gcs_call *call, int result, const struct bucket_name *bucket, struct object_info *info,
                          const struct err *err)
{
    char etag[GCS_ETAG_CHARS];

    if (result != 0) {
        gcs_call_fail(call, err);
        return;
    }
    gcs_etag_format(info, etag);
    gcs_call_add_header(call, "etag", "%s", etag);
    gcs_call_answer(call, 200, gcs_json_object(call->request.base_url, bucket, info));
    object_info_deinit(info);
}

void gcs_work_get_object(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct object_info info;
    struct err err = ERR_INIT;
    int result = object_open(call->tree, &request->route.bucket, &request->route.object, &request->conditions, NULL,
                             &info, &err);

    answer_object(call, result, &request->route.bucket, &info, &err);
}

void gcs_work_patch_object(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct object_info info;
    struct err err = ERR_INIT;
    int result = object_patch(call->tree, &request->route.bucket, &request->route.object, &request->conditions,
                              request->fields, request->route.method == GCS_UPDATE_OBJECT, &info, &err);

    answer_object(call, result, &request->route.bucket, &info, &err);
}

void gcs_work_delete_object(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct err err = ERR_INIT;

    answer_nothing(
        call, object_delete(call->tree, &request->route.bucket, &request->route.object, &request->conditions, &err),
        &err);
}

/* ---- objects made of others ---- */

/* Adds the object's bytes to the writer. */
static int append_object(struct gcs_call *call, const struct object_name *name,
                         const struct object_conditions *conditions, struct object_info *ret_info, struct err *err)
{
    int fd;
    int result;

    if (object_open(call->tree, &call->request.route.bucket, name, conditions, &fd, ret_info, err) != 0) {
        return -1;
    }
    result = fd >= 0 ? object_writer_copy(call->writer, fd, err) : 0;
    if (fd >= 0) {
        close(fd);
    }
    if (result != 0) {
        object_info_deinit(ret_info);
    }
    return result;
}

/* The one that was copied, unless it is another by now. */
static int delete_source(struct gcs_call *call, int64_t generation, struct err *err)
{
    struct object_conditions conditions = OBJECT_UNCONDITIONAL;

    conditions.generation_match = generation;
    return object_delete(call->tree, &call->request.route.bucket, &call->request.route.object, &conditions, err);
}

/* What the request says of the copy wins; else it is as its source. */
static int copy(struct gcs_call *call, struct object_info *ret_info, struct err *err)
{
    struct gcs_request *request = &call->request;
    struct object_info source;
    bool says_nothing = json_object_size(request->fields) == 0;
    struct object_plan plan = {.bucket = &request->route.to_bucket,
                               .name = &request->route.to_object,
                               .conditions = &request->conditions,
                               .fields = request->fields};
    int result;

    if (object_writer_open(call->tree, &call->writer, err) != 0 ||
        append_object(call, &request->route.object, &request->source_conditions, &source, err) != 0) {
        return -1;
    }
    if (says_nothing) {
        plan.fields = source.fields;
    }
    result = object_writer_commit(call->writer, &plan, ret_info, err);
    if (result == 0 && request->route.method == GCS_MOVE_OBJECT) {
        result = delete_source(call, source.generation, err);
        if (result != 0) {
            object_info_deinit(ret_info);
        }
    }
    object_info_deinit(&source);
    return result;
}

void gcs_work_copy_object(struct gcs_call *call)
{
    const struct gcs_route *route = &call->request.route;
    struct object_info info;
    struct err err = ERR_INIT;
    json_int_t size;
    json_t *resource;
    char text[24];
    int result = copy(call, &info, &err);

    if (result != 0 || route->method != GCS_REWRITE_OBJECT) {
        answer_object(call, result, &route->to_bucket, &info, &err);
        return;
    }
    size = (json_int_t)info.size_bytes;
    (void)snprintf(text, sizeof text, "%lld", (long long)size);
    resource = gcs_json_object(call->request.base_url, &route->to_bucket, &info);
    object_info_deinit(&info);
    gcs_call_answer(call, 200,
                    json_pack("{s:s,s:s,s:s,s:b,s:o}", "kind", "storage#rewriteResponse", "totalBytesRewritten", text,
                              "objectSize", text, "done", 1, "resource", resource));
}

static int read_source(const json_t *source, struct object_name *ret_name, struct object_conditions *ret_conditions,
                       struct err *err)
{
    const struct object_conditions none = OBJECT_UNCONDITIONAL;
    const json_t *name = json_object_get(source, "name");
    const json_t *generation = json_object_get(source, "generation");
    const json_t *match = json_object_get(json_object_get(source, "objectPreconditions"), "ifGenerationMatch");

    *ret_conditions = none;
    if (json_is_string(generation)) {
        ret_conditions->generation = strtoll(json_string_value(generation), NULL, 10);
    }
    if (json_is_string(match)) {
        ret_conditions->generation_match = strtoll(json_string_value(match), NULL, 10);
    }
    return object_name_read(json_is_string(name) ? span_make(json_string_value(name), json_string_length(name))
                                                 : span_make("", 0),
                            ret_name, err);
}

static int take_destination(struct gcs_call *call, struct err *err)
{
    const json_t *destination = json_object_get(call->request.json, "destination");

    return destination ? gcs_fields_take(destination, &call->request, err) : 0;
}

static int compose(struct gcs_call *call, struct object_info *ret_info, struct err *err)
{
    struct gcs_request *request = &call->request;
    const json_t *sources = request->json ? json_object_get(request->json, "sourceObjects") : NULL;
    const struct object_plan plan = {.bucket = &request->route.bucket,
                                     .name = &request->route.object,
                                     .conditions = &request->conditions,
                                     .fields = request->fields};

    if (json_array_size(sources) == 0 || json_array_size(sources) > LIMIT_COMPOSE_SOURCES) {
        return err_set(err, ERR_INVALID, "Invalid argument: sourceObjects has %zu items, it is to have 1 to %d.",
                       json_array_size(sources), LIMIT_COMPOSE_SOURCES);
    }
    if (take_destination(call, err) != 0 || object_writer_open(call->tree, &call->writer, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(sources); i++) {
        struct object_conditions conditions;
        struct object_name name;
        struct object_info info;

        if (read_source(json_array_get(sources, i), &name, &conditions, err) != 0 ||
            append_object(call, &name, &conditions, &info, err) != 0) {
            return -1;
        }
        object_info_deinit(&info);
    }
    return object_writer_commit(call->writer, &plan, ret_info, err);
}

void gcs_work_compose_object(struct gcs_call *call)
{
    struct object_info info;
    struct err err = ERR_INIT;
    int result = compose(call, &info, &err);

    answer_object(call, result, &call->request.route.bucket, &info, &err);
}
