/* store: the tables in memory, behind the write-ahead log: published versions that readers never wait for.
 *
 * Used by   job/ (all of it, on the controller thread) and server/ (the reading half, on call threads).
 * Shape     four tables of (id → value). A value is opaque bytes; its keys (name, parent, state, labels, times)
 *           are found by the extractor that job/ gives, the same when a record is applied and when it is replayed.
 *           Ids grow: a new entry's id is above every earlier id of its table, so id order is create order.
 * Valid iff a version is reachable by readers only after the sync of the turn that made it.
 * Owns      tables, log and snapshots of one data directory, locked against a second process.
 *           A returned version is the caller's reference: give it back with store_version_unref.
 * Thread    "owner": the thread that called store_bind_owner, asserted. "reader": any thread between
 *           store_reader_register and _unregister; versions may cross threads and outlive the registration.
 * Blocks    store_commit and store_open on the disk; reads never.
 * Errors    a failed store_commit is final: the process must stop (a page that failed to sync may not be trusted).
 * Source    docs/ARCHITECTURE.md; docs/wal-format.md
 */
#ifndef STORAGE_STORE_H_
#define STORAGE_STORE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/span.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

/* Numbers stand in the log: append only. */
enum store_table {
    STORE_TABLE_JOB = 1,       /* CustomJob, wire bytes */
    STORE_TABLE_OPERATION = 2, /* google.longrunning.Operation, wire bytes */
    STORE_TABLE_EXECUTION = 3, /* customjobd.store.v1.JobExecution, id of its job */
    STORE_TABLE_REQUEST_ID = 4 /* customjobd.store.v1.RequestId, own ids */
};
#define STORE_TABLE_COUNT 5 /* number 0 is unused */

struct store_label {
    struct span key;
    struct span value;
};

/* The keys of one value; every span points into the value. Fields a table does not have stay zero. */
struct store_keys {
    struct span name;   /* resource name, whole */
    struct span parent; /* "projects/P/locations/L", the head of name */
    struct span display_name;
    struct span seal_key; /* the key that the value is to be sealed with; empty: none */
    uint32_t state;       /* JobState; for operations 1 when done */
    int64_t create_time_unix_ns;
    uint32_t label_count;
    struct store_label labels[LIMIT_LABELS_PER_JOB];
};

/* Finds the keys of a value. ret_keys is zeroed before, but for the labels. Fails with ERR_CORRUPT when the bytes make no sense. */
typedef int (*store_extract_fn)(enum store_table table, struct span value, struct store_keys *ret_keys,
                                struct err *err);

/* Writes what of a value stays in clear when it is sealed: bytes that the extractor finds name, parent, state,
 * create_time and seal_key in, or none. Returns their number, at most bytes_max. */
typedef size_t (*store_outline_fn)(enum store_table table, struct span value, char *bytes, size_t bytes_max);

struct keyring;

struct store_options {
    const char *dir; /* the data directory; made when absent. Files: lock, *.wal, *.snapshot, MANIFEST … */
    const struct fs *fs;
    const struct clock *clock;
    store_extract_fn extract;
    store_outline_fn outline; /* NULL: nothing stays in clear */
    struct keyring *keys;     /* must outlive the store; NULL: nothing is sealed, and what is stays locked */
    const char *store_key;    /* the name of the key for all that has none; NULL: none. Must outlive the store */
    uint64_t segment_bytes;   /* 0: 64 MiB */
    uint64_t free_bytes_min;  /* of the disk, see struct store_space; 0: it is not watched */
    uint64_t
        snapshot_log_bytes_min; /* a snapshot is due when the log is larger than this and than the live data; 0: 64 MiB */
};

/* How much room the disk has, and below how much no new rows should be made: free_bytes_min, or what the next snapshot and
 * the segments that are not ready yet will take, where that is more. */
struct store_space {
    uint64_t free_bytes;
    uint64_t needed_bytes;
    bool is_low;
};

/* What opening found, for one log line and for tests. */
struct store_recovery {
    uint64_t entries[STORE_TABLE_COUNT];
    uint64_t records_replayed;
    uint64_t snapshot_lsn; /* 0: none */
    uint64_t last_lsn;
    uint64_t torn_bytes;                /* cut from the tail; 0 after a clean end */
    uint64_t locked[STORE_TABLE_COUNT]; /* entries whose key is not here */
    int64_t duration_ns;
};

struct store;
struct store_version;

/* Locks the directory, recovers, makes ready to append. ERR_IN_USE: another process holds it (names the pid);
 * ERR_CORRUPT: says file, offset and what to do. */
MUST_USE int store_open(const struct store_options *options, struct store **ret_store,
                        struct store_recovery *ret_recovery, struct err *err);
/* Writes the closing watermark when everything staged was committed. No reader may be left. NULL is allowed. */
void store_close(struct store *store);

/* ---- owner ---- */

/* The calling thread owns the store from here on. */
void store_bind_owner(struct store *store);

/* A fresh id for a table: wall clock in ns, forced above the last; 19 decimal digits. */
uint64_t store_next_id(struct store *store, enum store_table table);

/* Stages a full image for this turn's batch; copies value. Not visible to anyone before store_commit.
 * ERR_EXHAUSTED when the value is above LIMIT_VALUE_BYTES; ERR_CORRUPT from the extractor: nothing is staged then. */
MUST_USE int store_put(struct store *store, enum store_table table, uint64_t id, struct span value, struct err *err);
MUST_USE int store_delete(struct store *store, enum store_table table, uint64_t id, struct err *err);

/* Writes everything staged as one batch, all or nothing, syncs once, publishes. Nothing staged: returns at once.
 * Failure is final: see above. */
MUST_USE int store_commit(struct store *store, struct err *err);

/* True while something is staged. */
bool store_is_dirty(const struct store *store);

/* Housekeeping between turns, each step short: watermark after idle, snapshot when due, segment recycling, freeing.
 * Returns in *ret_wait_ns how long until it wants to be called again at the latest (INT64_MAX: never). */
MUST_USE int store_tend(struct store *store, int64_t *ret_wait_ns, struct err *err);

/* Takes a snapshot now and cuts the log; for tests and for an orderly stop. Blocks until it is durable. */
MUST_USE int store_snapshot(struct store *store, struct err *err);

/* As of at most 100 ms ago; all zero when it is not watched. When room gets short, and as long as there is some, blank
 * segments are made ready, in which rows are deleted and jobs end on a full disk. */
void store_space(struct store *store, struct store_space *ret_space);

/* Where a table's memory goes, in bytes as asked of the allocator. */
struct store_memory {
    uint64_t rows;
    uint64_t values;       /* the rows' own bytes */
    uint64_t headers;      /* of versions: reference count, sizes, where the keys stand in the value */
    uint64_t ids;          /* id → row */
    uint64_t order;        /* rows in the order of ids */
    uint64_t keys;         /* parent, display name, labels → rows */
    uint64_t texts;        /* for wildcards */
    uint64_t states_times; /* states and times of rows, and which were changed last */
};
/* Walks the whole table: for tests and measurements. */
void store_memory(const struct store *store, enum store_table table, struct store_memory *ret_memory);

/* True while the last snapshot that was due failed, and why: the log grows on, nothing is lost. Tried again in a minute. */
bool store_snapshot_failure(const struct store *store, struct err *ret_failure);

/* ---- readers (the owner is one too: it need not register) ---- */

void store_reader_register(struct store *store);
void store_reader_unregister(struct store *store);

/* The newest published version, or NULL. */
MUST_USE struct store_version *store_get(const struct store *store, enum store_table table, uint64_t id);
/* The same, if its name is this one. Extracts the id from the name's last segment. */
MUST_USE struct store_version *store_get_by_name(const struct store *store, enum store_table table, struct span name);

uint64_t store_count(const struct store *store, enum store_table table);

struct store_version *store_version_ref(struct store_version *version);
void store_version_unref(struct store_version *version);
uint64_t store_version_id(const struct store_version *version);
struct span store_version_value(const struct store_version *version);
/* Spans point into the version's value. */
void store_version_keys(const struct store_version *version, struct store_keys *ret_keys);
/* One key without the rest; cheap enough for every entry of a walk. */
uint32_t store_version_state(const struct store_version *version);
/* True: its key is not here. Its value is the outline; what it was is kept, and comes back with the key. */
bool store_version_is_locked(const struct store_version *version);

/* True: the entry belongs to the page. Called on the reader's thread, must not block. */
typedef bool (*store_match_fn)(void *context, const struct store_version *version);

struct store_query {
    enum store_table table;
    struct span parent;                /* empty: any */
    uint64_t before_id;                /* only ids below; 0: from the newest */
    const struct store_filter *filter; /* NULL: all; what it asks for is found by the indexes */
    store_match_fn match;              /* NULL: all; asked of each row that the rest lets through */
    void *match_context;
    uint32_t count_max;
    uint64_t bytes_max; /* sum of value sizes; one entry is given even when it is larger */
};

struct store_page {
    struct store_version **versions; /* newest first; count of them, each the caller's reference */
    uint32_t count;
    bool more; /* there may be more; continue with before_id = next_before_id */
    uint64_t next_before_id;
};

/* Walks newest first. The page is consistent per entry, not across entries. What the indexes cannot decide is looked at
 * row by row; a page ends after LIMIT_PAGE_ROWS_LOOKED_AT of them, with what was found, which may be nothing. A page that
 * is full looks on for one more match, so that a last page is known to be the last. ERR_EXHAUSTED: memory. */
MUST_USE int store_list(const struct store *store, const struct store_query *query, struct store_page *ret_page,
                        struct err *err);
/* Gives back the versions and the array; the page may be all zero. */
void store_page_release(struct store_page *page);

/* Walks a table oldest first on the owner's thread, for start-up; stops when visit returns false. */
typedef bool (*store_visit_fn)(void *context, const struct store_version *version);
void store_walk(const struct store *store, enum store_table table, store_visit_fn visit, void *context);

C_DECLS_END

#endif /* STORAGE_STORE_H_ */
