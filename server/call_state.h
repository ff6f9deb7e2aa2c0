/* call_state: a call from within; what every way in to the handlers has to bring.
 *
 * Used by   call.c, and by who makes calls (rpc_call.c). Handlers see call.h alone.
 * Shape     struct call is the first member of the transport's own struct.
 * Owns      the arena, made when first asked for; the transport ends it with call_deinit.
 * Thread    as call.h.
 */
#ifndef SERVER_CALL_STATE_H_
#define SERVER_CALL_STATE_H_

#include <stdalign.h>

#include "server/call.h"
#include "server/status.h"

C_DECLS_BEGIN

#define CALL_ARENA_BLOCK_BYTES 2048

/* What a call ends with. code not 0: nothing of the rest counts. */
struct call_answer {
    struct status status;
    struct span message; /* when there is no version and no page */
    struct store_version *version;
    struct store_page *page;
    uint32_t items_field;
    struct span next_page_token;
};

struct call_ops {
    struct span (*metadata)(const struct call *call, const char *key);
    int64_t (*deadline_mono_ns)(const struct call *call);
    bool (*is_gone)(const struct call *call);
    void (*add_trailer)(struct call *call, const char *key, struct span value);
    /* Copies or takes over what it needs; the answer is gone when it returns. Version and page are taken over. */
    void (*end)(struct call *call, struct call_answer *answer);
    bool (*send)(struct call *call, struct span message);
    size_t (*pending)(const struct call *call);
};

struct rpc_method;

struct call {
    const struct call_ops *ops;
    const struct services *services;
    const struct rpc_method *method;
    struct span request;
    struct span principal;
    struct upb_Arena *arena;
    call_gone_fn gone;
    void *gone_context;
    alignas(16) char arena_block[CALL_ARENA_BLOCK_BYTES];
};

/* Ends the arena; the call can be used anew. */
void call_deinit(struct call *call);

C_DECLS_END

#endif /* SERVER_CALL_STATE_H_ */
