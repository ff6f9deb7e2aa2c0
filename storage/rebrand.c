#include "storage/rebrand.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "storage/data_dir.h"
#include "storage/snapshot_format.h"
#include "storage/wal_segment.h"
#include "storage/wal_window.h"

/* ---- a segment ---- */

struct segment_job {
    const struct rebrand *rebrand;
    struct wal_window window;
    struct wal_segment_header old;
    uint64_t next_batch; /* with which the next segment begins */
    uint64_t end;        /* of the last batch */
    uint32_t crc;        /* of the new header */
    struct file_out out;
};

/* The header of the batch at offset, if it is one of those to carry over. */
static int find_batch(struct segment_job *job, uint64_t offset, uint64_t batch, bool *ret_there,
                      struct wal_batch_header *ret_header, struct err *err)
{
    const char *bytes;

    *ret_there = false;
    if (batch >= job->next_batch || offset + WAL_BLOCK_BYTES > job->old.segment_bytes) {
        return 0;
    }
    if (wal_window_load(&job->window, offset, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    *ret_there = wal_batch_header_decode(bytes, job->old.crc, ret_header) && ret_header->batch == batch &&
                 wal_batch_padded(ret_header->length) <= job->old.segment_bytes - offset;
    return 0;
}

/* The new header tells the size, so that the end has to be known before it is written. */
static int find_end(struct segment_job *job, struct err *err)
{
    uint64_t batch = job->old.first_batch;
    uint64_t offset = WAL_BLOCK_BYTES;
    struct wal_batch_header header;
    bool there = true;

    while (there) {
        if (find_batch(job, offset, batch, &there, &header, err) != 0) {
            return -1;
        }
        if (there) {
            offset += wal_batch_padded(header.length);
            batch++;
        }
    }
    job->end = offset;
    return batch == job->next_batch ? 0
                                    : err_set(err, ERR_CORRUPT, "batch %" PRIu64 " is missing in segment %016" PRIx64,
                                              batch, job->old.number);
}

static int write_header(struct segment_job *job, uint64_t segment_bytes, struct err *err)
{
    char block[WAL_BLOCK_BYTES];
    const char *bytes;

    if (wal_window_load(&job->window, 0, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    memcpy(block, bytes, sizeof block);
    job->crc = wal_segment_header_rebrand(block, job->rebrand->store_uuid, segment_bytes);
    return file_out_append(&job->out, block, sizeof block, err);
}

static int write_batches(struct segment_job *job, struct err *err)
{
    for (uint64_t offset = WAL_BLOCK_BYTES; offset < job->end;) {
        char header_bytes[WAL_BATCH_HEADER_BYTES];
        struct wal_batch_header header;
        const char *bytes;
        size_t padded;

        if (wal_window_load(&job->window, offset, WAL_BLOCK_BYTES, &bytes, err) != 0) {
            return -1;
        }
        if (!wal_batch_header_decode(bytes, job->old.crc, &header)) {
            return err_set(err, ERR_CORRUPT, "segment %016" PRIx64 " has changed while it was read", job->old.number);
        }
        padded = (size_t)wal_batch_padded(header.length);
        if (wal_window_load(&job->window, offset, padded, &bytes, err) != 0) {
            return -1;
        }
        memcpy(header_bytes, bytes, sizeof header_bytes);
        wal_batch_header_rebrand(header_bytes, job->crc);
        if (file_out_append(&job->out, header_bytes, sizeof header_bytes, err) != 0 ||
            file_out_append(&job->out, bytes + sizeof header_bytes, padded - sizeof header_bytes, err) != 0) {
            return -1;
        }
        offset += padded;
    }
    return 0;
}

static int write_segment(struct segment_job *job, struct err *err)
{
    struct wal_trailer trailer = {job->old.number + 1, job->next_batch};
    char block[WAL_BLOCK_BYTES];
    uint64_t bytes;

    if (find_end(job, err) != 0) {
        return -1;
    }
    bytes = job->end + WAL_BLOCK_BYTES > WAL_SEGMENT_BYTES_MIN ? job->end + WAL_BLOCK_BYTES : WAL_SEGMENT_BYTES_MIN;
    if (write_header(job, bytes, err) != 0 || write_batches(job, err) != 0) {
        return -1;
    }
    wal_trailer_encode(&trailer, job->crc, block);
    if (file_out_append(&job->out, block, sizeof block, err) != 0) {
        return -1;
    }
    return file_out_finish(&job->out, bytes, err);
}

int rebrand_segment(const struct rebrand *rebrand, uint64_t number, uint64_t next_batch, struct err *err)
{
    struct data_dir_path to = data_dir_segment(rebrand->to, number);
    struct segment_job job = {.rebrand = rebrand, .next_batch = next_batch, .window = {.fs = rebrand->fs}};
    int result;

    if (wal_segment_open(rebrand->fs, rebrand->from, number, WAL_SEGMENT_READ_FLAGS, &job.window.file, &job.old, err) !=
        0) {
        return -1;
    }
    job.window.file_bytes = job.old.segment_bytes;
    result = file_out_open(rebrand->fs, to.text, rebrand->watch, &job.out, err);
    if (result == 0) {
        result = write_segment(&job, err);
        file_out_drop(&job.out);
    }
    wal_window_deinit(&job.window);
    rebrand->fs->close(rebrand->fs, job.window.file);
    return result;
}

/* ---- a snapshot ---- */

struct snapshot_job {
    const struct rebrand *rebrand;
    struct wal_window window;
    struct file_out out;
    uint32_t seed;
    uint32_t chain;
    char *chunk;
    size_t capacity;
};

static int rewrite_head(struct snapshot_job *job, struct err *err)
{
    char block[WAL_BLOCK_BYTES];
    const char *bytes;

    if (wal_window_load(&job->window, 0, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    memcpy(block, bytes, sizeof block);
    memcpy(block + SNAPSHOT_AT_STORE_UUID, job->rebrand->store_uuid, WAL_ID_BYTES);
    wal_put32(block + SNAPSHOT_AT_CRC, 0);
    job->seed = crc32c(block, sizeof block);
    wal_put32(block + SNAPSHOT_AT_CRC, job->seed);
    return file_out_append(&job->out, block, sizeof block, err);
}

static int load_chunk(struct snapshot_job *job, uint64_t offset, size_t *ret_padded, struct err *err)
{
    const char *bytes;
    char *larger;

    if (wal_window_load(&job->window, offset, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    *ret_padded = (size_t)wal_round_up(CHUNK_HEADER_BYTES + (uint64_t)wal_get32(bytes + CHUNK_AT_LENGTH));
    if (wal_window_load(&job->window, offset, *ret_padded, &bytes, err) != 0) {
        return -1;
    }
    if (job->capacity < *ret_padded) {
        larger = realloc(job->chunk, *ret_padded);
        if (!larger) {
            return err_set(err, ERR_EXHAUSTED, "no memory for a snapshot chunk of %zu bytes", *ret_padded);
        }
        job->chunk = larger;
        job->capacity = *ret_padded;
    }
    memcpy(job->chunk, bytes, *ret_padded);
    return 0;
}

static int rewrite_chunk(struct snapshot_job *job, uint64_t *offset, struct err *err)
{
    size_t padded;

    if (load_chunk(job, *offset, &padded, err) != 0) {
        return -1;
    }
    if (wal_get32(job->chunk + CHUNK_AT_FLAGS) & CHUNK_FLAG_FOOTER) {
        wal_put32(job->chunk + CHUNK_HEADER_BYTES + FOOTER_AT_CHAIN, job->chain);
    }
    wal_put32(job->chunk + CHUNK_AT_CRC, 0);
    wal_put32(job->chunk + CHUNK_AT_CRC, crc32c_extend(job->seed, job->chunk, padded));
    job->chain = crc32c_extend(job->chain, job->chunk + CHUNK_AT_CRC, 4);
    *offset += padded;
    return file_out_append(&job->out, job->chunk, padded, err);
}

static int rewrite_snapshot(struct snapshot_job *job, struct err *err)
{
    uint64_t offset = WAL_BLOCK_BYTES;

    if (rewrite_head(job, err) != 0) {
        return -1;
    }
    while (offset < job->window.file_bytes) {
        if (rewrite_chunk(job, &offset, err) != 0) {
            return -1;
        }
    }
    return file_out_finish(&job->out, offset, err);
}

int rebrand_snapshot(const struct rebrand *rebrand, uint64_t lsn, struct err *err)
{
    const struct fs *fs = rebrand->fs;
    struct data_dir_path from = data_dir_snapshot(rebrand->from, lsn);
    struct data_dir_path to = data_dir_snapshot(rebrand->to, lsn);
    struct snapshot_job job = {.rebrand = rebrand, .window = {.fs = fs}};
    int result;

    if (fs->open(fs, from.text, WAL_SEGMENT_READ_FLAGS, &job.window.file, err) != 0) {
        return -1;
    }
    result = fs->size(fs, job.window.file, &job.window.file_bytes, err);
    if (result == 0) {
        result = file_out_open(fs, to.text, rebrand->watch, &job.out, err);
        if (result == 0) {
            result = rewrite_snapshot(&job, err);
            file_out_drop(&job.out);
        }
    }
    free(job.chunk);
    wal_window_deinit(&job.window);
    fs->close(fs, job.window.file);
    return result;
}
