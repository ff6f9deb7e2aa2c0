#include "base/standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNCHECKED __attribute__((no_sanitize("address", "thread", "undefined"))) /* sanitizers are not ready then */

/* 0, or the errno. The wrong way round: who reads or writes is told so, as before. Children have it too. */
UNCHECKED static int take_up(int wanted)
{
    long fd;

    if (syscall(SYS_fcntl, wanted, F_GETFD) >= 0) {
        return 0;
    }
    fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", wanted == 0 ? O_WRONLY : O_RDONLY);
    if (fd >= 0 && fd != wanted) {
        (void)syscall(SYS_close, fd);
    }
    return fd < 0 ? errno : fd == wanted ? 0 : EBADF;
}

UNCHECKED static void take_up_all(void)
{
    for (int wanted = 0; wanted <= 2; wanted++) {
        (void)take_up(wanted);
    }
}

/* Before the constructors of libraries, some of which open descriptors of their own. */
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = take_up_all;

int standard_streams_ensure(struct err *err)
{
    for (int wanted = 0; wanted <= 2; wanted++) {
        int error = take_up(wanted);

        if (error != 0) {
            return err_set_errno(err, error, "cannot open /dev/null as descriptor %d", wanted);
        }
    }
    return 0;
}
