#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/duration.h"
#include "cli/suggest.h"

#define COUNT_MAX INT32_MAX

struct parser {
    struct args *args;
    int argc;
    char **argv;
    int next;
    struct span first_word; /* of a command of two words, while the second is awaited */
    struct err *err;
};

static int parse_count(const char *text, int64_t *ret_count)
{
    char *end;

    errno = 0;
    *ret_count = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *ret_count <= COUNT_MAX ? 0 : -1;
}

/* One of "a|b|c". */
static bool is_choice(const char *choices, struct span text)
{
    while (*choices) {
        size_t size = strcspn(choices, "|");

        if (span_equal(span_make(choices, size), text)) {
            return true;
        }
        choices += size + (choices[size] == '|');
    }
    return false;
}

/* where: "--limit", or the environment variable. */
static int check_value(enum option_id option, const char *where, const char *text, struct err *err)
{
    const struct option *is = &command_options[option];
    int64_t number;

    if (is->type == OPTION_TYPE_COUNT && parse_count(text, &number)) {
        return err_set(err, ERR_INVALID, "%s wants a whole number from 0 to %d, not \"%s\"", where, COUNT_MAX, text);
    }
    if (is->type == OPTION_TYPE_DURATION && duration_parse(span_of(text), &number, err)) {
        return err_wrap(err, "%s", where);
    }
    if (is->type == OPTION_TYPE_CHOICE && !is_choice(is->value, span_of(text))) {
        return err_set(err, ERR_INVALID, "%s is one of %s, not \"%s\"", where, is->value, text);
    }
    return 0;
}

static int give(struct parser *parser, enum option_id option, const char *text)
{
    char where[64] = "--";
    struct args *args = parser->args;

    memccpy(where + 2, command_options[option].name, '\0', sizeof where - 2);
    if (check_value(option, where, text, parser->err)) {
        return -1;
    }
    args->given[args->given_count].option = option;
    args->given[args->given_count++].text = text;
    return 0;
}

/* The value after an option without "=". */
static int give_next(struct parser *parser, enum option_id option)
{
    if (parser->next == parser->argc) {
        return err_set(parser->err, ERR_INVALID, "--%s wants a value: %s", command_options[option].name,
                       command_options[option].value);
    }
    return give(parser, option, parser->argv[parser->next++]);
}

static int take_long(struct parser *parser, struct span word)
{
    const char *equals = memchr(word.data, '=', word.size);
    struct span name = span_make(word.data, equals ? (size_t)(equals - word.data) : word.size);
    struct suggestion suggestion = suggestion_start(name);

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        suggestion_offer(&suggestion, command_options[i].name);
        if (!span_equal_text(name, command_options[i].name)) {
            continue;
        }
        if (command_options[i].type != OPTION_TYPE_FLAG) {
            return equals ? give(parser, (enum option_id)i, equals + 1) : give_next(parser, (enum option_id)i);
        }
        return equals ? err_set(parser->err, ERR_INVALID, "--%.*s takes no value", SPAN_FORMAT(name))
                      : give(parser, (enum option_id)i, "");
    }
    return suggestion.best ? err_set(parser->err, ERR_INVALID, "there is no option --%.*s; did you mean --%s?",
                                     SPAN_FORMAT(name), suggestion.best)
                           : err_set(parser->err, ERR_INVALID, "there is no option --%.*s", SPAN_FORMAT(name));
}

static bool find_letter(char letter, enum option_id *ret_option)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (command_options[i].letter == letter) {
            *ret_option = (enum option_id)i;
            return true;
        }
    }
    return false;
}

/* "-qf", "-n name" or "-nname". */
static int take_letters(struct parser *parser, const char *letters)
{
    for (size_t i = 0; letters[i]; i++) {
        enum option_id option;

        if (!find_letter(letters[i], &option)) {
            return err_set(parser->err, ERR_INVALID, "there is no option -%c", letters[i]);
        }
        if (command_options[option].type != OPTION_TYPE_FLAG) {
            return letters[i + 1] ? give(parser, option, letters + i + 1) : give_next(parser, option);
        }
        if (give(parser, option, "")) {
            return -1;
        }
    }
    return 0;
}

static int fail_command(struct parser *parser, struct span words)
{
    struct suggestion suggestion = suggestion_start(words);
    enum command_id command;
    const char *name;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        suggestion_offer(&suggestion, name);
    }
    return suggestion.best ? err_set(parser->err, ERR_INVALID, "there is no command \"%.*s\"; did you mean \"%s\"?",
                                     SPAN_FORMAT(words), suggestion.best)
                           : err_set(parser->err, ERR_INVALID, "there is no command \"%.*s\"", SPAN_FORMAT(words));
}

static int take_word(struct parser *parser, const char *word)
{
    struct args *args = parser->args;
    char both[128];
    struct span words = span_of(word);

    if (args->has_command) {
        args->operands[args->operand_count++] = word;
        return 0;
    }
    if (parser->first_word.size > 0) {
        size_t first = parser->first_word.size;

        if (first + 1 + words.size > sizeof both) {
            return fail_command(parser, words);
        }
        memcpy(both, parser->first_word.data, first);
        both[first] = ' ';
        memcpy(both + first + 1, words.data, words.size);
        words = span_make(both, first + 1 + words.size);
    } else if (command_is_group(words)) {
        parser->first_word = words;
        return 0;
    }
    args->has_command = command_find(words, &args->command);
    return args->has_command ? 0 : fail_command(parser, words);
}

static int take_all(struct parser *parser)
{
    while (parser->next < parser->argc) {
        char *word = parser->argv[parser->next++];
        int failed;

        if (strcmp(word, "--") == 0) {
            parser->args->rest = parser->argv + parser->next;
            parser->args->rest_count = (size_t)(parser->argc - parser->next);
            return 0;
        }
        if (word[0] == '-' && word[1] == '-') {
            failed = take_long(parser, span_of(word + 2));
        } else if (word[0] == '-' && word[1] != '\0') {
            failed = take_letters(parser, word + 1);
        } else {
            failed = take_word(parser, word);
        }
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int check_fit(const struct parser *parser)
{
    const struct args *args = parser->args;
    const struct command *command = &commands[args->command];
    int count = (int)args->operand_count;

    if (args_has(args, OPTION_HELP) || args_has(args, OPTION_VERSION)) {
        return 0;
    }
    if (!args->has_command) {
        return parser->first_word.size > 0
                   ? err_set(parser->err, ERR_INVALID, "\"%.*s\" wants one more word", SPAN_FORMAT(parser->first_word))
                   : 0;
    }
    for (size_t i = 0; i < args->given_count; i++) {
        if (!option_is_for(args->given[i].option, args->command)) {
            return err_set(parser->err, ERR_INVALID, "customjob %s has no option --%s", command->words,
                           command_options[args->given[i].option].name);
        }
    }
    if (args->rest && args->command != COMMAND_CREATE) {
        return err_set(parser->err, ERR_INVALID, "customjob %s takes nothing after --", command->words);
    }
    if (command->operands_most >= 0 && count > command->operands_most) {
        return err_set(parser->err, ERR_INVALID, "\"%s\" is one word too many for customjob %s",
                       args->operands[command->operands_most], command->words);
    }
    return count < command->operands_least
               ? err_set(parser->err, ERR_INVALID, "customjob %s wants %s", command->words, command->operands)
               : 0;
}

/* What was not given, from the environment; an empty variable is none. */
static int add_environment(struct parser *parser, args_environment_fn environment)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *name = command_options[i].environment;
        const char *text = name && !args_has(parser->args, (enum option_id)i) ? environment(name) : NULL;

        if (!text || text[0] == '\0') {
            continue;
        }
        if (check_value((enum option_id)i, name, text, parser->err)) {
            return -1;
        }
        parser->args->given[parser->args->given_count].option = (enum option_id)i;
        parser->args->given[parser->args->given_count++].text = text;
    }
    return 0;
}

int args_parse(int argc, char **argv, args_environment_fn environment, struct args *ret_args, struct err *err)
{
    struct args args = {.command = COMMAND_HELP};
    struct parser parser = {.args = &args, .argc = argc, .argv = argv, .next = 1, .err = err};
    size_t most = (size_t)argc;

    /* A word such as -qfw holds an option for each of its letters. */
    for (int i = 0; i < argc; i++) {
        most += strlen(argv[i]);
    }
    args.given = calloc(most + OPTION_COUNT, sizeof args.given[0]);
    args.operands = calloc((size_t)argc + 1, sizeof args.operands[0]);
    if (!args.given || !args.operands) {
        args_deinit(&args);
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if (take_all(&parser) || check_fit(&parser) || (environment && add_environment(&parser, environment))) {
        ret_args->has_command = args.has_command;
        ret_args->command = args.command;
        args_deinit(&args);
        return -1;
    }
    *ret_args = args;
    return 0;
}

void args_deinit(struct args *args)
{
    free(args->given);
    free(args->operands);
    args->given = NULL;
    args->operands = NULL;
    args->given_count = args->operand_count = 0;
}

bool args_has(const struct args *args, enum option_id option)
{
    return args_text(args, option, NULL) != NULL;
}

const char *args_text(const struct args *args, enum option_id option, const char *fallback)
{
    for (size_t i = args->given_count; i-- > 0;) {
        if (args->given[i].option == option) {
            return args->given[i].text;
        }
    }
    return fallback;
}

int64_t args_number(const struct args *args, enum option_id option, int64_t fallback)
{
    const char *text = args_text(args, option, NULL);
    struct err ignored = ERR_INIT;
    int64_t number = fallback;

    if (!text) {
        return fallback;
    }
    if (command_options[option].type == OPTION_TYPE_DURATION) {
        return duration_parse(span_of(text), &number, &ignored) ? fallback : number;
    }
    return parse_count(text, &number) ? fallback : number;
}

const char *args_each(const struct args *args, enum option_id option, size_t *position)
{
    while (*position < args->given_count) {
        size_t at = (*position)++;

        if (args->given[at].option == option) {
            return args->given[at].text;
        }
    }
    return NULL;
}
