#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.upb.h"
#include "grpc/reflection/v1/reflection.upb.h"
#include "job/api.h"
#include "server/methods.h"
#include "server/reflection_answer.h"
#include "server/reflection_index.h"

namespace {

std::string text(upb_StringView view)
{
    return {view.data, view.size};
}

std::string text(struct span span)
{
    return {span.data, span.size};
}

class Reflection : public ::testing::Test {
  protected:
    Reflection()
    {
        struct err err = ERR_INIT;
        EXPECT_EQ(0, reflection_index_create(&index, &err)) << err.text;
        arena = upb_Arena_New();
        request = grpc_reflection_v1_ServerReflectionRequest_new(arena);
    }
    ~Reflection() override
    {
        reflection_index_destroy(index);
        upb_Arena_Free(arena);
    }

    std::string file_of(const std::string &symbol) const
    {
        const struct reflection_file *file = reflection_find_symbol(index, span_make(symbol.data(), symbol.size()));
        return file ? text(file->name) : "";
    }

    /* The answer to the request as it is filled in. */
    const grpc_reflection_v1_ServerReflectionResponse *answer()
    {
        struct err err = ERR_INIT;
        struct span wire;
        size_t size;
        char *bytes = grpc_reflection_v1_ServerReflectionRequest_serialize(request, arena, &size);
        EXPECT_EQ(0, reflection_answer(index, span_make(bytes, size), arena, &wire, &err)) << err.text;
        return grpc_reflection_v1_ServerReflectionResponse_parse(wire.data, wire.size, arena);
    }

    std::string error(const grpc_reflection_v1_ServerReflectionResponse *response, int code)
    {
        const grpc_reflection_v1_ErrorResponse *error =
            grpc_reflection_v1_ServerReflectionResponse_error_response(response);
        if (!error) {
            return "no error";
        }
        EXPECT_EQ(code, grpc_reflection_v1_ErrorResponse_error_code(error));
        return text(grpc_reflection_v1_ErrorResponse_error_message(error));
    }

    struct reflection_index *index = nullptr;
    upb_Arena *arena;
    grpc_reflection_v1_ServerReflectionRequest *request;
};

/* Walks a descriptor by its own means and looks up every name it finds there. */
class Walk {
  public:
    Walk(const struct reflection_index *index, std::string file) : index(index), file(std::move(file)) {}

    void enumeration(const std::string &scope, const google_protobuf_EnumDescriptorProto *def)
    {
        std::string name = expect(scope, google_protobuf_EnumDescriptorProto_name(def));
        size_t count;
        const auto *values = google_protobuf_EnumDescriptorProto_value(def, &count);
        for (size_t i = 0; i < count; i++) {
            expect(scope, google_protobuf_EnumValueDescriptorProto_name(values[i]));
            expect(name, google_protobuf_EnumValueDescriptorProto_name(values[i]));
        }
    }

    void message(const std::string &scope, const google_protobuf_DescriptorProto *def)
    {
        std::string name = expect(scope, google_protobuf_DescriptorProto_name(def));
        size_t count;
        const auto *fields = google_protobuf_DescriptorProto_field(def, &count);
        for (size_t i = 0; i < count; i++) {
            expect(name, google_protobuf_FieldDescriptorProto_name(fields[i]));
        }
        const auto *oneofs = google_protobuf_DescriptorProto_oneof_decl(def, &count);
        for (size_t i = 0; i < count; i++) {
            expect(name, google_protobuf_OneofDescriptorProto_name(oneofs[i]));
        }
        const auto *enums = google_protobuf_DescriptorProto_enum_type(def, &count);
        for (size_t i = 0; i < count; i++) {
            enumeration(name, enums[i]);
        }
        const auto *messages = google_protobuf_DescriptorProto_nested_type(def, &count);
        for (size_t i = 0; i < count; i++) {
            message(name, messages[i]);
        }
    }

    void all(const google_protobuf_FileDescriptorProto *def)
    {
        std::string package = text(google_protobuf_FileDescriptorProto_package(def));
        size_t count;
        const auto *messages = google_protobuf_FileDescriptorProto_message_type(def, &count);
        for (size_t i = 0; i < count; i++) {
            message(package, messages[i]);
        }
        const auto *enums = google_protobuf_FileDescriptorProto_enum_type(def, &count);
        for (size_t i = 0; i < count; i++) {
            enumeration(package, enums[i]);
        }
        const auto *extensions = google_protobuf_FileDescriptorProto_extension(def, &count);
        for (size_t i = 0; i < count; i++) {
            expect(package, google_protobuf_FieldDescriptorProto_name(extensions[i]));
            struct span extended = api_span(google_protobuf_FieldDescriptorProto_extendee(extensions[i]));
            int32_t number = google_protobuf_FieldDescriptorProto_number(extensions[i]);
            const struct reflection_file *found = reflection_find_extension(index, extended, number);
            EXPECT_EQ(file, found ? text(found->name) : "") << text(extended) << " " << number;
            extension_count++;
        }
        const auto *services = google_protobuf_FileDescriptorProto_service(def, &count);
        for (size_t i = 0; i < count; i++) {
            size_t method_count;
            std::string name = expect(package, google_protobuf_ServiceDescriptorProto_name(services[i]));
            const auto *methods = google_protobuf_ServiceDescriptorProto_method(services[i], &method_count);
            for (size_t j = 0; j < method_count; j++) {
                expect(name, google_protobuf_MethodDescriptorProto_name(methods[j]));
            }
        }
    }

    size_t symbol_count = 0, extension_count = 0;

  private:
    std::string expect(const std::string &scope, upb_StringView last)
    {
        std::string name = (scope.empty() ? "" : scope + ".") + text(last);
        const struct reflection_file *found = reflection_find_symbol(index, span_make(name.data(), name.size()));
        EXPECT_EQ(file, found ? text(found->name) : "") << name;
        symbol_count++;
        return name;
    }

    const struct reflection_index *index;
    std::string file;
};

TEST_F(Reflection, FindsEveryNameThatAFileDeclares)
{
    size_t count, symbols = 0, extensions = 0;
    const struct reflection_file *files = reflection_index_files(index, &count);
    for (size_t i = 0; i < count; i++) {
        const google_protobuf_FileDescriptorProto *def =
            google_protobuf_FileDescriptorProto_parse(files[i].descriptor.data, files[i].descriptor.size, arena);
        ASSERT_NE(nullptr, def) << text(files[i].name);
        EXPECT_EQ(text(files[i].name), text(google_protobuf_FileDescriptorProto_name(def)));
        Walk walk(index, text(files[i].name));
        walk.all(def);
        symbols += walk.symbol_count;
        extensions += walk.extension_count;
    }
    EXPECT_LT(500u, symbols);
    EXPECT_LT(5u, extensions);
}

TEST_F(Reflection, HasWhatPeopleAndToolsAskFor)
{
    const std::string job_service = "google/cloud/aiplatform/v1/job_service.proto";
    EXPECT_EQ(job_service, file_of("google.cloud.aiplatform.v1.JobService"));
    EXPECT_EQ(job_service, file_of(".google.cloud.aiplatform.v1.JobService.CreateCustomJob"));
    EXPECT_EQ("google/cloud/aiplatform/v1/custom_job.proto", file_of("google.cloud.aiplatform.v1.WorkerPoolSpec.task"));
    EXPECT_EQ("google/cloud/aiplatform/v1/job_state.proto", file_of("google.cloud.aiplatform.v1.JOB_STATE_RUNNING"));
    EXPECT_EQ("google/cloud/aiplatform/v1/job_state.proto",
              file_of("google.cloud.aiplatform.v1.JobState.JOB_STATE_RUNNING"));
    EXPECT_EQ("google/rpc/error_details.proto", file_of("google.rpc.BadRequest")) << "travels within an Any";
    EXPECT_EQ("google/protobuf/descriptor.proto", file_of("google.protobuf.FieldOptions"));
    EXPECT_EQ("", file_of("google.cloud.aiplatform.v1"));
    EXPECT_EQ("", file_of(""));
    EXPECT_EQ("", file_of("."));
    EXPECT_EQ("", file_of("customjobd.store.v1.JobExecution")) << "what is stored is nobody's business";
}

TEST_F(Reflection, GivesAFileFirstAndThenAllThatItImports)
{
    size_t count;
    const struct reflection_file *files = reflection_index_files(index, &count);
    for (size_t i = 0; i < count; i++) {
        std::set<std::string> given, imported;
        ASSERT_LE(1u, files[i].needed_count);
        EXPECT_EQ(&files[i], files[i].needed[0]) << "tools take the first for the one asked for";
        for (size_t j = 0; j < files[i].needed_count; j++) {
            const struct span bytes = files[i].needed[j]->descriptor;
            EXPECT_TRUE(given.insert(text(files[i].needed[j]->name)).second) << "each once";
            const auto *def = google_protobuf_FileDescriptorProto_parse(bytes.data, bytes.size, arena);
            size_t dependency_count;
            const upb_StringView *dependencies = google_protobuf_FileDescriptorProto_dependency(def, &dependency_count);
            for (size_t k = 0; k < dependency_count; k++) {
                imported.insert(text(dependencies[k]));
            }
        }
        imported.insert(text(files[i].name));
        EXPECT_EQ(imported, given) << text(files[i].name);
    }
}

TEST_F(Reflection, ListsTheServicesThatAreServed)
{
    std::set<std::string> named, served;
    size_t count;
    grpc_reflection_v1_ServerReflectionRequest_set_list_services(request, upb_StringView_FromString("*"));
    grpc_reflection_v1_ServerReflectionRequest_set_host(request, upb_StringView_FromString("here"));
    const auto *response = answer();
    const auto *list = grpc_reflection_v1_ServerReflectionResponse_list_services_response(response);
    ASSERT_NE(nullptr, list);
    const auto *services = grpc_reflection_v1_ListServiceResponse_service(list, &count);
    for (size_t i = 0; i < count; i++) {
        named.insert(text(grpc_reflection_v1_ServiceResponse_name(services[i])));
        EXPECT_NE("", file_of(text(grpc_reflection_v1_ServiceResponse_name(services[i]))));
    }
#define SERVICE(name) served.insert(name);
#include "server/methods.def"
    EXPECT_EQ(served, named);
    EXPECT_EQ("here", text(grpc_reflection_v1_ServerReflectionResponse_valid_host(response)));
    EXPECT_TRUE(grpc_reflection_v1_ServerReflectionRequest_has_list_services(
        grpc_reflection_v1_ServerReflectionResponse_original_request(response)));
}

TEST_F(Reflection, AnswersWithDescriptorsAndTheirOptions)
{
    size_t count;
    grpc_reflection_v1_ServerReflectionRequest_set_file_containing_symbol(
        request, upb_StringView_FromString("google.cloud.aiplatform.v1.JobService.CreateCustomJob"));
    const auto *files = grpc_reflection_v1_ServerReflectionResponse_file_descriptor_response(answer());
    ASSERT_NE(nullptr, files);
    const upb_StringView *bytes = grpc_reflection_v1_FileDescriptorResponse_file_descriptor_proto(files, &count);
    EXPECT_LT(10u, count);
    EXPECT_NE(std::string::npos, text(bytes[0]).find("/v1/{parent=projects/*/locations/*}/customJobs"))
        << "the REST rule is one of its options";
}

TEST_F(Reflection, KnowsExtensions)
{
    size_t count;
    auto *extension = grpc_reflection_v1_ServerReflectionRequest_mutable_file_containing_extension(request, arena);
    grpc_reflection_v1_ExtensionRequest_set_containing_type(extension,
                                                            upb_StringView_FromString("google.protobuf.MethodOptions"));
    grpc_reflection_v1_ExtensionRequest_set_extension_number(extension, 72295728);
    const auto *files = grpc_reflection_v1_ServerReflectionResponse_file_descriptor_response(answer());
    ASSERT_NE(nullptr, files);
    const upb_StringView *bytes = grpc_reflection_v1_FileDescriptorResponse_file_descriptor_proto(files, &count);
    EXPECT_NE(std::string::npos, text(bytes[0]).find("google/api/annotations.proto"));

    grpc_reflection_v1_ServerReflectionRequest_set_all_extension_numbers_of_type(
        request, upb_StringView_FromString("google.protobuf.MethodOptions"));
    const auto *numbers = grpc_reflection_v1_ServerReflectionResponse_all_extension_numbers_response(answer());
    ASSERT_NE(nullptr, numbers);
    const int32_t *values = grpc_reflection_v1_ExtensionNumberResponse_extension_number(numbers, &count);
    EXPECT_TRUE(std::set<int32_t>(values, values + count).count(72295728));
    EXPECT_EQ("google.protobuf.MethodOptions",
              text(grpc_reflection_v1_ExtensionNumberResponse_base_type_name(numbers)));

    grpc_reflection_v1_ServerReflectionRequest_set_all_extension_numbers_of_type(
        request, upb_StringView_FromString("google.cloud.aiplatform.v1.CustomJob"));
    numbers = grpc_reflection_v1_ServerReflectionResponse_all_extension_numbers_response(answer());
    ASSERT_NE(nullptr, numbers) << "a message without extensions is no error";
    grpc_reflection_v1_ExtensionNumberResponse_extension_number(numbers, &count);
    EXPECT_EQ(0u, count);
}

TEST_F(Reflection, SaysWhatItDoesNotFind)
{
    grpc_reflection_v1_ServerReflectionRequest_set_file_containing_symbol(request,
                                                                          upb_StringView_FromString("no.Such"));
    EXPECT_EQ("\"no.Such\" is not a name that this server declares", error(answer(), 5));
    grpc_reflection_v1_ServerReflectionRequest_set_file_by_filename(request, upb_StringView_FromString("no.proto"));
    EXPECT_EQ("\"no.proto\" is not a file that this server declares", error(answer(), 5));
    grpc_reflection_v1_ServerReflectionRequest_set_all_extension_numbers_of_type(
        request, upb_StringView_FromString("google.cloud.aiplatform.v1.JobService"));
    EXPECT_EQ("\"google.cloud.aiplatform.v1.JobService\" is not a message that this server declares",
              error(answer(), 5));
    std::string longest(199, 'x');
    longest += "\xc3\xa4";
    grpc_reflection_v1_ServerReflectionRequest_set_file_by_filename(
        request, upb_StringView_FromDataAndSize(longest.data(), longest.size()));
    EXPECT_EQ("\"" + std::string(199, 'x') + "\" is not a file that this server declares", error(answer(), 5))
        << "cut before a character, not within";
    request = grpc_reflection_v1_ServerReflectionRequest_new(arena);
    EXPECT_EQ("the request asks for nothing that is known here", error(answer(), 3));
}

TEST_F(Reflection, RefusesWhatIsNoRequest)
{
    struct err err = ERR_INIT;
    struct span wire;
    for (const char *bytes : {"\x22\x7f", "\x1a\x01\xff"}) {
        EXPECT_EQ(-1, reflection_answer(index, span_of(bytes), arena, &wire, &err));
        EXPECT_EQ(ERR_INVALID, err.code);
    }
}

} // namespace
