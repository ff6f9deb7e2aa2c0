#include "server/config_set.h"

#include <inttypes.h>
#include <string.h>

#include "job/api.h"
#include "server/config_value.h"

#define LIST_ITEMS_MAX 1024

static void *member_of(struct config *config, const struct config_option *option)
{
    return (char *)config + option->offset;
}

static int fail_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for the configuration");
}

static char *copy_text(struct config *config, const char *text, size_t size)
{
    char *copy = upb_Arena_Malloc(config->arena, size + 1);

    if (copy) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

static int set_text(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    char *copy = copy_text(config, text, strlen(text));

    if (!copy) {
        return fail_memory(err);
    }
    *(const char **)member_of(config, option) = copy;
    return 0;
}

static int set_choice(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    const char *words = option->argument;
    size_t size = strlen(text);

    while (size > 0) {
        size_t word_size = strcspn(words, "|");

        if (word_size == size && memcmp(words, text, size) == 0) {
            return set_text(config, option, text, err);
        }
        if (words[word_size] == '\0') {
            break;
        }
        words += word_size + 1;
    }
    return err_set(err, ERR_INVALID, "'%s' is none of %s", text, option->argument);
}

/* A list's items with room for one more and its NULL. */
static void *grow(struct config *config, const void *items, size_t count, size_t item_size)
{
    void *more = upb_Arena_Malloc(config->arena, (count + 2) * item_size);

    if (more && count > 0) {
        memcpy(more, items, count * item_size);
    }
    return more;
}

static int add_item(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    struct config_list *list = member_of(config, option);
    const char **items = grow(config, list->items, list->count, sizeof *items);

    if (list->count == LIST_ITEMS_MAX) {
        return err_set(err, ERR_INVALID, "more than %d, the limit", LIST_ITEMS_MAX);
    }
    if (!items) {
        return fail_memory(err);
    }
    items[list->count] = copy_text(config, text, strlen(text));
    items[list->count + 1] = NULL;
    if (!items[list->count]) {
        return fail_memory(err);
    }
    *list = (struct config_list){items, list->count + 1};
    return 0;
}

static int add_number(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    struct config_numbers *list = member_of(config, option);
    struct project_number *items = grow(config, list->items, list->count, sizeof *items);
    size_t name_bytes;
    uint64_t number;
    char *project;

    if (config_parse_number(text, &name_bytes, &number, err)) {
        return -1;
    }
    if (list->count == LIST_ITEMS_MAX) {
        return err_set(err, ERR_INVALID, "more than %d, the limit", LIST_ITEMS_MAX);
    }
    project = copy_text(config, text, name_bytes);
    if (!items || !project) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(items[i].project, project) == 0 && items[i].number != number) {
            return err_set(err, ERR_INVALID, "project %s has two numbers, %" PRIu64 " and %" PRIu64, project,
                           items[i].number, number);
        }
    }
    items[list->count] = (struct project_number){project, number};
    *list = (struct config_numbers){items, list->count + 1};
    return 0;
}

typedef int (*parse_fn)(const char *text, uint64_t *ret_value, struct err *err);

/* A number of the option's kind, between its bounds. */
static int set_bounded(struct config *config, const struct config_option *option, parse_fn parse, const char *text,
                       struct err *err)
{
    uint64_t least;
    uint64_t most;
    uint64_t value;

    if (parse(text, &value, err) || parse(option->least, &least, err) || parse(option->most, &most, err)) {
        return -1;
    }
    if (value < least || value > most) {
        return err_set(err, ERR_INVALID, "'%s' is %s %s, the limit", text, value < least ? "below" : "above",
                       value < least ? option->least : option->most);
    }
    memcpy(member_of(config, option), &value, sizeof value); /* int64_t or uint64_t; every bound fits both */
    return 0;
}

static int set_ports(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    struct config_ports *ports = member_of(config, option);
    uint64_t least;

    if (config_parse_ports(text, ports, err) || config_parse_count(option->least, &least, err)) {
        return -1;
    }
    if (ports->first < least) {
        return err_set(err, ERR_INVALID, "'%s' begins below %s, the limit", text, option->least);
    }
    return 0;
}

int config_set(struct config *config, const struct config_option *option, const char *text, struct err *err)
{
    if (text[0] == '\0') {
        return err_set(err, ERR_INVALID, "the value is empty");
    }
    switch (option->kind) {
    case CONFIG_TEXT:
        return set_text(config, option, text, err);
    case CONFIG_CHOICE:
        return set_choice(config, option, text, err);
    case CONFIG_LIST:
        return add_item(config, option, text, err);
    case CONFIG_NUMBERS:
        return add_number(config, option, text, err);
    case CONFIG_SWITCH:
        return config_parse_switch(text, member_of(config, option), err);
    case CONFIG_PORTS:
        return set_ports(config, option, text, err);
    case CONFIG_COUNT:
        return set_bounded(config, option, config_parse_count, text, err);
    case CONFIG_DURATION:
        return set_bounded(config, option, config_parse_duration, text, err);
    case CONFIG_SIZE:
        return set_bounded(config, option, config_parse_size, text, err);
    }
    return err_set(err, ERR_INTERNAL, "an option of no kind");
}

bool config_is_list(const struct config_option *option)
{
    return option->kind == CONFIG_LIST || option->kind == CONFIG_NUMBERS;
}

int config_prepare(struct config *config, const struct config_option *option, struct err *err)
{
    struct config_list *list = member_of(config, option);

    if (option->kind != CONFIG_LIST) {
        return 0;
    }
    list->items = grow(config, NULL, 0, sizeof *list->items);
    if (!list->items) {
        return fail_memory(err);
    }
    list->items[0] = NULL;
    return 0;
}

void config_clear(struct config *config, const struct config_option *option)
{
    if (option->kind == CONFIG_LIST) {
        struct config_list *list = member_of(config, option);

        list->count = 0;
        list->items[0] = NULL;
    } else if (option->kind == CONFIG_NUMBERS) {
        ((struct config_numbers *)member_of(config, option))->count = 0;
    }
}
