#include "storage/wal_record.h"

#include <stdlib.h>

#include "customjobd/wal/v1/wal.pb-c.h"
#include "storage/wal_format.h"

/* The generated names, in one place. */
#define record_pbc Customjobd__Wal__V1__WalRecord
#define RECORD_PBC_INIT CUSTOMJOBD__WAL__V1__WAL_RECORD__INIT
#define record_pbc_size customjobd__wal__v1__wal_record__get_packed_size
#define record_pbc_pack customjobd__wal__v1__wal_record__pack
#define record_pbc_unpack customjobd__wal__v1__wal_record__unpack

/* Room for the message itself and the decoder's small allocations. */
#define DECODER_OVERHEAD_BYTES 4096

static void record_pbc_set(struct record_pbc *record, const struct wal_row *row)
{
    record->table = row->table;
    record->id = row->id;
    record->deleted = row->deleted;
    record->value.data = (uint8_t *)(uintptr_t)row->value.data;
    record->value.len = row->value.size;
}

size_t wal_record_bytes(const struct wal_row *row)
{
    struct record_pbc record = RECORD_PBC_INIT;

    record_pbc_set(&record, row);
    return WAL_RECORD_HEADER_BYTES + record_pbc_size(&record);
}

void wal_record_encode(const struct wal_row *row, void *bytes)
{
    struct record_pbc record = RECORD_PBC_INIT;
    char *at = bytes;
    size_t length;

    record_pbc_set(&record, row);
    length = record_pbc_pack(&record, (uint8_t *)at + WAL_RECORD_HEADER_BYTES);
    wal_put32(at, (uint32_t)length);
    wal_put16(at + 4, WAL_RECORD_ROW);
    wal_put16(at + 6, WAL_RECORD_VERSION);
}

/* protobuf-c takes an allocator: a bump through the decoder's memory, given back all at once. */
static void *decoder_alloc(void *context, size_t size)
{
    struct wal_record_decoder *decoder = context;
    size_t rounded = (size + 15) & ~(size_t)15;
    void *memory;

    if (rounded < size || decoder->capacity - decoder->used < rounded) {
        return NULL;
    }
    memory = decoder->memory + decoder->used;
    decoder->used += rounded;
    return memory;
}

static void decoder_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

static int decoder_reserve(struct wal_record_decoder *decoder, size_t size, struct err *err)
{
    char *memory;

    decoder->used = 0;
    if (decoder->capacity >= size) {
        return 0;
    }
    memory = realloc(decoder->memory, size);
    if (!memory) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a log record of %zu bytes", size);
    }
    decoder->memory = memory;
    decoder->capacity = size;
    return 0;
}

int wal_record_decode(struct wal_record_decoder *decoder, struct span bytes, struct wal_row *ret_row, size_t *ret_size,
                      struct err *err)
{
    ProtobufCAllocator allocator = {decoder_alloc, decoder_free, decoder};
    struct record_pbc *record;
    uint32_t length;
    uint16_t type;
    uint16_t version;

    if (bytes.size < WAL_RECORD_HEADER_BYTES) {
        return err_set(err, ERR_CORRUPT, "%zu bytes are too few for a record", bytes.size);
    }
    length = wal_get32(bytes.data);
    type = wal_get16(bytes.data + 4);
    version = wal_get16(bytes.data + 6);
    if (length > bytes.size - WAL_RECORD_HEADER_BYTES) {
        return err_set(err, ERR_CORRUPT, "a record of %u bytes reaches beyond its batch", length);
    }
    if (type != WAL_RECORD_ROW || version != WAL_RECORD_VERSION) {
        return err_set(err, ERR_UNSUPPORTED, "a record of type %u version %u is of a newer program", type, version);
    }
    if (decoder_reserve(decoder, (size_t)length + DECODER_OVERHEAD_BYTES, err) != 0) {
        return -1;
    }
    record = record_pbc_unpack(&allocator, length, (const uint8_t *)bytes.data + WAL_RECORD_HEADER_BYTES);
    if (!record) {
        return err_set(err, ERR_CORRUPT, "the record is no WalRecord message");
    }
    if (record->table == 0 || (record->deleted && record->value.len > 0)) {
        return err_set(err, ERR_CORRUPT, "the record makes no sense (table %u)", record->table);
    }
    ret_row->table = record->table;
    ret_row->id = record->id;
    ret_row->deleted = record->deleted != 0;
    ret_row->value = span_make(record->value.data, record->value.len);
    *ret_size = WAL_RECORD_HEADER_BYTES + (size_t)length;
    return 0;
}

void wal_record_decoder_deinit(struct wal_record_decoder *decoder)
{
    free(decoder->memory);
    decoder->memory = NULL;
    decoder->capacity = 0;
    decoder->used = 0;
}
