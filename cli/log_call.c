#include "cli/log_call.h"

#include "cli/calls.h"
#include "customjobd/v1/logs.upb.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "out of memory");
}

int log_call_open(struct session *session, const struct logs_request *wanted, upb_Arena *arena,
                  struct channel_stream **ret_stream, struct err *err)
{
    customjobd_v1_TailRequest *request = customjobd_v1_TailRequest_new(arena);
    size_t size;
    char *wire;

    if (!request) {
        return out_of_memory(err);
    }
    customjobd_v1_TailRequest_set_name(request, api_view(wanted->name));
    customjobd_v1_TailRequest_set_follow(request, wanted->follow);
    customjobd_v1_TailRequest_set_replica(request, api_view(wanted->replica));
    customjobd_v1_TailRequest_set_tail_lines(request, wanted->tail_lines);
    if (wanted->has_since) {
        google_protobuf_Timestamp *time = customjobd_v1_TailRequest_mutable_since(request, arena);

        if (!time) {
            return out_of_memory(err);
        }
        google_protobuf_Timestamp_set_seconds(time, wanted->since_unix_ns / CLOCK_NS_PER_S);
        google_protobuf_Timestamp_set_nanos(time, (int32_t)(wanted->since_unix_ns % CLOCK_NS_PER_S));
    }
    wire = customjobd_v1_TailRequest_serialize(request, arena, &size);
    return wire ? channel_stream_open(session->channel, "/customjobd.v1.Logs/Tail", span_make(wire, size), ret_stream,
                                      err)
                : out_of_memory(err);
}

int log_call_visit(struct span message, upb_Arena *arena, log_line_fn visit, void *context, struct err *err)
{
    const customjobd_v1_TailResponse *response = customjobd_v1_TailResponse_parse(message.data, message.size, arena);
    const customjobd_v1_LogEntry *const *entries;
    size_t count = 0;

    if (!response) {
        return err_set(err, ERR_INTERNAL, "the server sent a log that is none");
    }
    entries = customjobd_v1_TailResponse_entries(response, &count);
    for (size_t i = 0; i < count; i++) {
        struct log_line line = {.replica = api_span(customjobd_v1_LogEntry_replica(entries[i])),
                                .stream = customjobd_v1_LogEntry_stream(entries[i]),
                                .unix_ns = api_time(customjobd_v1_LogEntry_time(entries[i])),
                                .line = api_span(customjobd_v1_LogEntry_line(entries[i])),
                                .partial = customjobd_v1_LogEntry_partial(entries[i]),
                                .dropped_bytes = customjobd_v1_LogEntry_dropped_bytes(entries[i])};

        if (visit(context, &line, err)) {
            return -1;
        }
    }
    return 0;
}
