#include "cli/pool_flags.h"

#include <stdio.h>

#include "cli/suggest.h"

#define REPLICAS_MAX 1000000

/* Where a key of --worker-pool-spec goes: a field of the pool, or of a message in it. */
static const struct {
    const char *key;
    const char *parent; /* NULL: the pool itself */
    const char *field;
} keys[] = {
    {"machine-type", "machineSpec", "machineType"},
    {"accelerator-type", "machineSpec", "acceleratorType"},
    {"accelerator-count", "machineSpec", "acceleratorCount"},
    {"replica-count", NULL, "replicaCount"},
    {"container-image-uri", "containerSpec", "imageUri"},
    {"executor-image-uri", "pythonPackageSpec", "executorImageUri"},
    {"python-module", "pythonPackageSpec", "pythonModule"},
};

/* Keys with which gcloud builds an image out of local files before it sends the job. */
static const char *const building_keys[] = {"local-package-path", "script",     "output-image-uri",
                                            "requirements",       "extra-dirs", "extra-packages"};

struct maker {
    const struct args *args;
    struct upb_Arena *arena;
    struct err *err;
};

static int set_doc(struct maker *maker, struct doc *map, const char *key, struct doc *value)
{
    return value ? doc_set(maker->arena, map, span_of(key), 0, value, maker->err) : -1;
}

static int set_text(struct maker *maker, struct doc *map, const char *key, struct span value)
{
    return set_doc(maker, map, key, doc_string(maker->arena, value, maker->err));
}

/* The map of this name in the parent, made when it is not there. */
static struct doc *child(struct maker *maker, struct doc *parent, const char *name)
{
    struct doc *found = name ? doc_get(parent, name) : parent;

    if (!found) {
        found = doc_new(maker->arena, DOC_MAP, 0, maker->err);
        if (set_doc(maker, parent, name, found)) {
            return NULL;
        }
    }
    return found;
}

/* Takes the text up to the next comma off the rest. */
static struct span take_word(struct span *rest)
{
    const char *comma = memchr(rest->data, ',', rest->size);
    struct span word = span_make(rest->data, comma ? (size_t)(comma - rest->data) : rest->size);

    *rest = span_skip(*rest, comma ? word.size + 1 : word.size);
    return word;
}

/* "KEY=VALUE" into its halves; false without a key and "=". */
static bool split_pair(struct span pair, struct span *ret_key, struct span *ret_value)
{
    const char *equals = pair.size > 0 ? memchr(pair.data, '=', pair.size) : NULL;

    if (!equals || equals == pair.data) {
        return false;
    }
    *ret_key = span_make(pair.data, (size_t)(equals - pair.data));
    *ret_value = span_skip(pair, ret_key->size + 1);
    return true;
}

static int fail_key(struct maker *maker, struct span key)
{
    struct suggestion suggestion = suggestion_start(key);

    for (size_t i = 0; i < sizeof building_keys / sizeof building_keys[0]; i++) {
        if (span_equal_text(key, building_keys[i])) {
            return err_set(maker->err, ERR_INVALID,
                           "--worker-pool-spec: %s has gcloud build an image, which customjob does not do; "
                           "name a built one by container-image-uri",
                           building_keys[i]);
        }
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        suggestion_offer(&suggestion, keys[i].key);
    }
    return err_set(maker->err, ERR_INVALID, "--worker-pool-spec has no key \"%.*s\"%s%s%s", SPAN_FORMAT(key),
                   suggestion.best ? "; did you mean " : "", suggestion.best ? suggestion.best : "",
                   suggestion.best ? "?" : "");
}

/* gcloud writes nvidia-tesla-t4 where the API has NVIDIA_TESLA_T4. */
static int set_accelerator(struct maker *maker, struct doc *map, struct span value)
{
    char name[64];

    if (value.size >= sizeof name) {
        return err_set(maker->err, ERR_INVALID, "--worker-pool-spec: accelerator-type is too long");
    }
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        name[i] = c == '-' ? '_' : (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return set_text(maker, map, "acceleratorType", span_make(name, value.size));
}

static int set_key(struct maker *maker, struct doc *pool, struct span key, struct span value)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct doc *parent;

        if (!span_equal_text(key, keys[i].key)) {
            continue;
        }
        parent = child(maker, pool, keys[i].parent);
        if (!parent) {
            return -1;
        }
        if (doc_get(parent, keys[i].field)) {
            return err_set(maker->err, ERR_INVALID, "--worker-pool-spec: %s stands here twice", keys[i].key);
        }
        return strcmp(keys[i].key, "accelerator-type") == 0 ? set_accelerator(maker, parent, value)
                                                            : set_text(maker, parent, keys[i].field, value);
    }
    return fail_key(maker, key);
}

/* The words of every such option, as a list in the parent. */
static int set_words(struct maker *maker, struct doc *parent, const char *field, enum option_id option)
{
    size_t position = 0;
    const char *text;
    struct doc *list = NULL;

    while ((text = args_each(maker->args, option, &position))) {
        struct span rest = span_of(text);

        if (!list) {
            list = doc_new(maker->arena, DOC_LIST, 0, maker->err);
            if (set_doc(maker, parent, field, list)) {
                return -1;
            }
        }
        while (rest.size > 0) {
            struct doc *word = doc_string(maker->arena, take_word(&rest), maker->err);

            if (!word || doc_append(maker->arena, list, word, maker->err)) {
                return -1;
            }
        }
    }
    return 0;
}

static int set_environment(struct maker *maker, struct doc *parent)
{
    size_t position = 0;
    const char *text;
    struct doc *list = args_has(maker->args, OPTION_ENV) ? doc_new(maker->arena, DOC_LIST, 0, maker->err) : NULL;

    if (!args_has(maker->args, OPTION_ENV)) {
        return 0;
    }
    while (list && (text = args_each(maker->args, OPTION_ENV, &position))) {
        struct span name, value;
        struct doc *variable = doc_new(maker->arena, DOC_MAP, 0, maker->err);

        if (!split_pair(span_of(text), &name, &value)) {
            return err_set(maker->err, ERR_INVALID, "--env wants NAME=VALUE, not \"%s\"", text);
        }
        if (!variable || set_text(maker, variable, "name", name) || set_text(maker, variable, "value", value) ||
            doc_append(maker->arena, list, variable, maker->err)) {
            return -1;
        }
    }
    return set_doc(maker, parent, "env", list);
}

/* gcloud's own defaults: one replica, and one accelerator where a type is named. */
static int set_defaults(struct maker *maker, struct doc *pool)
{
    struct doc *machine = doc_get(pool, "machineSpec");

    if (!doc_get(pool, "replicaCount") && set_text(maker, pool, "replicaCount", span_of("1"))) {
        return -1;
    }
    if (machine && doc_get(machine, "acceleratorType") && !doc_get(machine, "acceleratorCount")) {
        return set_text(maker, machine, "acceleratorCount", span_of("1"));
    }
    return 0;
}

static int set_program(struct maker *maker, struct doc *pool)
{
    struct doc *container = doc_get(pool, "containerSpec"), *package = doc_get(pool, "pythonPackageSpec");

    if (package && container) {
        return err_set(
            maker->err, ERR_INVALID,
            "--worker-pool-spec wants container-image-uri, or executor-image-uri and python-module, not both");
    }
    if (package) {
        return set_words(maker, package, "packageUris", OPTION_PACKAGES) ||
                       set_words(maker, package, "args", OPTION_ARGS) || set_environment(maker, package)
                   ? -1
                   : 0;
    }
    if (!container) {
        return err_set(maker->err, ERR_INVALID,
                       "--worker-pool-spec wants container-image-uri, or executor-image-uri and python-module");
    }
    return set_words(maker, container, "command", OPTION_COMMAND_LIST) ||
                   set_words(maker, container, "args", OPTION_ARGS) || set_environment(maker, container)
               ? -1
               : 0;
}

static int add_pool(struct maker *maker, struct doc *pools, const char *specification)
{
    struct doc *pool = doc_new(maker->arena, DOC_MAP, 0, maker->err);
    struct span rest = span_of(specification);

    if (!pool || doc_append(maker->arena, pools, pool, maker->err)) {
        return -1;
    }
    if (rest.size == 0) {
        return 0; /* an empty pool, which keeps the place of those after it */
    }
    while (rest.size > 0) {
        struct span key, value, pair = take_word(&rest);

        if (!split_pair(pair, &key, &value)) {
            return err_set(maker->err, ERR_INVALID, "--worker-pool-spec wants KEY=VALUE, not \"%.*s\"",
                           SPAN_FORMAT(pair));
        }
        if (set_key(maker, pool, key, value)) {
            return -1;
        }
    }
    return set_program(maker, pool) || set_defaults(maker, pool) ? -1 : 0;
}

/* A pool of so many replicas that run what stands after "--". */
static int add_command_pool(struct maker *maker, struct doc *pools, int64_t replicas)
{
    struct doc *pool = doc_new(maker->arena, DOC_MAP, 0, maker->err);
    struct doc *container = pool ? child(maker, pool, "containerSpec") : NULL;
    struct doc *words = doc_new(maker->arena, DOC_LIST, 0, maker->err);
    char count[24];

    if (!container || !words) {
        return -1;
    }
    for (size_t i = 0; i < maker->args->rest_count; i++) {
        struct doc *word = doc_string(maker->arena, span_of(maker->args->rest[i]), maker->err);

        if (!word || doc_append(maker->arena, words, word, maker->err)) {
            return -1;
        }
    }
    snprintf(count, sizeof count, "%lld", (long long)replicas);
    return set_text(maker, container, "imageUri", span_of(args_text(maker->args, OPTION_IMAGE, "local"))) ||
                   set_doc(maker, container, "command", words) || set_environment(maker, container) ||
                   set_text(maker, pool, "replicaCount", span_of(count)) ||
                   doc_append(maker->arena, pools, pool, maker->err)
               ? -1
               : 0;
}

static int add_command_pools(struct maker *maker, struct doc *pools)
{
    int64_t replicas = args_number(maker->args, OPTION_REPLICAS, 1);

    if (maker->args->rest_count == 0) {
        return err_set(maker->err, ERR_INVALID, "after -- a command is wanted");
    }
    if (replicas < 1 || replicas > REPLICAS_MAX) {
        return err_set(maker->err, ERR_INVALID, "--replicas wants a number from 1 to %d", REPLICAS_MAX);
    }
    if (args_has(maker->args, OPTION_COMMAND_LIST) || args_has(maker->args, OPTION_ARGS)) {
        return err_set(maker->err, ERR_INVALID, "--command and --args do not go with -- COMMAND");
    }
    /* *= API: the first pool is the primary replica's and has one. */
    if (add_command_pool(maker, pools, 1)) {
        return -1;
    }
    return replicas > 1 ? add_command_pool(maker, pools, replicas - 1) : 0;
}

int pool_flags_read(const struct args *args, struct upb_Arena *arena, struct doc **ret_pools, struct err *err)
{
    struct maker maker = {.args = args, .arena = arena, .err = err};
    size_t position = 0;
    const char *specification;
    struct doc *pools;

    if (!args->rest && !args_has(args, OPTION_POOL)) {
        *ret_pools = NULL;
        return 0;
    }
    if (args->rest && args_has(args, OPTION_POOL)) {
        return err_set(err, ERR_INVALID, "--worker-pool-spec does not go with -- COMMAND");
    }
    pools = doc_new(arena, DOC_LIST, 0, err);
    if (!pools) {
        return -1;
    }
    while ((specification = args_each(args, OPTION_POOL, &position))) {
        if (add_pool(&maker, pools, specification)) {
            return -1;
        }
    }
    if (args->rest && add_command_pools(&maker, pools)) {
        return -1;
    }
    *ret_pools = pools;
    return 0;
}

int pool_flags_labels(const struct args *args, struct upb_Arena *arena, struct doc **ret_labels, struct err *err)
{
    struct maker maker = {.args = args, .arena = arena, .err = err};
    size_t position = 0;
    const char *text;
    struct doc *labels = args_has(args, OPTION_LABELS) ? doc_new(arena, DOC_MAP, 0, err) : NULL;

    if (args_has(args, OPTION_LABELS) && !labels) {
        return -1;
    }
    while ((text = args_each(args, OPTION_LABELS, &position))) {
        struct span rest = span_of(text);

        while (rest.size > 0) {
            struct span key, value, pair = take_word(&rest);
            struct doc *label;

            if (!split_pair(pair, &key, &value)) {
                return err_set(err, ERR_INVALID, "--labels wants KEY=VALUE, not \"%.*s\"", SPAN_FORMAT(pair));
            }
            label = doc_string(arena, value, err);
            if (!label || doc_set(arena, labels, key, 0, label, maker.err)) {
                return label ? err_wrap(err, "--labels") : -1;
            }
        }
    }
    *ret_labels = labels;
    return 0;
}
