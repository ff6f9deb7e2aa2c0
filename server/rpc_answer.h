/* rpc_answer: an answer in the form in which C-core sends it: slices that share the store's bytes.
 *
 * Used by   rpc_call.c.
 * Owns      its slices, until rpc_answer_deinit; a version's slice holds the version.
 * Thread    one at a time: first whoever answers, then the call's.
 */
#ifndef SERVER_RPC_ANSWER_H_
#define SERVER_RPC_ANSWER_H_

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/call_state.h"

C_DECLS_BEGIN

#define RPC_TRAILERS_MAX 4

struct rpc_answer {
    grpc_status_code code;
    grpc_slice text;
    grpc_byte_buffer message;
    bool has_message;
    grpc_metadata trailers[RPC_TRAILERS_MAX];
    size_t trailer_count;
};

/* OK, without a message. */
void rpc_answer_init(struct rpc_answer *answer);
void rpc_answer_deinit(struct rpc_answer *answer);
/* Takes over version and page. with_message: the call ends with a message when it succeeds. */
void rpc_answer_set(struct rpc_answer *answer, struct call_answer *from, bool with_message);
void rpc_answer_set_text(struct rpc_answer *answer, grpc_status_code code, const char *text);
/* One above RPC_TRAILERS_MAX is left out. */
void rpc_answer_add_trailer(struct rpc_answer *answer, const char *key, struct span value);

C_DECLS_END

#endif /* SERVER_RPC_ANSWER_H_ */
