/* listing: a list of anything, page by page, in every format.
 *
 * Used by   command_jobs.c, command_operations.c.
 * Shape     what is printed of a page is printed before the next one is asked for, so that a list of any length takes
 *           the memory of one page.
 * Owns      table and token; a page's messages live in the page's arena.
 * Thread    main.      Errors    as session_call and output.h.
 */
#ifndef CLI_LISTING_H_
#define CLI_LISTING_H_

#include "cli/calls.h"
#include "cli/table.h"

C_DECLS_BEGIN

struct listing {
    struct session *session;
    struct table table;
    struct page_request page; /* of the next page */
    struct text token;
    size_t count; /* printed so far */
    size_t limit;
    struct text out;  /* of this page */
    upb_Arena *arena; /* of this page */
};

/* Asks for listing->page, gives each item to listing_add, and the token of the page after it to *ret_token. */
typedef int (*listing_page_fn)(struct listing *listing, struct span *ret_token, struct err *err);
/* One row of the table. */
typedef void (*listing_row_fn)(struct table *table, const upb_Message *item);

/* The session's --filter, --limit and --page-size; in the parent of --project and --location. */
MUST_USE int listing_run(struct session *session, const char *const *titles, listing_page_fn page, struct err *err);
/* name is what --quiet prints. Above the limit it does nothing. */
MUST_USE int listing_add(struct listing *listing, const upb_Message *item, const upb_MessageDef *type, struct span name,
                         listing_row_fn row, struct err *err);

C_DECLS_END

#endif /* CLI_LISTING_H_ */
