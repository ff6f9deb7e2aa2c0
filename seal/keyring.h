/* keyring: the keys that this server has, and the data keys that they wrap.
 *
 * Used by   server/main_keys.c (makes it), storage/row_*.c, sealed_file.c, job/job_spec_key.c (asks for names).
 * Shape     a data key is 32 random bytes, known by an id made of them. It is made when a name is first sealed with, and
 *           lies on the disk in wrapped form only. One that was found on the disk is taken up again; wrapped with a
 *           version that is not primary any more, it is wrapped again.
 * Owns      every data key met, until destroy: a pointer to one stays good, and what it points at does not change.
 * Thread    any.
 * Blocks    meet and make on the key's source; current only on a fast one.
 * Errors    ERR_NOT_FOUND: no such key here. ERR_UNAVAILABLE: its source does not answer now.
 */
#ifndef SEAL_KEYRING_H_
#define SEAL_KEYRING_H_

#include <stdbool.h>

#include "seal/key_source.h"

C_DECLS_BEGIN

struct data_key {
    uint8_t id[SEAL_ID_BYTES];
    char name[KEY_NAME_BYTES];
    struct wrapped_key wrapped;
    const uint8_t *secret; /* NULL: it is locked, since the key that wrapped it is not here */
    struct err why_locked;
};

struct keyring;

/* Takes over the source; NULL: no keys at all, so that whatever is sealed stays locked. */
MUST_USE int keyring_create(struct key_source *source, struct keyring **ret_ring, struct err *err);
/* NULL is allowed. */
void keyring_destroy(struct keyring *ring);

/* Begins to make the data keys of a slow source in the background, trying again until all are there. */
MUST_USE int keyring_start(struct keyring *ring, struct err *err);

/* Sorted; the ring's. */
const struct key_info *keyring_names(const struct keyring *ring, size_t *ret_count);
/* Whether there is a key of that name and it can be sealed with now. Never blocks on a slow source. */
MUST_USE int keyring_current(struct keyring *ring, struct span name, const struct data_key **ret_key, struct err *err);
/* The same, but waits for a slow source. */
MUST_USE int keyring_make(struct keyring *ring, struct span name, const struct data_key **ret_key, struct err *err);

/* The data key that stands on the disk: opened, or locked with the reason. Fails for want of memory alone. */
MUST_USE int keyring_meet(struct keyring *ring, const uint8_t *id, struct span name, const struct wrapped_key *wrapped,
                          const struct data_key **ret_key, struct err *err);
/* Wraps an open data key with the primary version. */
MUST_USE int keyring_wrap(struct keyring *ring, const struct data_key *key, struct wrapped_key *ret_wrapped,
                          struct err *err);
/* True: a data key was met that a version wrapped which is not primary any more; what names it should be written anew. */
bool keyring_has_aged(struct keyring *ring);

C_DECLS_END

#endif /* SEAL_KEYRING_H_ */
