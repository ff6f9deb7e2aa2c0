#include "server/gcs.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "buckets/bucket_tree.h"
#include "server/gcs_call.h"
#include "server/gcs_json.h"
#include "server/gcs_route.h"
#include "server/http_exchange.h"
#include "upb/arena.h"

/* They wait for the disk, most of the time. */
#define WORKERS 4

struct gcs {
    struct bucket_tree *tree;
    char *spill_dir;
    uint32_t calls; /* the HTTP thread's */
    pthread_t workers[WORKERS];
    unsigned worker_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gcs_call *first, **last_next; /* under lock, as what follows */
    bool is_ending;
};

/* ---- workers ---- */

static void resume(void *state)
{
    struct gcs_call *call = state;

    call->resume(call);
}

/* NULL: the end. */
static struct gcs_call *next_call(struct gcs *gcs)
{
    struct gcs_call *call;

    pthread_mutex_lock(&gcs->lock);
    while (!gcs->first && !gcs->is_ending) {
        pthread_cond_wait(&gcs->changed, &gcs->lock);
    }
    call = gcs->first;
    if (call) {
        gcs->first = call->next;
        gcs->last_next = gcs->first ? gcs->last_next : &gcs->first;
    }
    pthread_mutex_unlock(&gcs->lock);
    return call;
}

static void *run(void *context)
{
    struct gcs *gcs = context;
    struct gcs_call *call;

    pthread_setname_np(pthread_self(), "buckets");
    while ((call = next_call(gcs))) {
        call->work(call);
        http_exchange_post(call->exchange, resume);
    }
    return NULL;
}

void gcs_call_post(struct gcs_call *call)
{
    struct gcs *gcs = call->gcs;

    call->next = NULL;
    pthread_mutex_lock(&gcs->lock);
    *gcs->last_next = call;
    gcs->last_next = &call->next;
    pthread_cond_signal(&gcs->changed);
    pthread_mutex_unlock(&gcs->lock);
}

/* ---- a call ---- */

static void release(void *state)
{
    struct gcs_call *call = state;

    call->gcs->calls--;
    object_writer_close(call->writer);
    upload_close(call->upload);
    if (call->fd >= 0) {
        close(call->fd);
    }
    object_info_deinit(&call->info);
    gcs_request_deinit(&call->request);
    upb_Arena_Free(call->arena);
    free(call->piece);
    free(call->text);
    free(call);
}

/* NULL: memory. */
static struct gcs_call *create(struct gcs *gcs, struct http_exchange *exchange)
{
    struct gcs_call *call = calloc(1, sizeof *call);

    if (!call) {
        return NULL;
    }
    call->arena = upb_Arena_New();
    if (!call->arena) {
        free(call);
        return NULL;
    }
    call->gcs = gcs;
    call->tree = gcs->tree;
    call->exchange = exchange;
    call->fd = -1;
    gcs->calls++;
    http_exchange_own(exchange, call, release);
    return call;
}

static void (*work_of(const struct gcs_request *request))(struct gcs_call *)
{
    switch (request->route.method) {
    case GCS_LIST_BUCKETS:
        return gcs_work_list_buckets;
    case GCS_INSERT_BUCKET:
        return gcs_work_insert_bucket;
    case GCS_GET_BUCKET:
        return gcs_work_get_bucket;
    case GCS_DELETE_BUCKET:
        return gcs_work_delete_bucket;
    case GCS_TEST_PERMISSIONS:
        return gcs_work_test_permissions;
    case GCS_LIST_OBJECTS:
        return gcs_work_list_objects;
    case GCS_GET_OBJECT:
        return request->wants_media ? gcs_work_download : gcs_work_get_object;
    case GCS_PATCH_OBJECT:
    case GCS_UPDATE_OBJECT:
        return gcs_work_patch_object;
    case GCS_DELETE_OBJECT:
        return gcs_work_delete_object;
    case GCS_COPY_OBJECT:
    case GCS_MOVE_OBJECT:
    case GCS_REWRITE_OBJECT:
        return gcs_work_copy_object;
    case GCS_COMPOSE_OBJECT:
        return gcs_work_compose_object;
    case GCS_DOWNLOAD_OBJECT:
        return gcs_work_download;
    case GCS_INSERT_OBJECT:
        return request->upload_type == GCS_UPLOAD_RESUMABLE ? gcs_work_begin_upload : gcs_work_insert_object;
    case GCS_CONTINUE_UPLOAD:
        return gcs_work_continue_upload;
    case GCS_CANCEL_UPLOAD:
        return gcs_work_cancel_upload;
    }
    return NULL;
}

/* Whether an object's bytes go to or from the disk. */
static bool moves_bytes(const struct gcs_call *call)
{
    return call->work == gcs_work_download || call->work == gcs_work_insert_object ||
           call->work == gcs_work_continue_upload;
}

static int begin(struct gcs_call *call, struct err *err)
{
    struct span path = http_exchange_path(call->exchange);

    if (call->gcs->calls > LIMIT_GCS_CALLS) {
        return err_set(err, ERR_EXHAUSTED, "There are %d requests to the buckets under way, which is the limit.",
                       LIMIT_GCS_CALLS);
    }
    if (gcs_route_find(http_exchange_method(call->exchange), path, call->arena, &call->request.route, err) != 0 ||
        gcs_request_read(call->exchange, call->arena, &call->request, err) != 0) {
        return -1;
    }
    call->work = work_of(&call->request);
    if (!moves_bytes(call)) {
        return 0;
    }
    call->piece = malloc(LIMIT_OBJECT_PIECE_BYTES);
    if (!call->piece) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a piece of an object");
    }
    if (call->work != gcs_work_download) {
        gcs_call_take_piece(call);
    }
    return 0;
}

bool gcs_serve(struct gcs *gcs, struct http_exchange *exchange)
{
    struct gcs_call *call;
    struct err err = ERR_INIT;

    if (!gcs_route_is_ours(http_exchange_path(exchange))) {
        return false;
    }
    call = create(gcs, exchange);
    if (!call) {
        http_exchange_answer(exchange, 503, NULL, span_make("", 0));
    } else if (begin(call, &err) != 0) {
        gcs_call_fail(call, &err);
        call->resume(call);
    } else {
        gcs_call_post(call);
    }
    return true;
}

/* ---- life ---- */

static int start_workers(struct gcs *gcs, struct err *err)
{
    sigset_t all, before;
    int result = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (result == 0 && gcs->worker_count < WORKERS) {
        result = pthread_create(&gcs->workers[gcs->worker_count], NULL, run, gcs);
        gcs->worker_count += result == 0 ? 1 : 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0 ? 0 : err_set_errno(err, result, "cannot start a thread for the buckets");
}

int gcs_create(const char *buckets_dir, struct gcs **ret_gcs, struct err *err)
{
    struct gcs *gcs = calloc(1, sizeof *gcs);

    if (!gcs) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the buckets");
    }
    pthread_mutex_init(&gcs->lock, NULL);
    pthread_cond_init(&gcs->changed, NULL);
    gcs->last_next = &gcs->first;
    if (asprintf(&gcs->spill_dir, "%s/" BUCKET_TREE_UNFINISHED, buckets_dir) < 0) {
        gcs->spill_dir = NULL;
        gcs_destroy(gcs);
        return err_set(err, ERR_EXHAUSTED, "no memory for the buckets");
    }
    if (bucket_tree_open(buckets_dir, &gcs->tree, err) != 0 || start_workers(gcs, err) != 0) {
        gcs_destroy(gcs);
        return -1;
    }
    *ret_gcs = gcs;
    return 0;
}

const char *gcs_spill_dir(const struct gcs *gcs)
{
    return gcs->spill_dir;
}

void gcs_destroy(struct gcs *gcs)
{
    if (!gcs) {
        return;
    }
    pthread_mutex_lock(&gcs->lock);
    gcs->is_ending = true;
    pthread_cond_broadcast(&gcs->changed);
    pthread_mutex_unlock(&gcs->lock);
    for (unsigned i = 0; i < gcs->worker_count; i++) {
        pthread_join(gcs->workers[i], NULL);
    }
    bucket_tree_close(gcs->tree);
    free(gcs->spill_dir);
    pthread_cond_destroy(&gcs->changed);
    pthread_mutex_destroy(&gcs->lock);
    free(gcs);
}
