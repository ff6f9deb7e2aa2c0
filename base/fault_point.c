#include "base/fault_point.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 32

bool fault_point_is_armed;

static char armed_name[NAME_BYTES];
static unsigned long passes_left;

static const char *const names[] = {
#define FAULT(name, executors) name,
#include "base/fault_points.def"
#undef FAULT
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int fault_point_arm(const char *text, struct err *err)
{
    size_t length = text ? strcspn(text, ":") : 0;
    char *end = NULL;

    if (!text) {
        return 0;
    }
    if (length >= sizeof armed_name) {
        return err_set(err, ERR_INVALID, "there is no fault point %.100s", text);
    }
    memcpy(armed_name, text, length);
    armed_name[length] = '\0';
    if (!is_known(armed_name)) {
        return err_set(err, ERR_INVALID, "there is no fault point %s; base/fault_points.def names them", armed_name);
    }
    passes_left = text[length] == ':' ? strtoul(text + length + 1, &end, 10) : 1;
    if (passes_left == 0 || (end && *end)) {
        return err_set(err, ERR_INVALID, "%.100s: behind the colon stands at which pass, from 1", text);
    }
    fault_point_is_armed = true;
    return 0;
}

void fault_point_pass(const char *name)
{
    if (strcmp(name, armed_name) == 0 && __atomic_sub_fetch(&passes_left, 1, __ATOMIC_RELAXED) == 0) {
        (void)kill(getpid(), SIGKILL);
        for (;;) {
            pause(); /* nothing more happens on this thread until the signal has ended them all */
        }
    }
}
