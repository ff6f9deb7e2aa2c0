#include "executor/seal_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNFINISHED SEAL_MARK_FILE ".new"

bool seal_mark_read(int job_fd, char name[KEY_NAME_BYTES])
{
    char text[KEY_NAME_BYTES]; /* the newline takes the place of the NUL */
    int fd = openat(job_fd, SEAL_MARK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : 0;

    if (fd >= 0) {
        close(fd);
    }
    if (got < 2 || text[got - 1] != '\n') {
        return false;
    }
    memcpy(name, text, (size_t)got - 1);
    name[got - 1] = '\0';
    return true;
}

static int write_and_name(int job_fd, int fd, const char *text, size_t size)
{
    return write(fd, text, size) == (ssize_t)size && fdatasync(fd) == 0 &&
                   renameat(job_fd, UNFINISHED, job_fd, SEAL_MARK_FILE) == 0 && fsync(job_fd) == 0
               ? 0
               : -1;
}

int seal_mark_write(int job_fd, const char *key_name, struct err *err)
{
    char text[KEY_NAME_BYTES + 1];
    int size, fd, result;

    if (seal_mark_read(job_fd, text) && strcmp(text, key_name) == 0) {
        return 0;
    }
    size = snprintf(text, sizeof text, "%s\n", key_name);
    fd = openat(job_fd, UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    result = fd < 0 ? -1 : write_and_name(job_fd, fd, text, (size_t)size);
    if (result != 0) {
        err_set_errno(err, errno, "cannot mark a job as one to be sealed");
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}
