/* Health, reflection and logs over gRPC, with a real store and an executor that has logs and nothing else. */
#include <grpc/grpc_security.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/limits.h"
#include "customjobd/v1/logs.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "grpc/health/v1/health.upb.h"
#include "grpc/reflection/v1/reflection.upb.h"
#include "job/api.h"
#include "job/job_image.h"
#include "job/job_keys.h"
#include "job/job_state.h"
#include "server/handlers.h"
#include "server/health_service.h"
#include "server/log_tailer.h"
#include "server/reflection_index.h"
#include "server/rpc_server.h"
#include "tests/lib/grpc_client.h"
#include "tests/lib/temp_dir.h"

namespace {

constexpr int64_t timeout_ms = 30000;
constexpr uint64_t job_id = 1234567890123456789;
const char job_name[] = "projects/p/locations/l/customJobs/1234567890123456789";
const char tail_method[] = "/customjobd.v1.Logs/Tail";
const char check_method[] = "/grpc.health.v1.Health/Check";
const char watch_method[] = "/grpc.health.v1.Health/Watch";
const char reflection_method[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

std::string text(struct span span)
{
    return {span.data ? span.data : "", span.size};
}

/* ---- an executor that has logs ---- */

struct Line {
    std::string replica;
    int64_t time_unix_ns;
    std::string text;
    bool partial = false;
    uint64_t dropped_bytes = 0;
};

class Logs {
  public:
    Logs()
    {
        ops.name = "logs";
        ops.log_open = open;
        ops.log_read = read;
        ops.log_close = close;
        self = {{&ops}, this};
    }
    struct executor *executor() { return &self.base; }
    void add(Line line)
    {
        std::lock_guard<std::mutex> hold(lock);
        lines.push_back(std::move(line));
    }
    std::atomic<int> cursors{0};
    std::atomic<bool> fails{false};
    std::atomic<bool> is_missing{false};

  private:
    struct Self {
        struct executor base; /* first */
        Logs *logs;
    };
    struct Cursor {
        Logs *logs;
        std::string replica;
        size_t at = 0;
    };

    static int open(struct executor *executor, uint64_t id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err)
    {
        EXPECT_EQ(job_id, id);
        Logs *logs = reinterpret_cast<Self *>(executor)->logs;
        if (logs->is_missing) {
            return err_set(err, ERR_NOT_FOUND, "there is no log yet");
        }
        logs->cursors++;
        *ret_cursor = reinterpret_cast<struct log_cursor *>(new Cursor{logs, replica});
        return 0;
    }
    static int read(struct log_cursor *opaque, log_line_fn fn, void *context, struct err *err)
    {
        Cursor *cursor = reinterpret_cast<Cursor *>(opaque);
        if (cursor->logs->fails) {
            return err_set(err, ERR_IO, "the disk is on fire");
        }
        for (;;) {
            std::unique_lock<std::mutex> hold(cursor->logs->lock);
            if (cursor->at == cursor->logs->lines.size()) {
                return 0;
            }
            Line line = cursor->logs->lines[cursor->at++];
            hold.unlock();
            if (!cursor->replica.empty() && cursor->replica != line.replica) {
                continue;
            }
            struct log_line out = {};
            out.stream = line.replica.empty() ? LOG_STREAM_SERVICE : LOG_STREAM_STDOUT;
            snprintf(out.replica, sizeof out.replica, "%s", line.replica.c_str());
            out.time_unix_ns = line.time_unix_ns;
            out.text = span_make(line.text.data(), line.text.size());
            out.partial = line.partial;
            out.dropped_bytes = line.dropped_bytes;
            if (!fn(context, &out)) {
                return 0;
            }
        }
    }
    static void close(struct log_cursor *opaque)
    {
        Cursor *cursor = reinterpret_cast<Cursor *>(opaque);
        cursor->logs->cursors--;
        delete cursor;
    }

    std::mutex lock;
    std::vector<Line> lines;
    struct executor_ops ops = {};
    Self self;
};

/* ---- the server ---- */

const struct rpc_method methods[] = {
    {check_method, RPC_UNARY, API_V1, handle_health_check},
    {watch_method, RPC_SERVER_STREAM, API_V1, handle_health_watch},
    {"/grpc.health.v1.Health/List", RPC_UNARY, API_V1, handle_health_list},
    {reflection_method, RPC_BIDI, API_V1, handle_reflection},
    {tail_method, RPC_SERVER_STREAM, API_V1, handle_tail_logs},
};

void refuse(struct span path, char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "no method %.*s", SPAN_FORMAT(path));
}

class Front : public ::testing::Test {
  protected:
    Front()
    {
        struct err err = ERR_INIT;
        struct store_recovery recovery;
        struct store_options options = {};
        std::string dir = temp.path() + "/data";
        options.dir = dir.c_str();
        options.fs = fs_system();
        options.clock = clock_system();
        options.extract = job_keys_extract;
        EXPECT_EQ(0, store_open(&options, &store, &recovery, &err)) << err.text;
        store_bind_owner(store);
        put_job(JOB_STATE_RUNNING);
        struct log_tailer_options tailer = {store, logs.executor(), clock_system()};
        EXPECT_EQ(0, health_create(&health, &err));
        EXPECT_EQ(0, reflection_index_create(&reflection, &err));
        EXPECT_EQ(0, log_tailer_create(&tailer, &log_tailer, &err));
        services.store = store;
        services.executor = logs.executor();
        services.clock = clock_system();
        services.health = health;
        services.reflection = reflection;
        services.log_tailer = log_tailer;
        struct rpc_server_options server_options = {};
        server_options.services = &services;
        server_options.methods = methods;
        server_options.method_count = sizeof methods / sizeof methods[0];
        server_options.unserved = refuse;
        server_options.call_threads = 2;
        EXPECT_EQ(0, rpc_server_create(&server_options, &server, &err)) << err.text;
        struct grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
        int port = 0;
        EXPECT_EQ(0, rpc_server_listen(server, "127.0.0.1:0", credentials, &port, &err)) << err.text;
        grpc_server_credentials_release(credentials);
        EXPECT_EQ(0, rpc_server_start(server, &err)) << err.text;
        client = grpc_client_create(("127.0.0.1:" + std::to_string(port)).c_str());
        arena = upb_Arena_New();
    }
    ~Front() override
    {
        upb_Arena_Free(arena);
        grpc_client_destroy(client);
        stop();
        rpc_server_destroy(server);
        log_tailer_destroy(log_tailer);
        EXPECT_EQ(0, logs.cursors) << "every log is closed again";
        health_destroy(health);
        reflection_index_destroy(reflection);
        store_close(store);
    }

    /* As main does it. */
    void stop()
    {
        health_stop(health);
        log_tailer_stop(log_tailer);
        rpc_server_stop(server, timeout_ms);
    }

    void put_job(enum job_state state)
    {
        struct err err = ERR_INIT;
        struct job_outputs outputs = {};
        struct blob *image = nullptr;
        upb_Arena *spec_arena = upb_Arena_New();
        auto *job = API(CustomJob_new)(spec_arena);
        auto *spec = API(CustomJob_mutable_job_spec)(job, spec_arena);
        size_t size;
        for (int64_t replicas : {1, 2}) {
            auto *pool = API(CustomJobSpec_add_worker_pool_specs)(spec, spec_arena);
            API(WorkerPoolSpec_set_replica_count)(pool, replicas);
            API(WorkerPoolSpec_mutable_container_spec)(pool, spec_arena);
        }
        char *bytes = API(CustomJob_serialize)(job, spec_arena, &size);
        outputs.name = span_of(job_name);
        outputs.state = state;
        outputs.create_time_unix_ns = 1;
        ASSERT_EQ(0, job_image_build(&outputs, span_make(bytes, size), &image, &err)) << err.text;
        ASSERT_EQ(0, store_put(store, STORE_TABLE_JOB, job_id, blob_span(image), &err)) << err.text;
        ASSERT_EQ(0, store_commit(store, &err)) << err.text;
        blob_unref(image);
        upb_Arena_Free(spec_arena);
    }
    void delete_job()
    {
        struct err err = ERR_INIT;
        ASSERT_EQ(0, store_delete(store, STORE_TABLE_JOB, job_id, &err)) << err.text;
        ASSERT_EQ(0, store_commit(store, &err)) << err.text;
    }

    /* ---- calls ---- */

    struct Ended {
        int code;
        std::string text;
        bool has_details;
    };
    Ended ended(struct grpc_reply *reply)
    {
        Ended end = {reply->code, reply->text ? reply->text : "", reply->details.size > 0};
        grpc_reply_deinit(reply);
        return end;
    }
    Ended finish(struct grpc_stream *stream)
    {
        struct grpc_reply reply;
        grpc_stream_finish(stream, &reply);
        return ended(&reply);
    }
    struct grpc_stream *open(const char *method, struct span request)
    {
        struct grpc_stream *stream = grpc_stream_open(client, method, timeout_ms);
        grpc_stream_write(stream, request);
        grpc_stream_close_writes(stream);
        return stream;
    }

    struct span health_request(const std::string &service)
    {
        auto *request = grpc_health_v1_HealthCheckRequest_new(arena);
        size_t size;
        grpc_health_v1_HealthCheckRequest_set_service(request,
                                                      upb_StringView_FromDataAndSize(service.data(), service.size()));
        char *bytes = grpc_health_v1_HealthCheckRequest_serialize(request, arena, &size);
        return span_make(bytes, size);
    }
    int health_of(struct span message)
    {
        auto *response = grpc_health_v1_HealthCheckResponse_parse(message.data, message.size, arena);
        return response ? grpc_health_v1_HealthCheckResponse_status(response) : -1;
    }
    int next_health(struct grpc_stream *stream)
    {
        struct span message;
        if (!grpc_stream_read(stream, &message)) {
            return -2;
        }
        int status = health_of(message);
        free(const_cast<char *>(message.data));
        return status;
    }
    int check(const std::string &service, int *ret_code)
    {
        struct grpc_reply reply;
        grpc_client_call(client, check_method, health_request(service), nullptr, 0, timeout_ms, &reply);
        int status = reply.code == 0 ? health_of(reply.message) : -1;
        *ret_code = reply.code;
        grpc_reply_deinit(&reply);
        return status;
    }

    struct Tail {
        std::string name = job_name;
        bool follow = false;
        std::string replica = "";
        int64_t tail_lines = 0;
        bool has_since = false;
        int64_t since_s = 0;
        int32_t since_ns = 0;
    };
    struct grpc_stream *tail(const Tail &tail)
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
        return open(tail_method, span_make(bytes, size));
    }
    /* Adds the next message's lines, "replica|text"; false at the end. */
    bool next_lines(struct grpc_stream *stream, std::vector<std::string> *lines)
    {
        struct span message;
        size_t count;
        if (!grpc_stream_read(stream, &message)) {
            return false;
        }
        auto *response = customjobd_v1_TailResponse_parse(message.data, message.size, arena);
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
        free(const_cast<char *>(message.data));
        return true;
    }
    std::vector<std::string> lines_of(const Tail &wish)
    {
        std::vector<std::string> lines;
        struct grpc_stream *stream = tail(wish);
        while (next_lines(stream, &lines)) {
        }
        Ended end = finish(stream);
        EXPECT_EQ(0, end.code) << end.text;
        return lines;
    }
    Ended refusal(const Tail &wish)
    {
        std::vector<std::string> lines;
        struct grpc_stream *stream = tail(wish);
        EXPECT_FALSE(next_lines(stream, &lines));
        return finish(stream);
    }

    TempDir temp;
    Logs logs;
    struct store *store = nullptr;
    struct health *health = nullptr;
    struct reflection_index *reflection = nullptr;
    struct log_tailer *log_tailer = nullptr;
    struct rpc_server *server = nullptr;
    struct services services = {};
    struct grpc_client *client = nullptr;
    upb_Arena *arena = nullptr;
};

using Lines = std::vector<std::string>;

/* ---- health ---- */

using Health = Front;

TEST_F(Health, IsThatOfTheServerAndOfEachService)
{
    int code;
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check("", &code));
    health_set(health, true);
    for (const char *service : {"", "google.cloud.aiplatform.v1.JobService", "grpc.health.v1.Health"}) {
        EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check(service, &code)) << service;
    }
    check("no.Such", &code);
    EXPECT_EQ(5, code) << "NOT_FOUND";
    check("\xff", &code);
    EXPECT_EQ(3, code) << "no UTF-8";
}

TEST_F(Health, ListHasEveryService)
{
    struct grpc_reply reply;
    size_t at = kUpb_Map_Begin, count = 0;
    health_set(health, true);
    grpc_client_call(client, "/grpc.health.v1.Health/List", span_make(nullptr, 0), nullptr, 0, timeout_ms, &reply);
    ASSERT_EQ(0, reply.code) << reply.text;
    auto *list = grpc_health_v1_HealthListResponse_parse(reply.message.data, reply.message.size, arena);
    ASSERT_NE(nullptr, list);
    while (const auto *entry = grpc_health_v1_HealthListResponse_statuses_next(list, &at)) {
        EXPECT_EQ(
            grpc_health_v1_HealthCheckResponse_SERVING,
            grpc_health_v1_HealthCheckResponse_status(grpc_health_v1_HealthListResponse_StatusesEntry_value(entry)));
        count++;
    }
    EXPECT_LT(6u, count);
    grpc_reply_deinit(&reply);
}

TEST_F(Health, AWatcherIsToldOfEachChangeAndOfTheEnd)
{
    struct grpc_stream *known = open(watch_method, health_request(""));
    struct grpc_stream *unknown = open(watch_method, health_request("no.Such"));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(known));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVICE_UNKNOWN, next_health(unknown));
    health_set(health, true);
    health_set(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(known));
    stop();
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(known)) << "no change, no message between";
    EXPECT_EQ(-2, next_health(known));
    EXPECT_EQ(14, finish(known).code) << "UNAVAILABLE: watch elsewhere";
    EXPECT_EQ(-2, next_health(unknown));
    EXPECT_EQ(14, finish(unknown).code);
}

/* A disk that is nearly full ends no service: what is there can be read and deleted. */
TEST_F(Health, TellsApartWhetherNewJobsAreTaken)
{
    int code;
    health_set_taking_jobs(health, false);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check(HEALTH_NEW_JOBS, &code));
    health_set_taking_jobs(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check(HEALTH_NEW_JOBS, &code)) << "nor is the server";
    health_set(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check(HEALTH_NEW_JOBS, &code));
    struct grpc_stream *jobs = open(watch_method, health_request(HEALTH_NEW_JOBS));
    struct grpc_stream *server = open(watch_method, health_request(""));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(server));
    health_set_taking_jobs(health, false);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check("google.cloud.aiplatform.v1.JobService", &code));
    health_set_taking_jobs(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(jobs));
    stop();
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(server)) << "no message between";
    EXPECT_EQ(-2, next_health(jobs));
    EXPECT_EQ(-2, next_health(server));
    finish(jobs);
    finish(server);
}

TEST_F(Health, AWatcherThatGoesMakesRoom)
{
    for (int i = 0; i < 50; i++) {
        struct grpc_stream *stream = open(watch_method, health_request(""));
        EXPECT_LE(0, next_health(stream));
        grpc_stream_cancel(stream);
        EXPECT_EQ(1, finish(stream).code);
        health_set(health, i % 2 == 0);
    }
}

/* ---- reflection ---- */

TEST_F(Front, ReflectionAnswersEachMessageOfOneCall)
{
    struct grpc_stream *stream = grpc_stream_open(client, reflection_method, timeout_ms);
    for (const char *symbol : {"google.cloud.aiplatform.v1.JobService", "no.Such", "customjobd.v1.Logs.Tail"}) {
        auto *request = grpc_reflection_v1_ServerReflectionRequest_new(arena);
        struct span message;
        size_t size;
        grpc_reflection_v1_ServerReflectionRequest_set_file_containing_symbol(request,
                                                                              upb_StringView_FromString(symbol));
        char *bytes = grpc_reflection_v1_ServerReflectionRequest_serialize(request, arena, &size);
        grpc_stream_write(stream, span_make(bytes, size));
        ASSERT_TRUE(grpc_stream_read(stream, &message));
        auto *response = grpc_reflection_v1_ServerReflectionResponse_parse(message.data, message.size, arena);
        EXPECT_EQ(std::string(symbol) == "no.Such",
                  grpc_reflection_v1_ServerReflectionResponse_has_error_response(response))
            << symbol;
        free(const_cast<char *>(message.data));
    }
    grpc_stream_close_writes(stream);
    EXPECT_EQ(0, finish(stream).code);
}

TEST_F(Front, ReflectionEndsACallOnWhatIsNoRequest)
{
    struct grpc_stream *stream = grpc_stream_open(client, reflection_method, timeout_ms);
    struct span message;
    grpc_stream_write(stream, span_of("\x22\x7f"));
    EXPECT_FALSE(grpc_stream_read(stream, &message));
    EXPECT_EQ(3, finish(stream).code);
}

/* ---- logs ---- */

using Tailing = Front;

TEST_F(Tailing, SendsWhatIsThereAndEnds)
{
    EXPECT_EQ(Lines{}, lines_of({})) << "a job that has not started has an empty log";
    logs.add({"", 1, "service says"});
    logs.add({"workerpool0-0", 2, "one"});
    logs.add({"workerpool1-1", 3, "a piece", true});
    logs.add({"workerpool1-1", 4, "", false, 77});
    EXPECT_EQ((Lines{"service|service says", "workerpool0-0|one", "workerpool1-1|a piece…", "workerpool1-1| -77"}),
              lines_of({}));
    EXPECT_EQ(Lines{"workerpool0-0|one"}, lines_of({job_name, false, "workerpool0-0"}));
    EXPECT_EQ(Lines{"service|service says"}, lines_of({job_name, false, "service"}));
    EXPECT_EQ(Lines{}, lines_of({job_name, false, "workerpool1-0"}));
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
              lines_of({job_name, false, "", 2}))
        << "a line that has begun is one";
    EXPECT_EQ((Lines{"workerpool0-0|39999", "workerpool0-0|open…"}), lines_of({job_name, false, "workerpool0-0", 2}));
    EXPECT_EQ(40002u, lines_of({job_name, false, "", INT64_MAX}).size());
}

TEST_F(Tailing, BeginsAtATime)
{
    for (int i = 0; i < 5; i++) {
        logs.add({"workerpool0-0", i * CLOCK_NS_PER_S, std::to_string(i)});
    }
    logs.add({"workerpool0-0", CLOCK_NS_PER_S, "late"});
    EXPECT_EQ((Lines{"workerpool0-0|3", "workerpool0-0|4", "workerpool0-0|late"}),
              lines_of({job_name, false, "", 0, true, 3}))
        << "and goes on, whatever the clock did later";
    EXPECT_EQ((Lines{"workerpool0-0|4", "workerpool0-0|late"}), lines_of({job_name, false, "", 0, true, 3, 1}));
    EXPECT_EQ((Lines{"workerpool0-0|4", "workerpool0-0|late"}), lines_of({job_name, false, "", 2, true, 3}))
        << "the later beginning counts";
    EXPECT_EQ(Lines{}, lines_of({job_name, false, "", 0, true, 253402300799}));
    EXPECT_EQ(6u, lines_of({job_name, false, "", 0, true, -62135596800}).size());
}

TEST_F(Tailing, FollowsUntilTheJobIsFinalAndItsLastLineSent)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    struct grpc_stream *stream = tail({job_name, true});
    ASSERT_TRUE(next_lines(stream, &lines));
    for (int i = 0; i < 5; i++) {
        logs.add({"workerpool0-0", 2 + i, std::to_string(i)});
        ASSERT_TRUE(next_lines(stream, &lines));
    }
    put_job(JOB_STATE_CANCELLING);
    logs.add({"workerpool0-0", 9, "last words"});
    ASSERT_TRUE(next_lines(stream, &lines));
    logs.add({"", 10, "the end"});
    put_job(JOB_STATE_CANCELLED);
    while (next_lines(stream, &lines)) {
    }
    EXPECT_EQ(0, finish(stream).code);
    EXPECT_EQ((Lines{"workerpool0-0|first", "workerpool0-0|0", "workerpool0-0|1", "workerpool0-0|2", "workerpool0-0|3",
                     "workerpool0-0|4", "workerpool0-0|last words", "service|the end"}),
              lines);
    EXPECT_EQ(lines, lines_of({job_name, true})) << "of a final job, at once";
}

TEST_F(Tailing, EndsNotFoundWhenTheJobIsDeletedMeanwhile)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    struct grpc_stream *stream = tail({job_name, true});
    ASSERT_TRUE(next_lines(stream, &lines));
    delete_job();
    EXPECT_FALSE(next_lines(stream, &lines));
    Ended end = finish(stream);
    EXPECT_EQ(5, end.code);
    EXPECT_EQ("The CustomJob \"" + std::string(job_name) + "\" was not found.", end.text);
}

TEST_F(Tailing, RefusesByFieldWhatMakesNoSense)
{
    Ended end = refusal({"jobs/7", false, "", -1, true, 253402300800});
    EXPECT_EQ(3, end.code);
    for (const char *field : {"Field: name;", "Field: tail_lines;", "Field: since;"}) {
        EXPECT_NE(std::string::npos, end.text.find(field)) << end.text;
    }
    EXPECT_TRUE(end.has_details);
    EXPECT_EQ(3, refusal({job_name, false, "", 0, true, 1, 1000000000}).code);
    for (const char *replica : {"workerpool2-0", "workerpool1-2", "workerpool0-1", "workerpool00-0", "workerpool0",
                                "worker", "workerpool0-0x", "workerpool0-99999999999999999999999999"}) {
        end = refusal({job_name, false, replica});
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
    EXPECT_EQ(Lines(), lines_of({job_name, false, "", 3}));
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
    struct grpc_stream *slow = tail({});
    EXPECT_EQ(2000u, lines_of({}).size()) << "while the other does not read at all";
    Lines lines;
    while (next_lines(slow, &lines)) {
    }
    EXPECT_EQ(0, finish(slow).code);
    ASSERT_EQ(2000u, lines.size());
    for (size_t i = 0; i < lines.size(); i++) {
        ASSERT_EQ("workerpool0-0|" + std::to_string(i) + longest, lines[i]);
    }
}

TEST_F(Tailing, AClientThatGoesEndsItsStreamAndMakesRoom)
{
    std::vector<struct grpc_stream *> streams;
    logs.add({"workerpool0-0", 1, "first"});
    for (int i = 0; i < LIMIT_LOG_STREAMS; i++) {
        Lines lines;
        streams.push_back(tail({job_name, true}));
        ASSERT_TRUE(next_lines(streams.back(), &lines));
    }
    EXPECT_EQ(8, refusal({}).code) << "RESOURCE_EXHAUSTED above the limit";
    for (struct grpc_stream *stream : streams) {
        grpc_stream_cancel(stream);
        EXPECT_EQ(1, finish(stream).code);
    }
    int code = 8;
    for (int64_t deadline = clock_mono_ns(clock_system()) + timeout_ms * CLOCK_NS_PER_MS;
         code == 8 && clock_mono_ns(clock_system()) < deadline;) {
        Lines lines;
        struct grpc_stream *stream = tail({});
        next_lines(stream, &lines);
        code = finish(stream).code;
    }
    EXPECT_EQ(0, code);
}

TEST_F(Tailing, AServerThatStopsSendsFollowersAway)
{
    Lines lines;
    logs.add({"workerpool0-0", 1, "first"});
    struct grpc_stream *stream = tail({job_name, true});
    ASSERT_TRUE(next_lines(stream, &lines));
    stop();
    EXPECT_FALSE(next_lines(stream, &lines));
    EXPECT_EQ(14, finish(stream).code);
}

} // namespace
