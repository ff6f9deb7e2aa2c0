/* block_log: a disk in memory, for nbdkit, that writes down every write and every flush it gets.
 *
 * Used by   tests/crash/rig/by_replay.py, which builds it with cc -shared and makes of the log what a crash may leave.
 * Shape     the log: {kind u32: 0 write, 1 flush; length u32; offset u64} and, for a write, its bytes; in the order in
 *           which the requests came, each before it is answered. Little endian.
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_SERIALIZE_ALL_REQUESTS

struct log_head {
    uint32_t kind;
    uint32_t length;
    uint64_t offset;
};

static int64_t disk_bytes;
static char *disk;
static FILE *log_file;

static int block_log_config(const char *key, const char *value)
{
    if (strcmp(key, "size") == 0) {
        disk_bytes = nbdkit_parse_size(value);
        return disk_bytes > 0 ? 0 : -1;
    }
    if (strcmp(key, "log") == 0) {
        log_file = fopen(value, "wb");
        return log_file ? 0 : -1;
    }
    nbdkit_error("block_log knows size= and log=, not %s=", key);
    return -1;
}

static int block_log_config_complete(void)
{
    disk = disk_bytes > 0 ? calloc(1, (size_t)disk_bytes) : NULL;
    if (!disk || !log_file) {
        nbdkit_error("block_log needs size= and log=");
        return -1;
    }
    return 0;
}

static void *block_log_open(int readonly)
{
    (void)readonly;
    return disk;
}

static int64_t block_log_get_size(void *handle)
{
    (void)handle;
    return disk_bytes;
}

static int block_log_can_write(void *handle)
{
    (void)handle;
    return 1;
}

static int block_log_can_flush(void *handle)
{
    (void)handle;
    return 1;
}

static int block_log_can_fua(void *handle)
{
    (void)handle;
    return NBDKIT_FUA_EMULATE; /* a write and a flush */
}

static int note(uint32_t kind, const void *bytes, uint32_t length, uint64_t offset)
{
    struct log_head head = {kind, length, offset};

    if (fwrite(&head, sizeof head, 1, log_file) != 1 || (length > 0 && fwrite(bytes, length, 1, log_file) != 1) ||
        fflush(log_file) != 0) {
        nbdkit_error("the log cannot be written");
        return -1;
    }
    return 0;
}

static int block_log_pread(void *handle, void *bytes, uint32_t length, uint64_t offset, uint32_t flags)
{
    (void)handle;
    (void)flags;
    memcpy(bytes, disk + offset, length);
    return 0;
}

static int block_log_pwrite(void *handle, const void *bytes, uint32_t length, uint64_t offset, uint32_t flags)
{
    (void)handle;
    (void)flags;
    memcpy(disk + offset, bytes, length);
    return note(0, bytes, length, offset);
}

static int block_log_flush(void *handle, uint32_t flags)
{
    (void)handle;
    (void)flags;
    return note(1, NULL, 0, 0);
}

static struct nbdkit_plugin plugin = {
    .name = "block-log",
    .config = block_log_config,
    .config_complete = block_log_config_complete,
    .open = block_log_open,
    .get_size = block_log_get_size,
    .can_write = block_log_can_write,
    .can_flush = block_log_can_flush,
    .can_fua = block_log_can_fua,
    .pread = block_log_pread,
    .pwrite = block_log_pwrite,
    .flush = block_log_flush,
};

NBDKIT_REGISTER_PLUGIN(plugin)
