/* A controller and simulated replicas on a clock that stands still: weeks in milliseconds, and each time the same. */
#include <gtest/gtest.h>

#include <semaphore.h>

#include <memory>

#include "base/fs.h"
#include "executor/executor_simulate.h"
#include "job/job_image.h"
#include "job/job_keys.h"
#include "job/job_state.h"
#include "job/simulation.h"
#include "job_wire.h"
#include "tests/lib/temp_dir.h"

namespace {

constexpr int64_t start_unix_ns = INT64_C(1893456000) * CLOCK_NS_PER_S; /* 2030-01-01 */
constexpr int64_t hour = 3600 * CLOCK_NS_PER_S;
constexpr int64_t day = 24 * hour;
const char parent[] = "projects/p/locations/l";

struct Waiting {
    union {
        struct command command;
        struct simulation_advance advance;
    };
    sem_t done;
    std::string name, error, operation;
    int64_t now_unix_ns = 0;
    enum err_code code = ERR_NONE;

    Waiting() : advance{}
    {
        memset(&command, 0, sizeof command);
        sem_init(&done, 0, 0);
    }
    ~Waiting() { sem_destroy(&done); }
    void Wait()
    {
        while (sem_wait(&done) != 0) {
        }
    }
};

void command_done(struct command *command, const struct command_result *result)
{
    auto *waiting = reinterpret_cast<Waiting *>(command);
    struct store_keys keys;
    if (result->err) {
        waiting->error = result->err->text;
        waiting->code = result->err->code;
    } else if (result->version) {
        store_version_keys(result->version, &keys);
        waiting->name = as_string(keys.name);
    }
    waiting->operation = as_string(result->operation_name);
    sem_post(&waiting->done);
}

void advance_done(struct simulation_advance *advance, int64_t now_unix_ns, const struct err *err)
{
    auto *waiting = reinterpret_cast<Waiting *>(advance);
    waiting->now_unix_ns = now_unix_ns;
    waiting->error = err ? err->text : "";
    waiting->code = err ? err->code : ERR_NONE;
    sem_post(&waiting->done);
}

class World {
  public:
    explicit World(const std::vector<simulate_rule> &rules = {}, uint64_t seed = 1, int64_t retention_ms = 0,
                   uint32_t replicas_max = 1000)
        : rules_(rules)
    {
        struct err err = ERR_INIT;
        virtual_clock_init(&clock, start_unix_ns);
        scenario_ = {seed, rules_.data(), rules_.size()};
        struct store_options store_options = {};
        store_options.dir = dir_.path().c_str();
        store_options.fs = fs_system();
        store_options.clock = &clock.calendar;
        store_options.extract = job_keys_extract;
        struct store_recovery recovery;
        EXPECT_EQ(store_open(&store_options, &store, &recovery, &err), 0) << err.text;
        struct controller_options options = {};
        options.store = store;
        options.clock = &clock.clock;
        options.call_clock = clock_system();
        options.replicas_max = replicas_max;
        options.stop_grace_ms = 30000;
        options.retention_ms = retention_ms;
        options.fatal = fatal;
        EXPECT_EQ(controller_create(&options, &controller_, &err), 0) << err.text;
        struct executor_simulate_options simulate = {};
        simulate.duration_ms = 1000;
        simulate.clock = &clock.clock;
        simulate.scenario = &scenario_;
        simulate.is_stepped = true;
        EXPECT_EQ(executor_simulate_create(&simulate, controller_sink(controller_), &executor_, &err), 0) << err.text;
        struct simulation_options simulation_options = {};
        simulation_options.controller = controller_;
        simulation_options.executor = executor_;
        simulation_options.clock = &clock;
        simulation_options.note_time = note_time;
        simulation_options.fatal = fatal;
        simulation_options.context = this;
        EXPECT_EQ(simulation_start(&simulation_options, &simulation, &err), 0) << err.text;
        store_reader_register(store);
    }

    ~World()
    {
        simulation_destroy(simulation);
        controller_stop(controller_);
        executor_->ops->destroy(executor_);
        controller_destroy(controller_);
        store_reader_unregister(store);
        store_close(store);
    }

    std::string Create(const std::string &wire)
    {
        Waiting waiting;
        struct err err = ERR_INIT;
        waiting.command.kind = COMMAND_CREATE_JOB;
        waiting.command.done = command_done;
        waiting.command.parent = span_of(parent);
        waiting.command.custom_job_wire = as_span(wire);
        waiting.command.replica_count = 1;
        EXPECT_EQ(controller_submit(controller_, &waiting.command, &err), 0) << err.text;
        waiting.Wait();
        EXPECT_EQ(waiting.error, "");
        return waiting.name;
    }

    /* The name of the operation. */
    std::string Cancel(const std::string &name)
    {
        Waiting waiting;
        struct err err = ERR_INIT;
        waiting.command.kind = COMMAND_CANCEL_JOB;
        waiting.command.done = command_done;
        waiting.command.name = as_span(name);
        EXPECT_EQ(controller_submit(controller_, &waiting.command, &err), 0) << err.text;
        waiting.Wait();
        EXPECT_EQ(waiting.error, "");
        return waiting.operation;
    }

    /* Returns when the operation is done or, by the system's clock, so much has passed. */
    void WaitOperation(const std::string &operation, int64_t wait_ns)
    {
        Waiting waiting;
        struct err err = ERR_INIT;
        waiting.command.kind = COMMAND_WAIT_OPERATION;
        waiting.command.done = command_done;
        waiting.command.name = as_span(operation);
        waiting.command.deadline_mono_ns = clock_mono_ns(clock_system()) + wait_ns;
        EXPECT_EQ(controller_submit(controller_, &waiting.command, &err), 0) << err.text;
        waiting.Wait();
        EXPECT_EQ(waiting.error, "");
    }

    /* Returns what it said. */
    std::string Advance(int64_t by_ns, enum err_code *ret_code = nullptr)
    {
        Waiting waiting;
        struct err err = ERR_INIT;
        waiting.advance.by_ns = by_ns;
        waiting.advance.done = advance_done;
        EXPECT_EQ(simulation_submit(simulation, &waiting.advance, &err), 0) << err.text;
        waiting.Wait();
        if (ret_code)
            *ret_code = waiting.code;
        EXPECT_EQ(waiting.now_unix_ns, Now());
        return waiting.error;
    }

    int64_t Now() const { return clock_wall_unix_ns(&clock.clock); }

    struct job_outputs Outputs(const std::string &name)
    {
        struct store_version *version = store_get_by_name(store, STORE_TABLE_JOB, as_span(name));
        struct job_outputs outputs = {};
        struct span spec;
        struct err err = ERR_INIT;
        if (!version)
            return outputs;
        EXPECT_EQ(job_image_split(store_version_value(version), &outputs, &spec, &err), 0) << err.text;
        store_version_unref(version);
        return outputs;
    }

    /* Every job's state and times, in the order of their making. */
    std::string History(const std::vector<std::string> &names)
    {
        std::string history;
        for (const std::string &name : names) {
            struct job_outputs outputs = Outputs(name);
            history += name + " " + job_state_name((enum job_state)outputs.state) + " " +
                       std::to_string(outputs.start_time_unix_ns) + " " + std::to_string(outputs.end_time_unix_ns) +
                       "\n";
        }
        return history;
    }

    virtual_clock clock;
    struct store *store = nullptr;
    struct simulation *simulation = nullptr;
    std::vector<int64_t> noted;
    bool refuses_to_note = false;

  private:
    static void fatal(void *, const struct err *err) { ADD_FAILURE() << err->text; }
    static int note_time(void *context, int64_t unix_ns, struct err *err)
    {
        auto *world = static_cast<World *>(context);
        if (world->refuses_to_note)
            return err_set(err, ERR_IO, "no disk");
        world->noted.push_back(unix_ns);
        return 0;
    }

    TempDir dir_;
    std::vector<simulate_rule> rules_;
    struct simulate_scenario scenario_;
    struct controller *controller_ = nullptr;
    struct executor *executor_ = nullptr;
};

std::string labelled(const std::string &labels, const std::string &scheduling = "")
{
    return simple_job(1, scheduling, labels.empty() ? "" : R"(,"labels":{)" + labels + "}");
}

TEST(Simulation, AWeekPassesAtOnceAndAJobTimesOutAtItsTime)
{
    World world;
    std::string name = world.Create(labelled(R"("simulate-duration":"30d")"));
    EXPECT_EQ(world.Advance(7 * day - CLOCK_NS_PER_MS), "");
    EXPECT_EQ(world.Outputs(name).state, JOB_STATE_RUNNING);
    EXPECT_EQ(world.Advance(CLOCK_NS_PER_MS), "");
    struct job_outputs outputs = world.Outputs(name);
    EXPECT_EQ(outputs.state, JOB_STATE_CANCELLED);
    EXPECT_EQ(outputs.start_time_unix_ns, start_unix_ns);
    EXPECT_EQ(outputs.end_time_unix_ns, start_unix_ns + 7 * day);
    EXPECT_EQ(world.Now(), start_unix_ns + 7 * day);
}

TEST(Simulation, WithoutAnAdvanceNothingEnds)
{
    World world;
    std::string name = world.Create(labelled(""));
    EXPECT_EQ(world.Advance(0), "");
    EXPECT_EQ(world.Outputs(name).state, JOB_STATE_RUNNING);
    EXPECT_EQ(world.Now(), start_unix_ns);
    EXPECT_TRUE(world.noted.empty());
}

TEST(Simulation, BackoffsCountInTheSameTime)
{
    World world;
    /* Killed from outside after a second each time: five restarts, three attempts more of the job, each of six runs. */
    std::string name = world.Create(labelled(R"("simulate-signal":"sigkill","simulate-duration":"1s")"));
    EXPECT_EQ(world.Advance(day), "");
    struct job_outputs outputs = world.Outputs(name);
    EXPECT_EQ(outputs.state, JOB_STATE_FAILED);
    /* Of an attempt: six runs of 1 s; waits of 0, 1, 2, 4 and 8 s. Between attempts: 0, 1 and 2 s. */
    EXPECT_EQ(outputs.end_time_unix_ns - outputs.start_time_unix_ns, (4 * (6 + 15) + 3) * CLOCK_NS_PER_S);
}

TEST(Simulation, AJobThatWaitsForRoomWaitsInTheSameTime)
{
    World world({}, 1, 0, 1);
    std::string first = world.Create(labelled(R"("simulate-duration":"3h")"));
    std::string patient = world.Create(labelled(""));
    std::string hasty = world.Create(labelled("", R"("strategy":"FLEX_START","maxWaitDuration":"7200s")"));
    EXPECT_EQ(world.Advance(day), "");
    EXPECT_EQ(world.Outputs(first).end_time_unix_ns, start_unix_ns + 3 * hour);
    EXPECT_EQ(world.Outputs(patient).state, JOB_STATE_SUCCEEDED);
    EXPECT_EQ(world.Outputs(patient).start_time_unix_ns, start_unix_ns + 3 * hour);
    EXPECT_EQ(world.Outputs(hasty).state, JOB_STATE_FAILED);
    EXPECT_EQ(world.Outputs(hasty).end_time_unix_ns, start_unix_ns + 2 * hour);
}

TEST(Simulation, CallersWaitInRealTime)
{
    World world;
    std::string name = world.Create(labelled(R"("simulate-duration":"1h","simulate-stop-time":"20s")"));
    std::string operation = world.Cancel(name);
    world.WaitOperation(operation, CLOCK_NS_PER_MS);
    EXPECT_EQ(world.Outputs(name).state, JOB_STATE_CANCELLING);
    EXPECT_EQ(world.Advance(20 * CLOCK_NS_PER_S), "");
    world.WaitOperation(operation, hour);
    EXPECT_EQ(world.Outputs(name).state, JOB_STATE_CANCELLED);
    EXPECT_EQ(world.Outputs(name).end_time_unix_ns, start_unix_ns + 20 * CLOCK_NS_PER_S);
}

TEST(Simulation, JobsAreRemovedForTheirAgeInTheSameTime)
{
    World world({}, 1, 48 * 3600 * 1000);
    std::string name = world.Create(labelled(""));
    EXPECT_EQ(world.Advance(2 * day), "");
    EXPECT_NE(world.Outputs(name).state, JOB_STATE_UNSPECIFIED);
    EXPECT_EQ(world.Advance(CLOCK_NS_PER_S), "");
    EXPECT_EQ(world.Outputs(name).state, JOB_STATE_UNSPECIFIED);
}

TEST(Simulation, TheTimeIsNotedBeforeItIsReachedAndStaysWhereItIsWhenThatFails)
{
    World world;
    EXPECT_EQ(world.Advance(hour), "");
    EXPECT_EQ(world.Advance(1), "");
    EXPECT_EQ(world.noted, (std::vector<int64_t>{start_unix_ns + hour, start_unix_ns + hour + 1000}));
    world.refuses_to_note = true;
    enum err_code code = ERR_NONE;
    EXPECT_EQ(world.Advance(hour, &code), "no disk");
    EXPECT_EQ(code, ERR_IO);
    EXPECT_EQ(world.Now(), start_unix_ns + hour + 1000);
}

TEST(Simulation, TimeGoesNeitherBackNorBeyondItsEnd)
{
    World world;
    enum err_code code = ERR_NONE;
    for (int64_t by : {INT64_C(-1), INT64_MAX, VIRTUAL_CLOCK_UNIX_NS_MAX - start_unix_ns + 1}) {
        EXPECT_NE(world.Advance(by, &code), "") << by;
        EXPECT_EQ(code, ERR_INVALID);
    }
    EXPECT_EQ(world.Advance(VIRTUAL_CLOCK_UNIX_NS_MAX - start_unix_ns), "");
}

/* Forty jobs of chance, one an hour. */
std::string days(uint64_t seed)
{
    simulate_rule killed = {}, rest = {};
    killed.restart = rest.restart = -1;
    killed.probability = 0.3;
    rest.probability = 1;
    killed.has_duration = rest.has_duration = true;
    killed.term_signal = SIGKILL;
    killed.exit_code = -1;
    killed.duration = {CLOCK_NS_PER_S, hour};
    rest.duration = {hour, 2 * day};
    rest.start_delay = {0, hour};
    World world({killed, rest}, seed);
    std::vector<std::string> names;
    for (int i = 0; i < 40; i++) {
        names.push_back(world.Create(labelled("")));
        EXPECT_EQ(world.Advance(hour), "");
    }
    EXPECT_EQ(world.Advance(30 * day), "");
    return world.History(names);
}

TEST(Simulation, TheSameSeedScenarioAndAdvancesMakeTheSameHistory)
{
    std::string one = days(1);
    EXPECT_EQ(one, days(1));
    EXPECT_NE(one, days(2));
    EXPECT_EQ(one.find("RUNNING"), std::string::npos) << one;
}

TEST(Simulation, AnAdvanceEndsOnItsWayWhenTheServerIsInAHurry)
{
    const simulate_line line = {0, CLOCK_NS_PER_S, LOG_STREAM_STDOUT, "still there"};
    simulate_rule talkative = {};
    talkative.restart = -1;
    talkative.probability = 1;
    talkative.has_duration = true;
    talkative.duration = {365 * day, 365 * day};
    talkative.lines = &line;
    talkative.line_count = 1;
    World world({talkative});
    world.Create(labelled("", R"("timeout":"31536000s")"));
    Waiting waiting, late;
    struct err err = ERR_INIT;
    waiting.advance.by_ns = 364 * day;
    waiting.advance.done = advance_done;
    ASSERT_EQ(simulation_submit(world.simulation, &waiting.advance, &err), 0) << err.text;
    simulation_hurry(world.simulation);
    waiting.Wait();
    EXPECT_EQ(waiting.code, ERR_UNAVAILABLE);
    EXPECT_EQ(waiting.error, "the server is stopping, and its clock with it");
    EXPECT_LT(waiting.now_unix_ns, start_unix_ns + 364 * day);
    EXPECT_EQ(simulation_submit(world.simulation, &late.advance, &err), -1);
    EXPECT_EQ(err.code, ERR_UNAVAILABLE);
}

} // namespace
