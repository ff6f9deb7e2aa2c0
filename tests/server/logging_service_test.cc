/* The Logging API over the wire: what gcloud's stream-logs and the logging clients ask. */
#include <algorithm>

#include "front.h"
#include "google/api/monitored_resource.upb.h"
#include "google/logging/v2/log_entry.upb.h"
#include "google/logging/v2/logging.upb.h"
#include "google/protobuf/struct.upb.h"
#include "google/protobuf/timestamp.upb.h"

using namespace server_test;

namespace {

#define ENTRY(name) google_logging_v2_LogEntry_##name
#define REQUEST(name) google_logging_v2_ListLogEntriesRequest_##name
#define RESPONSE(name) google_logging_v2_ListLogEntriesResponse_##name

const char list_method[] = "/google.logging.v2.LoggingServiceV2/ListLogEntries";
const std::string of_job = "resource.type=\"ml_job\" AND resource.labels.job_id=\"1234567890123456789\"";

std::string text(upb_StringView view)
{
    return {view.data ? view.data : "", view.size};
}

upb_StringView view(const std::string &text)
{
    return upb_StringView_FromDataAndSize(text.data(), text.size());
}

struct Entry {
    std::string task_name;
    std::string text; /* of either payload */
    int severity;
    std::string insert_id;
    int64_t time_unix_ns;
    std::string log_name;
    bool is_json;
};

class Logging : public Front {
  protected:
    struct Ask {
        std::string filter = of_job;
        std::string order_by = "";
        int32_t page_size = 0;
        std::string page_token = "";
        std::string project = "projects/p";
    };
    struct Page {
        std::vector<Entry> entries;
        std::string next_page_token;
        Ended ended;
    };
    Page list(const Ask &ask)
    {
        auto *request = REQUEST(new)(arena);
        size_t size;
        REQUEST(add_resource_names)(request, view(ask.project), arena);
        REQUEST(set_filter)(request, view(ask.filter));
        REQUEST(set_order_by)(request, view(ask.order_by));
        REQUEST(set_page_size)(request, ask.page_size);
        REQUEST(set_page_token)(request, view(ask.page_token));
        char *bytes = REQUEST(serialize)(request, arena, &size);
        Conversation call = this->ask(list_method, span_make(bytes, size));
        Page page;
        if (std::optional<std::string> message = call.hear()) {
            char *kept = static_cast<char *>(upb_Arena_Malloc(arena, message->size() + 1));
            memcpy(kept, message->data(), message->size());
            read(RESPONSE(parse)(kept, message->size(), arena), &page);
        }
        page.ended = call.finish();
        return page;
    }
    static void read(const google_logging_v2_ListLogEntriesResponse *response, Page *page)
    {
        size_t count;
        ASSERT_NE(nullptr, response);
        const auto *const *entries = RESPONSE(entries)(response, &count);
        page->next_page_token = text(RESPONSE(next_page_token)(response));
        for (size_t i = 0; i < count; i++) {
            page->entries.push_back(read_entry(entries[i]));
        }
    }
    static Entry read_entry(const google_logging_v2_LogEntry *entry)
    {
        upb_StringView task = {};
        const auto *resource = ENTRY(resource)(entry);
        EXPECT_EQ("ml_job", text(google_api_MonitoredResource_type(resource)));
        EXPECT_TRUE(google_api_MonitoredResource_labels_get(resource, upb_StringView_FromString("task_name"), &task));
        const auto *time = ENTRY(timestamp)(entry);
        bool is_json = ENTRY(has_json_payload)(entry);
        std::string line = text(ENTRY(text_payload)(entry));
        google_protobuf_Value *message = nullptr;
        if (is_json && google_protobuf_Struct_fields_get(ENTRY(json_payload)(entry),
                                                         upb_StringView_FromString("message"), &message)) {
            line = text(google_protobuf_Value_string_value(message));
        }
        return {text(task),
                line,
                ENTRY(severity)(entry),
                text(ENTRY(insert_id)(entry)),
                google_protobuf_Timestamp_seconds(time) * 1000000000 + google_protobuf_Timestamp_nanos(time),
                text(ENTRY(log_name)(entry)),
                is_json};
    }
    static std::vector<std::string> texts(const Page &page)
    {
        std::vector<std::string> lines;
        for (const Entry &entry : page.entries) {
            lines.push_back(entry.text);
        }
        return lines;
    }
    void expect_refused(const Ask &ask, const std::string &part)
    {
        Page page = list(ask);
        EXPECT_EQ(3, page.ended.code) << page.ended.text;
        EXPECT_NE(std::string::npos, page.ended.text.find(part)) << page.ended.text;
    }
};

using Lines = std::vector<std::string>;

TEST_F(Logging, TellsOfEachLineWhoSaidItWhenAndHowGraveItIs)
{
    logs.add({"", 1000, "Job is running."});
    logs.add({"workerpool0-0", 2000, "hello"});
    logs.add({.replica = "workerpool1-2", .time_unix_ns = 3000000000, .text = "oh\xff no", .is_error = true});
    Page page = list({});
    ASSERT_EQ(0, page.ended.code) << page.ended.text;
    ASSERT_EQ(3u, page.entries.size());
    EXPECT_EQ("", page.next_page_token);
    EXPECT_EQ("service", page.entries[0].task_name);
    EXPECT_EQ(200, page.entries[0].severity);
    EXPECT_EQ("workerpool0-0", page.entries[1].task_name);
    EXPECT_EQ("projects/p/logs/workerpool0-0", page.entries[1].log_name);
    EXPECT_EQ(200, page.entries[1].severity);
    EXPECT_EQ(2000, page.entries[1].time_unix_ns);
    EXPECT_EQ(500, page.entries[2].severity);
    EXPECT_EQ("oh? no", page.entries[2].text);
}

TEST_F(Logging, LiftsTheSeverityOfALineThatIsAJsonObject)
{
    logs.add(
        {"workerpool0-0", 1, R"({"severity":"WARNING","message":"loss is \u221e","step":[1,2.5,null,{"a":true}]})"});
    logs.add({"workerpool0-0", 2, R"({"severity":"no such","message":"kept"})"});
    logs.add({"workerpool0-0", 3, R"({"message":"cut of)"});
    logs.add({"workerpool0-0", 4, R"([1,2])"});
    Page page = list({});
    ASSERT_EQ(4u, page.entries.size()) << page.ended.text;
    EXPECT_TRUE(page.entries[0].is_json);
    EXPECT_EQ("loss is \u221e", page.entries[0].text);
    EXPECT_EQ(400, page.entries[0].severity);
    EXPECT_TRUE(page.entries[1].is_json);
    EXPECT_EQ(200, page.entries[1].severity);
    EXPECT_FALSE(page.entries[2].is_json);
    EXPECT_FALSE(page.entries[3].is_json) << "no object";
}

TEST_F(Logging, GivesEveryLineOnceToWhoAsksAsGcloudDoes)
{
    for (int i = 0; i < 25; i++) {
        logs.add({"workerpool0-0", 7000 + i / 10, std::to_string(i)}); /* ten at a time have one timestamp */
    }
    Lines seen;
    std::string last =
        of_job + " AND timestamp>=\"1970-01-01T00:00:00.000000000Z\" AND timestamp<\"2030-01-01T00:00:00Z\"";
    for (;;) {
        Page page = list({.filter = last, .order_by = "timestamp asc", .page_size = 7});
        ASSERT_EQ(0, page.ended.code) << page.ended.text;
        if (page.entries.empty()) {
            break;
        }
        for (const Entry &entry : page.entries) {
            seen.push_back(entry.text);
        }
        char time[64];
        snprintf(time, sizeof time, "1970-01-01T00:00:00.%09dZ", static_cast<int>(page.entries.back().time_unix_ns));
        last = of_job + " AND ((timestamp=\"" + time + "\" AND insertId>\"" + page.entries.back().insert_id +
               "\") OR timestamp>\"" + time + "\") AND timestamp<\"2030-01-01T00:00:00Z\"";
    }
    ASSERT_EQ(25u, seen.size());
    for (int i = 0; i < 25; i++) {
        EXPECT_EQ(std::to_string(i), seen[static_cast<size_t>(i)]);
    }
}

TEST_F(Logging, PagesForwardsAndBackwards)
{
    Lines all;
    for (int i = 0; i < 10; i++) {
        logs.add({"workerpool0-0", 100, std::to_string(i)});
        all.push_back(std::to_string(i));
    }
    for (const char *order : {"timestamp asc", "timestamp desc"}) {
        Lines seen;
        Ask ask = {.order_by = order, .page_size = 4};
        int pages = 0;
        do {
            Page page = list(ask);
            ASSERT_EQ(0, page.ended.code) << page.ended.text;
            Lines lines = texts(page);
            seen.insert(seen.end(), lines.begin(), lines.end());
            ask.page_token = page.next_page_token;
        } while (++pages < 10 && !ask.page_token.empty());
        EXPECT_EQ(3, pages);
        if (order == std::string("timestamp desc")) {
            std::reverse(seen.begin(), seen.end());
        }
        EXPECT_EQ(all, seen) << order;
    }
    Page first = list({.page_size = 4});
    EXPECT_EQ(10u, list({.page_size = 0}).entries.size());
    expect_refused({.order_by = "timestamp desc", .page_token = first.next_page_token}, "another request");
    first.next_page_token.back() = first.next_page_token.back() == '0' ? '1' : '0';
    expect_refused({.page_token = first.next_page_token}, "page_token");
    expect_refused({.page_token = "x"}, "page_token");
}

TEST_F(Logging, FiltersByEveryFieldItServes)
{
    logs.add({"", 1000000000, "Job is running."});
    logs.add({"workerpool0-0", 2000000000, "one Loss=3"});
    logs.add({.replica = "workerpool1-0", .time_unix_ns = 3000000000, .text = "two", .is_error = true});
    logs.add({"workerpool1-0", 4000000000, R"({"severity":"CRITICAL","message":"three"})"});
    const struct {
        const char *filter;
        Lines lines;
    } cases[] = {{"resource.labels.task_name=\"workerpool1-0\"", {"two", "three"}},
                 {"resource.labels.task_name!=service", {"one Loss=3", "two", "three"}},
                 {"NOT resource.labels.task_name:workerpool", {"Job is running."}},
                 {"severity>=ERROR", {"two", "three"}},
                 {"severity=\"critical\"", {"three"}},
                 {"severity<500", {"Job is running.", "one Loss=3"}},
                 {"timestamp>\"1970-01-01T00:00:02Z\"", {"two", "three"}},
                 {"timestamp=\"1970-01-01T00:00:02Z\" OR timestamp>=\"1970-01-01T00:00:04Z\"", {"one Loss=3", "three"}},
                 {"textPayload:\"loss=\"", {"one Loss=3"}},
                 {"jsonPayload.message=three", {"three"}},
                 {"jsonPayload.message:*", {"three"}},
                 {"logName=\"projects/p/logs/service\"", {"Job is running."}},
                 {"resource.labels.project_id=q", {}},
                 {"resource.type=gce_instance", {}}};
    for (const auto &one : cases) {
        Page page = list({.filter = of_job + " AND (" + one.filter + ")"});
        EXPECT_EQ(0, page.ended.code) << page.ended.text;
        EXPECT_EQ(one.lines, texts(page)) << one.filter;
    }
}

TEST_F(Logging, RefusesWhatItCannotAnswerByName)
{
    expect_refused({.filter = ""}, "resource.labels.job_id");
    expect_refused({.filter = "severity>=ERROR"}, "resource.labels.job_id");
    expect_refused({.filter = "resource.labels.job_id=\"1\" OR severity=ERROR"}, "has to name one job");
    expect_refused({.filter = of_job + " AND httpRequest.status=500"}, "\"httpRequest.status\" cannot be filtered on");
    expect_refused({.filter = of_job + " AND severity=LOUD"}, "a severity such as ERROR");
    expect_refused({.filter = of_job + " AND timestamp>yesterday"}, "RFC 3339");
    expect_refused({.order_by = "severity"}, "timestamp asc");
    expect_refused({.page_size = -1}, "page_size");
    expect_refused({.project = "organizations/1"}, "resource_names");
}

TEST_F(Logging, KnowsNothingOfAJobThatIsNotThereOrOfAnotherProject)
{
    logs.add({"workerpool0-0", 1, "secret"});
    for (const Ask &ask : {Ask{.filter = "resource.labels.job_id=\"42\""}, Ask{.filter = "resource.labels.job_id=x"},
                           Ask{.project = "projects/q"}}) {
        Page page = list(ask);
        EXPECT_EQ(0, page.ended.code) << page.ended.text;
        EXPECT_TRUE(page.entries.empty());
    }
    logs.is_missing = true;
    EXPECT_EQ(0, list({}).ended.code);
    logs.is_missing = false;
    logs.fails = true;
    EXPECT_NE(std::string::npos, list({}).ended.text.find("on fire"));
}

TEST_F(Logging, CutsPagesByBytesToo)
{
    for (int i = 0; i < 300; i++) {
        logs.add({"workerpool0-0", i, std::string(16000, 'x')});
    }
    Page page = list({.page_size = 1000});
    ASSERT_EQ(0, page.ended.code) << page.ended.text;
    EXPECT_LT(page.entries.size(), 200u);
    EXPECT_GT(page.entries.size(), 100u);
    EXPECT_NE("", page.next_page_token);
}

} // namespace
