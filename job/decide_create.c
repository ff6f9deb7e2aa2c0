#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "job/controller_state.h"
#include "job/job_decode.h"
#include "job/job_image.h"
#include "job/job_keys.h"
#include "job/job_notes.h"

/* What outputs may come to before the spec: times, names, and an error with its last lines. */
#define OUTPUT_BYTES_MAX (16 * 1024)

struct creation {
    struct controller *controller;
    struct command *command;
    struct job *job;
    struct request_id request_id;
};

static int check_request_id(struct span request_id, struct err *err)
{
    if (request_id.size > LIMIT_REQUEST_ID_CHARS) {
        return err_set(err, ERR_INVALID, "x-goog-request-id has %zu characters, the limit is %d", request_id.size,
                       LIMIT_REQUEST_ID_CHARS);
    }
    for (size_t i = 0; i < request_id.size; i++) {
        if (request_id.data[i] < 0x20 || request_id.data[i] > 0x7e) {
            return err_set(err, ERR_INVALID, "x-goog-request-id has a character that is not printable ASCII at %zu", i);
        }
    }
    return 0;
}

/* 1: this call was made before, and is answered. */
static int find_earlier(struct creation *creation, struct err *err)
{
    struct controller *controller = creation->controller;
    struct command *command = creation->command;
    const struct request_id *earlier;

    if (command->request_id.size == 0) {
        return 0;
    }
    if (check_request_id(command->request_id, err)) {
        return -1;
    }
    creation->request_id.key = request_id_key(command->parent, command->request_id);
    creation->request_id.fingerprint = request_id_fingerprint(command->custom_job_wire);
    earlier = request_ids_find(controller->request_ids, creation->request_id.key);
    if (!earlier) {
        return 0;
    }
    if (memcmp(&earlier->fingerprint, &creation->request_id.fingerprint, sizeof earlier->fingerprint) != 0) {
        return err_set(err, ERR_INVALID,
                       "x-goog-request-id \"%.*s\" came with another CustomJob within the last day; a new request "
                       "needs a new one",
                       SPAN_FORMAT(command->request_id));
    }
    turn_reply_version(controller, command, STORE_TABLE_JOB, earlier->job_id);
    return 1;
}

static int build_image(struct creation *creation, struct err *err)
{
    struct job *job = creation->job;
    struct span spec = creation->command->custom_job_wire;
    const struct job_outputs outputs = {.name = span_of(job->name),
                                        .state = (uint32_t)job->state,
                                        .create_time_unix_ns = job->create_time_unix_ns,
                                        .update_time_unix_ns = job->update_time_unix_ns};
    struct store_keys keys = {0};

    if (spec.size > LIMIT_VALUE_BYTES - OUTPUT_BYTES_MAX) {
        return err_set(err, ERR_EXHAUSTED, "the CustomJob has %zu bytes, the limit is %d", spec.size,
                       LIMIT_VALUE_BYTES - OUTPUT_BYTES_MAX);
    }
    if (job_image_build(&outputs, spec, &job->new_image, err) ||
        job_keys_extract(STORE_TABLE_JOB, blob_span(job->new_image), &keys, err)) {
        return -1;
    }
    if (keys.seal_key.size > 0) {
        job->execution.kms_key_name = span_copy_text(keys.seal_key);
        return job->execution.kms_key_name ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for a job");
    }
    return 0;
}

static void tell_note(void *context, const char *line)
{
    const struct creation *creation = context;

    turn_tell(creation->controller, creation->job, "%s", line);
}

static void tell_cut(void *context, size_t pool_index, const char *field, const char *sentence)
{
    const struct creation *creation = context;

    if (field[0]) {
        turn_tell(creation->controller, creation->job, "job_spec.worker_pool_specs[%zu].machine_spec.%s: %s",
                  pool_index, field, sentence);
    } else {
        turn_tell(creation->controller, creation->job, "%s", sentence);
    }
}

static int read_message(struct creation *creation, const API(CustomJob) * msg, struct err *err)
{
    uint32_t replicas_max = creation->controller->options.replicas_max;
    struct job *job = creation->job;

    if (admit_read(creation->controller, job, msg, tell_cut, creation, err)) {
        return -1;
    }
    if (job->replica_count > replicas_max) {
        return err_set(err, ERR_INVALID, "the job has %u replicas, this server runs at most %u at once",
                       job->replica_count, replicas_max);
    }
    job_notes_visit(msg, tell_note, creation);
    return 0;
}

static int read_spec(struct creation *creation, struct err *err)
{
    const API(CustomJob) *msg = creation->command->custom_job;
    upb_Arena *arena;
    int result;

    if (msg) {
        return read_message(creation, msg, err);
    }
    arena = upb_Arena_New();
    result = job_decode(blob_span(creation->job->new_image), arena, &msg, err);
    if (result == 0) {
        result = read_message(creation, msg, err);
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return result;
}

static int64_t deadline(int64_t from_unix_ns, int64_t wait_ns)
{
    int64_t due;

    if (wait_ns == 0) {
        return 0;
    }
    return __builtin_add_overflow(from_unix_ns, wait_ns, &due) ? INT64_MAX : due;
}

static int remember_request_id(struct creation *creation, struct err *err)
{
    struct controller *controller = creation->controller;
    struct request_id *entry = &creation->request_id;
    upb_Arena *arena;
    struct span bytes;
    int result;

    if (creation->command->request_id.size == 0) {
        return 0;
    }
    entry->id = store_next_id(controller->options.store, STORE_TABLE_REQUEST_ID);
    entry->job_id = creation->job->id;
    entry->time_unix_ns = controller->turn.now_unix_ns;
    arena = upb_Arena_New();
    if (!arena) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request id");
    }
    result = request_id_encode(entry, creation->command->parent, creation->command->request_id,
                               span_of(creation->job->execution.kms_key_name), arena, &bytes, err);
    if (result == 0) {
        result = request_ids_add(controller->request_ids, entry, err);
    }
    if (result == 0) {
        result = store_put(controller->options.store, STORE_TABLE_REQUEST_ID, entry->id, bytes, err);
        if (result) {
            controller_fail(controller, err);
        }
    }
    upb_Arena_Free(arena);
    return result;
}

static int make_job(struct creation *creation, struct err *err)
{
    struct controller *controller = creation->controller;
    struct command *command = creation->command;
    uint64_t id = store_next_id(controller->options.store, STORE_TABLE_JOB);
    char name[1024];
    int size = snprintf(name, sizeof name, "%.*s/customJobs/%" PRIu64, SPAN_FORMAT(command->parent), id);
    struct job *job;

    if (size < 0 || (size_t)size >= sizeof name) {
        return err_set(err, ERR_INVALID, "parent has %zu characters, more than a name may have", command->parent.size);
    }
    job = job_table_add(controller->jobs, id, span_make(name, (size_t)size));
    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a job");
    }
    creation->job = job;
    job->state = JOB_STATE_QUEUED;
    job->create_time_unix_ns = controller->turn.now_unix_ns;
    job->update_time_unix_ns = controller->turn.now_unix_ns;
    job->execution.job_id = id;
    job->execution.job_attempt = 1;
    job->execution.version = command->version;
    job->execution.queue_time_unix_ns = controller->turn.now_unix_ns;
    return 0;
}

/* The notes told about a job that is refused after all. */
static void drop_acts(struct controller *controller, size_t act_count)
{
    struct turn *turn = &controller->turn;

    while (turn->act_count > act_count) {
        free(turn->acts[--turn->act_count].line);
    }
}

static int create(struct creation *creation, struct err *err)
{
    struct controller *controller = creation->controller;
    int earlier = find_earlier(creation, err);
    struct job *job;

    if (earlier != 0) {
        return earlier;
    }
    if (space_check(controller, err)) {
        return -1;
    }
    if (make_job(creation, err)) {
        return -1;
    }
    job = creation->job;
    if (build_image(creation, err) || read_spec(creation, err) || remember_request_id(creation, err)) {
        job_table_remove(controller->jobs, job);
        return -1;
    }
    job->execution.wait_deadline_unix_ns = deadline(job->create_time_unix_ns, job->wait_max_ns);
    admit_enqueue(controller, job);
    job_set_timer(controller, job);
    job_change_image(controller, job);
    turn_seal(controller, job, false);
    turn_tell(controller, job, "Waiting for job to be provisioned.");
    turn_reply_version(controller, creation->command, STORE_TABLE_JOB, job->id);
    /* At once, and not at the end of the turn, so that later messages of this turn meet a job that has its resources. */
    admit_run(controller);
    if (job->state == JOB_STATE_QUEUED) {
        admit_tell_wait(controller, job);
    }
    return 0;
}

void decide_create(struct controller *controller, struct command *command)
{
    struct creation creation = {.controller = controller, .command = command};
    size_t act_count = controller->turn.act_count;
    struct err err = ERR_INIT;

    if (create(&creation, &err) < 0) {
        drop_acts(controller, act_count);
        turn_reply_error(controller, command, &err);
    }
}
