#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/main_exit.h"
#include "server/main_format.h"
#include "storage/backup_tool.h"

static int refuse(const char *usage, const char *why, const char *word)
{
    fprintf(stderr, "customjobd: %s%s\nusage: customjobd %s\n", why, word, usage);
    return MAIN_EXIT_USAGE;
}

/* Two directories and flags; NULL: refused. */
static int read_words(char *const *arguments, const char *usage, const char *words[2],
                      struct backup_tool_options *options)
{
    size_t count = 0;

    for (; *arguments; arguments++) {
        if (main_format_read(&arguments, &options->json)) {
            continue;
        }
        if (strcmp(*arguments, "--quiet") == 0) {
            options->progress = false;
        } else if ((*arguments)[0] == '-') {
            return refuse(usage, "unknown flag ", *arguments);
        } else if (count == 2) {
            return refuse(usage, "two directories, not also ", *arguments);
        } else {
            words[count++] = *arguments;
        }
    }
    return count == 2 ? MAIN_EXIT_OK : refuse(usage, count == 0 ? "which directories?" : "to which directory?", "");
}

static struct backup_tool_options default_options(void)
{
    struct backup_tool_options options = {.progress = isatty(STDERR_FILENO) == 1, .out = stdout, .error_out = stderr};

    return options;
}

int main_backup(char *const *arguments)
{
    struct backup_tool_options options = default_options();
    const char *words[2] = {NULL, NULL};
    int code = read_words(arguments, "backup [--format=table|json] [--quiet] DATA_DIR BACKUP_DIR", words, &options);

    return code != MAIN_EXIT_OK ? code : backup_tool_make(fs_system(), words[0], words[1], &options);
}

int main_restore(char *const *arguments)
{
    struct backup_tool_options options = default_options();
    const char *words[2] = {NULL, NULL};
    int code = read_words(arguments, "restore [--format=table|json] [--quiet] BACKUP_DIR DATA_DIR", words, &options);

    return code != MAIN_EXIT_OK ? code : backup_tool_restore(fs_system(), words[0], words[1], &options);
}
