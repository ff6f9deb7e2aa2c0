#include "cli/commands.h"

#define IN(command) (UINT32_C(1) << COMMAND_##command)
#define EVERYWHERE UINT32_MAX
#define SERVER true
#define LOCAL false

_Static_assert(COMMAND_COUNT <= 32, "one bit for each command");

const struct command commands[COMMAND_COUNT] = {
#define COMMAND(id, words, operands, least, most, kind, summary, details) \
    [COMMAND_##id] = {words, operands, least, most, kind, summary, details},
#include "cli/commands.def"
};

const struct option command_options[OPTION_COUNT] = {
#define OPTION(id, name, letter, type, value, environment, commands, help) \
    [OPTION_##id] = {name, letter, OPTION_TYPE_##type, value, environment, commands, (commands) == EVERYWHERE, help},
#include "cli/commands.def"
};

static const struct {
    const char *words;
    enum command_id command;
} aliases[] = {
#define ALIAS(id, words) {words, COMMAND_##id},
#include "cli/commands.def"
};

const char *command_name(size_t index, enum command_id *ret_command)
{
    if (index < COMMAND_COUNT) {
        *ret_command = (enum command_id)index;
        return commands[index].words;
    }
    index -= COMMAND_COUNT;
    if (index < sizeof aliases / sizeof aliases[0]) {
        *ret_command = aliases[index].command;
        return aliases[index].words;
    }
    return NULL;
}

bool command_find(struct span words, enum command_id *ret_command)
{
    const char *name;
    enum command_id command;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        if (span_equal_text(words, name)) {
            *ret_command = command;
            return true;
        }
    }
    return false;
}

bool command_is_group(struct span word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        struct span name = span_of(commands[i].words);

        if (span_starts_with(name, word) && name.size > word.size && name.data[word.size] == ' ') {
            return word.size > 0;
        }
    }
    return false;
}
