#include <gtest/gtest.h>

#include <string>

#include "cli/channel.h"
#include "cli/failure.h"
#include "google/protobuf/any.upb.h"
#include "google/rpc/error_details.upb.h"
#include "google/rpc/status.upb.h"
#include "helpers.h"

namespace {

upb_StringView view(const char *text)
{
    return upb_StringView_FromString(text);
}

std::string told(const struct err &err, const struct rpc_status *status)
{
    struct text text = {};
    failure_add(&text, &err, status, "127.0.0.1:8080");
    return take(&text);
}

struct Status {
    struct rpc_status status = {};
    Arena arena;
    google_rpc_Status *details = google_rpc_Status_new(arena);

    Status(int code, const char *message)
    {
        status.code = code;
        text_add_text(&status.message, message);
    }
    ~Status() { rpc_status_deinit(&status); }
    void add(const char *type, const char *wire, size_t size)
    {
        google_protobuf_Any *any = google_rpc_Status_add_details(details, arena);
        google_protobuf_Any_set_type_url(any, view(type));
        google_protobuf_Any_set_value(any, upb_StringView_FromDataAndSize(wire, size));
        char *bytes = google_rpc_Status_serialize(details, arena, &size);
        text_cut(&status.details, 0);
        text_add(&status.details, span_make(bytes, size));
    }
    std::string tell()
    {
        struct err err = ERR_INIT;
        rpc_status_fail(&status, &err);
        return told(err, &status);
    }
    int exit_code()
    {
        struct err err = ERR_INIT;
        rpc_status_fail(&status, &err);
        return failure_exit_code(&err, &status);
    }
};

TEST(Failure, IsTheServersSentenceAndItsName)
{
    Status status(5, "The CustomJob \"projects/p\" was not found.");
    EXPECT_EQ("customjob: The CustomJob \"projects/p\" was not found. (NOT_FOUND)\n", status.tell());
    EXPECT_EQ(EXIT_CODE_REFUSED, status.exit_code());
}

TEST(Failure, TellsEachViolationOnALineOfItsOwn)
{
    Status status(3, "List of found errors:\t1.Field: a; Message: m\t");
    google_rpc_BadRequest *bad = google_rpc_BadRequest_new(status.arena);
    for (int i = 0; i < 2; i++) {
        google_rpc_BadRequest_FieldViolation *violation = google_rpc_BadRequest_add_field_violations(bad, status.arena);
        google_rpc_BadRequest_FieldViolation_set_field(violation, view(i ? "job_spec" : "display_name"));
        google_rpc_BadRequest_FieldViolation_set_description(violation, view(i ? "is\trequired" : "is \033[31mlong"));
    }
    size_t size;
    char *wire = google_rpc_BadRequest_serialize(bad, status.arena, &size);
    status.add("type.googleapis.com/google.rpc.BadRequest", wire, size);
    EXPECT_EQ("customjob: the server refused the request (INVALID_ARGUMENT)\n"
              "  display_name: is \\x1b[31mlong\n"
              "  job_spec: is required\n",
              status.tell());
    EXPECT_EQ(EXIT_CODE_REFUSED, status.exit_code());
}

TEST(Failure, PassesOnTheServersHint)
{
    Status status(9, "no");
    google_rpc_Help *help = google_rpc_Help_new(status.arena);
    google_rpc_Help_Link_set_description(google_rpc_Help_add_links(help, status.arena), view("customjob logs 1"));
    size_t size;
    char *wire = google_rpc_Help_serialize(help, status.arena, &size);
    status.add("type.googleapis.com/google.rpc.Help", wire, size);
    EXPECT_EQ("customjob: no (FAILED_PRECONDITION)\nhint: customjob logs 1\n", status.tell());
}

TEST(Failure, TakesNoDetailsThatAreNone)
{
    Status status(13, "oops");
    text_add_text(&status.status.details, "\xFF\xFF\xFF");
    EXPECT_EQ("customjob: oops (INTERNAL)\n", status.tell());
}

TEST(Failure, AsksForTheServerWhenNobodyAnswers)
{
    Status unavailable(14, "connection refused"), late(4, "Deadline Exceeded");
    EXPECT_EQ(
        "customjob: no answer from 127.0.0.1:8080: connection refused\n"
        "hint: is customjobd running at 127.0.0.1:8080? Try `customjobd serve --data-dir DIR`, or name another server by "
        "--endpoint\n",
        unavailable.tell());
    EXPECT_EQ("customjob: 127.0.0.1:8080 did not answer in time\n", late.tell());
    EXPECT_EQ(EXIT_CODE_UNREACHABLE, unavailable.exit_code());
    EXPECT_EQ(EXIT_CODE_UNREACHABLE, late.exit_code());
}

TEST(Failure, KnowsItsOwnMistakesFromTheServersRefusal)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_INVALID, "there is no command \"x\"");
    EXPECT_EQ("customjob: there is no command \"x\"\n", told(err, nullptr));
    EXPECT_EQ(EXIT_CODE_USAGE, failure_exit_code(&err, nullptr));
    err_set(&err, ERR_IO, "disk full");
    EXPECT_EQ(EXIT_CODE_REFUSED, failure_exit_code(&err, nullptr));
    err_set(&err, ERR_DEADLINE, "over");
    EXPECT_EQ(EXIT_CODE_UNREACHABLE, failure_exit_code(&err, nullptr));
}

TEST(Channel, KnowsAnEndpoint)
{
    struct err err = ERR_INIT;
    for (const char *good : {"127.0.0.1:8080", "localhost:1", "[::1]:65535", "unix:/run/x", "unix:x"}) {
        EXPECT_EQ(0, channel_check_endpoint(good, &err)) << good;
    }
    for (const char *wrong : {"", "localhost", ":80", "localhost:", "localhost:0", "localhost:65536", "localhost:8x",
                              "::1:80", "unix:", "http://localhost:80", "localhost:-1", "localhost: 1"}) {
        EXPECT_EQ(-1, channel_check_endpoint(wrong, &err)) << wrong;
        EXPECT_EQ(ERR_INVALID, err.code);
    }
}

/* Nothing listens on the path of a socket that does not exist. */
TEST(Channel, TellsThatNobodyAnswers)
{
    struct err err = ERR_INIT;
    struct channel *channel = nullptr;
    struct channel_stream *stream = nullptr;
    struct span response = {};
    enum channel_event event = CHANNEL_IDLE;
    Arena arena;
    ASSERT_EQ(0, channel_open("unix:/nonexistent/socket", false, nullptr, &channel, &err)) << err.text;
    EXPECT_EQ(-1, channel_call(channel, "/a.B/C", span_of("x"), INT64_C(60000000000), arena, &response, &err));
    EXPECT_EQ(ERR_UNAVAILABLE, err.code) << err.text;
    EXPECT_EQ(14, channel_status(channel)->code);
    ASSERT_EQ(0, channel_stream_open(channel, "/a.B/C", span_of("x"), &stream, &err));
    EXPECT_EQ(-1, channel_stream_next(stream, INT64_C(60000000000), arena, &event, &response, &err));
    EXPECT_EQ(ERR_UNAVAILABLE, err.code) << err.text;
    channel_stream_close(stream);
    /* One that is given up before it has ended. */
    ASSERT_EQ(0, channel_stream_open(channel, "/a.B/C", span_of("x"), &stream, &err));
    channel_stream_close(stream);
    channel_close(channel);
}

} // namespace
