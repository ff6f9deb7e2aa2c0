#include "executor/process_identity.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define BOOT_ID_CHARS 36

/* The file's text with a NUL; "" when it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;

    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

bool process_is_of_this_boot(const char *boot_id)
{
    static _Thread_local char current[BOOT_ID_CHARS + 1];

    if (!current[0]) {
        read_text("/proc/sys/kernel/random/boot_id", current, sizeof current);
    }
    return !current[0] || strcmp(boot_id, current) == 0;
}

bool process_is_alive(pid_t pid, uint64_t start_time_ticks)
{
    char path[40], text[1024];
    const char *at;
    char state;

    if (pid <= 0) {
        return false;
    }
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    read_text(path, text, sizeof text);
    /* Field 2 is the program's name and may hold blanks and parentheses; field 3, the state, follows the last one. */
    at = strrchr(text, ')');
    if (!at || strlen(at) < 3) {
        return false;
    }
    state = at[2];
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at && state != 'Z' && state != 'X' && strtoull(at + 1, NULL, 10) == start_time_ticks;
}

void process_signal(pid_t pid, uint64_t start_time_ticks, int signal_number)
{
    int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

    /* The descriptor stands for whoever has the pid now; only then can it be asked who that is. */
    if (fd >= 0 && process_is_alive(pid, start_time_ticks)) {
        (void)pidfd_send_signal(fd, signal_number, NULL, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
}
