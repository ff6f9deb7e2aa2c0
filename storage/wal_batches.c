#include "storage/wal_batches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/wal_segment.h"
#include "storage/wal_tail.h"

enum block_kind { BLOCK_BATCH, BLOCK_TRAILER, BLOCK_OTHER };

int wal_batches_complain(const struct wal_batches *batches, uint64_t offset, struct err *err)
{
    struct data_dir_path path = data_dir_segment(batches->dir, batches->segment.number);

    return err_wrap(err, "%s, offset %" PRIu64, path.text, offset);
}

static int complain(const struct wal_batches *batches, struct err *err)
{
    return wal_batches_complain(batches, batches->end.position.offset, err);
}

/* ---- segments ---- */

static int check_store(const struct wal_batches *batches, const struct wal_segment_header *header, struct err *err)
{
    struct data_dir_path path = data_dir_segment(batches->dir, header->number);

    if (memcmp(header->store_uuid, batches->store_uuid, WAL_ID_BYTES) != 0) {
        return err_set(err, ERR_CORRUPT, "%s belongs to another store", path.text);
    }
    return 0;
}

/* Opens segment number to read; *ret_there false when there is none. */
static int open_segment(const struct wal_batches *batches, uint64_t number, bool *ret_there, int *ret_file,
                        struct wal_segment_header *ret_header, struct err *err)
{
    struct err open_err = ERR_INIT;

    if (wal_segment_open(batches->fs, batches->dir, number, WAL_SEGMENT_READ_FLAGS, ret_file, ret_header, &open_err) !=
        0) {
        *ret_there = false;
        if (open_err.code == ERR_NOT_FOUND) {
            return 0;
        }
        *err = open_err;
        return -1;
    }
    if (check_store(batches, ret_header, err) != 0) {
        batches->fs->close(batches->fs, *ret_file);
        return -1;
    }
    *ret_there = true;
    return 0;
}

/* Begins to read the opened segment. Where a next one begins is known before this one's first batch is believed. */
static int enter_segment(struct wal_batches *batches, int file, const struct wal_segment_header *header,
                         struct err *err)
{
    struct wal_segment_header next;
    bool there;
    int next_file;

    batches->window.file = file;
    batches->window.file_bytes = header->segment_bytes;
    wal_window_reset(&batches->window);
    batches->segment = *header;
    batches->end.segments++;
    batches->end.segment_bytes = header->segment_bytes;
    batches->end.segment_empty = true;
    batches->end.position.segment = header->number;
    batches->end.position.epoch = header->epoch;
    batches->end.position.offset = WAL_BLOCK_BYTES;
    if (open_segment(batches, header->number + 1, &there, &next_file, &next, err) != 0) {
        return -1;
    }
    batches->end_batch = UINT64_MAX;
    if (there) {
        batches->fs->close(batches->fs, next_file);
        batches->end_batch = next.first_batch;
    }
    return 0;
}

static int open_first(struct wal_batches *batches, uint64_t first, struct err *err)
{
    struct wal_segment_header header;
    struct data_dir_path path = data_dir_segment(batches->dir, first);
    bool there;
    int file;

    if (open_segment(batches, first, &there, &file, &header, err) != 0) {
        return -1;
    }
    if (!there) {
        return err_set(err, ERR_CORRUPT, "%s is missing: the log begins with it", path.text);
    }
    batches->first_lsn = header.first_lsn;
    batches->end.position.next_batch = header.first_batch;
    batches->end.position.next_lsn = header.first_lsn;
    batches->end.position.chain = header.chain;
    return enter_segment(batches, file, &header, err);
}

int wal_batches_init(struct wal_batches *batches, const struct fs *fs, const char *dir, const uint8_t *store_uuid,
                     uint64_t first, struct err *err)
{
    memset(batches, 0, sizeof *batches);
    batches->fs = fs;
    batches->window.fs = fs;
    batches->window.file = -1;
    batches->dir = strdup(dir);
    memcpy(batches->store_uuid, store_uuid, WAL_ID_BYTES);
    if (!batches->dir) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read the log");
    }
    if (open_first(batches, first, err) != 0) {
        wal_batches_deinit(batches);
        return -1;
    }
    return 0;
}

void wal_batches_deinit(struct wal_batches *batches)
{
    wal_window_deinit(&batches->window);
    if (batches->window.file >= 0) {
        batches->fs->close(batches->fs, batches->window.file);
        batches->window.file = -1;
    }
    free(batches->dir);
    batches->dir = NULL;
}

/* ---- one block ---- */

/* A valid header must tell what follows from the batch before: a tear leaves no other. */
static int check_header(const struct wal_batches *batches, const struct wal_batch_header *header, struct err *err)
{
    const struct wal_position *position = &batches->end.position;
    uint64_t room = batches->segment.segment_bytes - WAL_BLOCK_BYTES - position->offset;

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
static int examine(struct wal_batches *batches, enum block_kind *ret_kind, uint64_t *ret_torn, struct err *err)
{
    uint64_t offset = batches->end.position.offset;
    struct wal_batch_header header;
    struct wal_trailer trailer;
    const char *bytes;
    uint64_t padded;

    *ret_kind = BLOCK_OTHER;
    *ret_torn = 0;
    if (offset + WAL_BLOCK_BYTES > batches->segment.segment_bytes) {
        return 0;
    }
    if (wal_window_load(&batches->window, offset, WAL_BLOCK_BYTES, &bytes, err) != 0) {
        return -1;
    }
    if (wal_trailer_decode(bytes, batches->segment.crc, &trailer)) {
        *ret_kind = BLOCK_TRAILER;
        return 0;
    }
    if (!wal_batch_header_decode(bytes, batches->segment.crc, &header)) {
        return 0;
    }
    if (check_header(batches, &header, err) != 0) {
        return -1;
    }
    padded = wal_batch_padded(header.length);
    if (wal_window_load(&batches->window, offset, (size_t)padded, &bytes, err) != 0) {
        return -1;
    }
    if (wal_batch_chain(bytes, (size_t)padded, batches->end.position.chain) != header.chain) {
        *ret_torn = padded;
        return 0;
    }
    *ret_kind = BLOCK_BATCH;
    batches->bytes = bytes;
    batches->header = header;
    return 0;
}

static void accept_batch(struct wal_batches *batches)
{
    struct wal_end *end = &batches->end;

    batches->offset = end->position.offset;
    batches->last_flags = batches->header.flags;
    end->segment_empty = false;
    end->batches++;
    end->marks += batches->header.flags & WAL_BATCH_MARK ? 1 : 0;
    end->durable_batch = batches->header.durable_batch;
    end->position.offset += wal_batch_padded(batches->header.length);
    end->position.next_batch = batches->header.batch + 1;
    end->position.next_lsn = batches->header.first_lsn + batches->header.record_count;
    end->position.chain = batches->header.chain;
}

/* ---- the end of a segment, and of the log ---- */

/* Moves to the next segment, which is there. */
static int move_on(struct wal_batches *batches, int file, const struct wal_segment_header *next, bool trailer,
                   struct err *err)
{
    const struct wal_position *position = &batches->end.position;

    if (next->first_batch != position->next_batch || next->first_lsn != position->next_lsn ||
        next->chain != position->chain || next->epoch < position->epoch) {
        batches->fs->close(batches->fs, file);
        err_set(err, ERR_CORRUPT,
                "batch %" PRIu64 " is damaged or missing: the log goes on with batch %" PRIu64
                " in segment %016" PRIx64,
                position->next_batch, next->first_batch, next->number);
        return complain(batches, err);
    }
    batches->end.untrailed_segment = trailer ? 0 : batches->segment.number;
    batches->end.untrailed_offset = trailer ? 0 : position->offset;
    batches->end.untrailed_batch = next->first_batch;
    batches->end.log_bytes += batches->segment.segment_bytes;
    wal_window_reset(&batches->window);
    batches->fs->close(batches->fs, batches->window.file);
    batches->window.file = -1;
    return enter_segment(batches, file, next, err);
}

/* There is no next segment: neither may there be a later one. *ret_again: it has come meanwhile. */
static int check_no_later_segment(const struct wal_batches *batches, bool trailer, bool *ret_again, struct err *err)
{
    struct data_dir_path path = data_dir_segment(batches->dir, batches->segment.number + 1);
    struct data_dir_list list;
    uint64_t last = 0;
    bool next = false;

    if (trailer) {
        return err_set(err, ERR_CORRUPT, "%s is missing: segment %016" PRIx64 " says that the log goes on in it",
                       path.text, batches->segment.number);
    }
    if (data_dir_scan(batches->fs, batches->dir, &list, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].kind == DATA_DIR_SEGMENT) {
            last = list.entries[i].number;
            next = next || last == batches->segment.number + 1;
        }
    }
    data_dir_list_deinit(&list);
    if (!next && last > batches->segment.number) {
        return err_set(err, ERR_CORRUPT, "%s is missing, though there is segment %016" PRIx64, path.text, last);
    }
    *ret_again = next;
    return 0;
}

static int finish(struct wal_batches *batches, uint64_t torn, struct err *err)
{
    enum block_kind kind;
    struct err again = ERR_INIT;

    wal_window_reset(&batches->window);
    if (wal_tail_judge(&batches->window, &batches->segment, &batches->end.position, &torn, err) != 0) {
        /* In a log that is being written the batch may have become whole since it was looked at. */
        wal_window_reset(&batches->window);
        return err->code == ERR_CORRUPT && examine(batches, &kind, &torn, &again) == 0 && kind != BLOCK_OTHER
                   ? 0
                   : complain(batches, err);
    }
    batches->end.torn_bytes = torn;
    batches->ended = true;
    batches->end.clean = (batches->last_flags & WAL_BATCH_CLOSE) != 0;
    batches->end.log_bytes += batches->end.position.offset;
    return 0;
}

/* No batch of the log at the position: on to the next segment, or the end. */
static int step_over(struct wal_batches *batches, bool trailer, uint64_t torn, struct err *err)
{
    struct wal_segment_header next;
    bool there;
    bool again = false;
    int file;

    if (open_segment(batches, batches->segment.number + 1, &there, &file, &next, err) != 0) {
        return -1;
    }
    if (!there) {
        if (check_no_later_segment(batches, trailer, &again, err) != 0) {
            return -1;
        }
        return again ? 0 : finish(batches, torn, err);
    }
    if (batches->end_batch == UINT64_MAX && next.first_batch != UINT64_MAX) {
        /* It came since this segment was entered: the log is being written, and this segment is finished only now. A
         * header that begins with the last number of all is nobody's, and below is refused as what does not follow. */
        batches->fs->close(batches->fs, file);
        batches->end_batch = next.first_batch;
        wal_window_reset(&batches->window);
        return 0;
    }
    return move_on(batches, file, &next, trailer, err);
}

/* Behind the last batch that counts, whatever looks like another one does not. */
static int leave_segment(struct wal_batches *batches, struct err *err)
{
    uint64_t offset = batches->end.position.offset;
    struct wal_trailer trailer;
    const char *block;
    bool there = false;

    if (offset + WAL_BLOCK_BYTES <= batches->segment.segment_bytes) {
        if (wal_window_load(&batches->window, offset, WAL_BLOCK_BYTES, &block, err) != 0) {
            return complain(batches, err);
        }
        there = wal_trailer_decode(block, batches->segment.crc, &trailer);
    }
    return step_over(batches, there, 0, err);
}

int wal_batches_next(struct wal_batches *batches, struct err *err)
{
    uint64_t before = batches->end.batches;

    while (!batches->ended && batches->end.batches == before) {
        enum block_kind kind;
        uint64_t torn;

        if (batches->end.position.next_batch >= batches->end_batch) {
            if (leave_segment(batches, err) != 0) {
                return -1;
            }
            continue;
        }
        if (examine(batches, &kind, &torn, err) != 0) {
            return complain(batches, err);
        }
        if (kind == BLOCK_BATCH) {
            accept_batch(batches);
        } else if (step_over(batches, kind == BLOCK_TRAILER, torn, err) != 0) {
            return -1;
        }
    }
    return 0;
}
