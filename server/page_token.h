/* page_token: where the next page of a list begins, in a text that means nothing to clients.
 *
 * Used by   custom_job_service.c, operations_service.c, locations_service.c.
 * Shape     24 bytes in base64url, so 32 characters: position (little endian), a digest of the query (method, parent,
 *           filter), a keyed checksum of both. The page size is no part of it: a client may change that between pages.
 * Valid iff the checksum holds and the digest is the query's own.
 * Thread    any; pure.
 * Errors    ERR_INVALID: no token of this server, or one of another query; the sentence tells which.
 * Source    AIP-158; docs/ARCHITECTURE.md
 */
#ifndef SERVER_PAGE_TOKEN_H_
#define SERVER_PAGE_TOKEN_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define PAGE_TOKEN_CHARS 32

/* What a token is bound to. */
struct page_query {
    struct span method; /* with the version: "/google.cloud.aiplatform.v1.JobService/ListCustomJobs" */
    struct span parent;
    struct span filter;
};

/* position: above 0. No NUL is written. */
void page_token_encode(const uint64_t key[2], const struct page_query *query, uint64_t position,
                       char ret_token[PAGE_TOKEN_CHARS]);
/* An empty token is the first page: position 0. */
MUST_USE int page_token_decode(const uint64_t key[2], const struct page_query *query, struct span token,
                               uint64_t *ret_position, struct err *err);

C_DECLS_END

#endif /* SERVER_PAGE_TOKEN_H_ */
