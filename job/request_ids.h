/* request_ids: Create calls that came with an idempotency key, for a day, so that a retry gets the first answer.
 *
 * Used by   decide_create.c, reconcile.c, controller.c.
 * Shape     an index over store table REQUEST_ID (customjobd.store.v1.RequestId); keys and requests are kept here as
 *           digests of 128 bits. Oldest first, since all live equally long.
 * Owns      its entries. The stored form is the caller's to put and delete.
 * Errors    ERR_EXHAUSTED above LIMIT_REQUEST_IDS or when memory is gone.
 */
#ifndef JOB_REQUEST_IDS_H_
#define JOB_REQUEST_IDS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"

C_DECLS_BEGIN

struct request_id_digest {
    uint64_t words[2];
};

struct request_id {
    uint64_t id; /* of the stored row */
    uint64_t job_id;
    int64_t time_unix_ns;
    struct request_id_digest key;         /* of parent and idempotency key */
    struct request_id_digest fingerprint; /* of the request */
};

struct request_ids;

MUST_USE int request_ids_create(struct request_ids **ret_ids, struct err *err);
void request_ids_destroy(struct request_ids *ids);

struct request_id_digest request_id_key(struct span parent, struct span request_id);
struct request_id_digest request_id_fingerprint(struct span request);

/* NULL: not seen within the last day. Valid until it expires. */
const struct request_id *request_ids_find(const struct request_ids *ids, struct request_id_digest key);
MUST_USE int request_ids_add(struct request_ids *ids, const struct request_id *entry, struct err *err);
/* The oldest entry if it is a day old: its row is to be deleted, then request_ids_drop_oldest called. Else NULL. */
const struct request_id *request_ids_expired(const struct request_ids *ids, int64_t now_unix_ns);
void request_ids_drop_oldest(struct request_ids *ids);
/* When the next one expires; INT64_MAX: never. */
int64_t request_ids_next_ns(const struct request_ids *ids);

/* The stored form, to be sealed with that key unless it is empty. The bytes live as long as the arena. */
MUST_USE int request_id_encode(const struct request_id *entry, struct span parent, struct span request_id,
                               struct span kms_key_name, upb_Arena *arena, struct span *ret_bytes, struct err *err);
/* id: of the row. */
MUST_USE int request_id_decode(uint64_t id, struct span bytes, struct request_id *ret_entry, struct err *err);

C_DECLS_END

#endif /* JOB_REQUEST_IDS_H_ */
