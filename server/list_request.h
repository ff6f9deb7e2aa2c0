/* list_request: what all list methods have in common: page size, page token and filter, checked and made a query.
 *
 * Used by   custom_job_service.c, operations_service.c.
 * Shape     a page size of 0 means LIMIT_PAGE_SIZE_DEFAULT, above LIMIT_PAGE_SIZE_MAX is cut to that, below 0 is refused.
 * Owns      query and token live in the call's arena.
 * Thread    the call's.
 * Errors    what is wrong is noted in violations, all of it; -1 only when memory is gone.
 * Source    AIP-132, AIP-158; docs/ARCHITECTURE.md
 */
#ifndef SERVER_LIST_REQUEST_H_
#define SERVER_LIST_REQUEST_H_

#include <stdint.h>

#include "base/err.h"
#include "job/violations.h"
#include "server/call.h"
#include "server/list_filter.h"
#include "server/page_token.h"

C_DECLS_BEGIN

struct list_request {
    enum store_table table;
    enum list_filter_of filter_of;
    struct page_query query;
    struct span page_token;
    int32_t page_size;
};

/* *ret_query is whole only when nothing was noted. */
MUST_USE int list_request_check(struct call *call, const struct list_request *request, struct violations *violations,
                                struct store_query *ret_query, struct err *err);
/* Of the page after this one; empty on the last. */
MUST_USE int list_request_next_token(struct call *call, const struct list_request *request,
                                     const struct store_page *page, struct span *ret_token, struct err *err);

C_DECLS_END

#endif /* SERVER_LIST_REQUEST_H_ */
