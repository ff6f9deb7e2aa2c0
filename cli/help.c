#include "cli/help.h"

#define HELP_COLUMNS 100
#define NAME_COLUMNS 30

/* Words of the text, broken so that no line is longer than HELP_COLUMNS and all begin at the indent. */
static void add_wrapped(struct text *text, const char *words, size_t indent)
{
    size_t column = indent;

    while (*words) {
        size_t size = strcspn(words, " ");

        if (column > indent && column + 1 + size > HELP_COLUMNS) {
            text_add_char(text, '\n');
            text_add_repeated(text, ' ', indent);
            column = indent;
        }
        if (column > indent) {
            text_add_char(text, ' ');
            column++;
        }
        text_add(text, span_make(words, size));
        column += size;
        words += size;
        while (*words == ' ') {
            words++;
        }
    }
    text_add_char(text, '\n');
}

static void add_option(struct text *text, const struct option *option)
{
    size_t start = text->size;
    size_t used;

    if (option->letter) {
        text_add_format(text, "  -%c, --%s", option->letter, option->name);
    } else {
        text_add_format(text, "      --%s", option->name);
    }
    if (option->value) {
        text_add_format(text, "=%s", option->value);
    }
    used = text->size - start;
    if (used + 2 > NAME_COLUMNS) {
        text_add_char(text, '\n');
        used = 0;
    }
    text_add_repeated(text, ' ', NAME_COLUMNS - used);
    if (option->environment) {
        struct text help = {.data = NULL};

        text_add_format(&help, "%s [$%s]", option->help, option->environment);
        add_wrapped(text, text_c(&help), NAME_COLUMNS);
        text_deinit(&help);
    } else {
        add_wrapped(text, option->help, NAME_COLUMNS);
    }
}

static void add_options(struct text *text, const char *title, bool everywhere, enum command_id command)
{
    bool first = true;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &command_options[i];

        if (option->everywhere != everywhere || !option_is_for((enum option_id)i, command)) {
            continue;
        }
        if (first) {
            text_add_format(text, "\n%s\n", title);
            first = false;
        }
        add_option(text, option);
    }
}

static void add_exit_codes(struct text *text)
{
    text_add_text(text, "\nExit codes\n"
                        "  0  done; for wait: the job succeeded\n"
                        "  1  the server refused, or something unforeseen\n"
                        "  2  wrong usage, or a file that is no job\n"
                        "  3  the job failed\n"
                        "  4  the job was cancelled\n"
                        "  5  the server is not reached, or the time is over\n");
}

void help_add_program(struct text *text)
{
    text_add_text(text, "usage: customjob COMMAND [OPTION]...\n\n"
                        "Creates, watches and stops the jobs of a customjobd server.\n\nCommands\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_add_format(text, "  %-20s%s\n", commands[i].words, commands[i].summary);
    }
    text_add_text(text, "\ncustomjob COMMAND --help explains one.\n");
    add_options(text, "Options of all commands", true, COMMAND_HELP);
    add_exit_codes(text);
}

void help_add_command(struct text *text, enum command_id command)
{
    const struct command *is = &commands[command];
    const char *name;
    enum command_id other;

    text_add_format(text, "usage: customjob %s [OPTION]...%s%s\n\n", is->words, is->operands[0] ? " " : "",
                    is->operands);
    text_add_format(text, "%c%s.\n", is->summary[0] - 'a' + 'A', is->summary + 1);
    for (size_t i = COMMAND_COUNT; (name = command_name(i, &other)); i++) {
        if (other == command) {
            text_add_format(text, "Also written: customjob %s\n", name);
        }
    }
    if (is->details[0]) {
        text_add_format(text, "\n%s", is->details);
    }
    add_options(text, "Options", false, command);
    add_options(text, "Options of all commands", true, command);
    if (is->asks_server) {
        add_exit_codes(text);
    }
}
