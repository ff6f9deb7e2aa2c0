/* data_dir: what lies in a data directory, by name; and the MANIFEST that says what of it counts.
 *
 * Used by   the rest of storage/.
 * Shape     NNNNNNNNNNNNNNNN.wal (16 hex digits: segment number), .snapshot (lsn), .spare (any number), each also with
 *           .tmp behind while it is made; MANIFEST; lock. Other names are other people's and left alone.
 * Valid iff MANIFEST: a text whose last line is the crc32c of all before it; written anew, synced, renamed.
 * Thread    values; any.      Blocks    on the disk.
 */
#ifndef STORAGE_DATA_DIR_H_
#define STORAGE_DATA_DIR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/wal_format.h"

C_DECLS_BEGIN

#define DATA_DIR_PATH_BYTES 4096
/* The longest directory name taken; leaves room for the files in it. */
#define DATA_DIR_BYTES_MAX (DATA_DIR_PATH_BYTES - 64)

struct data_dir_path {
    char text[DATA_DIR_PATH_BYTES];
};

enum data_dir_kind {
    DATA_DIR_SEGMENT,
    DATA_DIR_SNAPSHOT,
    DATA_DIR_SPARE,
    DATA_DIR_UNFINISHED, /* a .tmp of ours */
    DATA_DIR_STRANGE     /* our ending, but not our name */
};

struct data_dir_entry {
    enum data_dir_kind kind;
    uint64_t number;
    char name[64]; /* cut when longer */
};

/* Sorted by kind, then number. */
struct data_dir_list {
    struct data_dir_entry *entries;
    size_t count;
};

struct data_dir_path data_dir_file(const char *dir, const char *name);
struct data_dir_path data_dir_segment(const char *dir, uint64_t number);
struct data_dir_path data_dir_snapshot(const char *dir, uint64_t lsn);
struct data_dir_path data_dir_spare(const char *dir, uint64_t number);
/* The same path with .tmp behind. */
struct data_dir_path data_dir_tmp(const struct data_dir_path *path);

/* Lists our files; release with data_dir_list_deinit. */
MUST_USE int data_dir_scan(const struct fs *fs, const char *dir, struct data_dir_list *ret_list, struct err *err);
void data_dir_list_deinit(struct data_dir_list *list);

/* Renames the finished, synced file and makes the new name durable. */
MUST_USE int data_dir_publish(const struct fs *fs, const char *dir, const struct data_dir_path *from,
                              const struct data_dir_path *to, struct err *err);

/* Makes the directory's own name durable, which stands in another one. Where that may not be read by this user, the
 * directory was there before. */
MUST_USE int data_dir_sync_name(const struct fs *fs, const char *dir, struct err *err);

/* ---- MANIFEST ---- */

struct manifest {
    uint8_t store_uuid[WAL_ID_BYTES];
    uint64_t snapshot_lsn;  /* 0: no snapshot */
    uint64_t first_segment; /* the first that recovery needs */
};

/* ERR_NOT_FOUND when there is none; ERR_CORRUPT. */
MUST_USE int manifest_read(const struct fs *fs, const char *dir, struct manifest *ret_manifest, struct err *err);
/* Durable on return. On failure the old or the new one is there, never none. */
MUST_USE int manifest_write(const struct fs *fs, const char *dir, const struct manifest *manifest, struct err *err);

/* 16 bytes that nobody has had before. */
MUST_USE int data_dir_random_id(uint8_t ret_id[WAL_ID_BYTES], struct err *err);

C_DECLS_END

#endif /* STORAGE_DATA_DIR_H_ */
