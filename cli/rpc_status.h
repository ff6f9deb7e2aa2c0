/* rpc_status: how a call ended, as the server said it.
 *
 * Used by   channel.c fills it; failure.c tells people.
 * Owns      its texts.      Thread    the caller's.
 */
#ifndef CLI_RPC_STATUS_H_
#define CLI_RPC_STATUS_H_

#include "base/err.h"
#include "base/text.h"

C_DECLS_BEGIN

struct rpc_status {
    int code; /* google.rpc.Code; 0: the last call was answered */
    struct text message;
    struct text details;   /* google.rpc.Status in wire form; empty without */
    struct text operation; /* the trailer x-operation-name; of answered calls too */
};

void rpc_status_clear(struct rpc_status *status);
void rpc_status_deinit(struct rpc_status *status);

/* "NOT_FOUND"; static storage. */
const char *rpc_status_name(int code);
/* The error a failed call is: its code for programs, the server's message. Always -1. */
int rpc_status_fail(const struct rpc_status *status, struct err *err);

C_DECLS_END

#endif /* CLI_RPC_STATUS_H_ */
