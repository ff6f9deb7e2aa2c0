/* commands: the tables of commands and options that commands.def lists.
 *
 * Used by   args.c, help.c, completion.c, program.c.
 * Thread    any; read-only.
 */
#ifndef CLI_COMMANDS_H_
#define CLI_COMMANDS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

enum command_id {
#define COMMAND(id, words, operands, least, most, kind, summary, details) COMMAND_##id,
#include "cli/commands.def"
    COMMAND_COUNT
};

enum option_id {
#define OPTION(id, name, letter, type, value, environment, commands, help) OPTION_##id,
#include "cli/commands.def"
    OPTION_COUNT
};

enum option_type {
    OPTION_TYPE_FLAG,
    OPTION_TYPE_TEXT,
    OPTION_TYPE_COUNT,
    OPTION_TYPE_DURATION,
    OPTION_TYPE_CHOICE,
    OPTION_TYPE_FILE
};

struct command {
    const char *words; /* "operations list" */
    const char *operands;
    int operands_least;
    int operands_most; /* -1: any number */
    bool asks_server;
    const char *summary;
    const char *details; /* whole lines, or "" */
};

struct option {
    const char *name; /* without -- */
    char letter;      /* 0: none */
    enum option_type type;
    const char *value;       /* what --help calls its value; a CHOICE lists them here; NULL for a FLAG */
    const char *environment; /* NULL: none */
    uint32_t commands;       /* a bit for each command_id */
    bool everywhere;
    const char *help;
};

extern const struct command commands[COMMAND_COUNT];
extern const struct option command_options[OPTION_COUNT];

static inline bool option_is_for(enum option_id option, enum command_id command)
{
    return (command_options[option].commands >> command & 1) != 0;
}

/* The command of these words, under its own name or another. False: there is none. */
bool command_find(struct span words, enum command_id *ret_command);
/* "operations": the first word of commands of two. */
bool command_is_group(struct span word);

/* Every name of every command, aliases after the commands themselves; NULL at the end of the list. */
const char *command_name(size_t index, enum command_id *ret_command);

C_DECLS_END

#endif /* CLI_COMMANDS_H_ */
