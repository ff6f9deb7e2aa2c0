#include "server/handlers.h"
#include "server/reflection_answer.h"
#include "server/services.h"

/* Once per message of the client. */
void handle_reflection(struct call *call)
{
    struct err err = ERR_INIT;
    struct span response;

    if (reflection_answer(call_services(call)->reflection, call_request(call), call_arena(call), &response, &err)) {
        call_stream_end(call, &err);
    } else if (!call_stream_send(call, response)) {
        err_set(&err, ERR_EXHAUSTED, "the client does not take its answers");
        call_stream_end(call, &err);
    }
}
