#include "storage/wal_reader.h"

#include <inttypes.h>
#include <stdlib.h>

struct wal_reader {
    struct wal_batches batches;
    struct wal_record_decoder decoder;
    /* In the batch of batches: */
    size_t at; /* of the next record, from the batch's start; 0: there is no batch */
    uint32_t index;
};

int wal_reader_open(const struct fs *fs, const char *dir, const uint8_t *store_uuid, uint64_t first,
                    struct wal_reader **ret_reader, struct err *err)
{
    struct wal_reader *reader = calloc(1, sizeof *reader);

    if (!reader) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read the log");
    }
    if (wal_batches_init(&reader->batches, fs, dir, store_uuid, first, err) != 0) {
        free(reader);
        return -1;
    }
    *ret_reader = reader;
    return 0;
}

void wal_reader_close(struct wal_reader *reader)
{
    if (!reader) {
        return;
    }
    wal_batches_deinit(&reader->batches);
    wal_record_decoder_deinit(&reader->decoder);
    free(reader);
}

uint64_t wal_reader_first_lsn(const struct wal_reader *reader)
{
    return reader->batches.first_lsn;
}

const struct wal_end *wal_reader_end(const struct wal_reader *reader)
{
    return &reader->batches.end;
}

static int decode_record(struct wal_reader *reader, struct wal_record *ret_record, struct err *err)
{
    struct wal_batches *batches = &reader->batches;
    size_t end = WAL_BATCH_HEADER_BYTES + (size_t)batches->header.length;
    struct wal_record record = {.lsn = batches->header.first_lsn + reader->index,
                                .batch = batches->header.batch,
                                .segment = batches->segment.number,
                                .offset = batches->offset + reader->at};
    size_t size;

    if (wal_record_decode(&reader->decoder, span_make(batches->bytes + reader->at, end - reader->at), &record.row,
                          &size, err) != 0) {
        return wal_batches_complain(batches, record.offset, err);
    }
    reader->at += size;
    reader->index++;
    if (reader->index == batches->header.record_count && reader->at != end) {
        err_set(err, ERR_CORRUPT, "batch %" PRIu64 " is longer than its records", batches->header.batch);
        return wal_batches_complain(batches, record.offset, err);
    }
    batches->end.records++;
    *ret_record = record;
    return 0;
}

/* On to a batch with a record that was not given out. */
static int need_record(struct wal_reader *reader, struct err *err)
{
    struct wal_batches *batches = &reader->batches;

    while (!batches->ended && (reader->at == 0 || reader->index == batches->header.record_count)) {
        reader->at = 0;
        if (wal_batches_next(batches, err) != 0) {
            return -1;
        }
        reader->at = WAL_BATCH_HEADER_BYTES;
        reader->index = 0;
    }
    return 0;
}

int wal_reader_next(struct wal_reader *reader, struct wal_record *ret_record, bool *ret_end, struct err *err)
{
    if (need_record(reader, err) != 0) {
        return -1;
    }
    *ret_end = reader->batches.ended;
    return reader->batches.ended ? 0 : decode_record(reader, ret_record, err);
}

int wal_reader_next_batch(struct wal_reader *reader, struct wal_batch *ret_batch, bool *ret_end, struct err *err)
{
    struct wal_batches *batches = &reader->batches;

    if (need_record(reader, err) != 0) {
        return -1;
    }
    *ret_end = batches->ended;
    if (batches->ended) {
        return 0;
    }
    ret_batch->records = span_make(batches->bytes + WAL_BATCH_HEADER_BYTES, batches->header.length);
    ret_batch->record_count = batches->header.record_count;
    ret_batch->first_lsn = batches->header.first_lsn;
    ret_batch->segment = batches->segment.number;
    ret_batch->offset = batches->offset + WAL_BATCH_HEADER_BYTES;
    reader->index = batches->header.record_count;
    batches->end.records += batches->header.record_count;
    return 0;
}

struct read_buffer *wal_reader_buffer(const struct wal_reader *reader)
{
    return wal_window_buffer(&reader->batches.window);
}
