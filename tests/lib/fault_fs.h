/* fault_fs: a file system that fails, or dies, at the n-th call that would change it.
 *
 * Used by   tests of whatever writes through struct fs.
 * Shape     wraps another struct fs. Counted are the calls that change something: open with FS_CREATE, write_at,
 *           truncate, sync, sync_dir, rename, remove, make_dir, lock. Reading is never refused.
 * Owns      nothing of the inner one.
 * Thread    any.
 */
#ifndef TESTS_LIB_FAULT_FS_H_
#define TESTS_LIB_FAULT_FS_H_

#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

enum fault_mode {
    FAULT_NONE,
    FAULT_ONCE, /* the call fails and does nothing; later ones work */
    FAULT_STOP, /* this call and all later ones do nothing and fail, as if the process had been killed before it */
    FAULT_TEAR  /* a write keeps only its first bytes, then as FAULT_STOP; a call that is no write is as FAULT_STOP */
};

struct fault_fs;

/* NULL: memory. */
struct fault_fs *fault_fs_create(const struct fs *inner);
void fault_fs_destroy(struct fault_fs *fault);
const struct fs *fault_fs_fs(const struct fault_fs *fault);

/* Lets `calls` more calls pass, then the mode. */
void fault_fs_arm(struct fault_fs *fault, enum fault_mode mode, uint64_t calls);
/* Only calls that name a path with this part pass or meet the mode, so that other threads' calls change nothing; NULL:
 * all calls. The text must outlive the last call. */
void fault_fs_set_path_part(struct fault_fs *fault, const char *part);
/* With which code a refused call fails (ERR_IO at first), and how much of a torn write stays. */
void fault_fs_set_code(struct fault_fs *fault, enum err_code code);
void fault_fs_set_torn_bytes(struct fault_fs *fault, uint64_t bytes);
/* Calls counted since creation. */
uint64_t fault_fs_calls(const struct fault_fs *fault);
/* Of those, syncs: sync, and writes to files opened with FS_DATA_SYNC. */
uint64_t fault_fs_syncs(const struct fault_fs *fault);

C_DECLS_END

#endif /* TESTS_LIB_FAULT_FS_H_ */
