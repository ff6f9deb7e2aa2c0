#include "server/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "job/yaml_keys.h"

struct reading {
    struct yaml_source source;
    config_entry_fn visit;
    void *context;
};

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* The text of a scalar; NULL, with the sentence, where there is something else or nothing. */
static const char *scalar_text(const struct reading *reading, const yaml_node_t *node, const char *key, struct err *err)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE) {
        err_set(err, ERR_INVALID, "%s:%zu: %s holds %s where one value stands", reading->source.path, line_of(node),
                key, node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping");
        return NULL;
    }
    text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        err_set(err, ERR_INVALID, "%s:%zu: %s holds a NUL character", reading->source.path, line_of(node), key);
        return NULL;
    }
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)) {
        err_set(err, ERR_INVALID, "%s:%zu: %s has no value", reading->source.path, line_of(node), key);
        return NULL;
    }
    return text;
}

struct texts {
    char *items[CONFIG_FILE_ITEMS_MAX];
    size_t count;
};

static int add_text(const struct reading *reading, const yaml_node_t *node, const char *key, const char *name,
                    struct texts *texts, struct err *err)
{
    const char *text = scalar_text(reading, node, key, err);
    char *copy = NULL;

    if (!text) {
        return -1;
    }
    if (texts->count == CONFIG_FILE_ITEMS_MAX) {
        return err_set(err, ERR_INVALID, "%s:%zu: %s has more than %d entries, the limit", reading->source.path,
                       line_of(node), key, CONFIG_FILE_ITEMS_MAX);
    }
    if (asprintf(&copy, "%s%s%s", name ? name : "", name ? "=" : "", text) < 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read %s", reading->source.path);
    }
    texts->items[texts->count++] = copy;
    return 0;
}

static int add_pairs(struct reading *reading, const yaml_node_t *node, const char *key, struct texts *texts,
                     struct err *err)
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const char *name = scalar_text(reading, yaml_document_get_node(&reading->source.document, pair->key), key, err);

        if (!name ||
            add_text(reading, yaml_document_get_node(&reading->source.document, pair->value), key, name, texts, err)) {
            return -1;
        }
    }
    return 0;
}

static int add_items(struct reading *reading, const yaml_node_t *node, const char *key, struct texts *texts,
                     struct err *err)
{
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        if (add_text(reading, yaml_document_get_node(&reading->source.document, *item), key, NULL, texts, err)) {
            return -1;
        }
    }
    return 0;
}

static int visit_entry(struct reading *reading, const char *key, size_t line, const yaml_node_t *node, struct err *err)
{
    struct texts *texts = calloc(1, sizeof *texts);
    struct config_entry entry = {.key = key};
    int result;

    if (!texts) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read %s", reading->source.path);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        entry.shape = CONFIG_SHAPE_LIST;
        result = add_items(reading, node, key, texts, err);
    } else if (node->type == YAML_MAPPING_NODE) {
        entry.shape = CONFIG_SHAPE_MAPPING;
        result = add_pairs(reading, node, key, texts, err);
    } else {
        entry.shape = CONFIG_SHAPE_SCALAR;
        result = add_text(reading, node, key, NULL, texts, err);
    }
    if (!result) {
        entry.texts = (const char *const *)texts->items;
        entry.count = texts->count;
        result = reading->visit(reading->context, &entry, err);
        if (result) {
            err_wrap(err, "%s:%zu", reading->source.path, line);
        }
    }
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i]);
    }
    free(texts);
    return result;
}

static int visit_root(struct reading *reading, const yaml_node_t *root, struct err *err)
{
    yaml_node_pair_t *pairs = root->data.mapping.pairs.start;
    size_t count = (size_t)(root->data.mapping.pairs.top - pairs);
    const char *keys[CONFIG_FILE_KEYS_MAX];

    if (count > CONFIG_FILE_KEYS_MAX) {
        return err_set(err, ERR_INVALID, "%s has more than %d keys, the limit", reading->source.path,
                       CONFIG_FILE_KEYS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = yaml_document_get_node(&reading->source.document, pairs[i].key);

        keys[i] = scalar_text(reading, key, "a key", err);
        if (!keys[i]) {
            return -1;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(keys[i], keys[j]) == 0) {
                return err_set(err, ERR_INVALID, "%s:%zu: %s stands there twice, first in line %zu",
                               reading->source.path, line_of(key), keys[i],
                               line_of(yaml_document_get_node(&reading->source.document, pairs[j].key)));
            }
        }
        if (visit_entry(reading, keys[i], line_of(key),
                        yaml_document_get_node(&reading->source.document, pairs[i].value), err)) {
            return -1;
        }
    }
    return 0;
}

int config_file_read(const char *path, config_entry_fn visit, void *context, struct err *err)
{
    struct reading reading = {.visit = visit, .context = context};
    const yaml_node_t *root;
    int result = 0;

    if (yaml_source_open("configuration file", path, CONFIG_FILE_BYTES_MAX, &reading.source, err)) {
        return -1;
    }
    root = yaml_document_get_root_node(&reading.source.document);
    if (root && root->type == YAML_MAPPING_NODE) {
        result = visit_root(&reading, root, err);
    } else if (root) { /* an empty file says nothing, which is fine */
        result = yaml_fault(&reading.source, root, err, "a configuration file is a mapping of keys to values");
    }
    yaml_source_close(&reading.source);
    return result;
}
