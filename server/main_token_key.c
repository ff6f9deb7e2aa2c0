#include "server/main_token_key.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/fs.h"

#define KEY_BYTES (2 * sizeof(uint64_t))
#define PATH_BYTES 4096

/* Nothing but a restart in the middle of somebody's list depends on it, so its name need not be durable; but where the
 * name is, the key is. */
static int make_key(const char *path, uint64_t ret_key[2], struct err *err)
{
    const struct fs *fs = fs_system();
    char unfinished[PATH_BYTES + 8];
    int file;
    int result;

    if (getrandom(ret_key, KEY_BYTES, 0) != (ssize_t)KEY_BYTES) {
        return err_set_errno(err, errno, "no random bytes");
    }
    snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
    (void)!remove(unfinished); /* of a start that did not come to its end */
    if (fs->open(fs, unfinished, FS_CREATE, &file, err)) {
        return -1;
    }
    result = fs->write_at(fs, file, ret_key, KEY_BYTES, 0, err) || fs->sync(fs, file, err) ? -1 : 0;
    fs->close(fs, file);
    return result ? result : fs->rename(fs, unfinished, path, err);
}

int main_token_key_read(const char *data_dir, uint64_t ret_key[2], struct err *err)
{
    const struct fs *fs = fs_system();
    char path[PATH_BYTES];
    size_t size = 0;
    int file;
    int result;

    if (snprintf(path, sizeof path, "%s/page-token.key", data_dir) >= (int)sizeof path) {
        return err_set(err, ERR_INVALID, "the path of the data directory is too long");
    }
    if (fs->open(fs, path, FS_READ, &file, err)) {
        return err->code == ERR_NOT_FOUND ? make_key(path, ret_key, err) : -1;
    }
    result = fs->read_at(fs, file, ret_key, KEY_BYTES, 0, &size, err);
    fs->close(fs, file);
    if (!result && size < KEY_BYTES) {
        return make_key(path, ret_key, err); /* cut by a crash of the machine: open lists begin anew, no more */
    }
    return result;
}
