/* http_framing: whether an HTTP/1.1 request says in one way where it ends.
 *
 * Used by   http_exchange.c, before a request is served.
 * Shape     looks at the head as it came. Two lengths, or a length beside a transfer encoding, mean one thing to us and
 *           perhaps another to a proxy before us: what one takes for a body the other takes for the next request.
 * Thread    any; pure.
 * Source    RFC 9112 6.3; libh2o 2.2 takes the first of several lengths, and the encoding before any length.
 */
#ifndef SERVER_HTTP_FRAMING_H_
#define SERVER_HTTP_FRAMING_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* head: from the request line on, and what follows it. True: it says so twice. */
bool http_framing_is_ambiguous(struct span head);

C_DECLS_END

#endif /* SERVER_HTTP_FRAMING_H_ */
