/* store_private: what the files store*.c share: the store's insides.
 *
 * Used by   store.c (opening, staging, committing), store_read.c, store_list.c, store_tend.c; nobody else.
 * Thread    all fields: the owner; readers touch tables only, and those through reclaim sections.
 */
#ifndef STORAGE_STORE_PRIVATE_H_
#define STORAGE_STORE_PRIVATE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread_check.h"
#include "storage/data_dir.h"
#include "storage/reclaim.h"
#include "storage/row_sealer.h"
#include "storage/snapshot_task.h"
#include "storage/staging.h"
#include "storage/store.h"
#include "storage/table.h"
#include "storage/wal_spare.h"
#include "storage/wal_writer.h"

C_DECLS_BEGIN

struct store {
    const struct fs *fs;
    const struct clock *clock;
    store_extract_fn extract;
    store_outline_fn outline;
    struct keyring *keys; /* NULL: none; own_keys then */
    const char *store_key;
    struct keyring *own_keys;  /* an empty ring, where none was given */
    struct row_sealer *sealer; /* of the log; NULL: nothing is sealed */
    bool wants_snapshot;       /* what is on the disk is sealed with old keys, or not yet */
    char *dir;
    uint64_t segment_bytes;
    uint64_t snapshot_log_bytes_min;
    struct thread_check owner;
    int lock_file; /* -1: not locked */
    bool failed;   /* for good, with failure */
    struct err failure;

    struct table *tables[STORE_TABLE_COUNT]; /* number 0 is NULL */
    uint64_t last_ids[STORE_TABLE_COUNT];
    int64_t live_bytes; /* sum of the published values' sizes */
    struct reclaim *reclaim;

    struct staging staging; /* of this turn */
    struct wal_spare *spare;
    struct wal_writer *writer;
    struct manifest manifest; /* as on the disk, once its snapshot was taken over */
    int64_t last_commit_mono_ns;

    struct snapshot_task *snapshot;
    uint64_t log_bytes_before;         /* of the log behind the snapshot, without wal_writer_bytes */
    uint64_t snapshot_start_log_bytes; /* log bytes when the running snapshot began */
    uint64_t cut_segment;              /* segments from here up to manifest.first_segment are to be recycled */
    int64_t snapshot_retry_mono_ns;    /* not before, after a failed one */
    uint64_t free_bytes_min;
    struct store_space space;    /* as last seen */
    int64_t space_seen_mono_ns;  /* 0: never */
    uint64_t old_snapshot_bytes; /* of the snapshot's file, while room is short; else 0 */
    struct err snapshot_failure; /* of the last try; code ERR_NONE: it went well */
};

/* Keeps the failure of the log as the store's last word; returns -1. */
int store_fail(struct store *store, struct err *err);
/* Keeps segments ready while room gets short; how long until it wants to look again. */
int64_t store_space_tend(struct store *store);
/* Gives up the segments kept ready, if that makes room for a snapshot: true. */
bool store_space_release(struct store *store);
/* 0, or -1 and the failure. */
MUST_USE int store_check_usable(const struct store *store, struct err *err);
/* A thread that did not register has no sections, and may read only as the writer. */
void store_check_reader(const struct store *store);

C_DECLS_END

#endif /* STORAGE_STORE_PRIVATE_H_ */
