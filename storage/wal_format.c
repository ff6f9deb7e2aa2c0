#include "storage/wal_format.h"

#include <endian.h>
#include <string.h>

#include "base/crc32c.h"

static const char SEGMENT_MAGIC[8] = {'C', 'J', 'W', 'A', 'L', 'S', 'E', 'G'};
static const char TRAILER_MAGIC[8] = {'C', 'J', 'W', 'A', 'L', 'E', 'N', 'D'};
static const char BATCH_MAGIC[4] = {'C', 'J', 'B', '1'};

enum segment_offset {
    SEGMENT_AT_MAGIC = 0,
    SEGMENT_AT_VERSION = 8,
    SEGMENT_AT_CRC = 12,
    SEGMENT_AT_INCOMPAT = 16,
    SEGMENT_AT_RO_COMPAT = 20,
    SEGMENT_AT_COMPAT = 24,
    SEGMENT_AT_FLAGS = 28,
    SEGMENT_AT_STORE_UUID = 32,
    SEGMENT_AT_SEGMENT_ID = 48,
    SEGMENT_AT_EPOCH = 64,
    SEGMENT_AT_NUMBER = 72,
    SEGMENT_AT_BYTES = 80,
    SEGMENT_AT_FIRST_LSN = 88,
    SEGMENT_AT_FIRST_BATCH = 96,
    SEGMENT_AT_CHAIN = 104
};

enum batch_offset {
    BATCH_AT_MAGIC = 0,
    BATCH_AT_CRC = 4,
    BATCH_AT_EPOCH = 8,
    BATCH_AT_BATCH = 16,
    BATCH_AT_FIRST_LSN = 24,
    BATCH_AT_DURABLE = 32,
    BATCH_AT_RECORD_COUNT = 40,
    BATCH_AT_LENGTH = 44,
    BATCH_AT_PREVIOUS_CHAIN = 48,
    BATCH_AT_CHAIN = 52,
    BATCH_AT_FLAGS = 56
};

enum trailer_offset {
    TRAILER_AT_MAGIC = 0,
    TRAILER_AT_CRC = 8,
    TRAILER_AT_NEXT_SEGMENT = 16,
    TRAILER_AT_NEXT_BATCH = 24
};

void wal_put16(void *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof value);
}

void wal_put32(void *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

void wal_put64(void *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

uint16_t wal_get16(const void *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

uint32_t wal_get32(const void *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

uint64_t wal_get64(const void *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

bool wal_is_zero(const void *bytes, size_t size)
{
    const char *at = bytes;

    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

/* The checksum of bytes whose own check field, 4 bytes at crc_at, counts as zero. */
static uint32_t crc_without(uint32_t seed, const char *bytes, size_t size, size_t crc_at)
{
    static const char zero[4];
    uint32_t crc = crc32c_extend(seed, bytes, crc_at);

    crc = crc32c_extend(crc, zero, sizeof zero);
    return crc32c_extend(crc, bytes + crc_at + sizeof zero, size - crc_at - sizeof zero);
}

void wal_segment_header_encode(struct wal_segment_header *header, void *block)
{
    char *at = block;

    memset(at, 0, WAL_BLOCK_BYTES);
    memcpy(at + SEGMENT_AT_MAGIC, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC);
    wal_put32(at + SEGMENT_AT_VERSION, header->version);
    wal_put32(at + SEGMENT_AT_INCOMPAT, header->incompat);
    wal_put32(at + SEGMENT_AT_RO_COMPAT, header->ro_compat);
    wal_put32(at + SEGMENT_AT_COMPAT, header->compat);
    wal_put32(at + SEGMENT_AT_FLAGS, header->flags);
    memcpy(at + SEGMENT_AT_STORE_UUID, header->store_uuid, WAL_ID_BYTES);
    memcpy(at + SEGMENT_AT_SEGMENT_ID, header->segment_id, WAL_ID_BYTES);
    wal_put64(at + SEGMENT_AT_EPOCH, header->epoch);
    wal_put64(at + SEGMENT_AT_NUMBER, header->number);
    wal_put64(at + SEGMENT_AT_BYTES, header->segment_bytes);
    wal_put64(at + SEGMENT_AT_FIRST_LSN, header->first_lsn);
    wal_put64(at + SEGMENT_AT_FIRST_BATCH, header->first_batch);
    wal_put32(at + SEGMENT_AT_CHAIN, header->chain);
    header->crc = crc_without(0, at, WAL_BLOCK_BYTES, SEGMENT_AT_CRC);
    wal_put32(at + SEGMENT_AT_CRC, header->crc);
}

static void segment_header_read(const char *at, struct wal_segment_header *ret_header)
{
    ret_header->version = wal_get32(at + SEGMENT_AT_VERSION);
    ret_header->incompat = wal_get32(at + SEGMENT_AT_INCOMPAT);
    ret_header->ro_compat = wal_get32(at + SEGMENT_AT_RO_COMPAT);
    ret_header->compat = wal_get32(at + SEGMENT_AT_COMPAT);
    ret_header->flags = wal_get32(at + SEGMENT_AT_FLAGS);
    memcpy(ret_header->store_uuid, at + SEGMENT_AT_STORE_UUID, WAL_ID_BYTES);
    memcpy(ret_header->segment_id, at + SEGMENT_AT_SEGMENT_ID, WAL_ID_BYTES);
    ret_header->epoch = wal_get64(at + SEGMENT_AT_EPOCH);
    ret_header->number = wal_get64(at + SEGMENT_AT_NUMBER);
    ret_header->segment_bytes = wal_get64(at + SEGMENT_AT_BYTES);
    ret_header->first_lsn = wal_get64(at + SEGMENT_AT_FIRST_LSN);
    ret_header->first_batch = wal_get64(at + SEGMENT_AT_FIRST_BATCH);
    ret_header->chain = wal_get32(at + SEGMENT_AT_CHAIN);
    ret_header->crc = wal_get32(at + SEGMENT_AT_CRC);
}

int wal_segment_header_decode(const void *block, struct wal_segment_header *ret_header, struct err *err)
{
    const char *at = block;
    struct wal_segment_header header;

    if (memcmp(at, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC) != 0) {
        return err_set(err, ERR_CORRUPT, "the header block is not a log segment's");
    }
    if (crc_without(0, at, WAL_BLOCK_BYTES, SEGMENT_AT_CRC) != wal_get32(at + SEGMENT_AT_CRC)) {
        return err_set(err, ERR_CORRUPT, "the checksum of the header block does not hold");
    }
    segment_header_read(at, &header);
    if (header.version != WAL_VERSION || (header.incompat & ~WAL_INCOMPAT_KNOWN) != 0 ||
        (header.ro_compat & ~WAL_RO_COMPAT_KNOWN) != 0) {
        return err_set(err, ERR_UNSUPPORTED,
                       "written in log format %u with features %#x/%#x, newer than this program's %u", header.version,
                       header.incompat, header.ro_compat, WAL_VERSION);
    }
    if (header.segment_bytes < WAL_SEGMENT_BYTES_MIN || header.segment_bytes % WAL_BLOCK_BYTES != 0) {
        return err_set(err, ERR_CORRUPT, "the header block tells an impossible segment size");
    }
    *ret_header = header;
    return 0;
}

uint32_t wal_segment_header_rebrand(void *block, const uint8_t *store_uuid, uint64_t segment_bytes)
{
    char *at = block;
    uint32_t crc;

    memcpy(at + SEGMENT_AT_STORE_UUID, store_uuid, WAL_ID_BYTES);
    wal_put64(at + SEGMENT_AT_BYTES, segment_bytes);
    wal_put32(at + SEGMENT_AT_FLAGS, 0); /* the file is made anew: zeros stand behind the tail */
    crc = crc_without(0, at, WAL_BLOCK_BYTES, SEGMENT_AT_CRC);
    wal_put32(at + SEGMENT_AT_CRC, crc);
    return crc;
}

void wal_batch_header_encode(const struct wal_batch_header *header, void *bytes)
{
    char *at = bytes;

    memset(at, 0, WAL_BATCH_HEADER_BYTES);
    memcpy(at + BATCH_AT_MAGIC, BATCH_MAGIC, sizeof BATCH_MAGIC);
    wal_put64(at + BATCH_AT_EPOCH, header->epoch);
    wal_put64(at + BATCH_AT_BATCH, header->batch);
    wal_put64(at + BATCH_AT_FIRST_LSN, header->first_lsn);
    wal_put64(at + BATCH_AT_DURABLE, header->durable_batch);
    wal_put32(at + BATCH_AT_RECORD_COUNT, header->record_count);
    wal_put32(at + BATCH_AT_LENGTH, header->length);
    wal_put32(at + BATCH_AT_PREVIOUS_CHAIN, header->previous_chain);
    wal_put32(at + BATCH_AT_FLAGS, header->flags);
}

void wal_batch_header_rebrand(void *bytes, uint32_t segment_crc)
{
    char *at = bytes;

    wal_put32(at + BATCH_AT_CRC, crc_without(segment_crc, at, WAL_BATCH_HEADER_BYTES, BATCH_AT_CRC));
}

uint32_t wal_batch_chain(const void *batch, size_t padded_bytes, uint32_t previous_chain)
{
    char header[WAL_BATCH_HEADER_BYTES];
    uint32_t chain;

    memcpy(header, batch, sizeof header);
    wal_put32(header + BATCH_AT_CRC, 0);
    wal_put32(header + BATCH_AT_CHAIN, 0);
    chain = crc32c_extend(previous_chain, header, sizeof header);
    return crc32c_extend(chain, (const char *)batch + sizeof header, padded_bytes - sizeof header);
}

uint32_t wal_batch_seal(void *batch, size_t padded_bytes, uint32_t previous_chain, uint32_t segment_crc)
{
    char *at = batch;
    uint32_t chain = wal_batch_chain(batch, padded_bytes, previous_chain);

    wal_put32(at + BATCH_AT_CHAIN, chain);
    wal_put32(at + BATCH_AT_CRC, crc_without(segment_crc, at, WAL_BATCH_HEADER_BYTES, BATCH_AT_CRC));
    return chain;
}

bool wal_batch_header_decode(const void *bytes, uint32_t segment_crc, struct wal_batch_header *ret_header)
{
    const char *at = bytes;

    if (memcmp(at, BATCH_MAGIC, sizeof BATCH_MAGIC) != 0 ||
        crc_without(segment_crc, at, WAL_BATCH_HEADER_BYTES, BATCH_AT_CRC) != wal_get32(at + BATCH_AT_CRC)) {
        return false;
    }
    ret_header->epoch = wal_get64(at + BATCH_AT_EPOCH);
    ret_header->batch = wal_get64(at + BATCH_AT_BATCH);
    ret_header->first_lsn = wal_get64(at + BATCH_AT_FIRST_LSN);
    ret_header->durable_batch = wal_get64(at + BATCH_AT_DURABLE);
    ret_header->record_count = wal_get32(at + BATCH_AT_RECORD_COUNT);
    ret_header->length = wal_get32(at + BATCH_AT_LENGTH);
    ret_header->previous_chain = wal_get32(at + BATCH_AT_PREVIOUS_CHAIN);
    ret_header->chain = wal_get32(at + BATCH_AT_CHAIN);
    ret_header->flags = wal_get32(at + BATCH_AT_FLAGS);
    return true;
}

void wal_trailer_encode(const struct wal_trailer *trailer, uint32_t segment_crc, void *block)
{
    char *at = block;

    memset(at, 0, WAL_BLOCK_BYTES);
    memcpy(at + TRAILER_AT_MAGIC, TRAILER_MAGIC, sizeof TRAILER_MAGIC);
    wal_put64(at + TRAILER_AT_NEXT_SEGMENT, trailer->next_segment);
    wal_put64(at + TRAILER_AT_NEXT_BATCH, trailer->next_batch);
    wal_put32(at + TRAILER_AT_CRC, crc_without(segment_crc, at, WAL_BLOCK_BYTES, TRAILER_AT_CRC));
}

bool wal_trailer_decode(const void *block, uint32_t segment_crc, struct wal_trailer *ret_trailer)
{
    const char *at = block;

    if (memcmp(at, TRAILER_MAGIC, sizeof TRAILER_MAGIC) != 0 ||
        crc_without(segment_crc, at, WAL_BLOCK_BYTES, TRAILER_AT_CRC) != wal_get32(at + TRAILER_AT_CRC)) {
        return false;
    }
    ret_trailer->next_segment = wal_get64(at + TRAILER_AT_NEXT_SEGMENT);
    ret_trailer->next_batch = wal_get64(at + TRAILER_AT_NEXT_BATCH);
    return true;
}
