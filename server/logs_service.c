#include <string.h>

#include "base/limits.h"
#include "customjobd/v1/logs.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "job/job_name.h"
#include "job/job_seal.h"
#include "server/handlers.h"
#include "server/log_tailer.h"
#include "server/resource_name.h"
#include "server/services.h"
#include "upb/decode.h"

#define LOGS(name) customjobd_v1_##name

/* *= proto: google.protobuf.Timestamp, "from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z" */
#define TIMESTAMP_SECONDS_MIN INT64_C(-62135596800)
#define TIMESTAMP_SECONDS_MAX INT64_C(253402300799)

static void read_since(const LOGS(TailRequest) * request, struct log_wish *wish, struct violations *violations)
{
    const google_protobuf_Timestamp *since = LOGS(TailRequest_since)(request);
    int64_t seconds;
    int32_t nanos;

    if (!since) {
        return;
    }
    seconds = google_protobuf_Timestamp_seconds(since);
    nanos = google_protobuf_Timestamp_nanos(since);
    if (seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX) {
        violations_add(violations, "since", "%lld seconds are outside of the years 1 to 9999.", (long long)seconds);
    } else if (nanos < 0 || nanos >= CLOCK_NS_PER_S) {
        violations_add(violations, "since", "%d nanoseconds are outside of 0 to 999999999.", nanos);
    } else {
        wish->has_since = true;
        /* Beyond the 64 bits of ns lies nothing that a log has: the nearest end is as good. */
        if (__builtin_mul_overflow(seconds, CLOCK_NS_PER_S, &wish->since_unix_ns) ||
            __builtin_add_overflow(wish->since_unix_ns, nanos, &wish->since_unix_ns)) {
            wish->since_unix_ns = seconds < 0 ? INT64_MIN : INT64_MAX;
        }
    }
}

/* What can be said without the job. */
static void read_request(const LOGS(TailRequest) * request, struct log_tail *stream, struct violations *violations)
{
    struct span replica = api_span(LOGS(TailRequest_replica)(request));
    int64_t tail_lines = LOGS(TailRequest_tail_lines)(request);
    struct err err = ERR_INIT;
    struct resource_name name;

    stream->name = api_span(LOGS(TailRequest_name)(request));
    stream->follows = LOGS(TailRequest_follow)(request);
    if (resource_name_parse_job(stream->name, &name, &err)) {
        violations_add(violations, "name", "%s", err.text);
    } else {
        stream->wish.job_id = job_name_last_id(stream->name);
    }
    if (replica.size >= sizeof stream->wish.replica) {
        violations_add(violations, "replica", "A replica is workerpool0-0 or service, and this has %zu bytes.",
                       replica.size);
    } else if (replica.size > 0) {
        memcpy(stream->wish.replica, replica.data, replica.size);
    }
    if (tail_lines < 0) {
        violations_add(violations, "tail_lines", "%lld lines are less than none.", (long long)tail_lines);
    } else {
        stream->wish.tail_lines = (uint64_t)tail_lines;
    }
    read_since(request, &stream->wish, violations);
}

/* Which replicas the job has, and whether the one asked for is among them. */
static int read_job(struct call *call, struct log_tail *stream, struct violations *violations, struct err *err)
{
    const char *replica = stream->wish.replica;
    struct store_version *version = store_get_by_name(call_services(call)->store, STORE_TABLE_JOB, stream->name);
    int result;

    if (!version) {
        return err_set(err, ERR_NOT_FOUND, "The CustomJob \"%.*s\" was not found.", SPAN_FORMAT(stream->name));
    }
    result = store_version_is_locked(version) ? job_seal_refuse(version, err)
                                              : job_shape_read(store_version_value(version), &stream->wish.shape, err);
    store_version_unref(version);
    if (!result && replica[0] && strcmp(replica, "service") != 0 &&
        log_replica_index(&stream->wish.shape, replica) < 0) {
        violations_add(violations, "replica", "The job has no replica \"%s\"; it has workerpool0-0 to workerpool%u-%u.",
                       replica, stream->wish.shape.pool_count - 1,
                       stream->wish.shape.pool_replicas[stream->wish.shape.pool_count - 1] - 1);
    }
    return result;
}

void handle_tail_logs(struct call *call)
{
    struct span bytes = call_request(call);
    const LOGS(TailRequest) *request = LOGS(TailRequest_parse_ex)(
        bytes.data, bytes.size, NULL, UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH), call_arena(call));
    struct log_tail *stream = call_allocate(call, sizeof *stream);
    struct violations violations;
    struct err err = ERR_INIT;

    violations_init(&violations, call_arena(call));
    if (!request || !stream) {
        err_set(&err, request ? ERR_EXHAUSTED : ERR_INVALID, "the message is no TailRequest");
        call_reply_error(call, &err, span_make(NULL, 0));
        return;
    }
    stream->call = call;
    read_request(request, stream, &violations);
    if (violations.count == 0 && read_job(call, stream, &violations, &err)) {
        call_reply_error(call, &err, stream->name);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else if (log_tailer_add(call_services(call)->log_tailer, stream, &err)) {
        call_reply_error(call, &err, span_make(NULL, 0));
    }
}
