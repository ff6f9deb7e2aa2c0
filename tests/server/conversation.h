/* conversation: a call as its client sees it: what it says, what it hears, and how it ends. */
#ifndef TESTS_SERVER_CONVERSATION_H_
#define TESTS_SERVER_CONVERSATION_H_

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "tests/lib/grpc_client.h"

namespace server_test {

constexpr int64_t conversation_timeout_ms = 30000;

struct Ended {
    int code;
    std::string text;
    bool has_details;
};

/* One that is not finished is cancelled when it goes. */
class Conversation {
  public:
    Conversation(struct grpc_client *client, const char *method)
        : stream(grpc_stream_open(client, method, conversation_timeout_ms))
    {
    }
    Conversation(Conversation &&other) noexcept : stream(std::exchange(other.stream, nullptr)) {}
    ~Conversation()
    {
        if (stream) {
            cancel();
            finish();
        }
    }

    void say(struct span message) { grpc_stream_write(stream, message); }
    /* Nothing more will be said. */
    void end() { grpc_stream_close_writes(stream); }
    void cancel() { grpc_stream_cancel(stream); }
    /* The next message; nothing at the end. */
    std::optional<std::string> hear()
    {
        struct span message;
        if (!grpc_stream_read(stream, &message)) {
            return std::nullopt;
        }
        std::string bytes(message.data ? message.data : "", message.size);
        free(const_cast<char *>(message.data));
        return bytes;
    }
    Ended finish()
    {
        struct grpc_reply reply;
        grpc_stream_finish(std::exchange(stream, nullptr), &reply);
        Ended ended = {reply.code, reply.text ? reply.text : "", reply.details.size > 0};
        grpc_reply_deinit(&reply);
        return ended;
    }

  private:
    struct grpc_stream *stream;
};

} /* namespace server_test */

#endif /* TESTS_SERVER_CONVERSATION_H_ */
