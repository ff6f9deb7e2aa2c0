/* channel_call: what a call with one answer and a stream share.
 *
 * Used by   channel.c and channel_stream.c alone.
 * Owns, Thread, Blocks, Errors  as channel.h.
 */
#ifndef CLI_CHANNEL_CALL_H_
#define CLI_CHANNEL_CALL_H_

#include <grpc/grpc.h>

#include "cli/channel.h"

C_DECLS_BEGIN

struct channel {
    grpc_channel *grpc;
    grpc_completion_queue *queue;
    const char *header_key; /* of the next call; NULL: none */
    const char *header_value;
    struct rpc_status status;
};

struct channel_call {
    grpc_call *grpc;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_status_code code;
    grpc_slice message;
};

void channel_call_init(struct channel_call *call, struct channel *channel, const char *method, gpr_timespec deadline);
void channel_call_deinit(struct channel_call *call);
grpc_op channel_op_headers(struct channel *channel, grpc_metadata *header);
grpc_op channel_op_status(struct channel_call *call);
grpc_byte_buffer *channel_buffer(struct span request);
gpr_timespec channel_deadline(int64_t wait_ns);
void channel_keep_status(struct channel *channel, const struct channel_call *call);
MUST_USE int channel_copy_message(grpc_byte_buffer *buffer, struct upb_Arena *arena, struct span *ret_message,
                                  struct err *err);

C_DECLS_END

#endif /* CLI_CHANNEL_CALL_H_ */
