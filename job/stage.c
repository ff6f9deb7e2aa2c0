#include <stddef.h>

#include "job/controller_state.h"
#include "job/job_image.h"

#define ARENA_BYTES 4096

/* The spec's bytes: of the job made in this turn, else of what the store has. *ret_version is to be given back. */
static int find_spec(struct controller *controller, const struct job *job, struct span *ret_spec,
                     struct store_version **ret_version, struct err *err)
{
    struct store_version *version = NULL;
    struct job_outputs outputs;
    struct span image;

    if (job->new_image) {
        image = blob_span(job->new_image);
    } else {
        version = store_get(controller->options.store, STORE_TABLE_JOB, job->id);
        if (!version) {
            return err_set(err, ERR_INTERNAL, "the CustomJob \"%s\" is not in the store", job->name);
        }
        image = store_version_value(version);
    }
    if (job_image_split(image, &outputs, ret_spec, err)) {
        err_wrap(err, "%s", job->name);
        if (version) {
            store_version_unref(version);
        }
        return -1;
    }
    *ret_version = version;
    return 0;
}

size_t stage_image_bytes(const struct controller *controller, const struct job *job)
{
    struct store_version *version = NULL;
    size_t bytes;

    if (job->new_image) {
        return blob_span(job->new_image).size;
    }
    version = store_get(controller->options.store, STORE_TABLE_JOB, job->id);
    bytes = version ? store_version_value(version).size : 0;
    store_version_unref(version);
    return bytes;
}

int stage_build_image(struct controller *controller, const struct job *job, struct blob **ret_image, struct err *err)
{
    struct job_outputs outputs = {.name = span_of(job->name),
                                  .state = (uint32_t)job->state,
                                  .create_time_unix_ns = job->create_time_unix_ns,
                                  .start_time_unix_ns = job->start_time_unix_ns,
                                  .end_time_unix_ns = job->end_time_unix_ns,
                                  .update_time_unix_ns = job->update_time_unix_ns,
                                  .error_code = job->error.code,
                                  .error_message = span_of(job->error.message)};
    struct store_version *version = NULL;
    struct span spec;
    int result;

    if (find_spec(controller, job, &spec, &version, err)) {
        return -1;
    }
    result = job_image_build(&outputs, spec, ret_image, err);
    if (version) {
        store_version_unref(version);
    }
    return result;
}

static int put_image(struct controller *controller, const struct job *job, struct err *err)
{
    struct blob *image;
    int result;

    if (stage_build_image(controller, job, &image, err)) {
        return -1;
    }
    result = store_put(controller->options.store, STORE_TABLE_JOB, job->id, blob_span(image), err);
    blob_unref(image);
    return result;
}

static upb_Arena *small_arena(void *memory)
{
    return upb_Arena_Init(memory, ARENA_BYTES, &upb_alloc_global);
}

static int put_record(struct controller *controller, const struct job *job, struct err *err)
{
    _Alignas(max_align_t) char memory[ARENA_BYTES];
    upb_Arena *arena = small_arena(memory);
    struct span bytes;
    int result = execution_encode(&job->execution, arena, &bytes, err);

    if (result == 0) {
        result = store_put(controller->options.store, STORE_TABLE_EXECUTION, job->id, bytes, err);
    }
    upb_Arena_Free(arena);
    return result;
}

void stage_record(struct controller *controller, struct job *job)
{
    struct err err = ERR_INIT;

    job->record_stored = true;
    if (put_record(controller, job, &err)) {
        controller_fail(controller, &err);
    }
}

void stage_operation(struct controller *controller, const struct operation *operation, bool done,
                     const struct err *error)
{
    const struct operation_progress progress = {
        .update_time_unix_ns = controller->turn.now_unix_ns, .done = done, .error = error};
    _Alignas(max_align_t) char memory[ARENA_BYTES];
    upb_Arena *arena = small_arena(memory);
    struct err err = ERR_INIT;
    struct span bytes;

    if (operation_encode(operation, &progress, arena, &bytes, &err) ||
        store_put(controller->options.store, STORE_TABLE_OPERATION, operation->id, bytes, &err)) {
        controller_fail(controller, &err);
    }
    upb_Arena_Free(arena);
    if (done) {
        turn_add_id(controller, &controller->turn.done_operations, operation->id);
    }
}

void stage_delete(struct controller *controller, enum store_table table, uint64_t id)
{
    struct err err = ERR_INIT;

    if (store_delete(controller->options.store, table, id, &err)) {
        controller_fail(controller, &err);
    }
}

void stage_job(struct controller *controller, struct job *job)
{
    bool has_ended = job_state_is_terminal(job->state);
    struct err err = ERR_INIT;

    if (job->image_changed && put_image(controller, job, &err)) {
        controller_fail(controller, &err);
    }
    job->image_changed = false;
    if (job->operation_open) {
        stage_operation(controller, job->cancel_operation, has_ended, NULL);
        job->operation_open = !has_ended;
    }
    if (!has_ended) {
        stage_record(controller, job);
    } else if (job->record_stored) {
        stage_delete(controller, STORE_TABLE_EXECUTION, job->id);
        job->record_stored = false;
    }
}
