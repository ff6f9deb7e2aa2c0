#include "front.h"

#include <grpc/grpc_security.h>

#include "job/job_image.h"
#include "job/job_keys.h"
#include "server/handlers.h"
#include "server/reflection_index.h"

namespace server_test {

Logs::Logs()
{
    ops.name = "logs";
    ops.log_open = open;
    ops.log_read = read;
    ops.log_close = close;
    self = {{&ops}, this};
}

int Logs::open(struct executor *executor, uint64_t id, const char *replica, struct log_cursor **ret_cursor,
               struct err *err)
{
    EXPECT_EQ(front_job_id, id);
    Logs *logs = reinterpret_cast<Self *>(executor)->logs;
    if (logs->is_missing) {
        return err_set(err, ERR_NOT_FOUND, "there is no log yet");
    }
    logs->cursors++;
    *ret_cursor = reinterpret_cast<struct log_cursor *>(new Cursor{logs, replica});
    return 0;
}

int Logs::read(struct log_cursor *opaque, log_line_fn fn, void *context, struct err *err)
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
        out.stream = line.replica.empty() ? LOG_STREAM_SERVICE : line.is_error ? LOG_STREAM_STDERR : LOG_STREAM_STDOUT;
        snprintf(out.replica, sizeof out.replica, "%s", line.replica.c_str());
        out.time_unix_ns = line.time_unix_ns;
        out.order_unix_ns = line.time_unix_ns;
        out.place[1] = cursor->at;
        out.text = span_make(line.text.data(), line.text.size());
        out.partial = line.partial;
        out.dropped_bytes = line.dropped_bytes;
        if (!fn(context, &out)) {
            return 0;
        }
    }
}

void Logs::close(struct log_cursor *opaque)
{
    Cursor *cursor = reinterpret_cast<Cursor *>(opaque);
    cursor->logs->cursors--;
    delete cursor;
}

namespace {

const struct rpc_method methods[] = {
    {"/grpc.health.v1.Health/Check", RPC_UNARY, API_V1, handle_health_check},
    {"/grpc.health.v1.Health/Watch", RPC_SERVER_STREAM, API_V1, handle_health_watch},
    {"/grpc.health.v1.Health/List", RPC_UNARY, API_V1, handle_health_list},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", RPC_BIDI, API_V1, handle_reflection},
    {"/customjobd.v1.Logs/Tail", RPC_SERVER_STREAM, API_V1, handle_tail_logs},
    {"/google.logging.v2.LoggingServiceV2/ListLogEntries", RPC_UNARY, API_V1, handle_list_log_entries},
};

void refuse(struct span path, char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "no method %.*s", SPAN_FORMAT(path));
}

} /* namespace */

Front::Front()
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
    EXPECT_EQ(0, log_querier_create(logs.executor(), &log_querier, &err));
    services.store = store;
    services.executor = logs.executor();
    services.clock = clock_system();
    services.health = health;
    services.reflection = reflection;
    services.log_tailer = log_tailer;
    services.log_querier = log_querier;
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

Front::~Front()
{
    upb_Arena_Free(arena);
    grpc_client_destroy(client);
    stop();
    rpc_server_destroy(server);
    log_tailer_destroy(log_tailer);
    log_querier_destroy(log_querier);
    EXPECT_EQ(0, logs.cursors) << "every log is closed again";
    health_destroy(health);
    reflection_index_destroy(reflection);
    store_close(store);
}

void Front::stop()
{
    health_stop(health);
    log_tailer_stop(log_tailer);
    log_querier_stop(log_querier);
    rpc_server_stop(server, conversation_timeout_ms);
}

void Front::put_job(enum job_state state)
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
    outputs.name = span_of(front_job_name);
    outputs.state = state;
    outputs.create_time_unix_ns = 1;
    ASSERT_EQ(0, job_image_build(&outputs, span_make(bytes, size), &image, &err)) << err.text;
    ASSERT_EQ(0, store_put(store, STORE_TABLE_JOB, front_job_id, blob_span(image), &err)) << err.text;
    ASSERT_EQ(0, store_commit(store, &err)) << err.text;
    blob_unref(image);
    upb_Arena_Free(spec_arena);
}

void Front::delete_job()
{
    struct err err = ERR_INIT;
    ASSERT_EQ(0, store_delete(store, STORE_TABLE_JOB, front_job_id, &err)) << err.text;
    ASSERT_EQ(0, store_commit(store, &err)) << err.text;
}

} /* namespace server_test */
