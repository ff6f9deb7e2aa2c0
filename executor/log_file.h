/* log_file: one log file of a job, entry by entry, however far it has grown.
 *
 * Used by   log_reader.c.
 * Shape     supervisor_wire_log.h. Opened for a read and closed again, so that a cursor over a thousand replicas holds no
 *           descriptors; the offset is all that lasts from one call to the next.
 * Owns      a buffer between begin and finish.      Thread    one.      Blocks    on the disk.
 * Errors    a file that is not there yet, or no more, has no entries; ERR_IO for one that cannot be read; ERR_PRECONDITION
 *           for a sealed one whose key is not here.
 */
#ifndef EXECUTOR_LOG_FILE_H_
#define EXECUTOR_LOG_FILE_H_

#include "executor/attempt_dir.h"

C_DECLS_BEGIN

#define LOG_FILE_PATH_BYTES (EXECUTION_KEY_BYTES + 16)

struct keyring;

struct log_file {
    struct keyring *keys; /* NULL: none */
    uint64_t job_id;
    struct execution_key key; /* of the service's log all zero */
    enum log_stream stream;
    char replica[32];
    uint64_t offset;       /* of the first entry not taken */
    int64_t order_unix_ns; /* the latest time so far: an entry never sorts before one that precedes it */
    /* Between begin and finish: */
    uint64_t end_offset; /* of what there was at begin */
    char *buffer;
    size_t used, at;
    size_t entry_bytes; /* in the file; 0: no entry */
    struct log_line line;
};

/* Looks at what there is now. *ret_has_news false: nothing new; finish then has nothing to do. */
MUST_USE int log_file_begin(struct log_file *file, int job_fd, bool *ret_has_news, struct err *err);
/* The next entry, in file->line; *ret_has_entry is false at the end of what there was at begin. */
MUST_USE int log_file_peek(struct log_file *file, int job_fd, bool *ret_has_entry, struct err *err);
void log_file_take(struct log_file *file);
void log_file_finish(struct log_file *file);

C_DECLS_END

#endif /* EXECUTOR_LOG_FILE_H_ */
