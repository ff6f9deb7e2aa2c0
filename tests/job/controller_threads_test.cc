#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "job/controller.h"
#include "job/job_keys.h"
#include "job/job_state.h"
#include "job_wire.h"
#include "tests/lib/fake_executor.h"
#include "tests/lib/temp_dir.h"

namespace {

const char parent[] = "projects/p/locations/l";

/* A call that its own thread waits for. */
struct waiting_call {
    struct command command; /* first */
    std::mutex mutex;
    std::condition_variable answered_now;
    bool answered = false;
    enum err_code code = ERR_NONE;
    uint64_t id = 0;
    std::string operation;
};

void answer(struct command *command, const struct command_result *result)
{
    waiting_call *call = (waiting_call *)command;
    std::lock_guard<std::mutex> lock(call->mutex);
    call->code = result->err ? result->err->code : ERR_NONE;
    call->id = result->version ? store_version_id(result->version) : 0;
    call->operation = as_string(result->operation_name);
    call->answered = true;
    call->answered_now.notify_one();
}

/* A server with its own thread, and a world that goes on by itself on another. */
class Server {
  public:
    Server()
    {
        struct store_recovery recovery;
        struct err err = ERR_INIT;
        struct store_options store_options = {};
        store_options.dir = dir.path().c_str();
        store_options.fs = fs_system();
        store_options.clock = clock_system();
        store_options.extract = job_keys_extract;
        EXPECT_EQ(0, store_open(&store_options, &store, &recovery, &err)) << err.text;
        struct controller_options options = {};
        options.store = store;
        options.clock = clock_system();
        options.replicas_max = 16;
        options.fatal = [](void *, const struct err *why) { ADD_FAILURE() << why->text; };
        EXPECT_EQ(0, controller_create(&options, &controller, &err)) << err.text;
        world = fake_executor_create(clock_system());
        fake_executor_connect(world, controller_sink(controller));
        EXPECT_EQ(0, controller_start(controller, fake_executor_executor(world), &err)) << err.text;
        turning = std::thread([this] {
            while (!world_ends) {
                fake_executor_settle(world);
                fake_executor_exit_all(world);
                std::this_thread::yield();
            }
        });
    }

    void stop()
    {
        controller_stop(controller);
        world_ends = true;
        if (turning.joinable()) {
            turning.join();
        }
    }

    ~Server()
    {
        stop();
        controller_destroy(controller);
        store_bind_owner(store);
        store_close(store);
        fake_executor_destroy(world);
    }

    /* Waits for the answer; ERR_UNAVAILABLE when the server is stopping. */
    void call(waiting_call &call)
    {
        struct err err = ERR_INIT;
        call.command.done = answer;
        call.command.version = API_V1;
        if (controller_submit(controller, &call.command, &err)) {
            call.code = err.code;
            return;
        }
        std::unique_lock<std::mutex> lock(call.mutex);
        call.answered_now.wait(lock, [&call] { return call.answered; });
    }

    void create(waiting_call &call_to_make, const std::string &wire)
    {
        call_to_make.command = {};
        call_to_make.command.kind = COMMAND_CREATE_JOB;
        call_to_make.command.parent = span_of(parent);
        call_to_make.command.custom_job_wire = as_span(wire);
        call(call_to_make);
    }

    void on_name(waiting_call &call_to_make, enum command_kind kind, const std::string &name)
    {
        call_to_make.command = {};
        call_to_make.command.kind = kind;
        call_to_make.command.name = as_span(name);
        call_to_make.command.deadline_mono_ns = INT64_MAX;
        call(call_to_make);
    }

    struct store *store = nullptr;
    struct controller *controller = nullptr;
    struct fake_executor *world = nullptr;

  private:
    TempDir dir;
    std::atomic<bool> world_ends{false};
    std::thread turning;
};

uint32_t state_of(Server &server, uint64_t id)
{
    struct store_version *version = store_get(server.store, STORE_TABLE_JOB, id);
    uint32_t state = version ? store_version_state(version) : 0;
    if (version) {
        store_version_unref(version);
    }
    return state;
}

/* One client: makes a job, reads it, cancels every third, waits for the end of the cancellation, deletes some. */
void be_a_client(Server &server, int jobs, std::vector<uint64_t> *ids)
{
    std::string wire = simple_job(2);
    store_reader_register(server.store);
    for (int i = 0; i < jobs; i++) {
        waiting_call made;
        server.create(made, wire);
        ASSERT_EQ(ERR_NONE, made.code);
        ids->push_back(made.id);
        EXPECT_NE(0u, state_of(server, made.id)) << "an acknowledged job is visible";
        std::string name = std::string(parent) + "/customJobs/" + std::to_string(made.id);
        if (i % 3 == 0) {
            waiting_call cancel;
            server.on_name(cancel, COMMAND_CANCEL_JOB, name);
            ASSERT_TRUE(cancel.code == ERR_NONE || cancel.code == ERR_PRECONDITION);
            if (cancel.code == ERR_NONE) {
                waiting_call wait;
                server.on_name(wait, COMMAND_WAIT_OPERATION, cancel.operation);
                EXPECT_EQ(ERR_NONE, wait.code);
                EXPECT_TRUE(job_state_is_terminal((enum job_state)state_of(server, made.id)));
                waiting_call remove;
                server.on_name(remove, COMMAND_DELETE_JOB, name);
                EXPECT_EQ(ERR_NONE, remove.code);
                EXPECT_EQ(0u, state_of(server, made.id));
            }
        }
    }
    store_reader_unregister(server.store);
}

TEST(ControllerThreads, ManyClientsAndAWorldOfItsOwnAgree)
{
    Server server;
    std::vector<std::vector<uint64_t>> ids(4);
    std::vector<std::thread> clients;
    for (auto &mine : ids) {
        clients.emplace_back([&server, &mine] { be_a_client(server, 60, &mine); });
    }
    for (std::thread &client : clients) {
        client.join();
    }
    std::set<uint64_t> all;
    for (const auto &mine : ids) {
        all.insert(mine.begin(), mine.end());
    }
    EXPECT_EQ(240u, all.size());
    EXPECT_LE(fake_executor_launches_max(server.world), 1u);
}

/* Every call is answered or refused; none is left over. */
TEST(ControllerThreads, AStopInTheMiddleLeavesNoCallWithoutAnAnswer)
{
    Server server;
    std::atomic<int> refused{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; i++) {
        clients.emplace_back([&server, &refused] {
            std::string wire = simple_job();
            for (waiting_call *call = new waiting_call;; call = new waiting_call) {
                server.create(*call, wire);
                enum err_code code = call->code;
                delete call;
                if (code == ERR_UNAVAILABLE) {
                    refused++;
                    return;
                }
            }
        });
    }
    for (waiting_call call; call.id == 0;) {
        server.create(call, simple_job());
    }
    controller_stop(server.controller);
    for (std::thread &client : clients) {
        client.join();
    }
    EXPECT_EQ(4, refused);
}

} /* namespace */
