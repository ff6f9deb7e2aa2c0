#include <inttypes.h>

#include "server/gcs_call.h"
#include "server/gcs_json.h"

/* ---- an object in one request ---- */

static struct object_plan plan_of(const struct gcs_request *request)
{
    struct object_plan plan = {.bucket = &request->route.bucket,
                               .name = &request->route.object,
                               .conditions = &request->conditions,
                               .fields = request->fields,
                               .crc32c = request->has_crc32c ? &request->crc32c : NULL,
                               .md5 = request->has_md5 ? request->md5 : NULL};

    return plan;
}

static void answer_object(struct gcs_call *call, const struct bucket_name *bucket, struct object_info *info)
{
    gcs_call_answer(call, 200, gcs_json_object(call->request.base_url, bucket, info));
    object_info_deinit(info);
}

void gcs_work_insert_object(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct object_plan plan = plan_of(request);
    struct object_info info;
    struct err err = ERR_INIT;

    if ((!call->writer && object_writer_open(call->tree, &call->writer, &err) != 0) ||
        object_writer_write(call->writer, call->piece, call->piece_bytes, &err) != 0) {
        gcs_call_fail(call, &err);
    } else if (call->media_taken < request->media_bytes) {
        call->resume = gcs_call_feed;
    } else if (object_writer_commit(call->writer, &plan, &info, &err) != 0) {
        gcs_call_fail(call, &err);
    } else {
        answer_object(call, &request->route.bucket, &info);
    }
}

/* ---- an object in several ---- */

void gcs_work_begin_upload(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct object_plan plan = plan_of(request);
    char id[TREE_RANDOM_NAME_BYTES];
    struct err err = ERR_INIT;

    if (upload_begin(call->tree, &plan, id, &err) != 0) {
        gcs_call_fail(call, &err);
        return;
    }
    gcs_call_add_header(call, "location", "%.*s/upload/storage/v1/b/%s/o?uploadType=resumable&upload_id=%s",
                        SPAN_FORMAT(request->base_url), request->route.bucket.text, id);
    gcs_call_add_header(call, "x-guploader-uploadid", "%s", id);
    gcs_call_answer_empty(call, 200);
}

/* What has come so far; nothing is told as no Range at all. */
static void answer_incomplete(struct gcs_call *call)
{
    if (upload_size(call->upload) > 0) {
        gcs_call_add_header(call, "range", "bytes=0-%" PRIu64, upload_size(call->upload) - 1);
    }
    if (call->request.takes_no_308) {
        gcs_call_add_header(call, "x-http-status-code-override", "308");
    }
    gcs_call_answer_empty(call, call->request.takes_no_308 ? 200 : 308);
}

static void answer_result(struct gcs_call *call)
{
    struct object_info info;
    struct err err = ERR_INIT;

    if (upload_result(call->upload, &info, &err) != 0) {
        gcs_call_fail(call, &err);
    } else {
        answer_object(call, upload_bucket(call->upload), &info);
    }
}

static int check_range(const struct gcs_request *request, struct err *err)
{
    const struct gcs_range *range = &request->range;
    bool has_bytes = range->first != OBJECT_ANY;

    if (range->is_there && has_bytes && (uint64_t)(range->last - range->first + 1) != request->media_bytes) {
        return err_set(err, ERR_INVALID, "Invalid Content-Range: it says %" PRId64 " bytes, and %" PRIu64 " came.",
                       range->last - range->first + 1, request->media_bytes);
    }
    if (range->is_there && !has_bytes && request->media_bytes > 0) {
        return err_set(err, ERR_INVALID, "Invalid Content-Range: it says no bytes, and %" PRIu64 " came.",
                       request->media_bytes);
    }
    if (has_bytes && range->total != OBJECT_ANY && range->last >= range->total) {
        return err_set(err, ERR_INVALID, "Invalid Content-Range: the last byte is %" PRId64 " of %" PRId64 ".",
                       range->last, range->total);
    }
    return 0;
}

/* A request that begins before what has come repeats bytes; one that begins behind it leaves a gap, and is told so. */
static bool fits(const struct gcs_call *call, uint64_t *ret_repeated)
{
    uint64_t first = call->request.range.first == OBJECT_ANY ? 0 : (uint64_t)call->request.range.first;

    *ret_repeated = upload_size(call->upload) >= first ? upload_size(call->upload) - first : 0;
    return upload_size(call->upload) >= first;
}

static bool is_last(const struct gcs_call *call)
{
    const struct gcs_range *range = &call->request.range;

    return !range->is_there || (range->total != OBJECT_ANY && upload_size(call->upload) == (uint64_t)range->total);
}

static void finish_request(struct gcs_call *call)
{
    struct object_info info;
    struct err err = ERR_INIT;

    if (!is_last(call)) {
        if (call->request.media_bytes > 0 && upload_sync(call->upload, &err) != 0) {
            gcs_call_fail(call, &err);
        } else {
            answer_incomplete(call);
        }
    } else if (upload_commit(call->upload, &info, &err) != 0) {
        gcs_call_fail(call, &err);
    } else {
        answer_object(call, upload_bucket(call->upload), &info);
    }
}

static void take_piece(struct gcs_call *call)
{
    struct err err = ERR_INIT;

    if (upload_write(call->upload, call->piece, call->piece_bytes, &err) != 0) {
        gcs_call_fail(call, &err);
    } else if (call->media_taken < call->request.media_bytes) {
        call->resume = gcs_call_feed;
    } else {
        finish_request(call);
    }
}

void gcs_work_continue_upload(struct gcs_call *call)
{
    const struct gcs_request *request = &call->request;
    struct err err = ERR_INIT;
    uint64_t repeated;

    if (call->upload) {
        take_piece(call);
        return;
    }
    if (check_range(request, &err) != 0 || upload_open(call->tree, request->upload_id, &call->upload, &err) != 0) {
        gcs_call_fail(call, &err);
    } else if (upload_is_complete(call->upload)) {
        answer_result(call);
    } else if (!fits(call, &repeated)) {
        answer_incomplete(call);
    } else if (repeated >= request->media_bytes) {
        finish_request(call);
    } else if (repeated > 0) {
        call->media_taken = repeated; /* on behind what has come already */
        call->resume = gcs_call_feed;
    } else {
        take_piece(call);
    }
}

void gcs_work_cancel_upload(struct gcs_call *call)
{
    struct err err = ERR_INIT;

    if (upload_open(call->tree, call->request.upload_id, &call->upload, &err) != 0 ||
        upload_cancel(call->upload, &err) != 0) {
        gcs_call_fail(call, &err);
        return;
    }
    gcs_call_answer_empty(call, 499);
}
