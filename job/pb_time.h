/* pb_time: ns since 1970 and google.protobuf.Timestamp as a upb message.
 *
 * Used by   execution_record.c, operations.c, request_ids.c.
 */
#ifndef JOB_PB_TIME_H_
#define JOB_PB_TIME_H_

#include <stdint.h>

#include "base/clock.h"
#include "google/protobuf/timestamp.upb.h"

/* 0 for a message that is absent or too large for 64 bits. */
static inline int64_t pb_time_read(const google_protobuf_Timestamp *time)
{
    int64_t ns;

    if (!time || __builtin_mul_overflow(google_protobuf_Timestamp_seconds(time), CLOCK_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, google_protobuf_Timestamp_nanos(time), &ns)) {
        return 0;
    }
    return ns;
}

/* NULL when memory is gone. */
static inline google_protobuf_Timestamp *pb_time_make(upb_Arena *arena, int64_t unix_ns)
{
    google_protobuf_Timestamp *time = google_protobuf_Timestamp_new(arena);

    if (time) {
        google_protobuf_Timestamp_set_seconds(time, unix_ns / CLOCK_NS_PER_S);
        google_protobuf_Timestamp_set_nanos(time, (int32_t)(unix_ns % CLOCK_NS_PER_S));
    }
    return time;
}

#endif /* JOB_PB_TIME_H_ */
