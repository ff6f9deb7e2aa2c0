/* The five methods about CustomJobs, over gRPC. */
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "google/cloud/aiplatform/v1beta1/job_service.upb.h"
#include "house.h"
#include "job/api.h"
#include "job/job_state.h"
#include "upb/arena.h"

using namespace server_test;

namespace {

enum { OK = 0, INVALID = 3, NOT_FOUND = 5, EXHAUSTED = 8, PRECONDITION = 9 };

std::string method(const char *name)
{
    return kJobService + std::string(name);
}

Reply named(House &house, const char *name, const std::string &job)
{
    return house.call(method(name), field(1, job));
}

bool contains(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* A page of a list: names of the jobs, and what a masked answer has of them. */
struct Page {
    int code = 0;
    std::string text, token;
    std::vector<std::string> names, display_names, jobs;
};

Page list(House &house, const std::string &request, const char *service = nullptr)
{
    Reply reply = house.call((service ? service : kJobService) + std::string("ListCustomJobs"), request);
    Page page;
    page.code = reply.code;
    page.text = reply.text;
    upb_Arena *arena = upb_Arena_New();
    const API(ListCustomJobsResponse) *response =
        API(ListCustomJobsResponse_parse)(reply.message.data(), reply.message.size(), arena);
    EXPECT_NE(nullptr, response);
    size_t count = 0;
    const API(CustomJob) *const *jobs = API(ListCustomJobsResponse_custom_jobs)(response, &count);
    auto text = [](upb_StringView view) { return std::string(view.data ? view.data : "", view.size); };
    for (size_t i = 0; i < count; i++) {
        size_t size = 0;
        char *bytes = API(CustomJob_serialize)(jobs[i], arena, &size);
        page.jobs.emplace_back(bytes, size);
        page.names.push_back(text(API(CustomJob_name)(jobs[i])));
        page.display_names.push_back(text(API(CustomJob_display_name)(jobs[i])));
    }
    page.token = text(API(ListCustomJobsResponse_next_page_token)(response));
    upb_Arena_Free(arena);
    return page;
}

std::string list_request(const std::string &filter = "", uint64_t page_size = 0, const std::string &token = "")
{
    return field(1, kParent) + (filter.empty() ? "" : field(2, filter)) +
           (page_size == 0 ? "" : varint_field(3, page_size)) + (token.empty() ? "" : field(4, token));
}

TEST(CustomJobService, GetsTheBytesThatCreateAnswered)
{
    House house(3600 * 1000);
    Reply made = house.call(method("CreateCustomJob"), field(1, kParent) + field(2, job("a job", "", {{"team", "x"}})));
    ASSERT_EQ(OK, made.code) << made.text;
    std::string name = text_of(made.message, 1);
    EXPECT_EQ(0u, name.find(std::string(kParent) + "/customJobs/"));
    EXPECT_EQ("a job", text_of(made.message, 2));
    std::string running = house.wait_for_state(name, JOB_STATE_RUNNING);
    EXPECT_EQ(name, text_of(running, 1));
    Reply beta = house.call("/google.cloud.aiplatform.v1beta1.JobService/GetCustomJob", field(1, name));
    EXPECT_EQ(running, beta.message);
}

TEST(CustomJobService, TellsAllThatIsWrongWithACreate)
{
    House house;
    Reply reply = house.call(method("CreateCustomJob"), field(1, "projects/p") + field(2, field(4, field(1, ""))));
    EXPECT_EQ(INVALID, reply.code);
    EXPECT_TRUE(contains(reply.text, "List of found errors:\t1.Field: parent; Message: ")) << reply.text;
    EXPECT_TRUE(contains(reply.text, "Field: display_name; Message: Required field is not set.")) << reply.text;
    EXPECT_TRUE(contains(reply.details, "google.rpc.BadRequest"));
    reply = house.call(method("CreateCustomJob"), "");
    EXPECT_EQ(INVALID, reply.code);
    EXPECT_TRUE(contains(reply.text, "Field: parent; Message: Required field is not set.")) << reply.text;
    EXPECT_TRUE(contains(reply.text, "Field: custom_job; Message: Required field is not set.")) << reply.text;
    reply = house.call(method("CreateCustomJob"), field(1, kParent) + field(2, "\x0a\x7f"));
    EXPECT_EQ(INVALID, reply.code);
    reply = house.call(method("CreateCustomJob"), field(1, kParent) + "\x12");
    EXPECT_EQ(INVALID, reply.code);
    EXPECT_TRUE(contains(reply.text, "not a well-formed protobuf message")) << reply.text;
}

TEST(CustomJobService, GivesARetriedCreateItsFirstAnswer)
{
    House house;
    const std::string request = field(1, kParent) + field(2, job("once"));
    const std::vector<struct grpc_header> headers = {{"x-goog-request-id", "b2c6"}};
    Reply first = house.call(method("CreateCustomJob"), request, headers);
    Reply again = house.call(method("CreateCustomJob"), request, headers);
    ASSERT_EQ(OK, first.code) << first.text;
    ASSERT_EQ(OK, again.code) << again.text;
    EXPECT_EQ(text_of(first.message, 1), text_of(again.message, 1));
    EXPECT_EQ(1u, list(house, list_request()).names.size());
    const std::string longest(256, 'x');
    EXPECT_EQ(OK, house.call(method("CreateCustomJob"), request, {{"x-goog-request-id", longest.c_str()}}).code);
    const std::string longer(257, 'x');
    Reply reply = house.call(method("CreateCustomJob"), request, {{"x-goog-request-id", longer.c_str()}});
    EXPECT_EQ(INVALID, reply.code);
    EXPECT_TRUE(contains(reply.text, "x-goog-request-id; Message: The header has 257 characters")) << reply.text;
}

TEST(CustomJobService, TellsAMalformedNameFromOneThatNobodyHas)
{
    House house;
    const std::string name = std::string(kParent) + "/customJobs/1716017400250000000";
    for (const char *verb : {"GetCustomJob", "CancelCustomJob", "DeleteCustomJob"}) {
        Reply reply = named(house, verb, name);
        EXPECT_EQ(NOT_FOUND, reply.code) << verb;
        EXPECT_EQ("The CustomJob \"" + name + "\" was not found.", reply.text);
        EXPECT_TRUE(contains(reply.details, "google.rpc.ResourceInfo"));
        EXPECT_EQ(NOT_FOUND, named(house, verb, std::string(kParent) + "/customJobs/no-number").code);
        for (const char *bad : {"", "x", "projects/p/locations/us-central1", "projects/p/locations/-/customJobs/1",
                                "projects/p/locations/l/customJobs/", "projects/p/locations/l/customJobs/1/x",
                                "projects/p/locations/l/customJobs/ö"}) {
            reply = named(house, verb, bad);
            EXPECT_EQ(INVALID, reply.code) << verb << " " << bad;
            EXPECT_TRUE(contains(reply.text, "1.Field: name; Message: ")) << reply.text;
        }
        EXPECT_EQ(INVALID, house.call(method(verb), "\x0a\x01\xff").code);
        EXPECT_EQ(INVALID, house.call(method(verb), "\x0a").code);
    }
}

TEST(CustomJobService, CancelsAndNamesTheOperation)
{
    House house(3600 * 1000);
    std::string name = house.create(job("long"));
    ASSERT_NE("", house.wait_for_state(name, JOB_STATE_RUNNING));
    Reply reply = named(house, "CancelCustomJob", name);
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ("", reply.message);
    EXPECT_EQ(0u, reply.operation_name.find(std::string(kParent) + "/operations/"));
    ASSERT_NE("", house.wait_for_state(name, JOB_STATE_CANCELLED));
    reply = named(house, "CancelCustomJob", name);
    EXPECT_EQ(PRECONDITION, reply.code);
    EXPECT_EQ("The CustomJob \"" + name + "\" is in state JOB_STATE_CANCELLED and cannot be canceled.", reply.text);
}

TEST(CustomJobService, DeletesWhatHasEndedAndNothingElse)
{
    House house(3600 * 1000);
    std::string name = house.create(job("long"));
    ASSERT_NE("", house.wait_for_state(name, JOB_STATE_RUNNING));
    Reply reply = named(house, "DeleteCustomJob", name);
    EXPECT_EQ(PRECONDITION, reply.code);
    EXPECT_EQ("The CustomJob \"" + name + "\" is in state JOB_STATE_RUNNING and cannot be deleted.", reply.text);
    ASSERT_EQ(OK, named(house, "CancelCustomJob", name).code);
    ASSERT_NE("", house.wait_for_state(name, JOB_STATE_CANCELLED));
    reply = named(house, "DeleteCustomJob", name);
    ASSERT_EQ(OK, reply.code) << reply.text;
    EXPECT_EQ(0u, text_of(reply.message, 1).find(std::string(kParent) + "/operations/"));
    EXPECT_EQ(NOT_FOUND, named(house, "GetCustomJob", name).code);
    EXPECT_EQ(NOT_FOUND, named(house, "DeleteCustomJob", name).code);
    EXPECT_TRUE(list(house, list_request()).names.empty());
}

TEST(CustomJobService, ListsNewestFirstPageByPage)
{
    House house;
    std::vector<std::string> made;
    for (int i = 0; i < 7; i++) {
        made.insert(made.begin(), house.create(job("job " + std::to_string(i))));
    }
    (void)house.call(method("CreateCustomJob"), field(1, "projects/q/locations/us-central1") + field(2, job("other")));
    EXPECT_EQ(made, list(house, list_request()).names);
    for (uint64_t size = 1; size <= 8; size++) {
        std::vector<std::string> found;
        std::string token;
        size_t pages = 0;
        do {
            Page page = list(house, list_request("", size, token));
            ASSERT_EQ(OK, page.code) << page.text;
            EXPECT_LE(page.names.size(), size);
            found.insert(found.end(), page.names.begin(), page.names.end());
            token = page.token;
            pages++;
        } while (!token.empty());
        EXPECT_EQ(made, found) << size;
        EXPECT_EQ((made.size() + size - 1) / size, pages) << "no empty page at the end";
    }
}

TEST(CustomJobService, StaysRightWhileJobsComeAndGo)
{
    House house;
    std::vector<std::string> made;
    for (int i = 0; i < 4; i++) {
        made.insert(made.begin(), house.create(job("job")));
        ASSERT_NE("", house.wait_for_state(made[0], JOB_STATE_SUCCEEDED));
    }
    Page first = list(house, list_request("", 2));
    ASSERT_EQ(OK, named(house, "DeleteCustomJob", made[1]).code); /* where the page ended */
    house.create(job("newer"));
    Page second = list(house, list_request("", 2, first.token));
    EXPECT_EQ(std::vector<std::string>(made.begin() + 2, made.end()), second.names);
    EXPECT_EQ("", second.token);
}

TEST(CustomJobService, ListsWhatTheFilterMatches)
{
    House house;
    std::string red = house.create(job("red", "", {{"team", "vision"}}));
    std::string green = house.create(job("green", "", {{"team", "speech"}}));
    std::string blue = house.create(job("blue"));
    for (const std::string &name : {red, green, blue}) {
        ASSERT_NE("", house.wait_for_state(name, JOB_STATE_SUCCEEDED));
    }
    using Names = std::vector<std::string>;
    EXPECT_EQ(Names({red}), list(house, list_request("labels.team=vision")).names);
    EXPECT_EQ(Names({green, red}), list(house, list_request("labels.team:*")).names);
    EXPECT_EQ(Names({blue, green}), list(house, list_request("NOT labels.team=vision")).names);
    EXPECT_EQ(Names({green, red}), list(house, list_request("displayName:\"*re*\"")).names);
    EXPECT_EQ(Names({blue, red}),
              list(house, list_request("display_name=red OR display_name=blue AND state=JOB_STATE_SUCCEEDED")).names);
    EXPECT_EQ(Names(), list(house, list_request("state!=JOB_STATE_SUCCEEDED")).names);
    EXPECT_EQ(Names({blue, green, red}), list(house, list_request("create_time>2024-01-01T00:00:00Z")).names);
    Page page = list(house, list_request("labels.team:*", 1));
    EXPECT_EQ(Names({green}), page.names);
    page = list(house, list_request("labels.team:*", 1, page.token));
    EXPECT_EQ(Names({red}), page.names);
    EXPECT_EQ("", page.token);
}

TEST(CustomJobService, RefusesATokenOfAnotherQuery)
{
    House house;
    house.create(job("a"));
    house.create(job("b"));
    const std::string token = list(house, list_request("labels:x OR display_name:*", 1)).token;
    ASSERT_NE("", token);
    EXPECT_EQ(OK, list(house, list_request("labels:x OR display_name:*", 5, token)).code);
    Page page = list(house, list_request("", 1, token));
    EXPECT_EQ(INVALID, page.code);
    EXPECT_TRUE(contains(page.text, "1.Field: page_token; Message: It was given for another request")) << page.text;
    page = list(house, list_request("labels:x OR display_name:*", 1, token),
                "/google.cloud.aiplatform.v1beta1.JobService/");
    EXPECT_EQ(INVALID, page.code);
    page = list(house, list_request("", 1, "nonsense"));
    EXPECT_EQ(INVALID, page.code);
    EXPECT_TRUE(contains(page.text, "Field: page_token; Message: It is no token")) << page.text;
}

TEST(CustomJobService, TellsAllThatIsWrongWithAList)
{
    House house;
    std::string mask = field(1, "nme") + field(1, "name");
    Page page = list(house, field(1, "projects/p/locations/-") + field(2, "nme=x") + varint_field(3, UINT64_MAX) +
                                field(4, "x") + field(5, mask));
    EXPECT_EQ(INVALID, page.code);
    for (const char *part : {"1.Field: parent; ", "Field: page_size; Message: -1 is below 0", "Field: page_token; ",
                             "Field: filter; Message: column 1: \"nme\"", "Field: read_mask.paths[0]; "}) {
        EXPECT_TRUE(contains(page.text, part)) << part << "\n" << page.text;
    }
    EXPECT_FALSE(contains(page.text, "read_mask.paths[1]")) << page.text;
}

TEST(CustomJobService, CutsListedJobsToTheReadMask)
{
    House house;
    std::string name = house.create(job("masked", "", {{"team", "x"}, {"env", "y"}}));
    ASSERT_NE("", house.wait_for_state(name, JOB_STATE_SUCCEEDED));
    std::string whole = list(house, list_request()).jobs[0];
    Page page = list(house, list_request() + field(5, field(1, "name") + field(1, "labels.team")));
    ASSERT_EQ(1u, page.jobs.size()) << page.text;
    EXPECT_EQ(name, page.names[0]);
    EXPECT_EQ("", page.display_names[0]);
    EXPECT_EQ("team", text_of(text_of(page.jobs[0], 11), 1));
    EXPECT_EQ(0u, number_of(page.jobs[0], 5));
    EXPECT_LT(page.jobs[0].size(), whole.size());
    page = list(house, list_request() + field(5, field(1, "displayName")));
    EXPECT_EQ("masked", page.display_names[0]);
    EXPECT_EQ("", page.names[0]);
    EXPECT_EQ(whole, list(house, list_request() + field(5, field(1, "*"))).jobs[0]);
    EXPECT_EQ(whole, list(house, list_request() + field(5, "")).jobs[0]);
    house.create(job("second"));
    page = list(house, list_request("", 1) + field(5, field(1, "name")));
    EXPECT_EQ(1u, page.names.size());
    EXPECT_NE("", page.token);
    std::string paths;
    for (int i = 0; i < 101; i++) {
        paths += field(1, "name");
    }
    page = list(house, list_request() + field(5, paths));
    EXPECT_EQ(INVALID, page.code);
    EXPECT_TRUE(contains(page.text, "Field: read_mask; Message: The mask has 101 paths, the limit is 100."))
        << page.text;
}

TEST(CustomJobService, CutsPagesByBytesToo)
{
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "megabytes through a libgrpc that is not instrumented: a minute of suppressed reports";
#endif
    House house;
    const std::string filler(1000 * 1000, 'x');
    for (int i = 0; i < 4; i++) {
        std::string container = field(1, "debian:12") + field(2, "true");
        for (int k = 0; k < 10; k++) {
            container += field(3, filler.substr(0, 90000));
        }
        std::string large = field(2, "large") + field(4, field(1, varint_field(2, 1) + field(6, container)));
        house.create(large);
    }
    Page first = list(house, list_request());
    ASSERT_EQ(OK, first.code) << first.text;
    EXPECT_EQ(3u, first.names.size());
    Page second = list(house, list_request("", 0, first.token));
    EXPECT_EQ(1u, second.names.size());
    EXPECT_EQ("", second.token);
}

} // namespace
