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
#define seal_key_pbc Customjobd__Wal__V1__SealKey
#define SEAL_KEY_PBC_INIT CUSTOMJOBD__WAL__V1__SEAL_KEY__INIT
#define seal_key_pbc_size customjobd__wal__v1__seal_key__get_packed_size
#define seal_key_pbc_pack customjobd__wal__v1__seal_key__pack
#define seal_key_pbc_unpack customjobd__wal__v1__seal_key__unpack
#define sealed_pbc Customjobd__Wal__V1__SealedRow
#define SEALED_PBC_INIT CUSTOMJOBD__WAL__V1__SEALED_ROW__INIT
#define sealed_pbc_size customjobd__wal__v1__sealed_row__get_packed_size
#define sealed_pbc_pack customjobd__wal__v1__sealed_row__pack
#define sealed_pbc_unpack customjobd__wal__v1__sealed_row__unpack

/* Room for the message itself and the decoder's small allocations. */
#define DECODER_OVERHEAD_BYTES 4096

static ProtobufCBinaryData pbc_of(struct span span)
{
    ProtobufCBinaryData data = {span.size, (uint8_t *)(uintptr_t)span.data};

    return data;
}

static struct span span_of_pbc(ProtobufCBinaryData data)
{
    return span_make(data.data, data.len);
}

/* ---- each kind's message ---- */

static void record_pbc_set(struct record_pbc *record, const struct wal_row *row)
{
    record->table = row->table;
    record->id = row->id;
    record->deleted = row->deleted;
    record->value = pbc_of(row->value);
}

static void seal_key_pbc_set(struct seal_key_pbc *key, const struct wal_row *row)
{
    key->run = pbc_of(row->of.seal_key.run);
    key->data_key = pbc_of(row->of.seal_key.data_key);
    key->name = pbc_of(row->of.seal_key.name);
    key->version = pbc_of(row->of.seal_key.version);
    key->wrapped = pbc_of(row->of.seal_key.wrapped);
}

static void sealed_pbc_set(struct sealed_pbc *sealed, const struct wal_row *row)
{
    sealed->table = row->table;
    sealed->id = row->id;
    sealed->run = pbc_of(row->of.seal.run);
    sealed->number = row->of.seal.number;
    sealed->place = (Customjobd__Wal__V1__SealedRow__Place)row->of.seal.place;
    sealed->lsn = row->of.seal.lsn;
    sealed->outline = pbc_of(row->of.seal.outline);
    sealed->sealed = pbc_of(row->value);
    sealed->nested = row->of.seal.nested;
    sealed->whole = row->of.seal.whole;
}

/* bytes NULL: only the size. */
static size_t pack(const struct wal_row *row, uint8_t *bytes)
{
    struct seal_key_pbc key = SEAL_KEY_PBC_INIT;
    struct sealed_pbc sealed = SEALED_PBC_INIT;
    struct record_pbc record = RECORD_PBC_INIT;

    switch (row->kind) {
    case WAL_ROW_SEAL_KEY:
        seal_key_pbc_set(&key, row);
        return bytes ? seal_key_pbc_pack(&key, bytes) : seal_key_pbc_size(&key);
    case WAL_ROW_SEALED:
        sealed_pbc_set(&sealed, row);
        return bytes ? sealed_pbc_pack(&sealed, bytes) : sealed_pbc_size(&sealed);
    default:
        record_pbc_set(&record, row);
        return bytes ? record_pbc_pack(&record, bytes) : record_pbc_size(&record);
    }
}

size_t wal_record_bytes(const struct wal_row *row)
{
    return WAL_RECORD_HEADER_BYTES + pack(row, NULL);
}

void wal_record_encode(const struct wal_row *row, void *bytes)
{
    char *at = bytes;
    size_t length = pack(row, (uint8_t *)at + WAL_RECORD_HEADER_BYTES);

    wal_put32(at, (uint32_t)length);
    wal_put16(at + 4, row->kind == 0 ? WAL_ROW_PLAIN : (uint16_t)row->kind);
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

static int bad_message(const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the record is no %s message", what);
}

static int unpack_plain(ProtobufCAllocator *allocator, struct span bytes, struct wal_row *row, struct err *err)
{
    const struct record_pbc *record = record_pbc_unpack(allocator, bytes.size, (const uint8_t *)bytes.data);

    if (!record) {
        return bad_message("WalRecord", err);
    }
    if (record->table == 0 || (record->deleted && record->value.len > 0)) {
        return err_set(err, ERR_CORRUPT, "the record makes no sense (table %u)", record->table);
    }
    row->table = record->table;
    row->id = record->id;
    row->deleted = record->deleted != 0;
    row->value = span_of_pbc(record->value);
    return 0;
}

static int unpack_seal_key(ProtobufCAllocator *allocator, struct span bytes, struct wal_row *row, struct err *err)
{
    const struct seal_key_pbc *key = seal_key_pbc_unpack(allocator, bytes.size, (const uint8_t *)bytes.data);

    if (!key) {
        return bad_message("SealKey", err);
    }
    row->of.seal_key = (struct wal_seal_key){.run = span_of_pbc(key->run),
                                             .data_key = span_of_pbc(key->data_key),
                                             .name = span_of_pbc(key->name),
                                             .version = span_of_pbc(key->version),
                                             .wrapped = span_of_pbc(key->wrapped)};
    return 0;
}

static int unpack_sealed(ProtobufCAllocator *allocator, struct span bytes, struct wal_row *row, struct err *err)
{
    const struct sealed_pbc *sealed = sealed_pbc_unpack(allocator, bytes.size, (const uint8_t *)bytes.data);

    if (!sealed) {
        return bad_message("SealedRow", err);
    }
    if (sealed->table == 0) {
        return err_set(err, ERR_CORRUPT, "the record makes no sense (table 0)");
    }
    row->table = sealed->table;
    row->id = sealed->id;
    row->value = span_of_pbc(sealed->sealed);
    row->of.seal = (struct wal_seal){.run = span_of_pbc(sealed->run),
                                     .number = sealed->number,
                                     .place = (enum wal_seal_place)sealed->place,
                                     .lsn = sealed->lsn,
                                     .outline = span_of_pbc(sealed->outline),
                                     .nested = sealed->nested != 0,
                                     .whole = sealed->whole != 0};
    return 0;
}

static int unpack(struct wal_record_decoder *decoder, struct span bytes, struct wal_row *row, struct err *err)
{
    ProtobufCAllocator allocator = {decoder_alloc, decoder_free, decoder};

    switch (row->kind) {
    case WAL_ROW_SEAL_KEY:
        return unpack_seal_key(&allocator, bytes, row, err);
    case WAL_ROW_SEALED:
        return unpack_sealed(&allocator, bytes, row, err);
    default:
        return unpack_plain(&allocator, bytes, row, err);
    }
}

int wal_record_decode(struct wal_record_decoder *decoder, struct span bytes, struct wal_row *ret_row, size_t *ret_size,
                      struct err *err)
{
    struct wal_row row = {.deleted = false};
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
    if (type < WAL_ROW_PLAIN || type > WAL_ROW_SEALED || version != WAL_RECORD_VERSION) {
        return err_set(err, ERR_UNSUPPORTED, "a record of type %u version %u is of a newer program", type, version);
    }
    row.kind = (enum wal_row_kind)type;
    if (decoder_reserve(decoder, (size_t)length + DECODER_OVERHEAD_BYTES, err) != 0 ||
        unpack(decoder, span_make(bytes.data + WAL_RECORD_HEADER_BYTES, length), &row, err) != 0) {
        return -1;
    }
    *ret_row = row;
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
