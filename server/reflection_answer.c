#include "server/reflection_answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "grpc/reflection/v1/reflection.upb.h"
#include "job/api.h"
#include "server/methods.h"
#include "upb/decode.h"

#define V1(name) grpc_reflection_v1_##name
#define EXTENSIONS_MAX 256
#define ECHO_BYTES 200 /* of what was asked for, in a sentence */

/* google.rpc.Code */
#define CODE_INVALID_ARGUMENT 3
#define CODE_NOT_FOUND 5

static const char *const service_names[] = {
#define SERVICE(name) name,
#include "server/methods.def"
};

struct answering {
    const struct reflection_index *index;
    upb_Arena *arena;
    V1(ServerReflectionResponse) * response;
};

static bool answer_error(const struct answering *answering, int32_t code, const char *text)
{
    V1(ErrorResponse) *error =
        V1(ServerReflectionResponse_mutable_error_response)(answering->response, answering->arena);
    size_t size = strlen(text);
    char *copy = upb_Arena_Malloc(answering->arena, size + 1);

    if (!error || !copy) {
        return false;
    }
    memcpy(copy, text, size + 1);
    V1(ErrorResponse_set_error_code)(error, code);
    V1(ErrorResponse_set_error_message)(error, upb_StringView_FromDataAndSize(copy, size));
    return true;
}

/* what: "a file", "a symbol"; a long name is cut where its sequence of UTF-8 may be cut. */
static bool answer_not_found(const struct answering *answering, const char *what, struct span name)
{
    char text[ECHO_BYTES + 64];
    size_t size = name.size < ECHO_BYTES ? name.size : ECHO_BYTES;

    while (size < name.size && size > 0 && ((unsigned char)name.data[size] & 0xc0) == 0x80) {
        size--;
    }
    snprintf(text, sizeof text, "\"%.*s\" is not %s that this server declares", (int)size, name.data ? name.data : "",
             what);
    return answer_error(answering, CODE_NOT_FOUND, text);
}

static bool answer_file(const struct answering *answering, const struct reflection_file *file, const char *what,
                        struct span name)
{
    V1(FileDescriptorResponse) * answer;

    if (!file) {
        return answer_not_found(answering, what, name);
    }
    answer = V1(ServerReflectionResponse_mutable_file_descriptor_response)(answering->response, answering->arena);
    for (size_t i = 0; answer && i < file->needed_count; i++) {
        upb_StringView bytes = api_view(file->needed[i]->descriptor);

        if (!V1(FileDescriptorResponse_add_file_descriptor_proto)(answer, bytes, answering->arena)) {
            return false;
        }
    }
    return answer != NULL;
}

static bool answer_extension(const struct answering *answering, const V1(ExtensionRequest) * extension)
{
    struct span type = api_span(V1(ExtensionRequest_containing_type)(extension));
    int32_t number = V1(ExtensionRequest_extension_number)(extension);
    char what[64];

    snprintf(what, sizeof what, "a message with an extension %" PRId32, number);
    return answer_file(answering, reflection_find_extension(answering->index, type, number), what, type);
}

static bool answer_numbers(const struct answering *answering, struct span type)
{
    V1(ExtensionNumberResponse) * answer;
    int32_t numbers[EXTENSIONS_MAX];
    size_t count;

    if (!reflection_extension_numbers(answering->index, type, numbers, EXTENSIONS_MAX, &count)) {
        return answer_not_found(answering, "a message", type);
    }
    answer = V1(ServerReflectionResponse_mutable_all_extension_numbers_response)(answering->response, answering->arena);
    if (!answer) {
        return false;
    }
    V1(ExtensionNumberResponse_set_base_type_name)(answer, api_view(type));
    for (size_t i = 0; i < count; i++) {
        if (!V1(ExtensionNumberResponse_add_extension_number)(answer, numbers[i], answering->arena)) {
            return false;
        }
    }
    return true;
}

static bool answer_services(const struct answering *answering)
{
    V1(ListServiceResponse) *answer =
        V1(ServerReflectionResponse_mutable_list_services_response)(answering->response, answering->arena);

    for (size_t i = 0; answer && i < sizeof service_names / sizeof service_names[0]; i++) {
        V1(ServiceResponse) *service = V1(ListServiceResponse_add_service)(answer, answering->arena);

        if (!service) {
            return false;
        }
        V1(ServiceResponse_set_name)(service, upb_StringView_FromString(service_names[i]));
    }
    return answer != NULL;
}

static bool answer(const struct answering *answering, const V1(ServerReflectionRequest) * request)
{
    const struct reflection_index *index = answering->index;
    struct span name;

    switch (V1(ServerReflectionRequest_message_request_case)(request)) {
    case V1(ServerReflectionRequest_message_request_file_by_filename):
        name = api_span(V1(ServerReflectionRequest_file_by_filename)(request));
        return answer_file(answering, reflection_find_file(index, name), "a file", name);
    case V1(ServerReflectionRequest_message_request_file_containing_symbol):
        name = api_span(V1(ServerReflectionRequest_file_containing_symbol)(request));
        return answer_file(answering, reflection_find_symbol(index, name), "a name", name);
    case V1(ServerReflectionRequest_message_request_file_containing_extension):
        return answer_extension(answering, V1(ServerReflectionRequest_file_containing_extension)(request));
    case V1(ServerReflectionRequest_message_request_all_extension_numbers_of_type):
        return answer_numbers(answering, api_span(V1(ServerReflectionRequest_all_extension_numbers_of_type)(request)));
    case V1(ServerReflectionRequest_message_request_list_services):
        return answer_services(answering);
    default:
        return answer_error(answering, CODE_INVALID_ARGUMENT, "the request asks for nothing that is known here");
    }
}

int reflection_answer(const struct reflection_index *index, struct span request_wire, struct upb_Arena *arena,
                      struct span *ret_response, struct err *err)
{
    V1(ServerReflectionRequest) *request = V1(ServerReflectionRequest_parse_ex)(
        request_wire.data, request_wire.size, NULL, UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH), arena);
    struct answering answering = {index, arena, V1(ServerReflectionResponse_new)(arena)};
    char *bytes = NULL;
    size_t size;

    if (!request) {
        return err_set(err, ERR_INVALID, "the message is no ServerReflectionRequest");
    }
    if (answering.response && answer(&answering, request)) {
        V1(ServerReflectionResponse_set_valid_host)(answering.response, V1(ServerReflectionRequest_host)(request));
        V1(ServerReflectionResponse_set_original_request)(answering.response, request);
        bytes = V1(ServerReflectionResponse_serialize)(answering.response, arena, &size);
    }
    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the answer");
    }
    *ret_response = span_make(bytes, size);
    return 0;
}
