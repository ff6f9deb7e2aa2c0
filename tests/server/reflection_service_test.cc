#include "front.h"
#include "grpc/reflection/v1/reflection.upb.h"

using namespace server_test;

namespace {

using ReflectionService = Front;

const char reflection_method[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

TEST_F(ReflectionService, AnswersEachMessageOfOneCall)
{
    Conversation call(client, reflection_method);
    for (const char *symbol : {"google.cloud.aiplatform.v1.JobService", "no.Such", "customjobd.v1.Logs.Tail"}) {
        auto *request = grpc_reflection_v1_ServerReflectionRequest_new(arena);
        size_t size;
        grpc_reflection_v1_ServerReflectionRequest_set_file_containing_symbol(request,
                                                                              upb_StringView_FromString(symbol));
        char *bytes = grpc_reflection_v1_ServerReflectionRequest_serialize(request, arena, &size);
        call.say(span_make(bytes, size));
        std::optional<std::string> message = call.hear();
        ASSERT_TRUE(message);
        auto *response = grpc_reflection_v1_ServerReflectionResponse_parse(message->data(), message->size(), arena);
        EXPECT_EQ(std::string(symbol) == "no.Such",
                  grpc_reflection_v1_ServerReflectionResponse_has_error_response(response))
            << symbol;
    }
    call.end();
    EXPECT_EQ(0, call.finish().code);
}

TEST_F(ReflectionService, EndsACallOnWhatIsNoRequest)
{
    Conversation call(client, reflection_method);
    call.say(span_of("\x22\x7f"));
    EXPECT_FALSE(call.hear());
    EXPECT_EQ(3, call.finish().code);
}

} /* namespace */
