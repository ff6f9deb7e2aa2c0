#include "server/config.h"

#include <ctype.h>
#include <string.h>

#include "job/api.h"
#include "server/config_file.h"
#include "server/config_set.h"
#include "server/config_value.h"

#define VARIABLE_PREFIX "CUSTOMJOBD_"
#define VARIABLE_BYTES 64

static const struct config_option options[] = {
#define OPTION(kind, member, name, argument, fallback, least, most, help) \
    {name, CONFIG_##kind, offsetof(struct config, member), argument, fallback, least, most, help},
#include "server/config_options.def"
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

/* Where a value stands; the stronger place has the higher number. */
enum place { PLACE_DEFAULT, PLACE_FILE, PLACE_ENVIRONMENT, PLACE_FLAG };

struct builder {
    struct config *config;
    enum place places[OPTION_COUNT]; /* of the value each member has now */
};

const struct config_option *config_options(size_t *ret_count)
{
    *ret_count = OPTION_COUNT;
    return options;
}

void config_variable(const struct config_option *option, char *text, size_t text_bytes)
{
    size_t size = (size_t)snprintf(text, text_bytes, VARIABLE_PREFIX "%s", option->name);

    for (size_t i = 0; i < size && i < text_bytes; i++) {
        text[i] = text[i] == '-' ? '_' : (char)toupper((unsigned char)text[i]);
    }
}

/* ---- names ---- */

static const struct config_option *find_option(struct span name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (span_equal_text(name, options[i].name)) {
            return &options[i];
        }
    }
    return NULL;
}

/* The option whose name a person may have meant, or NULL. */
static const struct config_option *nearest_option(struct span name)
{
    const struct config_option *nearest = NULL;
    char text[VARIABLE_BYTES];
    unsigned least = 3;

    snprintf(text, sizeof text, "%.*s", SPAN_FORMAT(name));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        unsigned distance = config_distance(text, options[i].name, least);

        if (distance < least && distance * 2 < strlen(options[i].name)) {
            least = distance;
            nearest = &options[i];
        }
    }
    return nearest;
}

/* what: "flag", "key"; dashes: what stands before a name of that kind. */
static int fail_unknown(struct err *err, const char *what, const char *dashes, struct span name)
{
    const struct config_option *nearest = nearest_option(name);

    if (nearest) {
        return err_set(err, ERR_INVALID, "unknown %s %s%.*s; did you mean %s%s?", what, dashes, SPAN_FORMAT(name),
                       dashes, nearest->name);
    }
    return err_set(err, ERR_INVALID, "unknown %s %s%.*s; customjobd serve --help lists what there is", what, dashes,
                   SPAN_FORMAT(name));
}

/* ---- the four places, the weakest first ---- */

static void begin_place(struct builder *builder, const struct config_option *option, enum place place)
{
    enum place *now = &builder->places[option - options];

    if (*now != place) {
        *now = place;
        config_clear(builder->config, option); /* of what a weaker place has filled in */
    }
}

static int apply_defaults(struct builder *builder, struct err *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct config_option *option = &options[i];

        if (config_prepare(builder->config, option, err)) {
            return -1;
        }
        if (option->fallback[0] && config_set(builder->config, option, option->fallback, err)) {
            return err_wrap(err, "default of --%s", option->name);
        }
    }
    return 0;
}

static int apply_entry(void *context, const struct config_entry *entry, struct err *err)
{
    struct builder *builder = context;
    const struct config_option *option = find_option(span_of(entry->key));
    bool takes_list;

    if (!option) {
        return fail_unknown(err, "key", "", span_of(entry->key));
    }
    if (option->offset == offsetof(struct config, config)) {
        return err_set(err, ERR_INVALID, "a configuration file cannot name another one with %s", option->name);
    }
    takes_list = config_is_list(option);
    if ((entry->shape == CONFIG_SHAPE_LIST && !takes_list) ||
        (entry->shape == CONFIG_SHAPE_MAPPING && option->kind != CONFIG_NUMBERS)) {
        return err_set(err, ERR_INVALID, "%s takes %s, not a %s", option->name,
                       takes_list ? "one value or a list" : "one value",
                       entry->shape == CONFIG_SHAPE_LIST ? "list" : "mapping");
    }
    begin_place(builder, option, PLACE_FILE);
    for (size_t i = 0; i < entry->count; i++) {
        if (config_set(builder->config, option, entry->texts[i], err)) {
            return err_wrap(err, "%s", option->name);
        }
    }
    return 0;
}

static int apply_variable_value(struct builder *builder, const struct config_option *option, const char *value,
                                struct err *err)
{
    bool is_list = config_is_list(option);
    char item[4096];

    if (value[0] == '\0') {
        return 0; /* as compose files and units write what is not set */
    }
    begin_place(builder, option, PLACE_ENVIRONMENT);
    while (is_list && strchr(value, ',')) {
        size_t size = strcspn(value, ",");

        if (size >= sizeof item) {
            return err_set(err, ERR_INVALID, "an item has %zu bytes, the limit is %zu", size, sizeof item - 1);
        }
        memcpy(item, value, size);
        item[size] = '\0';
        if (config_set(builder->config, option, item, err)) {
            return -1;
        }
        value += size + 1;
    }
    return config_set(builder->config, option, value, err);
}

static int apply_variable(struct builder *builder, struct span name, const char *value, struct err *err)
{
    char variable[VARIABLE_BYTES];
    char text[VARIABLE_BYTES];

    snprintf(text, sizeof text, "%.*s", SPAN_FORMAT(name));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        config_variable(&options[i], variable, sizeof variable);
        if (span_equal_text(name, variable)) {
            return apply_variable_value(builder, &options[i], value, err) ? err_wrap(err, "%s", variable) : 0;
        }
    }
    /* Other programs have variables of this prefix too, so that only a slip of the pen is an error. */
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        config_variable(&options[i], variable, sizeof variable);
        if (config_distance(text, variable, 2) <= 2) {
            return err_set(err, ERR_INVALID, "unknown variable %s; did you mean %s?", text, variable);
        }
    }
    return 0;
}

static int apply_environment(struct builder *builder, char *const *environment, struct err *err)
{
    for (; environment && *environment; environment++) {
        struct span name = span_make(*environment, strcspn(*environment, "="));

        if (span_starts_with(name, span_of(VARIABLE_PREFIX)) && (*environment)[name.size] == '=' &&
            apply_variable(builder, name, *environment + name.size + 1, err)) {
            return -1;
        }
    }
    return 0;
}

/* One flag and, where it stands apart, its value; *at is left on the last word used. */
static int apply_flag(struct builder *builder, char *const **at, struct err *err)
{
    const char *word = **at;
    struct span name = span_of(word);
    const struct config_option *option;
    const char *value = NULL;

    if (name.size < 3 || memcmp(word, "--", 2) != 0) {
        return err_set(err, ERR_INVALID, "unexpected argument '%s'; options begin with --", word);
    }
    name = span_make(word + 2, strcspn(word + 2, "="));
    option = find_option(name);
    if (!option) {
        return fail_unknown(err, "flag", "--", name);
    }
    if (word[2 + name.size] == '=') {
        value = word + 2 + name.size + 1;
    } else if (option->kind == CONFIG_SWITCH) {
        value = "true";
    } else if ((*at)[1]) {
        value = *++*at;
    } else {
        return err_set(err, ERR_INVALID, "--%s needs a value: --%s %s", option->name, option->name, option->argument);
    }
    begin_place(builder, option, PLACE_FLAG);
    return config_set(builder->config, option, value, err) ? err_wrap(err, "--%s", option->name) : 0;
}

static int apply_flags(struct builder *builder, char *const *arguments, struct err *err)
{
    for (char *const *at = arguments; *at; at++) {
        if (apply_flag(builder, &at, err)) {
            return -1;
        }
    }
    return 0;
}

/* The file is weaker than what names it, so that it is found first and the others are applied again after it. */
static int apply_all(struct builder *builder, char *const *arguments, char *const *environment, struct err *err)
{
    struct builder finder = {.config = builder->config};
    const char *path;

    if (apply_defaults(&finder, err) || apply_environment(&finder, environment, err) ||
        apply_flags(&finder, arguments, err)) {
        return -1;
    }
    path = finder.config->config;
    if (!path) {
        return 0;
    }
    *builder->config = (struct config){.arena = builder->config->arena};
    return apply_defaults(builder, err) || config_file_read(path, apply_entry, builder, err) ||
                   apply_environment(builder, environment, err) || apply_flags(builder, arguments, err)
               ? -1
               : 0;
}

int config_load(char *const *arguments, char *const *environment, struct config *ret_config, struct err *err)
{
    struct config config = {.arena = upb_Arena_New()};
    struct builder builder = {.config = &config};

    if (!config.arena) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the configuration");
    }
    if (apply_all(&builder, arguments, environment, err) || config_check(&config, err)) {
        upb_Arena_Free(config.arena);
        return -1;
    }
    *ret_config = config;
    return 0;
}

void config_deinit(struct config *config)
{
    if (config->arena) {
        upb_Arena_Free(config->arena);
    }
    *config = (struct config){.arena = NULL};
}
