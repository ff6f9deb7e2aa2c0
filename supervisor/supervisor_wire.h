/* supervisor_wire: how a supervisor's events and requests look as bytes, in its event file and on its socket.
 *
 * Used by   supervisor/ (writes events, reads requests) and executor/ (the other way round). Plain structs: who uses
 *           them sees no nanopb.
 * Shape     messages are customjobd.supervisor.v1 (proto/). The socket carries one message per packet. The file is
 *             magic   8 bytes  "CJEVENT1"
 *             frames  length u32 le | crc32c u32 le of the length's four bytes and the payload | payload: one Event
 * Valid iff a frame's length is 1..SUPERVISOR_MESSAGE_BYTES, its crc holds and its seq follows the one before. Reading
 *           ends at the first frame that is not; what follows it does not count.
 * Units     nanoseconds since 1970 for times, ticks of the kernel for start times, milliseconds for the grace.
 * Owns      nothing.      Thread    any.      Blocks    never.      Heap    none.
 * Source    docs/execution.md; docs/ARCHITECTURE.md
 */
#ifndef SUPERVISOR_SUPERVISOR_WIRE_H_
#define SUPERVISOR_SUPERVISOR_WIRE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An encoded Event or Request never is longer. */
#define SUPERVISOR_MESSAGE_BYTES 512
#define SUPERVISOR_FRAME_HEAD_BYTES 8
#define SUPERVISOR_MAGIC "CJEVENT1"
#define SUPERVISOR_MAGIC_BYTES 8
/* A file never is longer: at most one event of each kind. */
#define SUPERVISOR_FILE_BYTES 4096

/* Files of an attempt directory. */
#define SUPERVISOR_FILE_ARGV "argv" /* strings, each with its NUL */
#define SUPERVISOR_FILE_ENV "env"   /* likewise, NAME=value */
#define SUPERVISOR_FILE_CONF "conf" /* lines key=value, see supervisor/conf.h */
#define SUPERVISOR_FILE_LOCK "lock" /* held by an open-file-description lock while a supervisor lives */
#define SUPERVISOR_FILE_EVENTS "events"
#define SUPERVISOR_FILE_SOCK "sock"
#define SUPERVISOR_FILE_CGROUP "cgroup" /* path of the control group made for the replica; absent when none was */
#define SUPERVISOR_FILE_STDOUT "stdout.log"
#define SUPERVISOR_FILE_STDERR "stderr.log"

/* What a supervisor writes to its READYFD once the launch is on disk and the socket is bound; anything else is a
 * sentence that tells why it gave up. */
#define SUPERVISOR_READY "ok\n"

enum supervisor_exit_code {
    SUPERVISOR_EXIT_OK = 0,
    SUPERVISOR_EXIT_USAGE = 64,
    SUPERVISOR_EXIT_FAILED = 70,   /* gave up before the launch */
    SUPERVISOR_EXIT_IO = 74,       /* the end could not be written down */
    SUPERVISOR_EXIT_BUSY = 75,     /* another supervisor holds the lock */
    SUPERVISOR_EXIT_LAUNCHED = 76, /* launched before: never twice */
    SUPERVISOR_EXIT_VOID = 77      /* the attempt was declared void before the launch: its lock file is gone */
};

enum supervisor_event_kind {
    SUPERVISOR_EVENT_UNKNOWN = 0, /* of a later version */
    SUPERVISOR_EVENT_LAUNCH,
    SUPERVISOR_EVENT_RUN,
    SUPERVISOR_EVENT_EXEC_FAILED,
    SUPERVISOR_EVENT_STOP,
    SUPERVISOR_EVENT_KILL,
    SUPERVISOR_EVENT_EXIT
};

struct supervisor_launch {
    char boot_id[37];
    int32_t pid; /* the supervisor's */
    uint64_t start_time_ticks;
};

struct supervisor_run {
    int32_t pid; /* the main process's */
    uint64_t start_time_ticks;
};

struct supervisor_exec_failed {
    int32_t error_number;
    char what[128];
};

struct supervisor_exit {
    int32_t exit_code;    /* -1 when a signal ended it */
    uint32_t term_signal; /* 0 when it exited by itself */
    bool stopped;
    bool oom_killed;
    uint32_t orphans_killed;
    uint64_t utime_us;
    uint64_t stime_us;
    uint64_t maxrss_kb;
};

struct supervisor_event {
    uint64_t seq; /* from 1, without gaps */
    int64_t time_unix_ns;
    enum supervisor_event_kind kind;
    union {
        struct supervisor_launch launch;
        struct supervisor_run run;
        struct supervisor_exec_failed exec_failed;
        uint32_t stop_grace_ms;
        struct supervisor_exit exit;
    } of;
};

enum supervisor_request_kind {
    SUPERVISOR_REQUEST_UNKNOWN = 0, /* of a later version */
    SUPERVISOR_REQUEST_SUBSCRIBE,
    SUPERVISOR_REQUEST_STOP,
    SUPERVISOR_REQUEST_STATUS
};

struct supervisor_request {
    enum supervisor_request_kind kind;
    uint64_t after_seq;     /* SUBSCRIBE */
    uint32_t stop_grace_ms; /* STOP */
};

/* Encoders return the size, 0 when the message does not fit or is not of this version. */
size_t supervisor_event_encode(const struct supervisor_event *event, void *data, size_t size);
size_t supervisor_request_encode(const struct supervisor_request *request, void *data, size_t size);
/* Head and payload; size should be SUPERVISOR_FRAME_HEAD_BYTES + SUPERVISOR_MESSAGE_BYTES. */
size_t supervisor_frame_encode(const struct supervisor_event *event, void *data, size_t size);

/* Decoders are false when the bytes are no such message. */
bool supervisor_event_decode(const void *data, size_t size, struct supervisor_event *ret_event);
bool supervisor_request_decode(const void *data, size_t size, struct supervisor_request *ret_request);

/* The event file read from its beginning: the only reader, for the supervisor and for the executor. */
struct supervisor_history {
    bool has_launch, has_run, has_exec_failed, has_stop, has_exit;
    /* Not empty, yet it does not begin with a launch, and not the way a cut-off first write would look: whether
     * there was a launch cannot be told. Such a file counts as one that had it. */
    bool unreadable;
    struct supervisor_event launch, run, exec_failed, exit;
    uint64_t last_seq;
    size_t valid_bytes;
};

void supervisor_history_read(const void *data, size_t size, struct supervisor_history *ret_history);

/* Castagnoli's, of data appended to what crc stands for; 0 for nothing. */
uint32_t supervisor_crc32c(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* SUPERVISOR_SUPERVISOR_WIRE_H_ */
