#include "storage/backup_label.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "storage/data_dir.h"
#include "storage/file_out.h"

#define LABEL_BYTES_MAX 1024
#define LABEL_NAME "BACKUP"

static size_t render(const struct backup_label *label, char *text)
{
    char uuid[2 * WAL_ID_BYTES + 1];
    size_t length;

    for (size_t i = 0; i < WAL_ID_BYTES; i++) {
        snprintf(uuid + 2 * i, 3, "%02x", label->store_uuid[i]);
    }
    length = (size_t)snprintf(text, LABEL_BYTES_MAX,
                              "customjobd backup 1\nstore %s\ntime_unix_ns %" PRId64 "\nsnapshot %016" PRIx64
                              "\nfirst_segment %016" PRIx64 "\nlast_segment %016" PRIx64 "\nepoch %" PRIu64
                              "\nlast_batch %" PRIu64 "\nlast_lsn %" PRIu64 "\nchain %08" PRIx32 "\n",
                              uuid, label->time_unix_ns, label->snapshot_lsn, label->first_segment, label->last_segment,
                              label->epoch, label->last_batch, label->last_lsn, label->chain);
    return length +
           (size_t)snprintf(text + length, LABEL_BYTES_MAX - length, "crc32c %08" PRIx32 "\n", crc32c(text, length));
}

static int parse(const char *text, size_t size, struct backup_label *ret_label)
{
    struct backup_label label;
    char again[LABEL_BYTES_MAX];
    char uuid[2 * WAL_ID_BYTES + 1];

    memset(&label, 0, sizeof label);
    if (sscanf(text,
               "customjobd backup 1\nstore %32[0-9a-f]\ntime_unix_ns %" SCNd64 "\nsnapshot %" SCNx64
               "\nfirst_segment %" SCNx64 "\nlast_segment %" SCNx64 "\nepoch %" SCNu64 "\nlast_batch %" SCNu64
               "\nlast_lsn %" SCNu64 "\nchain %" SCNx32,
               uuid, &label.time_unix_ns, &label.snapshot_lsn, &label.first_segment, &label.last_segment, &label.epoch,
               &label.last_batch, &label.last_lsn, &label.chain) != 9) {
        return -1;
    }
    for (size_t i = 0; i < WAL_ID_BYTES; i++) {
        unsigned byte;

        if (sscanf(uuid + 2 * i, "%2x", &byte) != 1) {
            return -1;
        }
        label.store_uuid[i] = (uint8_t)byte;
    }
    if (render(&label, again) != size || memcmp(text, again, size) != 0) {
        return -1;
    }
    *ret_label = label;
    return 0;
}

int backup_label_read(const struct fs *fs, const char *dir, struct backup_label *ret_label, struct err *err)
{
    struct data_dir_path path = data_dir_file(dir, LABEL_NAME);
    char text[LABEL_BYTES_MAX + 1];
    size_t size = 0;
    int file;
    int result;

    if (fs->open(fs, path.text, FS_READ, &file, err) != 0) {
        return -1;
    }
    result = fs->read_at(fs, file, text, LABEL_BYTES_MAX, 0, &size, err);
    fs->close(fs, file);
    if (result != 0) {
        return -1;
    }
    text[size] = '\0';
    if (strncmp(text, "customjobd backup ", 18) == 0 && strncmp(text, "customjobd backup 1\n", 20) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "%s is of a newer program", path.text);
    }
    if (parse(text, size, ret_label) != 0) {
        return err_set(err, ERR_CORRUPT, "%s is damaged", path.text);
    }
    return 0;
}

int backup_label_write(const struct fs *fs, const char *dir, const struct backup_label *label, struct err *err)
{
    char text[LABEL_BYTES_MAX];

    render(label, text);
    return file_out_text(fs, dir, LABEL_NAME, text, err);
}
