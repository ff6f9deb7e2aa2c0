/* key_source: where named keys live, behind one vtable: they wrap and unwrap data keys and never leave.
 *
 * Used by   keyring.c. key_file.h and key_plugin.h make one each.
 * Shape     a name is projects/P/locations/L/keyRings/R/cryptoKeys/K. Of its versions one is primary: the one that wraps.
 * Thread    one call at a time.      Blocks    a slow one for a deadline; a fast one never.
 * Errors    of unwrap: ERR_NOT_FOUND: no such key or version here. ERR_DENIED: it is another key than the one that
 *           wrapped. ERR_UNAVAILABLE: nobody could be asked.
 */
#ifndef SEAL_KEY_SOURCE_H_
#define SEAL_KEY_SOURCE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "seal/seal_box.h"

C_DECLS_BEGIN

#define KEY_NAME_BYTES 513   /* with NUL */
#define KEY_VERSION_BYTES 65 /* with NUL */
#define WRAPPED_BYTES_MAX 1024

struct wrapped_key {
    char version[KEY_VERSION_BYTES];
    uint16_t size;
    uint8_t bytes[WRAPPED_BYTES_MAX];
};

struct key_info {
    const char *name;
    const char *primary; /* version */
};

struct key_source {
    bool is_slow; /* may take until a deadline: never to be asked on a thread that others wait for */
    /* Sorted by name; the source's. */
    const struct key_info *(*list)(struct key_source *source, size_t *ret_count);
    int (*wrap)(struct key_source *source, const char *name, const uint8_t *data_key, struct wrapped_key *ret_wrapped,
                struct err *err);
    int (*unwrap)(struct key_source *source, const char *name, const struct wrapped_key *wrapped, uint8_t *data_key,
                  struct err *err);
    void (*destroy)(struct key_source *source);
};

/* Says what is wrong with a name, NULL when nothing is. */
const char *key_name_fault(struct span name);
/* Below, at or above 0; its arguments are struct key_info, for qsort and bsearch. */
int key_info_compare(const void *left, const void *right);

C_DECLS_END

#endif /* SEAL_KEY_SOURCE_H_ */
