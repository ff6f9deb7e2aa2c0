#include <stdio.h>

#include "server/main_exit.h"
#include "server/main_format.h"
#include "storage/wal_tool.h"

static int refuse(const char *why, const char *word)
{
    fprintf(stderr, "customjobd: %s%s\nusage: customjobd wal dump|check|stat [--format=table|json] DIR\n", why, word);
    return MAIN_EXIT_USAGE;
}

int main_wal(char *const *arguments)
{
    const char *words[2] = {NULL, NULL}; /* verb and directory */
    size_t count = 0;
    bool json = false;

    for (; *arguments; arguments++) {
        if (main_format_read(&arguments, &json)) {
            continue;
        }
        if ((*arguments)[0] == '-') {
            return refuse("unknown flag ", *arguments);
        } else if (count == 2) {
            return refuse("one directory at a time, not also ", *arguments);
        } else {
            words[count++] = *arguments;
        }
    }
    if (count < 2) {
        return refuse(count == 0 ? "which of them?" : "the directory is missing", "");
    }
    return wal_tool_run(fs_system(), words[0], words[1], json, stdout, stderr);
}
