/* row_task: some runs of stored records, and the rows that are decoded of them: what one thread does at a time.
 *
 * Used by   row_loader.
 * Owns      a hold of the buffer until it is decoded; the versions until they are published.
 * Thread    one at a time; the loader hands it over under its mutex.
 * Errors    of adding: ERR_EXHAUSTED, memory. Of decoding: kept in the task; ERR_CORRUPT, ERR_UNSUPPORTED with file and
 *           offset, ERR_DENIED: the whole store's key is missing, ERR_EXHAUSTED.
 */
#ifndef STORAGE_ROW_TASK_H_
#define STORAGE_ROW_TASK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "storage/read_ahead.h"
#include "storage/reclaim.h"
#include "storage/row_opener.h"
#include "storage/store.h"
#include "storage/table.h"
#include "storage/wal_record.h"

C_DECLS_BEGIN

#define ROW_TASK_RUNS_MAX 256

struct row_loader_input {
    const char *dir;       /* to name files by */
    uint64_t snapshot_lsn; /* the same */
    store_extract_fn extract;
    struct table **tables; /* [STORE_TABLE_COUNT] */
    struct reclaim *reclaim;
    struct keyring *keys;  /* to open sealed rows with */
    const char *store_key; /* the one that should have sealed them all; NULL: none */
};

/* Records one behind the other, in one buffer. */
struct row_run {
    struct span records;
    uint32_t record_count;
    uint32_t skip;    /* of the first ones: they count for nothing */
    uint64_t segment; /* where they stand; 0: in the snapshot */
    uint64_t offset;  /* of the first, in that file */
    uint64_t lsn;     /* of the first; of the snapshot */
};

/* How rows were found sealed. */
struct row_seals {
    bool whole;  /* some with the store's key */
    bool locked; /* some with a job's that is not here */
    bool other;  /* some not with the store's key that is named now */
    size_t runs; /* so many wrapped keys */
};

/* What one thread decodes with. Zero it to begin with. */
struct row_decoding {
    struct wal_record_decoder decoder;
    struct row_opener *opener; /* made with the first sealed row */
};

struct row_loaded {
    uint32_t table;
    uint64_t id;
    struct store_version *version; /* NULL: deleted */
};

/* Zero it to begin with. */
struct row_task {
    bool done;                  /* the loader's */
    struct read_buffer *buffer; /* NULL: nothing was added, or all is decoded */
    struct row_run runs[ROW_TASK_RUNS_MAX];
    uint32_t run_count;
    size_t record_count; /* of the runs, or more */
    size_t bytes;
    struct row_loaded *rows;
    size_t row_capacity;
    size_t row_count;
    struct row_seals seals;
    int result; /* of decoding, with err; the rows before the failure are there */
    struct err err;
};

/* True: there is room for a run in this buffer. */
bool row_task_takes(const struct row_task *task, const struct read_buffer *buffer);
MUST_USE int row_task_add(struct row_task *task, const struct row_run *run, struct read_buffer *buffer,
                          struct err *err);
void row_task_decode(struct row_task *task, const struct row_loader_input *input, struct row_decoding *decoding);
void row_decoding_deinit(struct row_decoding *decoding);
/* Gives up what it holds and makes it ready for other runs. */
void row_task_clear(struct row_task *task);
void row_task_deinit(struct row_task *task);

C_DECLS_END

#endif /* STORAGE_ROW_TASK_H_ */
