/* Operations and Locations, over gRPC. */
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "house.h"
#include "job/job_state.h"

using namespace server_test;

namespace {

enum {
    OK = 0,
    CANCELLED = 1,
    INVALID = 3,
    NOT_FOUND = 5,
    EXHAUSTED = 8,
    PRECONDITION = 9,
    UNIMPLEMENTED = 12,
    UNAVAILABLE = 14
};
enum { OPERATION_NAME = 1, OPERATION_METADATA = 2, OPERATION_DONE = 3, OPERATION_RESPONSE = 5 };

const char locations[] = "/google.cloud.location.Locations/";

bool contains(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

Reply ask(House &house, const char *verb, const std::string &request)
{
    return house.call(kOperations + std::string(verb), request);
}

/* The operation of a cancellation; the job runs until it is over. */
std::string cancel(House &house, const std::string &job_name)
{
    EXPECT_NE("", house.wait_for_state(job_name, JOB_STATE_RUNNING));
    Reply reply = house.call(kJobService + std::string("CancelCustomJob"), field(1, job_name));
    EXPECT_EQ(OK, reply.code) << reply.text;
    return reply.operation_name;
}

/* The operation of a deletion. */
std::string remove(House &house, const std::string &job_name)
{
    EXPECT_NE("", house.wait_for_state(job_name, JOB_STATE_SUCCEEDED));
    Reply reply = house.call(kJobService + std::string("DeleteCustomJob"), field(1, job_name));
    EXPECT_EQ(OK, reply.code) << reply.text;
    return text_of(reply.message, OPERATION_NAME);
}

/* All names of a repeated field 1 of messages with a name in their field 1. */
std::vector<std::string> names_of(std::string response)
{
    std::vector<std::string> names;
    while (!response.empty() && response[0] == '\x0a') {
        std::string item = text_of(response, 1);
        names.push_back(text_of(item, 1));
        response = response.substr(field(1, item).size());
    }
    return names;
}

TEST(OperationsService, GetsADeletionInTheVersionThatAskedForIt)
{
    House house;
    std::string name = house.create(job("a"));
    std::string operation = remove(house, name);
    Reply reply = ask(house, "GetOperation", field(1, operation));
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ(operation, text_of(reply.message, OPERATION_NAME));
    EXPECT_EQ("type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
              text_of(text_of(reply.message, OPERATION_METADATA), 1));
    Reply waited = ask(house, "WaitOperation", field(1, operation));
    ASSERT_EQ(OK, waited.code) << waited.text;
    EXPECT_EQ(1u, number_of(waited.message, OPERATION_DONE));
    EXPECT_EQ("type.googleapis.com/google.protobuf.Empty", text_of(text_of(waited.message, OPERATION_RESPONSE), 1));
}

TEST(OperationsService, FindsAnOperationBelowItsJobToo)
{
    House house;
    std::string name = house.create(job("a"));
    std::string operation = remove(house, name);
    std::string id = operation.substr(operation.rfind('/') + 1);
    for (const char *verb : {"GetOperation", "WaitOperation"}) {
        Reply reply = ask(house, verb, field(1, name + "/operations/" + id));
        ASSERT_EQ(OK, reply.code) << reply.text;
        EXPECT_EQ(operation, text_of(reply.message, OPERATION_NAME));
    }
    EXPECT_EQ(NOT_FOUND, ask(house, "GetOperation", field(1, name + "/operations/1" + id)).code);
}

TEST(OperationsService, TellsAMalformedNameFromOneThatNobodyHas)
{
    House house;
    const std::string name = std::string(kParent) + "/operations/1716017400250000000";
    for (const char *verb : {"GetOperation", "WaitOperation", "CancelOperation", "DeleteOperation"}) {
        Reply reply = ask(house, verb, field(1, name));
        EXPECT_EQ(NOT_FOUND, reply.code) << verb;
        EXPECT_EQ("The Operation \"" + name + "\" was not found.", reply.text);
        for (const char *bad : {"", "operations/1", "projects/p/locations/l/customJobs/1", "projects/p/operations/1"}) {
            reply = ask(house, verb, field(1, bad));
            EXPECT_EQ(INVALID, reply.code) << verb << " " << bad;
            EXPECT_TRUE(contains(reply.text, "1.Field: name; Message: ")) << reply.text;
        }
        EXPECT_EQ(INVALID, ask(house, verb, "\x0a").code);
    }
}

TEST(OperationsService, WaitsUntilACancellationIsOver)
{
    House house(3600 * 1000);
    std::string operation = cancel(house, house.create(job("long")));
    Reply reply = ask(house, "WaitOperation", field(1, operation));
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ(1u, number_of(reply.message, OPERATION_DONE));
    EXPECT_EQ("type.googleapis.com/google.cloud.aiplatform.v1.GenericOperationMetadata",
              text_of(text_of(reply.message, OPERATION_METADATA), 1));
}

/* The operation of a cancellation that is not over while the test runs. */
std::string endless(House &house)
{
    return cancel(house, house.create(job("long", "3600s", {{"simulate-stop-time", "3600s"}})));
}

TEST(OperationsService, AServerThatStopsSendsAwayWhoWaits)
{
    House house;
    std::string operation = endless(house);
    std::thread stop([&] { controller_end_waits(house.services.controller); });
    Reply reply = ask(house, "WaitOperation", field(1, operation));
    stop.join();
    EXPECT_EQ(UNAVAILABLE, reply.code) << "whether it came before or after";
    EXPECT_EQ("the server is stopping", reply.text);
}

TEST(OperationsService, OneWhoWaitsAndGoesMakesRoomForAnother)
{
    House house(0, 100, 2);
    std::string operation = endless(house);
    std::string request = field(1, operation);
    std::vector<struct grpc_stream *> waiting;
    struct grpc_reply ignored;
    Reply reply;
    for (int i = 0; i < 2; i++) {
        waiting.push_back(grpc_stream_open(house.client, "/google.longrunning.Operations/WaitOperation", 3600 * 1000));
        grpc_stream_write(waiting[size_t(i)], span_make(request.data(), request.size()));
        grpc_stream_close_writes(waiting[size_t(i)]);
    }
    do { /* until both are there */
        reply = ask(house, "GetOperation", request);
    } while (reply.code == OK);
    EXPECT_EQ(EXHAUSTED, reply.code);
    for (struct grpc_stream *stream : waiting) {
        grpc_stream_cancel(stream);
        grpc_stream_finish(stream, &ignored);
        EXPECT_EQ(CANCELLED, ignored.code);
        grpc_reply_deinit(&ignored);
    }
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    do { /* until the end of one has been seen */
        reply = ask(house, "GetOperation", request);
    } while (reply.code == EXHAUSTED && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(OK, reply.code) << reply.text;
}

TEST(OperationsService, AnswersAtOnceWithoutTimeToWait)
{
    House house;
    std::string operation = remove(house, house.create(job("a")));
    EXPECT_EQ(OK, ask(house, "WaitOperation", field(1, operation) + field(2, "")).code);
    EXPECT_EQ(OK, ask(house, "WaitOperation", field(1, operation) + field(2, varint_field(1, 86400 * 365))).code);
    for (const std::string &bad : {varint_field(1, UINT64_MAX), varint_field(2, UINT64_MAX),
                                   varint_field(2, 1000000000), varint_field(1, UINT64_C(315576000001))}) {
        Reply reply = ask(house, "WaitOperation", field(1, operation) + field(2, bad));
        EXPECT_EQ(INVALID, reply.code);
        EXPECT_TRUE(contains(reply.text, "Field: timeout; Message: ")) << reply.text;
    }
}

TEST(OperationsService, TakesACancelThatDoesNothing)
{
    House house;
    std::string operation = remove(house, house.create(job("a")));
    Reply reply = ask(house, "CancelOperation", field(1, operation));
    EXPECT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ("", reply.message);
    EXPECT_EQ(OK, ask(house, "GetOperation", field(1, operation)).code);
}

TEST(OperationsService, ForgetsADoneOperation)
{
    House house;
    std::string operation = remove(house, house.create(job("a")));
    ASSERT_EQ(OK, ask(house, "WaitOperation", field(1, operation)).code);
    Reply reply = ask(house, "DeleteOperation", field(1, operation));
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ("", reply.message);
    EXPECT_EQ(NOT_FOUND, ask(house, "GetOperation", field(1, operation)).code);
    EXPECT_EQ(NOT_FOUND, ask(house, "DeleteOperation", field(1, operation)).code);
}

TEST(OperationsService, ListsNewestFirstPageByPage)
{
    House house;
    std::vector<std::string> made;
    for (int i = 0; i < 5; i++) {
        made.insert(made.begin(), remove(house, house.create(job("a"))));
        ASSERT_EQ(OK, ask(house, "WaitOperation", field(1, made[0])).code);
    }
    for (const std::string &name : {std::string(kParent), std::string(kParent) + "/operations"}) {
        EXPECT_EQ(made, names_of(ask(house, "ListOperations", field(4, name)).message)) << name;
        EXPECT_EQ(made, names_of(ask(house, "ListOperations", field(4, name) + field(1, "done=true")).message));
        EXPECT_TRUE(names_of(ask(house, "ListOperations", field(4, name) + field(1, "done=false")).message).empty());
    }
    Reply first = ask(house, "ListOperations", field(4, kParent) + varint_field(2, 3));
    EXPECT_EQ(std::vector<std::string>(made.begin(), made.begin() + 3), names_of(first.message));
    std::string token = first.message.substr(first.message.size() - 32);
    Reply second = ask(house, "ListOperations", field(4, kParent) + varint_field(2, 3) + field(3, token));
    ASSERT_EQ(OK, second.code) << second.text;
    EXPECT_EQ(std::vector<std::string>(made.begin() + 3, made.end()), names_of(second.message));
    EXPECT_TRUE(names_of(ask(house, "ListOperations", field(4, "projects/p/locations/elsewhere")).message).empty());
}

TEST(OperationsService, RefusesAListItCannotGive)
{
    House house;
    Reply reply = ask(house, "ListOperations",
                      field(4, "operations") + field(1, "name=x") + varint_field(2, UINT64_MAX) + field(3, "x"));
    EXPECT_EQ(INVALID, reply.code);
    for (const char *part : {"Field: name; ", "Field: page_size; ", "Field: page_token; ", "Field: filter; "}) {
        EXPECT_TRUE(contains(reply.text, part)) << reply.text;
    }
    reply = ask(house, "ListOperations", field(4, kParent) + varint_field(5, 1));
    EXPECT_EQ(UNIMPLEMENTED, reply.code);
    EXPECT_TRUE(contains(reply.text, "return_partial_success")) << reply.text;
}

TEST(LocationsService, HasAnyLocation)
{
    House house;
    Reply reply = house.call(locations + std::string("GetLocation"), field(1, "projects/p/locations/europe-west4"));
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ("projects/p/locations/europe-west4", text_of(reply.message, 1));
    EXPECT_EQ("europe-west4", text_of(reply.message, 4));
    EXPECT_EQ(INVALID, house.call(locations + std::string("GetLocation"), field(1, "locations/x")).code);
    EXPECT_EQ(INVALID, house.call(locations + std::string("GetLocation"), "\x0a").code);
}

TEST(LocationsService, ListsOne)
{
    House house;
    Reply reply = house.call(locations + std::string("ListLocations"), field(1, "projects/p"));
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ(std::vector<std::string>({"projects/p/locations/us-central1"}), names_of(reply.message));
    reply = house.call(locations + std::string("ListLocations"),
                       field(1, "p") + field(2, "x") + varint_field(3, UINT64_MAX) + field(4, "x"));
    EXPECT_EQ(INVALID, reply.code);
    for (const char *part : {"Field: name; ", "Field: filter; ", "Field: page_size; ", "Field: page_token; "}) {
        EXPECT_TRUE(contains(reply.text, part)) << reply.text;
    }
}

} // namespace
