#include "job/yaml_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 64

int yaml_fault(const struct yaml_source *source, const yaml_node_t *at, struct err *err, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return err_set(err, ERR_INVALID, "%s:%zu: %s", source->path, at->start_mark.line + 1, text);
}

int yaml_take_text(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target, struct err *err)
{
    const char *text = (const char *)value->data.scalar.value;

    if (value->type != YAML_SCALAR_NODE) {
        return yaml_fault(source, value, err, "%s takes one value, not a %s", key,
                          value->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
    }
    if (strlen(text) != value->data.scalar.length) {
        return yaml_fault(source, value, err, "%s holds a NUL character", key);
    }
    *(const char **)target = text;
    return 0;
}

int yaml_take_count(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                    struct err *err)
{
    const char *text;
    char *end;
    long long number;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end || end == text || number < 0) {
        return yaml_fault(source, value, err, "%s: '%.100s' is no whole number of 0 or more", key, text);
    }
    *(uint64_t *)target = (uint64_t)number;
    return 0;
}

int yaml_take_probability(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                          struct err *err)
{
    const char *text;
    char *end;
    double number;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    number = strtod(text, &end);
    if (*end || end == text || !(number >= 0 && number <= 1)) {
        return yaml_fault(source, value, err, "%s: '%.100s' is no number from 0 to 1", key, text);
    }
    *(double *)target = number;
    return 0;
}

int yaml_take_switch(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                     struct err *err)
{
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return yaml_fault(source, value, err, "%s: '%.100s' is neither true nor false", key, text);
    }
    *(bool *)target = text[0] == 't';
    return 0;
}

static int fail_unknown(const struct yaml_source *source, const yaml_node_t *at, const char *what, const char *name,
                        const struct yaml_key *keys, struct err *err)
{
    char known[512] = "";
    size_t size = 0;

    for (size_t i = 0; keys[i].name && size < sizeof known; i++) {
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", i > 0 ? ", " : "", keys[i].name);
    }
    return yaml_fault(source, at, err, "%s has no key '%.100s'; there are %s", what, name, known);
}

int yaml_take_keys(struct yaml_source *source, const yaml_node_t *mapping, const char *what,
                   const struct yaml_key *keys, void *target, struct err *err)
{
    bool seen[KEYS_MAX] = {false};

    if (mapping->type != YAML_MAPPING_NODE) {
        return yaml_fault(source, mapping, err, "%s is a mapping of keys to values", what);
    }
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&source->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&source->document, pair->value);
        const char *name;
        size_t i = 0;

        if (yaml_take_text(source, key, "a key", &name, err)) {
            return -1;
        }
        while (keys[i].name && strcmp(keys[i].name, name) != 0) {
            i++;
        }
        if (!keys[i].name) {
            return fail_unknown(source, key, what, name, keys, err);
        }
        if (seen[i]) {
            return yaml_fault(source, key, err, "%s has the key %s twice", what, name);
        }
        seen[i] = true;
        if (keys[i].take(source, value, name, (char *)target + keys[i].offset, err)) {
            return -1;
        }
    }
    return 0;
}

int yaml_take_items(struct yaml_source *source, const yaml_node_t *list, const char *what, yaml_value_fn take,
                    void *array, size_t element_size, size_t count_max, size_t *ret_count, struct err *err)
{
    size_t count = 0;

    if (list->type != YAML_SEQUENCE_NODE) {
        return yaml_fault(source, list, err, "%s is a list", what);
    }
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++) {
        const yaml_node_t *value = yaml_document_get_node(&source->document, *item);

        if (count == count_max) {
            return yaml_fault(source, value, err, "%s has more than %zu entries, the limit", what, count_max);
        }
        if (take(source, value, what, (char *)array + count * element_size, err)) {
            return -1;
        }
        count++;
    }
    *ret_count = count;
    return 0;
}
