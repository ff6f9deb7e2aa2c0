#include "base/limits.h"
#include "customjobd/v1/logs.upb.h"
#include "front.h"
#include "google/protobuf/timestamp.upb.h"

using namespace server_test;

namespace {

using Lines = std::vector<std::string>;

const char tail_method[] = "/customjobd.v1.Logs/Tail";

std::string text(struct span span)
{
    return {span.data ? span.data : "", span.size};
}

class Tailing : public Front {
  protected:
    struct Tail {
        std::string name = front_job_name;
        bool follow = false;
        std::string replica = "";
        int64_t tail_lines = 0;
        bool has_since = false;
        int64_t since_s = 0;
        int32_t since_ns = 0;
    };
    Conversation tail(const Tail &tail)
    {
        auto *request = customjobd_v1_TailRequest_new(arena);
        size_t size;
        customjobd_v1_TailRequest_set_name(request, upb_StringView_FromDataAndSize(tail.name.data(), tail.name.size()));
        customjobd_v1_TailRequest_set_follow(request, tail.follow);
        customjobd_v1_TailRequest_set_replica(request,
                                              upb_StringView_FromDataAndSize(tail.replica.data(), tail.replica.size()));
        customjobd_v1_TailRequest_set_tail_lines(request, tail.tail_lines);
        if (tail.has_since) {
            auto *since = customjobd_v1_TailRequest_mutable_since(request, arena);
            google_protobuf_Timestamp_set_seconds(since, tail.since_s);
            google_protobuf_Timestamp_set_nanos(since, tail.since_ns);
        }
        char *bytes = customjobd_v1_TailRequest_serialize(request, arena, &size);
        return ask(tail_method, span_make(bytes, size));
    }
    /* Adds the next message's lines, "replica|text"; false at the end. */
    bool next_lines(Conversation &call, std::vector<std::string> *lines)
    {
        std::optional<std::string> message = call.hear();
        size_t count;
        if (!message) {
            return false;
        }
        auto *response = customjobd_v1_TailResponse_parse(message->data(), message->size(), arena);
        EXPECT_NE(nullptr, response);
        const auto *const *entries = customjobd_v1_TailResponse_entries(response, &count);
        EXPECT_LT(0u, count) << "a message has at least one entry";
        for (size_t i = 0; i < count; i++) {
            std::string line = text(api_span(customjobd_v1_LogEntry_replica(entries[i]))) + "|" +
                               text(api_span(customjobd_v1_LogEntry_line(entries[i])));
            if (customjobd_v1_LogEntry_partial(entries[i])) {
                line += "…";
            }
            if (customjobd_v1_LogEntry_dropped_bytes(entries[i])) {
                line += " -" + std::to_string(customjobd_v1_LogEntry_dropped_bytes(entries[i]));
            }
            lines->push_back(line);
        }
        return true;
    }
    std::vector<std::string> lines_of(const Tail &wish)
    {
        std::vector<std::string> lines;
        Conversation call = tail(wish);
        while (next_lines(call, &lines)) {
        }
        Ended end = call.finish();
        EXPECT_EQ(0, end.code) << end.text;
        return lines;
    }
    Ended refusal(const Tail &wish)
    {
        std::vector<std::string> lines;
        Conversation call = tail(wish);
        EXPECT_FALSE(next_lines(call, &lines));
        return call.finish();
    }
};

TEST_F(Tailing, SendsWhatIsThereAndEnds)
{
    EXPECT_EQ(Lines{}, lines_of({})) << "a job that has not started has an empty log";
    logs.add({"", 1, "service says"});
    logs.add({"workerpool0-0", 2, "one"});
    logs.add({"workerpool1-1", 3, "a piece", true});
    logs.add({"workerpool1-1", 4, "", false, 77});
    EXPECT_EQ((Lines{"service|service says", "workerpool0-0|one", "workerpool1-1|a piece…", "workerpool1-1| -77"}),
              lines_of({}));
    EXPECT_EQ(Lines{"workerpool0-0|one"}, lines_of({front_job_name, false, "workerpool0-0"}));
    EXPECT_EQ(Lines{"service|service says"}, lines_of({front_job_name, false, "service"}));
    EXPECT_EQ(Lines{}, lines_of({front_job_name, false, "workerpool1-0"}));
}

TEST_F(Tailing, BeginsSoManyLinesBeforeTheEndOfEachReplica)
{
    for (int i = 0; i < 40000; i++) {
        logs.add({i % 2 ? "workerpool0-0" : "workerpool1-0", i, std::to_string(i)});
    }
    logs.add({"workerpool1-1", 1, "alone"});
    logs.add({"workerpool0-0", 1, "open", true});
    EXPECT_EQ((Lines{"workerpool1-0|39996", "workerpool1-0|39998", "workerpool0-0|39999", "workerpool1-1|alone",
                     "workerpool0-0|open…"}),
              lines_of({front_job_name, false, "", 2}))
        << "a line that has begun is one";
    EXPECT_EQ((Lines{"workerpool0-0|39999", "workerpool0-0|open…"}),
              lines_of({front_job_name, false, "workerpool0-0", 2}));
    EXPECT_EQ(40002u, lines_of({front_job_name, false, "", INT64_MAX}).size());
}

TEST_F(Tailing, BeginsAtATime)
{
    for (int i = 0; i < 5; i++) {
        logs.add({"workerpool0-0", i * CLOCK_NS_PER_S, std::to_string(i)});
    }
    logs.add({"workerpool0-0", CLOCK_NS_PER_S, "late"});
    EXPECT_EQ((Lines{"workerpool0-0|3", "workerpool0-0|4", "workerpool0-0|late"}),
              lines_of({front_job_name, false, "", 0, true, 3}))
        << "and goes on, whatever the clock did later";
    EXPECT_EQ((Lines{"workerpool0-0|4", "workerpool0-0|late"}), lines_of({front_job_name, false, "", 0, true, 3, 1}));
    EXPECT_EQ((Lines{"workerpool0-0|4", "workerpool0-0|late"}), lines_of({front_job_name, false, "", 2, true, 3}))
        << "the later beginning counts";
    EXPECT_EQ(Lines{}, lines_of({front_job_name, false, "", 0, true, 253402300799}));
    EXPECT_EQ(6u, lines_of({front_job_name, false, "", 0, true, -62135596800}).size());
}

TEST_F(Tailing, FollowsUntilTheJobIsFinalAndItsLastLineSent)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    Conversation call = tail({front_job_name, true});
    ASSERT_TRUE(next_lines(call, &lines));
    for (int i = 0; i < 5; i++) {
        logs.add({"workerpool0-0", 2 + i, std::to_string(i)});
        ASSERT_TRUE(next_lines(call, &lines));
    }
    put_job(JOB_STATE_CANCELLING);
    logs.add({"workerpool0-0", 9, "last words"});
    ASSERT_TRUE(next_lines(call, &lines));
    logs.add({"", 10, "the end"});
    put_job(JOB_STATE_CANCELLED);
    while (next_lines(call, &lines)) {
    }
    EXPECT_EQ(0, call.finish().code);
    EXPECT_EQ((Lines{"workerpool0-0|first", "workerpool0-0|0", "workerpool0-0|1", "workerpool0-0|2", "workerpool0-0|3",
                     "workerpool0-0|4", "workerpool0-0|last words", "service|the end"}),
              lines);
    EXPECT_EQ(lines, lines_of({front_job_name, true})) << "of a final job, at once";
}

TEST_F(Tailing, EndsNotFoundWhenTheJobIsDeletedMeanwhile)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    Conversation call = tail({front_job_name, true});
    ASSERT_TRUE(next_lines(call, &lines));
    delete_job();
    EXPECT_FALSE(next_lines(call, &lines));
    Ended end = call.finish();
    EXPECT_EQ(5, end.code);
    EXPECT_EQ("The CustomJob \"" + std::string(front_job_name) + "\" was not found.", end.text);
}

TEST_F(Tailing, RefusesByFieldWhatMakesNoSense)
{
    Ended end = refusal({"jobs/7", false, "", -1, true, 253402300800});
    EXPECT_EQ(3, end.code);
    for (const char *field : {"Field: name;", "Field: tail_lines;", "Field: since;"}) {
        EXPECT_NE(std::string::npos, end.text.find(field)) << end.text;
    }
    EXPECT_TRUE(end.has_details);
    EXPECT_EQ(3, refusal({front_job_name, false, "", 0, true, 1, 1000000000}).code);
    for (const char *replica : {"workerpool2-0", "workerpool1-2", "workerpool0-1", "workerpool00-0", "workerpool0",
                                "worker", "workerpool0-0x", "workerpool0-99999999999999999999999999"}) {
        end = refusal({front_job_name, false, replica});
        EXPECT_EQ(3, end.code) << replica;
        EXPECT_NE(std::string::npos, end.text.find("Field: replica;")) << end.text;
    }
    EXPECT_EQ(5, refusal({"projects/p/locations/l/customJobs/7"}).code);
    EXPECT_EQ(5, refusal({"projects/other/locations/l/customJobs/1234567890123456789"}).code);
}

TEST_F(Tailing, TellsWhenTheDiskFails)
{
    logs.fails = true;
    Ended end = refusal({});
    EXPECT_NE(0, end.code);
    EXPECT_NE(5, end.code);
}

TEST_F(Tailing, EndsOnceWhereThereIsNoLogYet)
{
    logs.is_missing = true;
    EXPECT_EQ(Lines(), lines_of({}));
    EXPECT_EQ(Lines(), lines_of({front_job_name, false, "", 3}));
    logs.is_missing = false;
    logs.add({"workerpool0-0", 1, "first"});
    EXPECT_EQ(1u, lines_of({}).size());
}

TEST_F(Tailing, ASlowReaderSlowsItsOwnCallAlone)
{
    const std::string longest(16000, 'x');
    for (int i = 0; i < 2000; i++) { /* 32 MB: far above what is kept for one client */
        logs.add({"workerpool0-0", i, std::to_string(i) + longest});
    }
    Conversation slow = tail({});
    EXPECT_EQ(2000u, lines_of({}).size()) << "while the other does not read at all";
    Lines lines;
    while (next_lines(slow, &lines)) {
    }
    EXPECT_EQ(0, slow.finish().code);
    ASSERT_EQ(2000u, lines.size());
    for (size_t i = 0; i < lines.size(); i++) {
        ASSERT_EQ("workerpool0-0|" + std::to_string(i) + longest, lines[i]);
    }
}

TEST_F(Tailing, AClientThatGoesEndsItsStreamAndMakesRoom)
{
    std::vector<Conversation> calls;
    logs.add({"workerpool0-0", 1, "first"});
    for (int i = 0; i < LIMIT_LOG_STREAMS; i++) {
        Lines lines;
        calls.push_back(tail({front_job_name, true}));
        ASSERT_TRUE(next_lines(calls.back(), &lines));
    }
    EXPECT_EQ(8, refusal({}).code) << "RESOURCE_EXHAUSTED above the limit";
    for (Conversation &call : calls) {
        call.cancel();
        EXPECT_EQ(1, call.finish().code);
    }
    int code = 8;
    for (int64_t deadline = clock_mono_ns(clock_system()) + conversation_timeout_ms * CLOCK_NS_PER_MS;
         code == 8 && clock_mono_ns(clock_system()) < deadline;) {
        Lines lines;
        Conversation call = tail({});
        next_lines(call, &lines);
        code = call.finish().code;
    }
    EXPECT_EQ(0, code);
}

TEST_F(Tailing, AServerThatStopsSendsFollowersAway)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    Conversation call = tail({front_job_name, true});
    ASSERT_TRUE(next_lines(call, &lines));
    stop();
    EXPECT_FALSE(next_lines(call, &lines));
    EXPECT_EQ(14, call.finish().code);
}

} /* namespace */
