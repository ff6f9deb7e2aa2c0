/* snapshot_task: writes a snapshot on a background thread while the store goes on.
 *
 * Used by   store_tend, store_open, store_close.
 * Shape     walks the published rows as a reader, so nobody pauses; the image is fuzzy and the log makes it exact. Then
 *           MANIFEST names it. Cutting the log is the owner's step, afterwards. A crash at any point leaves the old
 *           set or the new one.
 * Owns      one background thread, started with the first snapshot.
 * Thread    the store's owner.      Blocks    wait and destroy on the running snapshot; destroy cancels it.
 * Errors    a snapshot that fails loses nothing: the old one and the whole log are still there.
 */
#ifndef STORAGE_SNAPSHOT_TASK_H_
#define STORAGE_SNAPSHOT_TASK_H_

#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/data_dir.h"
#include "storage/snapshot.h"
#include "storage/table.h"

C_DECLS_BEGIN

enum snapshot_task_state {
    SNAPSHOT_TASK_IDLE,
    SNAPSHOT_TASK_RUNNING,
    SNAPSHOT_TASK_DONE,  /* and not yet taken */
    SNAPSHOT_TASK_FAILED /* likewise */
};

struct snapshot_task;

/* Everything must outlive the task. */
struct snapshot_task_options {
    const struct fs *fs;
    const char *dir;
    struct table **tables;
    struct keyring *keys;
    const char *store_key; /* NULL: none */
    store_outline_fn outline;
};

/* NULL: memory. */
MUST_USE struct snapshot_task *snapshot_task_create(const struct snapshot_task_options *options);
/* NULL is allowed. */
void snapshot_task_destroy(struct snapshot_task *task);

/* Rows up to this lsn are durable and may be published from now on. */
void snapshot_task_note_durable(struct snapshot_task *task, uint64_t lsn);

/* Begins; the task must be idle. On success MANIFEST will name the snapshot of head->lsn and first_segment, and the one
 * of old_lsn is removed; 0: there was none. */
MUST_USE int snapshot_task_start(struct snapshot_task *task, const struct snapshot_head *head, uint64_t first_segment,
                                 uint64_t old_lsn, struct err *err);
enum snapshot_task_state snapshot_task_state(struct snapshot_task *task);
/* Until it does not run. */
void snapshot_task_wait(struct snapshot_task *task);
/* DONE: the manifest that was written. FAILED: returns -1 with its error. Either way it is idle again. */
MUST_USE int snapshot_task_take(struct snapshot_task *task, struct manifest *ret_manifest, struct err *err);

C_DECLS_END

#endif /* STORAGE_SNAPSHOT_TASK_H_ */
