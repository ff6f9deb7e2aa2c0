/* The log's reader on segments of any content. Input: flags (1: checks are made to hold, so that what lies behind them
 * is reached), then a piece for each block, four blocks to a segment. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "input.h"
#include "memory_fs.h"
#include "storage/wal_format.h"
#include "storage/wal_reader.h"

#define BLOCKS 4
#define SEGMENTS_MAX 4
#define SEGMENT_BYTES (BLOCKS * WAL_BLOCK_BYTES)
#define HEADER_AT_CRC 12
#define HEADER_AT_UUID 32
#define HEADER_AT_BYTES 80
#define BATCH_AT_LENGTH 44
#define BATCH_AT_PREVIOUS_CHAIN 48
#define TRAILER_AT_CRC 8

/* Puts in whatever the writer would have computed. */
static uint32_t seal_segment(char *segment, uint32_t chain)
{
    uint32_t crc;

    wal_put64(segment + HEADER_AT_BYTES, SEGMENT_BYTES);
    wal_put32(segment + HEADER_AT_CRC, 0);
    crc = crc32c(segment, WAL_BLOCK_BYTES);
    wal_put32(segment + HEADER_AT_CRC, crc);
    for (size_t at = WAL_BLOCK_BYTES; at < SEGMENT_BYTES;) {
        uint64_t padded = wal_batch_padded(wal_get32(segment + at + BATCH_AT_LENGTH));

        if (memcmp(segment + at, "CJWALEND", 8) == 0) {
            wal_put32(segment + at + TRAILER_AT_CRC, 0);
            wal_put32(segment + at + TRAILER_AT_CRC, crc32c_extend(crc, segment + at, WAL_BLOCK_BYTES));
        }
        if (memcmp(segment + at, "CJB1", 4) != 0 || padded > SEGMENT_BYTES - at) {
            at += WAL_BLOCK_BYTES;
            continue;
        }
        wal_put32(segment + at + BATCH_AT_PREVIOUS_CHAIN, chain);
        chain = wal_batch_seal(segment + at, (size_t)padded, chain, crc);
        at += (size_t)padded;
    }
    return chain;
}

static void make_segments(struct memory_fs *memory, struct input input)
{
    bool seals = input_byte(&input) & 1;
    uint32_t chain = 0;

    for (unsigned number = 1; number <= SEGMENTS_MAX && (number == 1 || input.left > 0); number++) {
        struct memory_file *file;
        char name[32];

        snprintf(name, sizeof name, "d/%016x.wal", number);
        file = memory_fs_add(memory, name, SEGMENT_BYTES);
        for (size_t block = 0; block < BLOCKS; block++) {
            const uint8_t *bytes;
            size_t size = input_piece(&input, &bytes);

            size = size < WAL_BLOCK_BYTES ? size : WAL_BLOCK_BYTES;
            if (size > 0) {
                memcpy(file->bytes + block * WAL_BLOCK_BYTES, bytes, size);
            }
        }
        chain = seals ? seal_segment(file->bytes, chain) : 0;
    }
}

/* Reads all; whatever the bytes are, the lsns go up by one and the rows lie in memory that may be read. */
static void read_log(const struct memory_fs *memory)
{
    struct wal_reader *reader;
    struct wal_record record;
    struct err err = ERR_INIT;
    uint64_t next_lsn;
    bool end = false;

    if (wal_reader_open(&memory->fs, "d", (const uint8_t *)memory->files[0].bytes + HEADER_AT_UUID, 1, &reader, &err) !=
        0) {
        return;
    }
    next_lsn = wal_reader_first_lsn(reader);
    while (wal_reader_next(reader, &record, &end, &err) == 0 && !end) {
        if (record.lsn != next_lsn++ || record.segment == 0 || record.segment > memory->count ||
            record.offset >= SEGMENT_BYTES || record.row.value.size > SEGMENT_BYTES) {
            abort();
        }
        (void)crc32c(record.row.value.data, record.row.value.size);
    }
    wal_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct memory_fs memory;

    memory_fs_init(&memory);
    make_segments(&memory, (struct input){bytes, size});
    read_log(&memory);
    memory_fs_deinit(&memory);
    return 0;
}
