/* yaml_keys: mappings of a YAML document, key by key, against a table of what may stand there.
 *
 * Used by   simulation_file.c, machine_type.c; server/config_file.c (the source).
 * Owns      a source its document; texts are the document's.
 * Thread    the document's.      Blocks    yaml_source_open, on the file.
 * Errors    ERR_INVALID when there is no such file, and with path and line: an unknown key with those there are, a key twice, a value of another kind.
 */
#ifndef JOB_YAML_KEYS_H_
#define JOB_YAML_KEYS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "base/err.h"

C_DECLS_BEGIN

struct yaml_source {
    const char *path;
    bool has_document;
    yaml_document_t document;
};

/* what: "scenario file", for sentences. path must live as long as the source. */
MUST_USE int yaml_source_open(const char *what, const char *path, size_t bytes_max, struct yaml_source *ret_source,
                              struct err *err);
/* One of zeros is allowed. */
void yaml_source_close(struct yaml_source *source);

/* One value into target; key: under which it stands. */
typedef int (*yaml_value_fn)(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                             struct err *err);

struct yaml_key {
    const char *name;
    yaml_value_fn take;
    size_t offset; /* of what is taken within the mapping's target */
};

/* The table ends with a name of NULL. */
MUST_USE int yaml_take_keys(struct yaml_source *source, const yaml_node_t *mapping, const char *what,
                            const struct yaml_key *keys, void *target, struct err *err);
/* Every item of a list into the next element of an array; at most so many. */
MUST_USE int yaml_take_items(struct yaml_source *source, const yaml_node_t *list, const char *what, yaml_value_fn take,
                             void *array, size_t element_size, size_t count_max, size_t *ret_count, struct err *err);

/* ERR_INVALID, with path and line before the sentence. */
int yaml_fault(const struct yaml_source *source, const yaml_node_t *at, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* yaml_value_fn: one text, number or word. */
MUST_USE int yaml_take_text(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                            struct err *err); /* const char * */
MUST_USE int yaml_take_count(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                             struct err *err); /* uint64_t, up to 2^63 - 1 */
MUST_USE int yaml_take_probability(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                                   struct err *err); /* double, 0 to 1 */
MUST_USE int yaml_take_switch(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                              struct err *err); /* bool */

C_DECLS_END

#endif /* JOB_YAML_KEYS_H_ */
