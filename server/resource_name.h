/* resource_name: the names that requests carry, checked and taken apart.
 *
 * Used by   *_service.c.
 * Shape     collections and ids in turn, "projects/P/locations/L/customJobs/J". An id is letters, digits and -._~, a
 *           project's also ':' ("example.com:project"), begins with a letter or digit, and has at most
 *           LIMIT_NAME_ID_CHARS. So "-", which means all of a collection elsewhere, is no id.
 * Owns      nothing: spans point into the name given.
 * Thread    any; pure.
 * Errors    ERR_INVALID, with the name, what is wrong with it and the pattern.
 * Source    AIP-122; the service's documentation
 */
#ifndef SERVER_RESOURCE_NAME_H_
#define SERVER_RESOURCE_NAME_H_

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct resource_name {
    struct span project;
    struct span location;  /* empty in a project's name */
    struct span parent;    /* "projects/P/locations/L"; empty in a project's name */
    struct span job;       /* id, or empty */
    struct span operation; /* id, or empty */
};

/* "projects/P" */
MUST_USE int resource_name_parse_project(struct span name, struct resource_name *ret_name, struct err *err);
/* "projects/P/locations/L" */
MUST_USE int resource_name_parse_location(struct span name, struct resource_name *ret_name, struct err *err);
/* "projects/P/locations/L/customJobs/J" */
MUST_USE int resource_name_parse_job(struct span name, struct resource_name *ret_name, struct err *err);
/* "projects/P/locations/L/operations/O", or ".../customJobs/J/operations/O", the form that some clients' REST rules
 * know too. */
MUST_USE int resource_name_parse_operation(struct span name, struct resource_name *ret_name, struct err *err);

C_DECLS_END

#endif /* SERVER_RESOURCE_NAME_H_ */
