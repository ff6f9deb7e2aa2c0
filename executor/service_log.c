#include "executor/service_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "executor/attempt_files.h"
#include "supervisor/supervisor_wire_log.h"

static int open_log(const struct process_config *config, uint64_t job_id)
{
    char job[ATTEMPT_PATH_BYTES], path[ATTEMPT_PATH_BYTES + sizeof SERVICE_LOG_FILE];

    attempt_job_path(job_id, job);
    (void)snprintf(path, sizeof path, "%s/%s", job, SERVICE_LOG_FILE);
    return openat(config->attempts_fd, path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool put_entry(int fd, int64_t time_unix_ns, char tag, const char *text, size_t size)
{
    char head[SUPERVISOR_LOG_HEAD_BYTES], newline[1] = {'\n'};
    struct iovec parts[] = {{head, sizeof head}, {(void *)(uintptr_t)text, size}, {newline, 1}};
    struct stat status;

    if (fstat(fd, &status) != 0 ||
        (uint64_t)status.st_size + sizeof head + size + sizeof newline > SERVICE_LOG_BYTES_MAX) {
        return false;
    }
    supervisor_log_head(head, time_unix_ns, tag);
    if (writev(fd, parts, 3) == (ssize_t)(sizeof head + size + sizeof newline)) {
        return true;
    }
    if (ftruncate(fd, status.st_size) != 0) {
        /* Then half an entry stays behind, and is shown as what it is. */
    }
    return false;
}

/* A newline ends an entry, and a text past an entry's length goes on in the next. */
void service_log_append(const struct process_config *config, uint64_t job_id, int64_t time_unix_ns, const char *text)
{
    struct err ignored = ERR_INIT;
    size_t left = strlen(text);
    int fd = attempt_make_job_dir(config, job_id, &ignored) == 0 ? open_log(config, job_id) : -1;
    bool goes_on = fd >= 0;

    while (goes_on) {
        size_t line = strcspn(text, "\n");
        size_t size = line < SUPERVISOR_LOG_TEXT_BYTES ? line : SUPERVISOR_LOG_TEXT_BYTES;
        size_t taken = size + (size == line && line < left ? 1 : 0);

        goes_on =
            put_entry(fd, time_unix_ns, size == line ? SUPERVISOR_LOG_FULL : SUPERVISOR_LOG_PARTIAL, text, size) &&
            taken < left;
        text += taken;
        left -= taken;
    }
    if (fd >= 0) {
        close(fd);
    }
}
