/* logs: takes the process's output from two pipes and keeps it in two files of bounded size.
 *
 * Used by   main.c, child.c (the writing ends).
 * Shape     supervisor_wire_log.h. Of each stream the first bytes are kept, then the last ones: a full file ends with
 *           an entry that tells how much is missing between, and what came last.
 *           With a rate, what comes faster is dropped and counted, or the process is made to wait, as is chosen. The rate
 *           is that of a second's mean: so much may come at once.
 * Promise   the process is never held up by a full file, a full disk or a file that cannot be written: what cannot be
 *           kept is counted and told. By a rate it is held up only where that was chosen.
 * Units     bytes.      Heap    none.
 */
#ifndef SUPERVISOR_LOGS_H_
#define SUPERVISOR_LOGS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/failure.h"
#include "supervisor/supervisor_wire_log.h"

/* A line without its end is shown after so long. */
#define LOGS_PARTIAL_MS 250
/* A cap below this is taken as this. */
#define LOGS_BYTES_MIN 16384
#define LOGS_OUT_BYTES 65536
#define LOGS_TAIL_HALF_BYTES (SUPERVISOR_LOG_LINE_BYTES + 14)

struct logs_limits {
    uint64_t bytes_max;       /* per stream */
    uint64_t bytes_per_s_max; /* likewise; 0: any */
    bool waits;               /* what comes faster waits; else it is dropped */
};

struct log_half {
    size_t used;
    uint64_t raw_bytes; /* of output it stands for */
    char bytes[LOGS_TAIL_HALF_BYTES];
};

struct log_stream {
    int pipe_fd; /* reading end; -1 after its end */
    int file_fd; /* -1: could not be opened */
    uint64_t file_bytes;
    uint64_t head_bytes_max; /* of the file, before only the tail is kept */
    size_t half_bytes_max;
    bool capped;
    bool pending_piece; /* a piece of the pending line was written */
    size_t pending_bytes;
    int64_t pending_unix_ns, pending_mono_ns;
    size_t out_bytes;
    uint64_t out_raw_bytes; /* of output they stand for, dropped or not */
    uint64_t untold_bytes;  /* dropped, and not yet told in the file */
    uint64_t told_bytes;
    int64_t dropped_unix_ns; /* when the last of them came */
    unsigned half;           /* the one being filled */
    uint64_t bytes_per_s_max;
    bool waits;
    bool throttled; /* nothing passes before a quarter of a second's worth may */
    int64_t tokens; /* bytes that may pass now; below 0: so many too many have */
    int64_t refilled_mono_ns;

    /* Last, so that of a quiet process's buffers hardly a page is touched. */
    char pending[SUPERVISOR_LOG_TEXT_BYTES]; /* a line whose end has not come */
    char out[LOGS_OUT_BYTES];                /* entries to be written */
    struct log_half halves[2];               /* once capped: the last entries, older half first in line to be dropped */
};

struct logs {
    struct log_stream streams[2]; /* stdout, stderr */
};

/* Makes pipes and files; the writing ends go to ret_write_fds, for the child. */
int logs_open(struct logs *logs, int dir_fd, const struct logs_limits *limits, int ret_write_fds[2],
              struct failure *failure);
/* The stream's pipe, to be watched; -1 while it is not to be read, or at its end. *wait_ms, -1 for any, becomes less where
 * that will be over sooner. */
int logs_watch(struct log_stream *stream, int *wait_ms);
/* Reads once what there is. */
void logs_read(struct log_stream *stream);
/* Writes down lines that have waited for their end; returns the milliseconds to the next one, -1 for none. */
int logs_show_partial(struct logs *logs);
/* Takes what still stands in the pipes and finishes the files. */
void logs_finish(struct logs *logs);

#endif /* SUPERVISOR_LOGS_H_ */
