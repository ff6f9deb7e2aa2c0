#include <gtest/gtest.h>

#include <csignal>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "job/execution_record.h"
#include "job/job_error.h"
#include "job/job_keys.h"
#include "job/job_name.h"
#include "job/job_state.h"
#include "job/operations.h"
#include "job/request_ids.h"
#include "job/siphash.h"
#include "job/timers.h"
#include "job_wire.h"

namespace {

/* Random sets, moves and clears against a multiset that does the same. */
TEST(Timers, ComeOutInOrderWhateverWasMovedOrCleared)
{
    const unsigned seed = 20240506;
    std::mt19937 random(seed);
    std::vector<struct timer> timers(200);
    struct timers heap = {};
    struct err err = ERR_INIT;
    for (int round = 0; round < 3000; round++) {
        struct timer &timer = timers[random() % timers.size()];
        if (random() % 4 == 0) {
            timers_clear(&heap, &timer);
        } else {
            ASSERT_EQ(0, timers_set(&heap, &timer, (int64_t)(random() % 1000), &err));
        }
        std::multiset<int64_t> expected;
        for (const struct timer &each : timers) {
            if (each.place != 0) {
                expected.insert(each.due_ns);
            }
        }
        ASSERT_EQ(expected.size(), heap.count) << "seed " << seed;
        ASSERT_EQ(expected.empty() ? INT64_MAX : *expected.begin(), timers_next_ns(&heap));
    }
    int64_t last = 0;
    while (struct timer *timer = timers_take_due(&heap, 500)) {
        EXPECT_LE(last, timer->due_ns);
        last = timer->due_ns;
        EXPECT_EQ(0u, timer->place);
    }
    EXPECT_GT(timers_next_ns(&heap), 500);
    timers_deinit(&heap);
}

/* The vectors of the reference text: key 00..0f, messages of n bytes 00, 01, … */
TEST(Siphash, AgreesWithThePublishedVectors)
{
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    const struct {
        size_t size;
        uint64_t digest[2];
    } rows[] = {{0, {UINT64_C(0xe6a825ba047f81a3), UINT64_C(0x930255c71472f66d)}},
                {1, {UINT64_C(0x44af996bd8c187da), UINT64_C(0x45fc229b11597634)}}};
    const unsigned char message[] = {0, 1};
    for (const auto &row : rows) {
        struct siphash hash;
        uint64_t digest[2];
        siphash_begin(&hash, key);
        siphash_add(&hash, message, row.size);
        siphash_end(&hash, digest);
        EXPECT_EQ(row.digest[0], digest[0]) << row.size;
        EXPECT_EQ(row.digest[1], digest[1]) << row.size;
    }
}

TEST(Siphash, DoesNotDependOnHowTheMessageIsCut)
{
    const uint64_t key[2] = {1, 2};
    std::string message = "a message that is longer than two words";
    uint64_t whole[2];
    struct siphash hash;
    siphash_begin(&hash, key);
    siphash_add(&hash, message.data(), message.size());
    siphash_end(&hash, whole);
    for (size_t cut = 0; cut <= message.size(); cut++) {
        uint64_t parts[2];
        siphash_begin(&hash, key);
        siphash_add(&hash, message.data(), cut);
        siphash_add(&hash, message.data() + cut, message.size() - cut);
        siphash_end(&hash, parts);
        EXPECT_EQ(whole[0], parts[0]);
        EXPECT_EQ(whole[1], parts[1]);
    }
}

struct request_id some_request(uint64_t number, int64_t time)
{
    struct request_id entry = {};
    entry.id = number;
    entry.job_id = 1000 + number;
    entry.time_unix_ns = time;
    entry.key = request_id_key(span_of("projects/p/locations/l"), as_span(std::to_string(number)));
    entry.fingerprint = request_id_fingerprint(span_of("request"));
    return entry;
}

TEST(RequestIds, AreFoundForADayAndLeaveOldestFirst)
{
    const int64_t day = INT64_C(24) * 3600 * CLOCK_NS_PER_S;
    struct request_ids *ids = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, request_ids_create(&ids, &err));
    EXPECT_EQ(INT64_MAX, request_ids_next_ns(ids));
    for (uint64_t i = 0; i < 1000; i++) {
        struct request_id entry = some_request(i, (int64_t)i);
        ASSERT_EQ(0, request_ids_add(ids, &entry, &err)) << err.text;
    }
    for (uint64_t i = 0; i < 1000; i++) {
        const struct request_id *found = request_ids_find(ids, some_request(i, 0).key);
        ASSERT_NE(nullptr, found);
        EXPECT_EQ(1000 + i, found->job_id);
    }
    EXPECT_EQ(nullptr, request_ids_find(ids, some_request(1000, 0).key));
    EXPECT_EQ(nullptr, request_ids_expired(ids, day - 1));
    EXPECT_EQ(day, request_ids_next_ns(ids));
    uint64_t expected = 0;
    while (const struct request_id *expired = request_ids_expired(ids, day + 499)) {
        EXPECT_EQ(expected++, expired->id);
        request_ids_drop_oldest(ids);
    }
    EXPECT_EQ(500u, expected);
    EXPECT_EQ(nullptr, request_ids_find(ids, some_request(499, 0).key));
    EXPECT_NE(nullptr, request_ids_find(ids, some_request(500, 0).key));
    request_ids_destroy(ids);
}

TEST(RequestIds, StoredFormGivesBackTheEntry)
{
    upb_Arena *arena = upb_Arena_New();
    struct request_id entry = some_request(7, INT64_C(1714979289123456000));
    struct request_id back;
    struct err err = ERR_INIT;
    struct span bytes;
    ASSERT_EQ(0, request_id_encode(&entry, span_of("projects/p/locations/l"), span_of("7"), span_make(nullptr, 0),
                                   arena, &bytes, &err));
    ASSERT_EQ(0, request_id_decode(7, bytes, &back, &err)) << err.text;
    EXPECT_EQ(0, memcmp(&entry, &back, sizeof back));
    EXPECT_EQ(-1, request_id_decode(7, span_of("\xff\xff"), &back, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
    upb_Arena_Free(arena);
}

TEST(RequestIds, KeysOfDifferentParentsDiffer)
{
    struct request_id_digest left = request_id_key(span_of("projects/a"), span_of("b"));
    struct request_id_digest right = request_id_key(span_of("projects/"), span_of("ab"));
    EXPECT_NE(0, memcmp(&left, &right, sizeof left));
}

TEST(ExecutionRecord, StoredFormGivesBackTheRecord)
{
    struct replica replicas[2] = {};
    struct execution execution = {};
    execution.job_id = 42;
    execution.job_attempt = 2;
    execution.version = API_V1BETA1;
    execution.cancel_requested = true;
    execution.cancel_time_unix_ns = 1000000001;
    execution.timeout_deadline_unix_ns = INT64_MAX;
    execution.wait_deadline_unix_ns = 3;
    execution.queue_time_unix_ns = 4;
    execution.cancel_operation_id = 5;
    execution.deleting = true;
    execution.delete_operation_id = 6;
    execution.end.state = JOB_STATE_FAILED;
    execution.end.error_code = 3;
    execution.end.error_message = strdup("why");
    execution.replicas = replicas;
    execution.replica_count = 2;
    replicas[0].phase = REPLICA_RUNNING;
    replicas[0].pid = 77;
    snprintf(replicas[0].host, sizeof replicas[0].host, "host");
    replicas[0].port = 65535;
    replicas[0].start_time_unix_ns = 8;
    replicas[1].pool_index = 3;
    replicas[1].replica_index = 9;
    replicas[1].restart = 4;
    replicas[1].phase = REPLICA_EXITED;
    replicas[1].exit_code = -1;
    replicas[1].term_signal = 9;
    replicas[1].oom_killed = true;
    replicas[1].end_time_unix_ns = 9;

    upb_Arena *arena = upb_Arena_New();
    struct execution back = {};
    struct err err = ERR_INIT;
    struct span first, second;
    ASSERT_EQ(0, execution_encode(&execution, arena, &first, &err)) << err.text;
    ASSERT_EQ(0, execution_decode(first, &back, &err)) << err.text;
    ASSERT_EQ(0, execution_encode(&back, arena, &second, &err)) << err.text;
    EXPECT_EQ(execution_json(first), execution_json(second));
    EXPECT_EQ(2u, back.replica_count);
    EXPECT_EQ(9u, back.replicas[1].replica_index);
    EXPECT_EQ(-1, back.replicas[1].exit_code);
    EXPECT_EQ(INT64_MAX, back.timeout_deadline_unix_ns);
    EXPECT_STREQ("why", back.end.error_message);
    EXPECT_NE(std::string::npos, execution_json(first).find("PHASE_EXITED"));
    EXPECT_EQ(-1, execution_decode(span_of("\xff"), &back, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
    execution_deinit(&back);
    free(execution.end.error_message);
    upb_Arena_Free(arena);
}

struct operation_case {
    enum operation_kind kind;
    enum api_version version;
    const char *metadata;
};

TEST(Operations, TellTheirKindInTheVersionOfTheCall)
{
    const operation_case cases[] = {
        {OPERATION_DELETE, API_V1, "google.cloud.aiplatform.v1.DeleteOperationMetadata"},
        {OPERATION_DELETE, API_V1BETA1, "google.cloud.aiplatform.v1beta1.DeleteOperationMetadata"},
        {OPERATION_CANCEL, API_V1, "google.cloud.aiplatform.v1.GenericOperationMetadata"},
        {OPERATION_CANCEL, API_V1BETA1, "google.cloud.aiplatform.v1beta1.GenericOperationMetadata"}};
    for (const operation_case &each : cases) {
        struct err err = ERR_INIT;
        upb_Arena *arena = upb_Arena_New();
        struct operation *operation = operation_create(each.kind, 42, span_of("projects/p/locations/l"), each.version,
                                                       INT64_C(1714979289123456000), &err);
        ASSERT_NE(nullptr, operation);
        struct operation_progress progress = {INT64_C(1714979290000000000), true, nullptr};
        struct span bytes;
        ASSERT_EQ(0, operation_encode(operation, &progress, arena, &bytes, &err));
        std::string times = R"("createTime":"2024-05-06T07:08:09.123456Z","updateTime":"2024-05-06T07:08:10Z"})";
        EXPECT_EQ(std::string(R"({"name":"projects/p/locations/l/operations/42","metadata":{"@type":)") +
                      "\"type.googleapis.com/" + each.metadata + "\"," +
                      (each.kind == OPERATION_DELETE ? "\"genericMetadata\":{" + times + "}" : times) +
                      R"(,"done":true,"response":{"@type":"type.googleapis.com/google.protobuf.Empty"}})",
                  operation_json(bytes));
        struct operation *back = operation_decode(bytes, &err);
        ASSERT_NE(nullptr, back) << err.text;
        EXPECT_EQ(42u, back->id);
        EXPECT_EQ(each.kind, back->kind);
        EXPECT_EQ(each.version, back->version);
        EXPECT_EQ(operation->create_time_unix_ns, back->create_time_unix_ns);
        EXPECT_STREQ(operation->name, back->name);
        struct store_keys keys = {};
        ASSERT_EQ(0, job_keys_extract(STORE_TABLE_OPERATION, bytes, &keys, &err)) << err.text;
        EXPECT_EQ("projects/p/locations/l", as_string(keys.parent));
        EXPECT_EQ(1u, keys.state);
        EXPECT_EQ(operation->create_time_unix_ns, keys.create_time_unix_ns);
        operation_destroy(back);
        operation_destroy(operation);
        upb_Arena_Free(arena);
    }
}

std::string message_of(struct job_error error)
{
    std::string message = error.message;
    free(error.message);
    return message;
}

struct execution_event exited(int code, int signal_number, const char *tail)
{
    struct execution_event event = {};
    event.kind = EXECUTION_EVENT_EXITED;
    event.key.pool_index = 1;
    event.exit_code = code;
    event.term_signal = signal_number;
    event.message = "";
    event.stderr_tail = span_of(tail);
    return event;
}

TEST(JobError, SaysWhatRealJobsSay)
{
    struct execution_event event = exited(1, 0, "Traceback\nKeyError: 'x'\n");
    EXPECT_EQ("The replica workerpool1-0 exited with a non-zero status of 1. Termination reason: Error. \n"
              "Traceback\nKeyError: 'x'\n"
              "To find out more about why your job exited please check the logs: customjob logs NAME",
              message_of(job_error_of_replica(&event, "NAME")));
    event = exited(-1, SIGSEGV, "");
    EXPECT_EQ("The replica workerpool1-0 exited with a non-zero status of 139 (signal 11, SIGSEGV). Termination "
              "reason: Error. \nTo find out more about why your job exited please check the logs: customjob logs NAME",
              message_of(job_error_of_replica(&event, "NAME")));
    event = exited(-1, SIGKILL, "");
    event.oom_killed = true;
    EXPECT_EQ(0u, message_of(job_error_of_replica(&event, "NAME"))
                      .find("The replica workerpool1-0 ran out of memory and exited with a non-zero status of 137"));
    event.kind = EXECUTION_EVENT_START_FAILED;
    event.message = "exec: nosuch: not found";
    EXPECT_EQ(0u, message_of(job_error_of_replica(&event, "NAME"))
                      .find("The replica workerpool1-0 exited with a non-zero status of 128. Termination reason: "
                            "StartError. \nTermination log message: exec: nosuch: not found\n"));
    event.kind = EXECUTION_EVENT_LOST;
    event.message = "The host was rebooted.";
    struct job_error lost = job_error_of_replica(&event, "NAME");
    EXPECT_EQ(13, lost.code);
    EXPECT_EQ("The replica workerpool1-0 has ended, exit status unknown. The host was rebooted.", message_of(lost));
}

/* A message that is no UTF-8 would make every later Get of the job fail in its client. */
TEST(JobError, IsUtf8WhateverTheReplicaWrote)
{
    const std::pair<std::string, std::string> rows[] = {
        {"plain", "plain"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff\xfe z", "a?? z"},
        {"\xa9 cut at the front", "? cut at the front"},
        {"cut at the end \xe2\x82", "cut at the end ??"},
        {"\xc0\x80 overlong", "?? overlong"},
        {"\xed\xa0\x80 surrogate", "??? surrogate"},
        {"\xf4\x90\x80\x80 too large", "???? too large"},
        {std::string("nul \0 within", 12), "nul ? within"}};
    for (const auto &row : rows) {
        std::string text = row.first;
        text_make_utf8(&text[0], text.size());
        EXPECT_EQ(row.second, text);
    }
    std::string tail("\xff\0x", 3);
    struct execution_event event = exited(1, 0, "");
    event.stderr_tail = as_span(tail);
    EXPECT_NE(std::string::npos, message_of(job_error_of_replica(&event, "N")).find("\n??x\n"));
}

TEST(JobError, KeepsTheLastLinesOfALongTail)
{
    std::string tail = std::string(LIMIT_ERROR_TAIL_BYTES, 'a') + "THE END";
    struct execution_event event = exited(1, 0, tail.c_str());
    std::string message = message_of(job_error_of_replica(&event, "N"));
    EXPECT_NE(std::string::npos, message.find("aTHE END\n"));
    EXPECT_LT(message.size(), size_t(LIMIT_ERROR_TAIL_BYTES + 300));
}

TEST(JobError, LimitsAreNamedAsDurations)
{
    EXPECT_NE(std::string::npos, message_of(job_error_timeout(INT64_C(1500000000))).find("timeout of 1.5s."));
    EXPECT_NE(std::string::npos, message_of(job_error_timeout(INT64_C(3600000000000))).find("timeout of 3600s."));
    EXPECT_NE(std::string::npos, message_of(job_error_timeout(1)).find("CANCELED"));
    EXPECT_NE(std::string::npos, message_of(job_error_wait(INT64_C(60000000000))).find("max_wait_duration of 60s."));
}

TEST(JobName, IsTakenApart)
{
    struct job_name name;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, job_name_parse(span_of("projects/p/locations/l/customJobs/42"), &name, &err));
    EXPECT_EQ("p", as_string(name.project));
    EXPECT_EQ("l", as_string(name.location));
    EXPECT_EQ("projects/p/locations/l", as_string(name.parent));
    EXPECT_EQ(42u, name.id);
    for (const char *odd :
         {"", "projects/p", "projects//locations/l/customJobs/1", "projects/p/locations/l/customJobs/",
          "projects/p/locations/l/customJobs/x", "projects/p/locations/l/customJobs/01",
          "projects/p/locations/l/customJobs/1/", "projects/p/locations/l/customJobs/1/x/2",
          "projects/p/locations/l/customJobs/18446744073709551616", "projects/p/locations/l/operations/1"}) {
        EXPECT_EQ(-1, job_name_parse(span_of(odd), &name, &err)) << odd;
    }
    EXPECT_EQ(UINT64_MAX, job_name_last_id(span_of("a/18446744073709551615")));
}

} /* namespace */
