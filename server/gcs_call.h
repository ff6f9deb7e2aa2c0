/* gcs_call: one request to Cloud Storage's JSON API on its way between the HTTP thread and a worker.
 *
 * Used by   gcs.c, gcs_work.c, gcs_upload.c, gcs_download.c.
 * Shape     work runs on a worker and ends by setting resume, which then runs on the HTTP thread and either ends the call or hands it to
 *           a worker again. One of the two has the call at any time.
 * Owns      the request's arena, a piece of the object, its file or writer; the exchange owns the call.
 * Thread    as said.
 */
#ifndef SERVER_GCS_CALL_H_
#define SERVER_GCS_CALL_H_

#include "buckets/object_writer.h"
#include "buckets/upload.h"
#include "server/gcs_request.h"

C_DECLS_BEGIN

struct gcs;
struct http_exchange;
struct upb_Arena;

#define GCS_HEADERS_MAX 12
#define GCS_HEADER_BYTES_MAX 512

struct gcs_header {
    const char *name; /* static */
    char value[GCS_HEADER_BYTES_MAX];
};

struct gcs_call {
    struct gcs_call *next; /* in the queue */
    struct gcs *gcs;
    struct bucket_tree *tree;
    struct http_exchange *exchange;
    struct upb_Arena *arena;
    struct gcs_request request;
    void (*work)(struct gcs_call *call);
    void (*resume)(struct gcs_call *call);

    /* Bytes of the object that pass between the threads. */
    char *piece; /* LIMIT_OBJECT_PIECE_BYTES; NULL: not wanted yet */
    size_t piece_bytes;
    uint64_t media_taken; /* of request.media_bytes */

    struct object_writer *writer;
    struct upload *upload;
    int fd; /* of what is read; -1: none */
    uint64_t read_offset;
    uint64_t read_left;
    struct object_info info; /* of what is read */

    int status;
    char *text;               /* of the answer, JSON; NULL: none */
    const char *content_type; /* of it, or of the bytes that are read */
    struct gcs_header headers[GCS_HEADERS_MAX];
    size_t header_count;
};

/* ---- on a worker; each sets resume ---- */
void gcs_call_answer(struct gcs_call *call, int status, json_t *body); /* takes body; NULL: memory was gone */
void gcs_call_answer_empty(struct gcs_call *call, int status);
void gcs_call_fail(struct gcs_call *call, const struct err *err);
/* Left out when there are too many, or it is too long. */
void gcs_call_add_header(struct gcs_call *call, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- on the HTTP thread ---- */
void gcs_call_send_headers(struct gcs_call *call);
/* Hands the call to a worker. */
void gcs_call_post(struct gcs_call *call);
/* Fills the piece with what comes next of the object's bytes. */
void gcs_call_take_piece(struct gcs_call *call);
/* The same, and on to a worker; ends the call when the client is gone. A resume. */
void gcs_call_feed(struct gcs_call *call);

/* ---- what the methods do; each on a worker ---- */
void gcs_work_list_buckets(struct gcs_call *call);
void gcs_work_insert_bucket(struct gcs_call *call);
void gcs_work_get_bucket(struct gcs_call *call);
void gcs_work_delete_bucket(struct gcs_call *call);
void gcs_work_test_permissions(struct gcs_call *call);
void gcs_work_list_objects(struct gcs_call *call);
void gcs_work_get_object(struct gcs_call *call);
void gcs_work_patch_object(struct gcs_call *call);
void gcs_work_delete_object(struct gcs_call *call);
void gcs_work_copy_object(struct gcs_call *call);
void gcs_work_compose_object(struct gcs_call *call);
void gcs_work_download(struct gcs_call *call);
void gcs_work_insert_object(struct gcs_call *call);
void gcs_work_begin_upload(struct gcs_call *call);
void gcs_work_continue_upload(struct gcs_call *call);
void gcs_work_cancel_upload(struct gcs_call *call);

C_DECLS_END

#endif /* SERVER_GCS_CALL_H_ */
