/* config_file: the entries of a configuration file: a YAML mapping whose values are a scalar, a sequence of scalars or a
 * mapping of scalars.
 *
 * Used by   config.c, which knows what the keys mean.
 * Thread    any.      Blocks    on the file.
 * Errors    ERR_INVALID when there is none, and with path and line when it is no such YAML, has a key twice or is
 *           above CONFIG_FILE_BYTES_MAX; what the visitor returns is passed on with path and line before it.
 */
#ifndef SERVER_CONFIG_FILE_H_
#define SERVER_CONFIG_FILE_H_

#include <stddef.h>

#include "base/err.h"

C_DECLS_BEGIN

#define CONFIG_FILE_BYTES_MAX (1024 * 1024)
#define CONFIG_FILE_KEYS_MAX 256
#define CONFIG_FILE_ITEMS_MAX 1024

enum config_shape {
    CONFIG_SHAPE_SCALAR,  /* one text */
    CONFIG_SHAPE_LIST,    /* any number */
    CONFIG_SHAPE_MAPPING, /* any number, each "key=value" */
};

struct config_entry {
    const char *key;
    enum config_shape shape;
    const char *const *texts; /* valid during the call */
    size_t count;
};

typedef int (*config_entry_fn)(void *context, const struct config_entry *entry, struct err *err);

MUST_USE int config_file_read(const char *path, config_entry_fn visit, void *context, struct err *err);

C_DECLS_END

#endif /* SERVER_CONFIG_FILE_H_ */
