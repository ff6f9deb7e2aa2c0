#include "executor/sealed_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/attempt_files.h"
#include "executor/log_source.h"
#include "executor/service_log.h"
#include "seal/sealed_file.h"

#define UNFINISHED ".sealing"

/* ---- one file ---- */

static int sync_and_name(int dir_fd, int fd, const char *unfinished, const char *sealed, const char *plain,
                         struct err *err)
{
    if (fsync(fd) != 0 || renameat(dir_fd, unfinished, dir_fd, sealed) != 0 || fsync(dir_fd) != 0 ||
        unlinkat(dir_fd, plain, 0) != 0) {
        return err_set_errno(err, errno, "cannot put a sealed file in its place");
    }
    return 0;
}

static int write_sealed(struct keyring *keys, int dir_fd, const char *name, struct span key_name, const char *role,
                        int from_fd, struct err *err)
{
    char unfinished[64], sealed[64];
    int fd, result;

    (void)snprintf(unfinished, sizeof unfinished, "%s%s", name, UNFINISHED);
    (void)snprintf(sealed, sizeof sealed, "%s%s", name, LOG_SOURCE_SEALED);
    (void)unlinkat(dir_fd, unfinished, 0); /* of a try that a crash ended */
    fd = openat(dir_fd, unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make a sealed file");
    }
    result = sealed_file_write(keys, key_name, span_of(role), from_fd, fd, err);
    if (result == 0) {
        result = sync_and_name(dir_fd, fd, unfinished, sealed, name, err);
    }
    close(fd);
    if (result != 0) {
        (void)unlinkat(dir_fd, unfinished, 0);
    }
    return result;
}

static int seal_file(struct keyring *keys, int dir_fd, const char *dir, const char *name, struct span key_name,
                     struct err *err)
{
    char role[LOG_SOURCE_PATH_BYTES];
    struct stat status;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), result = 0;

    if (fd < 0) {
        return errno == ENOENT || errno == ELOOP ? 0 : err_set_errno(err, errno, "cannot open %s/%s", dir, name);
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        (void)snprintf(role, sizeof role, "%s/%s", dir, name);
        result = write_sealed(keys, dir_fd, name, key_name, role, fd, err);
    }
    close(fd);
    return result == 0 ? 0 : err_wrap(err, "%s/%s is not sealed", dir, name);
}

/* Wraps what an old version of the key has wrapped with the new one. */
static int rewrap_file(struct keyring *keys, int dir_fd, const char *name, struct err *err)
{
    char sealed[64];
    bool ignored;
    int fd, result;

    (void)snprintf(sealed, sizeof sealed, "%s%s", name, LOG_SOURCE_SEALED);
    fd = openat(dir_fd, sealed, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    result = sealed_file_rewrap(keys, fd, &ignored, err);
    close(fd);
    return result;
}

/* ---- a job ---- */

static int open_dir(int at_fd, const char *path)
{
    return openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool sealed_job_is_held(int dir_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    bool is_free = fd < 0 ? errno == ENOENT : fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;

    if (fd >= 0) {
        close(fd);
    }
    return !is_free;
}

static const char *const attempt_file_names[] = {SUPERVISOR_FILE_STDOUT, SUPERVISOR_FILE_STDERR, SUPERVISOR_FILE_ARGV,
                                                 SUPERVISOR_FILE_ENV};

int sealed_job_seal_attempt(struct keyring *keys, int job_fd, const char *name, struct span key_name, struct err *err)
{
    struct execution_key key;
    char dir[ATTEMPT_PATH_BYTES];
    int dir_fd = open_dir(job_fd, name), result = 0;

    if (dir_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the attempt %s", name);
    }
    if (execution_key_parse(span_of(name), &key, err) == 0 && !sealed_job_is_held(dir_fd)) {
        attempt_path(&key, dir);
        for (size_t i = 0; i < sizeof attempt_file_names / sizeof attempt_file_names[0] && result == 0; i++) {
            result = seal_file(keys, dir_fd, dir, attempt_file_names[i], key_name, err);
            if (result == 0) {
                result = rewrap_file(keys, dir_fd, attempt_file_names[i], err);
            }
        }
    }
    close(dir_fd);
    return result;
}

int sealed_job_seal(struct keyring *keys, int job_fd, const char *job, struct span key_name,
                    bool (*quits)(void *context), void *context, struct err *err)
{
    int fd = openat(job_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct execution_key key;

    if (!dir) {
        err_set_errno(err, errno, "cannot list the attempts of job %s", job);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    while (result == 0 && !quits(context) && (entry = readdir(dir))) {
        struct err no_key = ERR_INIT;

        if (execution_key_parse(span_of(entry->d_name), &key, &no_key) == 0) {
            result = sealed_job_seal_attempt(keys, job_fd, entry->d_name, key_name, err);
        }
    }
    (void)closedir(dir);
    if (result == 0) {
        result = seal_file(keys, job_fd, job, SERVICE_LOG_FILE, key_name, err);
    }
    return result == 0 ? rewrap_file(keys, job_fd, SERVICE_LOG_FILE, err) : -1;
}
