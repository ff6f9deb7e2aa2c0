/* front: health, reflection and logs over gRPC, with a real store and an executor that has logs and nothing else. */
#ifndef TESTS_SERVER_FRONT_H_
#define TESTS_SERVER_FRONT_H_

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "conversation.h"
#include "executor/executor.h"
#include "job/api.h"
#include "job/job_state.h"
#include "server/health_service.h"
#include "server/log_query.h"
#include "server/log_tailer.h"
#include "server/rpc_server.h"
#include "tests/lib/temp_dir.h"

namespace server_test {

constexpr uint64_t front_job_id = 1234567890123456789;
constexpr char front_job_name[] = "projects/p/locations/l/customJobs/1234567890123456789";

struct Line {
    std::string replica;
    int64_t time_unix_ns;
    std::string text;
    bool partial = false;
    uint64_t dropped_bytes = 0;
    bool is_error = false;
};

/* An executor that has logs. */
class Logs {
  public:
    Logs();
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
                    struct err *err);
    static int read(struct log_cursor *opaque, log_line_fn fn, void *context, struct err *err);
    static void close(struct log_cursor *opaque);

    std::mutex lock;
    std::vector<Line> lines;
    struct executor_ops ops = {};
    Self self;
};

class Front : public ::testing::Test {
  protected:
    Front();
    ~Front() override;
    /* As main does it. */
    void stop();
    void put_job(enum job_state state);
    void delete_job();
    /* A conversation in which nothing more than this is said. */
    Conversation ask(const char *method, struct span request)
    {
        Conversation conversation(client, method);
        conversation.say(request);
        conversation.end();
        return conversation;
    }

    TempDir temp;
    Logs logs;
    struct store *store = nullptr;
    struct health *health = nullptr;
    struct reflection_index *reflection = nullptr;
    struct log_tailer *log_tailer = nullptr;
    struct log_querier *log_querier = nullptr;
    struct rpc_server *server = nullptr;
    struct services services = {};
    struct grpc_client *client = nullptr;
    upb_Arena *arena = nullptr;
};

} /* namespace server_test */

#endif /* TESTS_SERVER_FRONT_H_ */
