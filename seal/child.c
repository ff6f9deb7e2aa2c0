#include "seal/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "seal/seal_box.h"

#define NS_PER_MS 1000000
#define READ_BYTES 4096

/* Two pipes of the child's: what it says, and why it failed. */
struct child {
    pid_t pid;
    int output_fd;
    int error_fd;
    char *output;
    size_t output_bytes, output_capacity, output_bytes_max;
    char reason[CHILD_REASON_BYTES];
    size_t reason_bytes;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* ---- starting ---- */

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const int fds[3])
{
    sigset_t none, all;
    int result = 0;

    for (int fd = 0; fd < 3 && result == 0; fd++) {
        result = posix_spawn_file_actions_adddup2(actions, fds[fd], fd);
    }
    sigemptyset(&none);
    sigfillset(&all);
    if (result == 0) {
        result = posix_spawnattr_setflags(attributes,
                                          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    if (result == 0) {
        result = posix_spawnattr_setsigmask(attributes, &none);
    }
    return result == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : result;
}

static int spawn(char *const *words, const int fds[3], pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        result = set_up(&actions, &attributes, fds);
        if (result == 0) {
            result = posix_spawn(ret_pid, words[0], &actions, &attributes, words, environ);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

/* Above the standard ones, so that dup2 never has a target among its sources. */
static int make_pipe(int ends[2])
{
    int low[2];

    ends[0] = ends[1] = -1;
    if (pipe2(low, O_CLOEXEC) != 0) {
        return errno;
    }
    ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 3);
    ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 3);
    close(low[0]);
    close(low[1]);
    return ends[0] < 0 || ends[1] < 0 ? EMFILE : 0;
}

/* All that it is told fits into the pipe, so that nobody waits for it to be read. */
static int start(struct child *child, char *const *words, struct span input)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error[2] = {-1, -1};
    int result = make_pipe(in);

    if (result == 0) {
        result = make_pipe(out);
    }
    if (result == 0) {
        result = make_pipe(error);
    }
    if (result == 0 && input.size > 0 && write(in[1], input.data, input.size) != (ssize_t)input.size) {
        result = EIO;
    }
    if (result == 0) {
        result = spawn(words, (const int[3]){in[0], out[1], error[1]}, &child->pid);
    }
    close_fd(&in[0]);
    close_fd(&in[1]);
    close_fd(&out[1]);
    close_fd(&error[1]);
    child->output_fd = out[0];
    child->error_fd = error[0];
    return result;
}

/* ---- listening ---- */

static int take_output(struct child *child, const char *bytes, size_t size, struct err *err)
{
    if (child->output_bytes + size > child->output_bytes_max) {
        return err_set(err, ERR_UNAVAILABLE, "it printed more than %zu bytes", child->output_bytes_max);
    }
    if (child->output_bytes + size + 1 > child->output_capacity) {
        size_t capacity = 2 * (child->output_bytes + size) + READ_BYTES;
        char *output = malloc(capacity);

        if (!output) {
            return err_set(err, ERR_EXHAUSTED, "no memory for what it printed");
        }
        if (child->output) {
            memcpy(output, child->output, child->output_bytes);
            seal_wipe(child->output, child->output_bytes);
            free(child->output);
        }
        child->output = output;
        child->output_capacity = capacity;
    }
    memcpy(child->output + child->output_bytes, bytes, size);
    child->output_bytes += size;
    return 0;
}

static void take_reason(struct child *child, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && child->reason_bytes + 1 < sizeof child->reason; i++) {
        bool is_plain = bytes[i] >= ' ' && bytes[i] <= '~';

        child->reason[child->reason_bytes++] = is_plain || bytes[i] == '\n' ? bytes[i] : '?';
    }
}

static int take(struct child *child, bool is_output, struct err *err)
{
    char bytes[READ_BYTES];
    int *fd = is_output ? &child->output_fd : &child->error_fd;
    ssize_t got = read(*fd, bytes, sizeof bytes);
    int result = 0;

    if (got < 0 && errno == EINTR) {
        return 0;
    }
    if (got <= 0) {
        close_fd(fd);
    } else if (is_output) {
        result = take_output(child, bytes, (size_t)got, err);
        seal_wipe(bytes, (size_t)got);
    } else {
        take_reason(child, bytes, (size_t)got);
    }
    return result;
}

static int listen_to(struct child *child, int64_t until_ms, int64_t ms_max, struct err *err)
{
    while (child->output_fd >= 0 || child->error_fd >= 0) {
        struct pollfd fds[2] = {{child->output_fd, POLLIN, 0}, {child->error_fd, POLLIN, 0}};
        int64_t left = until_ms - now_ms();

        if (left <= 0) {
            return err_set(err, ERR_UNAVAILABLE, "it did not answer within %d ms", (int)ms_max);
        }
        if (poll(fds, 2, (int)left) <= 0) {
            continue;
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents && take(child, i == 0, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* It has closed its ends, so that it is about to exit; or it is made to. */
static int reap(const struct child *child, int64_t until_ms, bool *ret_in_time)
{
    int status = 0;
    pid_t got;

    while ((got = waitpid(child->pid, &status, WNOHANG)) == 0 && now_ms() < until_ms) {
        (void)poll(NULL, 0, 1);
    }
    *ret_in_time = got != 0;
    if (got == 0) {
        (void)kill(-child->pid, SIGKILL); /* its group: what it has started too */
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    return got >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int child_run(char *const *words, struct span input, size_t output_bytes_max, int64_t ms_max,
              struct child_result *ret_result, struct err *err)
{
    struct child child = {.output_fd = -1, .error_fd = -1, .output_bytes_max = output_bytes_max};
    int64_t until_ms = now_ms() + ms_max;
    bool in_time = true;
    int result, exit_code = -1;

    if (input.size > CHILD_INPUT_BYTES_MAX) {
        return err_set(err, ERR_INTERNAL, "%zu bytes of input", input.size);
    }
    result = start(&child, words, input);
    if (result != 0) {
        err_set(err, ERR_UNAVAILABLE, "cannot start it: %s", strerror(result));
        result = -1;
    } else {
        result = take_output(&child, "", 0, err) != 0 ? -1 : listen_to(&child, until_ms, ms_max, err);
        exit_code = reap(&child, result == 0 ? until_ms : 0, &in_time);
        if (result == 0 && !in_time) {
            result = err_set(err, ERR_UNAVAILABLE, "it did not end within %d ms", (int)ms_max);
        }
    }
    close_fd(&child.output_fd);
    close_fd(&child.error_fd);
    if (result != 0) {
        seal_wipe(child.output, child.output_bytes);
        free(child.output);
        return -1;
    }
    child.output[child.output_bytes] = '\0';
    child.reason[child.reason_bytes] = '\0';
    child.reason[strcspn(child.reason, "\n")] = '\0';
    *ret_result =
        (struct child_result){.exit_code = exit_code, .output = child.output, .output_bytes = child.output_bytes};
    memcpy(ret_result->reason, child.reason, sizeof child.reason);
    return 0;
}
