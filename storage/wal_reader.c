#include "storage/wal_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/wal_segment.h"
#include "storage/wal_tail.h"
#include "storage/wal_window.h"

struct wal_reader {
    const struct fs *fs;
    char *dir;
    uint8_t store_uuid[WAL_ID_BYTES];
    struct wal_segment_header segment;
    uint64_t end_batch;       /* with which the next segment begins, when there is one; else UINT64_MAX */
    struct wal_window window; /* window.file is the segment's; -1: none */
    struct wal_record_decoder decoder;
    uint64_t first_lsn;
    bool ended;
    struct wal_end end; /* position: of the next batch */
    uint32_t last_flags;
    /* The batch being given out, in the window: */
    const char *batch;
    struct wal_batch_header header;
    uint64_t batch_offset;
    size_t at; /* of the next record, from the batch's start */
    uint32_t index;
};

enum block_kind { BLOCK_BATCH, BLOCK_TRAILER, BLOCK_OTHER };

/* Every complaint begins with where. */
static int complain_at(const struct wal_reader *reader, uint64_t offset, struct err *err)
{
    struct data_dir_path path = data_dir_segment(reader->dir, reader->segment.number);

    return err_wrap(err, "%s, offset %" PRIu64, path.text, offset);
}

static int complain(const struct wal_reader *reader, struct err *err)
{
    return complain_at(reader, reader->end.position.offset, err);
}

/* ---- segments ---- */

static int check_store(const struct wal_reader *reader, const struct wal_segment_header *header, struct err *err)
{
    struct data_dir_path path = data_dir_segment(reader->dir, header->number);

    if (memcmp(header->store_uuid, reader->store_uuid, WAL_ID_BYTES) != 0) {
        return err_set(err, ERR_CORRUPT, "%s belongs to another store", path.text);
    }
    return 0;
}

/* Opens segment number to read; *ret_there false when there is none. */
static int open_segment(const struct wal_reader *reader, uint64_t number, bool *ret_there, int *ret_file,
                        struct wal_segment_header *ret_header, struct err *err)
{
    struct err open_err = ERR_INIT;

    if (wal_segment_open(reader->fs, reader->dir, number, WAL_SEGMENT_READ_FLAGS, ret_file, ret_header, &open_err) !=
        0) {
        *ret_there = false;
        if (open_err.code == ERR_NOT_FOUND) {
            return 0;
        }
        *err = open_err;
        return -1;
    }
    if (check_store(reader, ret_header, err) != 0) {
        reader->fs->close(reader->fs, *ret_file);
        return -1;
    }
    *ret_there = true;
    return 0;
}

/* Begins to read the opened segment. Where a next one begins is known before this one's first batch is believed. */
static int enter_segment(struct wal_reader *reader, int file, const struct wal_segment_header *header, struct err *err)
{
    struct wal_segment_header next;
    bool there;
    int next_file;

    reader->window.file = file;
    reader->window.file_bytes = header->segment_bytes;
    wal_window_reset(&reader->window);
    reader->segment = *header;
    reader->end.segments++;
    reader->end.segment_bytes = header->segment_bytes;
    reader->end.segment_empty = true;
    reader->end.position.segment = header->number;
    reader->end.position.epoch = header->epoch;
    reader->end.position.offset = WAL_BLOCK_BYTES;
    if (open_segment(reader, header->number + 1, &there, &next_file, &next, err) != 0) {
        return -1;
    }
    reader->end_batch = UINT64_MAX;
    if (there) {
        reader->fs->close(reader->fs, next_file);
        reader->end_batch = next.first_batch;
    }
    return 0;
}

static int open_first(struct wal_reader *reader, uint64_t first, struct err *err)
{
    struct wal_segment_header header;
    struct data_dir_path path = data_dir_segment(reader->dir, first);
    bool there;
    int file;

    if (open_segment(reader, first, &there, &file, &header, err) != 0) {
        return -1;
    }
    if (!there) {
        return err_set(err, ERR_CORRUPT, "%s is missing: the log begins with it", path.text);
    }
    reader->first_lsn = header.first_lsn;
    reader->end.position.next_batch = header.first_batch;
    reader->end.position.next_lsn = header.first_lsn;
    reader->end.position.chain = header.chain;
    return enter_segment(reader, file, &header, err);
}

int wal_reader_open(const struct fs *fs, const char *dir, const uint8_t *store_uuid, uint64_t first,
                    struct wal_reader **ret_reader, struct err *err)
{
    struct wal_reader *reader = calloc(1, sizeof *reader);

    if (!reader) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read the log");
    }
    reader->fs = fs;
    reader->window.fs = fs;
    reader->window.file = -1;
    reader->dir = strdup(dir);
    memcpy(reader->store_uuid, store_uuid, WAL_ID_BYTES);
    if (!reader->dir) {
        wal_reader_close(reader);
        return err_set(err, ERR_EXHAUSTED, "no memory to read the log");
    }
    if (open_first(reader, first, err) != 0) {
        wal_reader_close(reader);
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
    wal_window_deinit(&reader->window);
    if (reader->window.file >= 0) {
        reader->fs->close(reader->fs, reader->window.file);
    }
    wal_record_decoder_deinit(&reader->decoder);
    free(reader->dir);
    free(reader);
}

uint64_t wal_reader_first_lsn(const struct wal_reader *reader)
{
    return reader->first_lsn;
}

const struct wal_end *wal_reader_end(const struct wal_reader *reader)
{
    return &reader->end;
}

/* ---- one block ---- */

/* A valid header must tell what follows from the batch before: a tear leaves no other. */
static int check_header(const struct wal_reader *reader, const struct wal_batch_header *header, struct err *err)
{
    const struct wal_position *position = &reader->end.position;
    uint64_t room = reader->segment.segment_bytes - WAL_BLOCK_BYTES - position->offset;

    if ((header->flags & ~WAL_BATCH_FLAGS_KNOWN) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "a batch with flags %#x is of a newer program", header->flags);
    }
    if (header->epoch != position->epoch || header->batch != position->next_batch ||
        header->first_lsn != position->next_lsn || header->previous_chain != position->chain ||
        header->durable_batch >= header->batch || wal_batch_padded(header->length) > room ||
        (header->record_count == 0) != ((header->flags & WAL_BATCH_MARK) != 0) ||
        (header->record_count == 0) != (header->length == 0)) {
        return err_set(err, ERR_CORRUPT, "batch %" PRIu64 " does not follow from the batch before", header->batch);
    }
    return 0;
}

/* What stands at the position. For a batch its header and bytes are set. *ret_torn: bytes of a batch begun there. */
static int examine(struct wal_reader *reader, enum block_kind *ret_kind, uint64_t *ret_torn, struct err *err)
{
    uint64_t offset = reader->end.position.offset;
    struct wal_batch_header header;
    struct wal_trailer trailer;
    const char *bytes;
    uint64_t padded;

    *ret_kind = BLOCK_OTHER;
    *ret_torn = 0;
    if (offset + WAL_BLOCK_BYTES > reader->segment.segment_bytes) {
        return 0;
    }
    if (wal_window_load(&reader->window, offset, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    if (wal_trailer_decode(bytes, reader->segment.crc, &trailer)) {
        *ret_kind = BLOCK_TRAILER;
        return 0;
    }
    if (!wal_batch_header_decode(bytes, reader->segment.crc, &header)) {
        return 0;
    }
    if (check_header(reader, &header, err) != 0) {
        return -1;
    }
    padded = wal_batch_padded(header.length);
    if (wal_window_load(&reader->window, offset, (size_t)padded, &bytes, err) != 0) {
        return -1;
    }
    if (wal_batch_chain(bytes, (size_t)padded, reader->end.position.chain) != header.chain) {
        *ret_torn = padded;
        return 0;
    }
    *ret_kind = BLOCK_BATCH;
    reader->batch = bytes;
    reader->header = header;
    return 0;
}

static void accept_batch(struct wal_reader *reader)
{
    struct wal_end *end = &reader->end;

    reader->batch_offset = end->position.offset;
    reader->at = WAL_BATCH_HEADER_BYTES;
    reader->index = 0;
    reader->last_flags = reader->header.flags;
    end->segment_empty = false;
    end->batches++;
    end->marks += reader->header.flags & WAL_BATCH_MARK ? 1 : 0;
    end->durable_batch = reader->header.durable_batch;
    end->position.offset += wal_batch_padded(reader->header.length);
    end->position.next_batch = reader->header.batch + 1;
    end->position.next_lsn = reader->header.first_lsn + reader->header.record_count;
    end->position.chain = reader->header.chain;
}

/* ---- the end of a segment, and of the log ---- */

/* Moves to the next segment, which is there. */
static int move_on(struct wal_reader *reader, int file, const struct wal_segment_header *next, bool trailer,
                   struct err *err)
{
    const struct wal_position *position = &reader->end.position;

    if (next->first_batch != position->next_batch || next->first_lsn != position->next_lsn ||
        next->chain != position->chain || next->epoch < position->epoch) {
        reader->fs->close(reader->fs, file);
        err_set(err, ERR_CORRUPT,
                "batch %" PRIu64 " is damaged or missing: the log goes on with batch %" PRIu64
                " in segment %016" PRIx64,
                position->next_batch, next->first_batch, next->number);
        return complain(reader, err);
    }
    reader->end.untrailed_segment = trailer ? 0 : reader->segment.number;
    reader->end.untrailed_offset = trailer ? 0 : position->offset;
    reader->end.untrailed_batch = next->first_batch;
    reader->end.log_bytes += reader->segment.segment_bytes;
    wal_window_reset(&reader->window);
    reader->fs->close(reader->fs, reader->window.file);
    reader->window.file = -1;
    return enter_segment(reader, file, next, err);
}

/* There is no next segment: neither may there be a later one. *ret_again: it has come meanwhile. */
static int check_no_later_segment(const struct wal_reader *reader, bool trailer, bool *ret_again, struct err *err)
{
    struct data_dir_path path = data_dir_segment(reader->dir, reader->segment.number + 1);
    struct data_dir_list list;
    uint64_t last = 0;
    bool next = false;

    if (trailer) {
        return err_set(err, ERR_CORRUPT, "%s is missing: segment %016" PRIx64 " says that the log goes on in it",
                       path.text, reader->segment.number);
    }
    if (data_dir_scan(reader->fs, reader->dir, &list, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].kind == DATA_DIR_SEGMENT) {
            last = list.entries[i].number;
            next = next || last == reader->segment.number + 1;
        }
    }
    data_dir_list_deinit(&list);
    if (!next && last > reader->segment.number) {
        return err_set(err, ERR_CORRUPT, "%s is missing, though there is segment %016" PRIx64, path.text, last);
    }
    *ret_again = next;
    return 0;
}

static int finish(struct wal_reader *reader, uint64_t torn, struct err *err)
{
    enum block_kind kind;
    struct err again = ERR_INIT;

    wal_window_reset(&reader->window);
    if (wal_tail_judge(&reader->window, &reader->segment, &reader->end.position, &torn, err) != 0) {
        /* In a log that is being written the batch may have become whole since it was looked at. */
        wal_window_reset(&reader->window);
        return err->code == ERR_CORRUPT && examine(reader, &kind, &torn, &again) == 0 && kind != BLOCK_OTHER
                   ? 0
                   : complain(reader, err);
    }
    reader->end.torn_bytes = torn;
    reader->ended = true;
    reader->end.clean = (reader->last_flags & WAL_BATCH_CLOSE) != 0;
    reader->end.log_bytes += reader->end.position.offset;
    return 0;
}

/* No batch of the log at the position: on to the next segment, or the end. */
static int step_over(struct wal_reader *reader, bool trailer, uint64_t torn, struct err *err)
{
    struct wal_segment_header next;
    bool there;
    bool again = false;
    int file;

    if (open_segment(reader, reader->segment.number + 1, &there, &file, &next, err) != 0) {
        return -1;
    }
    if (!there) {
        if (check_no_later_segment(reader, trailer, &again, err) != 0) {
            return -1;
        }
        return again ? 0 : finish(reader, torn, err);
    }
    if (reader->end_batch == UINT64_MAX && next.first_batch != UINT64_MAX) {
        /* It came since this segment was entered: the log is being written, and this segment is finished only now. A
         * header that begins with the last number of all is nobody's, and below is refused as what does not follow. */
        reader->fs->close(reader->fs, file);
        reader->end_batch = next.first_batch;
        wal_window_reset(&reader->window);
        return 0;
    }
    return move_on(reader, file, &next, trailer, err);
}

/* Behind the last batch that counts, whatever looks like another one does not. */
static int leave_segment(struct wal_reader *reader, struct err *err)
{
    uint64_t offset = reader->end.position.offset;
    struct wal_trailer trailer;
    const char *block;
    bool there = false;

    if (offset + WAL_BLOCK_BYTES <= reader->segment.segment_bytes) {
        if (wal_window_load(&reader->window, offset, WAL_BLOCK_BYTES, &block, err) != 0) {
            return complain(reader, err);
        }
        there = wal_trailer_decode(block, reader->segment.crc, &trailer);
    }
    return step_over(reader, there, 0, err);
}

static int next_batch(struct wal_reader *reader, struct err *err)
{
    uint64_t batches = reader->end.batches;

    while (!reader->ended && reader->end.batches == batches) {
        enum block_kind kind;
        uint64_t torn;

        if (reader->end.position.next_batch >= reader->end_batch) {
            if (leave_segment(reader, err) != 0) {
                return -1;
            }
            continue;
        }
        if (examine(reader, &kind, &torn, err) != 0) {
            return complain(reader, err);
        }
        if (kind == BLOCK_BATCH) {
            accept_batch(reader);
        } else if (step_over(reader, kind == BLOCK_TRAILER, torn, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- records ---- */

static int decode_record(struct wal_reader *reader, struct wal_record *ret_record, struct err *err)
{
    size_t end = WAL_BATCH_HEADER_BYTES + (size_t)reader->header.length;
    struct wal_record record = {.lsn = reader->header.first_lsn + reader->index,
                                .batch = reader->header.batch,
                                .segment = reader->segment.number,
                                .offset = reader->batch_offset + reader->at};
    size_t size;

    if (wal_record_decode(&reader->decoder, span_make(reader->batch + reader->at, end - reader->at), &record.row, &size,
                          err) != 0) {
        return complain_at(reader, record.offset, err);
    }
    reader->at += size;
    reader->index++;
    if (reader->index == reader->header.record_count && reader->at != end) {
        err_set(err, ERR_CORRUPT, "batch %" PRIu64 " is longer than its records", reader->header.batch);
        return complain_at(reader, record.offset, err);
    }
    reader->end.records++;
    *ret_record = record;
    return 0;
}

/* On to a batch with a record that was not given out. */
static int need_record(struct wal_reader *reader, struct err *err)
{
    while (!reader->ended && (!reader->batch || reader->index == reader->header.record_count)) {
        reader->batch = NULL;
        if (next_batch(reader, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int wal_reader_next(struct wal_reader *reader, struct wal_record *ret_record, bool *ret_end, struct err *err)
{
    if (need_record(reader, err) != 0) {
        return -1;
    }
    *ret_end = reader->ended;
    return reader->ended ? 0 : decode_record(reader, ret_record, err);
}

int wal_reader_next_batch(struct wal_reader *reader, struct wal_batch *ret_batch, bool *ret_end, struct err *err)
{
    if (need_record(reader, err) != 0) {
        return -1;
    }
    *ret_end = reader->ended;
    if (reader->ended) {
        return 0;
    }
    ret_batch->records = span_make(reader->batch + WAL_BATCH_HEADER_BYTES, reader->header.length);
    ret_batch->record_count = reader->header.record_count;
    ret_batch->first_lsn = reader->header.first_lsn;
    ret_batch->segment = reader->segment.number;
    ret_batch->offset = reader->batch_offset + WAL_BATCH_HEADER_BYTES;
    reader->index = reader->header.record_count;
    reader->end.records += reader->header.record_count;
    return 0;
}

struct read_buffer *wal_reader_buffer(const struct wal_reader *reader)
{
    return wal_window_buffer(&reader->window);
}
