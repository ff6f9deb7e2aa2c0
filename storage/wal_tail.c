#include "storage/wal_tail.h"

#include <inttypes.h>

/* One block behind that of the invalid batch. */
static int judge_block(const struct wal_segment_header *segment, uint64_t batch, uint64_t offset, const char *block,
                       struct err *err)
{
    struct wal_batch_header header;
    struct wal_trailer trailer;

    if (wal_trailer_decode(block, segment->crc, &trailer)) {
        return err_set(err, ERR_CORRUPT,
                       "batch %" PRIu64 " is damaged: the segment's trailer stands behind it, at offset %" PRIu64,
                       batch, offset);
    }
    if (wal_batch_header_decode(block, segment->crc, &header) &&
        (header.durable_batch >= batch || header.batch > batch)) {
        return err_set(err, ERR_CORRUPT,
                       "batch %" PRIu64 " is damaged: batch %" PRIu64 " at offset %" PRIu64
                       " was written when batch %" PRIu64 " was durable",
                       batch, header.batch, offset, header.durable_batch);
    }
    return 0;
}

int wal_tail_judge(struct wal_window *window, const struct wal_segment_header *segment,
                   const struct wal_position *position, uint64_t *torn, struct err *err)
{
    uint64_t written = 0;

    for (uint64_t at = position->offset; at + WAL_BLOCK_BYTES <= segment->segment_bytes; at += WAL_BLOCK_BYTES) {
        const char *block;

        if (wal_window_load(window, at, WAL_BLOCK_BYTES, &block, err) != 0) {
            return -1;
        }
        if (at > position->offset && judge_block(segment, position->next_batch, at, block, err) != 0) {
            return -1;
        }
        if (!wal_is_zero(block, WAL_BLOCK_BYTES)) {
            written = at + WAL_BLOCK_BYTES - position->offset;
        }
    }
    /* Behind the tail of a recycled segment stands an earlier life, which tells nothing. */
    if (*torn == 0 && !(segment->flags & WAL_SEGMENT_RECYCLED)) {
        *torn = written;
    }
    return 0;
}
