/* request_fault: an error found in one field of a request, as part of the answer that tells all of them.
 *
 * Used by   *_service.c, list_request.c.
 * Thread    the call's.
 */
#ifndef SERVER_REQUEST_FAULT_H_
#define SERVER_REQUEST_FAULT_H_

#include "base/err.h"
#include "job/violations.h"
#include "server/call.h"

C_DECLS_BEGIN

/* Notes a mistake of the client's (ERR_INVALID); any other error is not the field's, and gives -1. */
MUST_USE int request_fault_note(struct violations *violations, const char *field, const struct err *err);
/* Answers with this one fault. */
void request_fault_reply(struct call *call, const char *field, const struct err *err);
/* Answers with an error that no resource's name belongs to. */
void request_fault_reply_error(struct call *call, const struct err *err);

C_DECLS_END

#endif /* SERVER_REQUEST_FAULT_H_ */
