#include "executor/supervisor_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <unistd.h>

#define READY_FD 3

static int set_actions(posix_spawn_file_actions_t *actions, int ready_fd)
{
    /* First: the pipe may have one of the three numbers that follow. */
    int result = posix_spawn_file_actions_adddup2(actions, ready_fd, READY_FD);

    for (int fd = 0; fd <= 2 && result == 0; fd++) {
        result = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    }
    return result == 0 ? posix_spawn_file_actions_addchdir_np(actions, "/") : result;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int result;

    sigemptyset(&none);
    sigfillset(&all);
    result = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (result == 0) {
        result = posix_spawnattr_setsigmask(attributes, &none);
    }
    return result == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : result;
}

static int spawn(const char *program, const char *dir, int ready_fd, pid_t *ret_pid)
{
    char *const argv[] = {"customjob-supervisor", (char *)(uintptr_t)dir, "3", NULL}, *const env[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        result = set_actions(&actions, ready_fd);
        if (result == 0) {
            result = set_attributes(&attributes);
        }
        if (result == 0) {
            result = posix_spawn(ret_pid, program, &actions, &attributes, argv, env);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

int supervisor_spawn(const char *program, const char *dir, pid_t *ret_pid, int *ret_ready_fd, struct err *err)
{
    int ends[2], result;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set_errno(err, errno, "cannot make a pipe for a supervisor");
    }
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        result = errno;
    } else {
        result = spawn(program, dir, ends[1], ret_pid);
    }
    close(ends[1]);
    if (result != 0) {
        close(ends[0]);
        return err_set_errno(err, result, "cannot start the supervisor %s", program);
    }
    *ret_ready_fd = ends[0];
    return 0;
}
