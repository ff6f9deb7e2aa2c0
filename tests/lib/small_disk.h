/* small_disk: the system's files, on a disk that says to have as much room as the test says, and takes no more. */
#ifndef TESTS_LIB_SMALL_DISK_H_
#define TESTS_LIB_SMALL_DISK_H_

#include <atomic>
#include <cstdint>

#include "base/fs.h"

/* While it is full no file can be made; what is there is written as before. A file that is removed makes room. */
struct SmallDisk {
    SmallDisk()
    {
        fs = *fs_system();
        fs.self = this;
        fs.free_bytes = [](const struct fs *self, const char *, uint64_t *ret_bytes, struct err *) {
            *ret_bytes = static_cast<SmallDisk *>(self->self)->free_bytes;
            return 0;
        };
        fs.open = [](const struct fs *self, const char *path, unsigned flags, int *ret_file, struct err *err) {
            if ((flags & FS_CREATE) && static_cast<SmallDisk *>(self->self)->is_full) {
                return err_set(err, ERR_EXHAUSTED, "cannot open %s: No space left on device", path);
            }
            return fs_system()->open(fs_system(), path, flags, ret_file, err);
        };
        fs.remove = [](const struct fs *self, const char *path, struct err *err) {
            int result = fs_system()->remove(fs_system(), path, err);
            if (result == 0) {
                static_cast<SmallDisk *>(self->self)->is_full = false;
            }
            return result;
        };
    }
    SmallDisk(const SmallDisk &) = delete;

    struct fs fs;
    std::atomic<uint64_t> free_bytes{uint64_t(1) << 40};
    std::atomic<bool> is_full{false};
};

#endif /* TESTS_LIB_SMALL_DISK_H_ */
