/* methods: which methods and services there are, and what is said of those that are not.
 *
 * Used by   main_serve.c, for the server; health_service.c and reflection_service.c for the services' names.
 * Shape     methods.def is the list; the lists in proto/ name what the services have elsewhere.
 * Thread    any; read-only.
 */
#ifndef SERVER_METHODS_H_
#define SERVER_METHODS_H_

#include <stddef.h>

#include "server/rpc_dispatch.h"

C_DECLS_BEGIN

const struct rpc_method *methods_served(size_t *ret_count);

/* The sentence of UNIMPLEMENTED for a path that is not served; names it, at most so many bytes with NUL. */
void methods_refuse(struct span path, char *text, size_t text_bytes);

C_DECLS_END

#endif /* SERVER_METHODS_H_ */
