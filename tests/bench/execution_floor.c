/* execution_floor: what starting a replica costs without a server, and the program that the replicas of the measurement run.
 *
 * usage: execution_floor stamp FILE SENT_NS                         appends the µs that have passed since to FILE
 *        execution_floor spawn SUPERVISOR DIR COUNT IN_FLIGHT FILE  COUNT replicas that stamp, so many at a time: of each
 *                                                                   the attempt's files, one durable write of 1 KiB, the
 *                                                                   supervisor by posix_spawn, and its end. FILE "-":
 *                                                                   they run true
 * Prints    spawn: seconds and rate.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "execution_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int stamp(const char *path, const char *sent_ns)
{
    int64_t now = now_ns(CLOCK_REALTIME);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    char line[32];
    int size = snprintf(line, sizeof line, "%" PRId64 "\n", (now - strtoll(sent_ns, NULL, 10)) / 1000);

    return fd >= 0 && write(fd, line, (size_t)size) == size ? 0 : 1;
}

static void write_file(const char *dir, const char *name, const char *bytes, size_t size)
{
    char path[PATH_BYTES];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0) {
        fail(path);
    }
}

static void make_attempt(const char *dir, const char *self, const char *file, int64_t sent_ns)
{
    char argv[2 * PATH_BYTES];
    size_t size = 0;

    if (mkdir(dir, 0700) != 0) {
        fail(dir);
    }
    if (strcmp(file, "-") == 0) {
        size += (size_t)snprintf(argv, sizeof argv, "true") + 1;
    } else {
        size += (size_t)snprintf(argv, sizeof argv, "%s%cstamp%c%s%c%" PRId64, self, 0, 0, file, 0, sent_ns) + 1;
    }
    write_file(dir, "argv", argv, size);
    write_file(dir, "env", "PATH=/usr/bin:/bin", sizeof "PATH=/usr/bin:/bin");
    write_file(dir, "conf", "", 0);
    write_file(dir, "lock", "", 0);
}

static pid_t spawn(const char *supervisor, const char *dir)
{
    char *const argv[] = {(char *)"customjob-supervisor", (char *)(uintptr_t)dir, NULL}, *const env[] = {NULL};
    pid_t pid;

    errno = posix_spawn(&pid, supervisor, NULL, NULL, argv, env);
    if (errno != 0) {
        fail(supervisor);
    }
    return pid;
}

static void spawn_all(char **arguments)
{
    static char block[1024];
    const char *supervisor = arguments[0], *dir = arguments[1], *file = arguments[4];
    long count = strtol(arguments[2], NULL, 10), in_flight = strtol(arguments[3], NULL, 10), running = 0;
    char self[PATH_BYTES] = "", path[PATH_BYTES];
    int64_t begin = now_ns(CLOCK_MONOTONIC);
    int log;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) {
        fail("/proc/self/exe");
    }
    snprintf(path, sizeof path, "%s/log", dir);
    log = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (long i = 0; i < count; i++) {
        int64_t sent = now_ns(CLOCK_REALTIME);

        if (pwrite(log, block, sizeof block, i * (off_t)sizeof block) != (ssize_t)sizeof block || fdatasync(log) != 0) {
            fail(path);
        }
        snprintf(path, sizeof path, "%s/%ld", dir, i);
        make_attempt(path, self, file, sent);
        spawn(supervisor, path);
        if (++running == in_flight && wait(NULL) > 0) {
            running--;
        }
    }
    while (wait(NULL) > 0) {
    }
    printf("seconds=%.3f rate=%.1f\n", (double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e9,
           (double)count * 1e9 / (double)(now_ns(CLOCK_MONOTONIC) - begin));
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "stamp") == 0) {
        return stamp(argv[2], argv[3]);
    }
    if (argc == 7 && strcmp(argv[1], "spawn") == 0) {
        spawn_all(argv + 2);
        return 0;
    }
    fprintf(stderr, "usage: execution_floor stamp FILE SENT_NS | spawn SUPERVISOR DIR COUNT IN_FLIGHT FILE\n");
    return 2;
}
