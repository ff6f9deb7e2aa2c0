#include "storage/data_dir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const struct {
    const char *ending;
    enum data_dir_kind kind;
} endings[] = {
    {".wal", DATA_DIR_SEGMENT},
    {".snapshot", DATA_DIR_SNAPSHOT},
    {".spare", DATA_DIR_SPARE},
};

struct data_dir_path data_dir_file(const char *dir, const char *name)
{
    struct data_dir_path path;

    /* store_open has bounded dir; a name cut here could only be one that is not ours. */
    if ((size_t)snprintf(path.text, sizeof path.text, "%s/%s", dir, name) >= sizeof path.text) {
        path.text[sizeof path.text - 1] = '\0';
    }
    return path;
}

static struct data_dir_path numbered(const char *dir, uint64_t number, const char *ending)
{
    char name[64];

    snprintf(name, sizeof name, "%016" PRIx64 "%s", number, ending);
    return data_dir_file(dir, name);
}

struct data_dir_path data_dir_segment(const char *dir, uint64_t number)
{
    return numbered(dir, number, ".wal");
}

struct data_dir_path data_dir_snapshot(const char *dir, uint64_t lsn)
{
    return numbered(dir, lsn, ".snapshot");
}

struct data_dir_path data_dir_spare(const char *dir, uint64_t number)
{
    return numbered(dir, number, ".spare");
}

struct data_dir_path data_dir_tmp(const struct data_dir_path *path)
{
    struct data_dir_path tmp = *path;
    size_t length = strlen(tmp.text);

    snprintf(tmp.text + length, sizeof tmp.text - length, ".tmp");
    return tmp;
}

/* ---- listing ---- */

struct scan {
    struct data_dir_list list;
    size_t capacity;
    bool no_memory;
};

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t size = strlen(ending);

    return length >= size && memcmp(name + length - size, ending, size) == 0;
}

static bool parse_number(const char *name, size_t length, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (length != 16) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = name[i] ? strchr(digits, name[i]) : NULL;

        if (!digit) {
            return false;
        }
        number = number << 4 | (uint64_t)(digit - digits);
    }
    *ret_number = number;
    return true;
}

/* False: not one of our files. */
static bool classify(const char *name, struct data_dir_entry *ret_entry)
{
    size_t length = strlen(name);
    bool tmp = ends_with(name, length, ".tmp");

    snprintf(ret_entry->name, sizeof ret_entry->name, "%s", name);
    ret_entry->number = 0;
    if (strcmp(name, "MANIFEST.tmp") == 0) {
        ret_entry->kind = DATA_DIR_UNFINISHED;
        return true;
    }
    length -= tmp ? strlen(".tmp") : 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_with(name, length, endings[i].ending)) {
            if (!parse_number(name, length - strlen(endings[i].ending), &ret_entry->number)) {
                ret_entry->kind = DATA_DIR_STRANGE;
                return !tmp;
            }
            ret_entry->kind = tmp ? DATA_DIR_UNFINISHED : endings[i].kind;
            return true;
        }
    }
    return false;
}

static void scan_visit(void *context, const char *name)
{
    struct scan *scan = context;
    struct data_dir_entry entry;

    if (scan->no_memory || !classify(name, &entry)) {
        return;
    }
    if (scan->list.count == scan->capacity) {
        size_t capacity = scan->capacity > 0 ? scan->capacity * 2 : 16;
        struct data_dir_entry *entries = realloc(scan->list.entries, capacity * sizeof *entries);

        if (!entries) {
            scan->no_memory = true;
            return;
        }
        scan->list.entries = entries;
        scan->capacity = capacity;
    }
    scan->list.entries[scan->list.count++] = entry;
}

static int compare_entries(const void *left, const void *right)
{
    const struct data_dir_entry *a = left;
    const struct data_dir_entry *b = right;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

int data_dir_scan(const struct fs *fs, const char *dir, struct data_dir_list *ret_list, struct err *err)
{
    struct scan scan = {{NULL, 0}, 0, false};
    int result = fs->list(fs, dir, scan_visit, &scan, err);

    if (result == 0 && scan.no_memory) {
        result = err_set(err, ERR_EXHAUSTED, "no memory to list %s", dir);
    }
    if (result != 0) {
        free(scan.list.entries);
        return -1;
    }
    if (scan.list.count > 0) {
        qsort(scan.list.entries, scan.list.count, sizeof *scan.list.entries, compare_entries);
    }
    *ret_list = scan.list;
    return 0;
}

void data_dir_list_deinit(struct data_dir_list *list)
{
    free(list->entries);
    list->entries = NULL;
    list->count = 0;
}

int data_dir_publish(const struct fs *fs, const char *dir, const struct data_dir_path *from,
                     const struct data_dir_path *to, struct err *err)
{
    if (fs->rename(fs, from->text, to->text, err) != 0) {
        return -1;
    }
    return fs->sync_dir(fs, dir, err);
}

int data_dir_sync_name(const struct fs *fs, const char *dir, struct err *err)
{
    struct data_dir_path parent = data_dir_file(dir, "..");
    struct err sync_err = ERR_INIT;

    if (fs->sync_dir(fs, parent.text, &sync_err) != 0 && sync_err.code != ERR_DENIED) {
        *err = sync_err;
        return -1;
    }
    return 0;
}

int data_dir_random_id(uint8_t ret_id[WAL_ID_BYTES], struct err *err)
{
    ssize_t got;

    do {
        got = getrandom(ret_id, WAL_ID_BYTES, 0);
    } while (got < 0 && errno == EINTR);
    if (got != WAL_ID_BYTES) {
        return err_set_errno(err, got < 0 ? errno : EIO, "cannot get random bytes");
    }
    return 0;
}
