#include "job/execution_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "customjobd/store/v1/execution.upb.h"
#include "google/rpc/status.upb.h"
#include "job/pb_time.h"

#define STORE(name) customjobd_store_v1_##name

void execution_drop_replicas(struct execution *execution)
{
    for (uint32_t i = 0; i < execution->replica_count; i++) {
        free(execution->replicas[i].devices);
    }
    free(execution->replicas);
    execution->replicas = NULL;
    execution->replica_count = 0;
}

void execution_deinit(struct execution *execution)
{
    execution_drop_replicas(execution);
    free(execution->end.error_message);
    free(execution->kms_key_name);
    *execution = (struct execution){0};
}

struct execution_key execution_replica_key(const struct execution *execution, const struct replica *replica)
{
    return (struct execution_key){.job_id = execution->job_id,
                                  .job_attempt = execution->job_attempt,
                                  .pool_index = replica->pool_index,
                                  .replica_index = replica->replica_index,
                                  .restart = replica->restart};
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for the record of a job's execution");
}

/* Sets *ret_time to NULL for the time 0. */
static bool make_time(upb_Arena *arena, int64_t unix_ns, google_protobuf_Timestamp **ret_time)
{
    *ret_time = unix_ns == 0 ? NULL : pb_time_make(arena, unix_ns);
    return unix_ns == 0 || *ret_time;
}

static bool encode_replica(STORE(ReplicaExecution) * msg, const struct replica *replica, upb_Arena *arena)
{
    google_protobuf_Timestamp *start;
    google_protobuf_Timestamp *end;

    if (!msg || !make_time(arena, replica->start_time_unix_ns, &start) ||
        !make_time(arena, replica->end_time_unix_ns, &end)) {
        return false;
    }
    STORE(ReplicaExecution_set_pool_index)(msg, replica->pool_index);
    STORE(ReplicaExecution_set_replica_index)(msg, replica->replica_index);
    STORE(ReplicaExecution_set_restart)(msg, replica->restart);
    STORE(ReplicaExecution_set_phase)(msg, (int32_t)replica->phase);
    STORE(ReplicaExecution_set_host)(msg, upb_StringView_FromString(replica->host));
    STORE(ReplicaExecution_set_port)(msg, replica->port);
    STORE(ReplicaExecution_set_pid)(msg, replica->pid);
    STORE(ReplicaExecution_set_exit_code)(msg, replica->exit_code);
    STORE(ReplicaExecution_set_term_signal)(msg, (uint32_t)replica->term_signal);
    STORE(ReplicaExecution_set_oom_killed)(msg, replica->oom_killed);
    STORE(ReplicaExecution_set_devices)(msg, upb_StringView_FromString(replica->devices ? replica->devices : ""));
    STORE(ReplicaExecution_set_cpus_milli)(msg, replica->cpus_milli);
    STORE(ReplicaExecution_set_memory_bytes)(msg, replica->memory_bytes);
    if (start) {
        STORE(ReplicaExecution_set_start_time)(msg, start);
    }
    if (end) {
        STORE(ReplicaExecution_set_end_time)(msg, end);
    }
    return true;
}

static bool encode_times(STORE(JobExecution) * msg, const struct execution *execution, upb_Arena *arena)
{
    google_protobuf_Timestamp *time;

    if (!make_time(arena, execution->cancel_time_unix_ns, &time)) {
        return false;
    }
    if (time) {
        STORE(JobExecution_set_cancel_time)(msg, time);
    }
    if (!make_time(arena, execution->timeout_deadline_unix_ns, &time)) {
        return false;
    }
    if (time) {
        STORE(JobExecution_set_timeout_deadline)(msg, time);
    }
    if (!make_time(arena, execution->wait_deadline_unix_ns, &time)) {
        return false;
    }
    if (time) {
        STORE(JobExecution_set_wait_deadline)(msg, time);
    }
    if (!make_time(arena, execution->queue_time_unix_ns, &time)) {
        return false;
    }
    if (time) {
        STORE(JobExecution_set_queue_time)(msg, time);
    }
    if (!make_time(arena, execution->retry_time_unix_ns, &time)) {
        return false;
    }
    if (time) {
        STORE(JobExecution_set_retry_time)(msg, time);
    }
    return true;
}

static bool encode_end(STORE(JobExecution) * msg, const struct job_end *end, upb_Arena *arena)
{
    google_rpc_Status *status;

    STORE(JobExecution_set_pending_state)(msg, (int32_t)end->state);
    if (end->error_code == 0) {
        return true;
    }
    status = STORE(JobExecution_mutable_pending_error)(msg, arena);
    if (!status) {
        return false;
    }
    google_rpc_Status_set_code(status, end->error_code);
    google_rpc_Status_set_message(status, upb_StringView_FromString(end->error_message ? end->error_message : ""));
    return true;
}

int execution_encode(const struct execution *execution, upb_Arena *arena, struct span *ret_bytes, struct err *err)
{
    STORE(JobExecution) *msg = STORE(JobExecution_new)(arena);
    size_t size;
    char *bytes;

    if (!msg || !encode_times(msg, execution, arena) || !encode_end(msg, &execution->end, arena)) {
        return no_memory(err);
    }
    STORE(JobExecution_set_job_id)(msg, execution->job_id);
    STORE(JobExecution_set_job_attempt)(msg, execution->job_attempt);
    STORE(JobExecution_set_api_version)
    (msg, upb_StringView_FromString(execution->version == API_V1BETA1 ? "v1beta1" : "v1"));
    STORE(JobExecution_set_cancel_requested)(msg, execution->cancel_requested);
    STORE(JobExecution_set_cancel_operation_id)(msg, execution->cancel_operation_id);
    STORE(JobExecution_set_deleting)(msg, execution->deleting);
    STORE(JobExecution_set_delete_operation_id)(msg, execution->delete_operation_id);
    if (execution->kms_key_name) {
        STORE(JobExecution_set_kms_key_name)(msg, upb_StringView_FromString(execution->kms_key_name));
    }
    for (uint32_t i = 0; i < execution->replica_count; i++) {
        if (!encode_replica(STORE(JobExecution_add_replicas)(msg, arena), &execution->replicas[i], arena)) {
            return no_memory(err);
        }
    }
    bytes = STORE(JobExecution_serialize)(msg, arena, &size);
    if (!bytes) {
        return no_memory(err);
    }
    *ret_bytes = span_make(bytes, size);
    return 0;
}

static int decode_replica(const STORE(ReplicaExecution) * msg, struct replica *replica, struct err *err)
{
    struct span host = api_span(STORE(ReplicaExecution_host)(msg));
    int32_t phase = STORE(ReplicaExecution_phase)(msg);
    uint32_t port = STORE(ReplicaExecution_port)(msg);

    if (host.size >= sizeof replica->host || port > UINT16_MAX || phase < REPLICA_PLANNED ||
        phase > REPLICA_START_FAILED) {
        return err_set(err, ERR_CORRUPT, "a replica's record has host \"%.*s\", port %u, phase %d", SPAN_FORMAT(host),
                       port, phase);
    }
    *replica = (struct replica){.pool_index = STORE(ReplicaExecution_pool_index)(msg),
                                .replica_index = STORE(ReplicaExecution_replica_index)(msg),
                                .restart = STORE(ReplicaExecution_restart)(msg),
                                .phase = (enum replica_phase)phase,
                                .port = (uint16_t)port,
                                .pid = STORE(ReplicaExecution_pid)(msg),
                                .exit_code = STORE(ReplicaExecution_exit_code)(msg),
                                .term_signal = (int)STORE(ReplicaExecution_term_signal)(msg),
                                .oom_killed = STORE(ReplicaExecution_oom_killed)(msg),
                                .devices = span_copy_text(api_span(STORE(ReplicaExecution_devices)(msg))),
                                .cpus_milli = STORE(ReplicaExecution_cpus_milli)(msg),
                                .memory_bytes = STORE(ReplicaExecution_memory_bytes)(msg),
                                .start_time_unix_ns = pb_time_read(STORE(ReplicaExecution_start_time)(msg)),
                                .end_time_unix_ns = pb_time_read(STORE(ReplicaExecution_end_time)(msg))};
    snprintf(replica->host, sizeof replica->host, "%.*s", SPAN_FORMAT(host));
    return replica->devices ? 0 : no_memory(err);
}

static int decode_replicas(const STORE(JobExecution) * msg, struct execution *execution, struct err *err)
{
    size_t count;
    const STORE(ReplicaExecution) *const *replicas = STORE(JobExecution_replicas)(msg, &count);

    if (count == 0) {
        return 0;
    }
    execution->replicas = calloc(count, sizeof *execution->replicas);
    if (!execution->replicas) {
        return no_memory(err);
    }
    execution->replica_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        if (decode_replica(replicas[i], &execution->replicas[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int decode_end(const STORE(JobExecution) * msg, struct job_end *end, struct err *err)
{
    const google_rpc_Status *status = STORE(JobExecution_pending_error)(msg);
    struct span message;

    end->state = (uint32_t)STORE(JobExecution_pending_state)(msg);
    if (!status) {
        return 0;
    }
    message = api_span(google_rpc_Status_message(status));
    end->error_code = google_rpc_Status_code(status);
    end->error_message = span_copy_text(message);
    return end->error_message ? 0 : no_memory(err);
}

static int decode_key_name(const STORE(JobExecution) * msg, struct execution *execution, struct err *err)
{
    struct span name = api_span(STORE(JobExecution_kms_key_name)(msg));

    if (name.size > 0) {
        execution->kms_key_name = span_copy_text(name);
    }
    return name.size == 0 || execution->kms_key_name ? 0 : no_memory(err);
}

static int decode(const STORE(JobExecution) * msg, struct execution *execution, struct err *err)
{
    execution->job_id = STORE(JobExecution_job_id)(msg);
    execution->job_attempt = STORE(JobExecution_job_attempt)(msg);
    execution->version =
        span_equal_text(api_span(STORE(JobExecution_api_version)(msg)), "v1beta1") ? API_V1BETA1 : API_V1;
    execution->cancel_requested = STORE(JobExecution_cancel_requested)(msg);
    execution->cancel_time_unix_ns = pb_time_read(STORE(JobExecution_cancel_time)(msg));
    execution->timeout_deadline_unix_ns = pb_time_read(STORE(JobExecution_timeout_deadline)(msg));
    execution->wait_deadline_unix_ns = pb_time_read(STORE(JobExecution_wait_deadline)(msg));
    execution->queue_time_unix_ns = pb_time_read(STORE(JobExecution_queue_time)(msg));
    execution->retry_time_unix_ns = pb_time_read(STORE(JobExecution_retry_time)(msg));
    execution->cancel_operation_id = STORE(JobExecution_cancel_operation_id)(msg);
    execution->deleting = STORE(JobExecution_deleting)(msg);
    execution->delete_operation_id = STORE(JobExecution_delete_operation_id)(msg);
    return decode_key_name(msg, execution, err) || decode_end(msg, &execution->end, err) ||
                   decode_replicas(msg, execution, err)
               ? -1
               : 0;
}

int execution_decode(struct span bytes, struct execution *ret_execution, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    STORE(JobExecution) *msg = NULL;
    struct execution execution = {0};
    int result;

    if (!arena) {
        return no_memory(err);
    }
    msg = STORE(JobExecution_parse)(bytes.data, bytes.size, arena);
    if (msg) {
        result = decode(msg, &execution, err);
    } else {
        result = err_set(err, ERR_CORRUPT, "the record of a job's execution, %zu bytes, does not decode", bytes.size);
    }
    upb_Arena_Free(arena);
    if (result) {
        execution_deinit(&execution);
        return -1;
    }
    *ret_execution = execution;
    return 0;
}
