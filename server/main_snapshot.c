#include <stdio.h>

#include "server/main_exit.h"
#include "server/main_format.h"
#include "storage/snapshot_tool.h"

static int refuse(const char *why, const char *word)
{
    fprintf(stderr, "customjobd: %s%s\nusage: customjobd snapshot dump|verify [--format=table|json] FILE|DIR\n", why,
            word);
    return MAIN_EXIT_USAGE;
}

int main_snapshot(char *const *arguments)
{
    const char *words[2] = {NULL, NULL}; /* verb and path */
    size_t count = 0;
    bool json = false;

    for (; *arguments; arguments++) {
        if (main_format_read(&arguments, &json)) {
            continue;
        }
        if ((*arguments)[0] == '-') {
            return refuse("unknown flag ", *arguments);
        }
        if (count == 2) {
            return refuse("one snapshot at a time, not also ", *arguments);
        }
        words[count++] = *arguments;
    }
    if (count < 2) {
        return refuse(count == 0 ? "which of them?" : "the snapshot is missing", "");
    }
    return snapshot_tool_run(fs_system(), words[0], words[1], json, stdout, stderr);
}
