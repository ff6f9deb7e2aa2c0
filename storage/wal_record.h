/* wal_record: one row's change between its meaning and its bytes, in log batches and snapshot chunks alike.
 *
 * Used by   wal_writer, wal_reader, snapshot_writer, snapshot_reader, row_sealer, row_opener.
 * Shape     {length u32, type u16, version u16, a message of customjobd.wal.v1 of length bytes}; no padding. The type says
 *           which: a WalRecord, a SealKey, a SealedRow.
 * Owns      a decoded value's bytes live in the decoder until its next use.
 * Thread    one at a time per decoder.
 * Errors    ERR_CORRUPT; ERR_UNSUPPORTED for a type or version of a newer program; ERR_EXHAUSTED: memory.
 */
#ifndef STORAGE_WAL_RECORD_H_
#define STORAGE_WAL_RECORD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* The numbers of the record types. */
enum wal_row_kind {
    WAL_ROW_PLAIN = 1,
    WAL_ROW_SEAL_KEY = 2, /* no row: what the sealed ones behind it are opened with */
    WAL_ROW_SEALED = 3
};

enum wal_seal_place { WAL_SEAL_IN_LOG = 1, WAL_SEAL_IN_SNAPSHOT = 2 };

/* Of a SEAL_KEY. */
struct wal_seal_key {
    struct span run;
    struct span data_key;
    struct span name;
    struct span version;
    struct span wrapped;
};

/* Of a SEALED row; its value is the sealed bytes. */
struct wal_seal {
    struct span run;
    uint64_t number;
    enum wal_seal_place place;
    uint64_t lsn;
    struct span outline;
    bool nested; /* what is sealed is a record of a SEALED row */
    bool whole;  /* with the store's key */
};

struct wal_row {
    uint32_t table; /* 0 of a SEAL_KEY */
    uint64_t id;
    bool deleted;
    struct span value;      /* empty when deleted */
    enum wal_row_kind kind; /* 0 is PLAIN too */
    union {
        struct wal_seal_key seal_key;
        struct wal_seal seal;
    } of;
};

/* Bytes that wal_record_encode will write, frame included. */
size_t wal_record_bytes(const struct wal_row *row);
/* Writes exactly wal_record_bytes(row) bytes. */
void wal_record_encode(const struct wal_row *row, void *bytes);

/* Memory reused from record to record. Zero it to begin with. */
struct wal_record_decoder {
    char *memory;
    size_t capacity;
    size_t used;
};

/* Decodes the record at the head of bytes; *ret_size is what it took. */
MUST_USE int wal_record_decode(struct wal_record_decoder *decoder, struct span bytes, struct wal_row *ret_row,
                               size_t *ret_size, struct err *err);
void wal_record_decoder_deinit(struct wal_record_decoder *decoder);

C_DECLS_END

#endif /* STORAGE_WAL_RECORD_H_ */
