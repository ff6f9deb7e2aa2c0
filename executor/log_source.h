/* log_source: a file of an attempt, plain while it may grow, or sealed; read the same way.
 *
 * Used by   log_file.c, attempt_dir.c.
 * Shape     NAME, or where that is not there NAME.sealed (sealed_file.h). The role of a sealed one is its path below the
 *           attempts' directory.
 * Owns      its descriptor.      Thread    one.      Blocks    on the disk.
 * Errors    ERR_PRECONDITION: its key is not here; ERR_CORRUPT; ERR_IO.
 */
#ifndef EXECUTOR_LOG_SOURCE_H_
#define EXECUTOR_LOG_SOURCE_H_

#include "executor/attempt_dir.h"
#include "seal/sealed_file.h"

C_DECLS_BEGIN

#define LOG_SOURCE_SEALED ".sealed"
/* A job's id, a key, a file's name, the ending. */
#define LOG_SOURCE_PATH_BYTES (2 * ATTEMPT_PATH_BYTES + 32)

struct log_source {
    int fd; /* -1: none, or the reader's */
    struct sealed_reader *sealed;
    uint64_t size; /* of what can be read */
};

/* name: below at_fd; role: its path below the attempts' directory. *ret_found is false where there is neither. */
MUST_USE int log_source_open(struct keyring *keys, int at_fd, const char *name, const char *role, bool *ret_found,
                             struct log_source *ret_source, struct err *err);
MUST_USE int log_source_read(struct log_source *source, uint64_t offset, void *bytes, size_t size, size_t *ret_got,
                             struct err *err);
void log_source_close(struct log_source *source);

C_DECLS_END

#endif /* EXECUTOR_LOG_SOURCE_H_ */
