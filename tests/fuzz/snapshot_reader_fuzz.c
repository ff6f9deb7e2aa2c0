/* The snapshot's reader on a file of any content. Input: flags (1: checks are made to hold; 2: the file is cut where the
 * last piece ends), then a piece for block 0 and one for each chunk. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "input.h"
#include "memory_fs.h"
#include "storage/data_dir.h"
#include "storage/snapshot.h"
#include "storage/snapshot_format.h"
#include "storage/wal_format.h"

#define FILE_BYTES_MAX (512 * 1024)
#define PIECES_MAX 64

struct pieces {
    size_t at[PIECES_MAX];
    size_t count;
    size_t bytes;
};

/* Each piece at the start of a block. */
static void lay_out(char *file, struct input input, struct pieces *ret_pieces)
{
    struct pieces pieces = {.count = 0};

    while (input.left > 0 && pieces.count < PIECES_MAX) {
        const uint8_t *bytes;
        size_t size = input_piece(&input, &bytes);
        size_t padded = (size_t)wal_round_up(size > 0 ? size : 1);

        padded = pieces.count == 0 ? WAL_BLOCK_BYTES : padded;
        size = size < padded ? size : padded;
        if (pieces.bytes + padded > FILE_BYTES_MAX) {
            break;
        }
        if (size > 0) {
            memcpy(file + pieces.bytes, bytes, size);
        }
        pieces.at[pieces.count++] = pieces.bytes;
        pieces.bytes += padded;
    }
    *ret_pieces = pieces;
}

static void seal(char *file, const struct pieces *pieces)
{
    uint32_t chain = 0;
    uint32_t seed;

    wal_put32(file + SNAPSHOT_AT_CRC, 0);
    seed = crc32c(file, WAL_BLOCK_BYTES);
    wal_put32(file + SNAPSHOT_AT_CRC, seed);
    for (size_t i = 1; i < pieces->count; i++) {
        char *chunk = file + pieces->at[i];
        size_t end = i + 1 < pieces->count ? pieces->at[i + 1] : pieces->bytes;

        if (wal_get32(chunk + CHUNK_AT_FLAGS) & CHUNK_FLAG_FOOTER) {
            wal_put32(chunk + CHUNK_HEADER_BYTES + FOOTER_AT_CHAIN, chain);
        }
        wal_put32(chunk + CHUNK_AT_CRC, 0);
        wal_put32(chunk + CHUNK_AT_CRC, crc32c_extend(seed, chunk, end - pieces->at[i]));
        chain = crc32c_extend(chain, chunk + CHUNK_AT_CRC, 4);
    }
}

static void read_snapshot(const struct memory_fs *memory, const char *head)
{
    struct snapshot_reader *reader;
    struct wal_row row;
    struct err err = ERR_INIT;
    bool end = false;

    if (snapshot_reader_open(&memory->fs, "d", (const uint8_t *)head + SNAPSHOT_AT_STORE_UUID,
                             wal_get64(head + SNAPSHOT_AT_LSN), &reader, &err) != 0) {
        return;
    }
    while (snapshot_reader_next(reader, &row, &end, &err) == 0 && !end) {
        if (row.value.size > FILE_BYTES_MAX) {
            abort();
        }
        (void)crc32c(row.value.data, row.value.size);
    }
    snapshot_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char file[FILE_BYTES_MAX];
    struct input input = {bytes, size};
    uint8_t flags = input_byte(&input);
    struct data_dir_path path;
    struct memory_file *copy;
    struct memory_fs memory;
    struct pieces pieces;

    memset(file, 0, sizeof file);
    lay_out(file, input, &pieces);
    if (pieces.count == 0) {
        return 0;
    }
    if (flags & 1) {
        seal(file, &pieces);
    }
    memory_fs_init(&memory);
    path = data_dir_snapshot("d", wal_get64(file + SNAPSHOT_AT_LSN));
    copy = memory_fs_add(&memory, path.text, flags & 2 ? pieces.bytes - pieces.bytes % 977 : pieces.bytes);
    memcpy(copy->bytes, file, copy->size);
    read_snapshot(&memory, file);
    memory_fs_deinit(&memory);
    return 0;
}
