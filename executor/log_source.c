#include "executor/log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(int at_fd, const char *name)
{
    struct stat status;
    int fd = openat(at_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        errno = ENOENT;
        fd = -1;
    }
    return fd;
}

static int open_plain(int fd, struct log_source *ret_source, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        err_set_errno(err, errno, "cannot look at a log");
        close(fd);
        return -1;
    }
    *ret_source = (struct log_source){.fd = fd, .size = (uint64_t)status.st_size};
    return 0;
}

static int open_sealed(struct keyring *keys, int fd, const char *role, struct log_source *ret_source, struct err *err)
{
    struct sealed_reader *reader;

    if (sealed_reader_open(keys, span_of(role), fd, &reader, err) != 0) {
        return err_wrap(err, "%s%s", role, LOG_SOURCE_SEALED);
    }
    *ret_source = (struct log_source){.fd = -1, .sealed = reader, .size = sealed_reader_size(reader)};
    return 0;
}

int log_source_open(struct keyring *keys, int at_fd, const char *name, const char *role, bool *ret_found,
                    struct log_source *ret_source, struct err *err)
{
    char sealed[LOG_SOURCE_PATH_BYTES];
    int fd = open_file(at_fd, name), result;
    bool is_sealed = fd < 0 && (errno == ENOENT || errno == ELOOP);

    if (is_sealed) {
        (void)snprintf(sealed, sizeof sealed, "%s%s", name, LOG_SOURCE_SEALED);
        fd = open_file(at_fd, sealed);
    }
    if (fd < 0) {
        *ret_found = false;
        return errno == ENOENT || errno == ELOOP ? 0 : err_set_errno(err, errno, "cannot open the log %s", role);
    }
    result = is_sealed ? open_sealed(keys, fd, role, ret_source, err) : open_plain(fd, ret_source, err);
    if (result == 0) {
        *ret_found = true;
    }
    return result;
}

int log_source_read(struct log_source *source, uint64_t offset, void *bytes, size_t size, size_t *ret_got,
                    struct err *err)
{
    ssize_t got;

    if (source->sealed) {
        return sealed_reader_read(source->sealed, offset, bytes, size, ret_got, err);
    }
    do {
        got = pread(source->fd, bytes, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_set_errno(err, errno, "cannot read a log");
    }
    *ret_got = (size_t)got;
    return 0;
}

void log_source_close(struct log_source *source)
{
    if (source->fd >= 0) {
        close(source->fd);
    }
    sealed_reader_close(source->sealed);
    *source = (struct log_source){.fd = -1};
}
