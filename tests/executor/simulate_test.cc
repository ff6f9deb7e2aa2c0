/* Replicas that are no processes. */
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "executor/executor_simulate.h"
#include "executor/memory_log.h"
#include "process_house.h"
#include "tests/lib/fake_clock.h"

namespace {

struct SimulateHouse {
    explicit SimulateHouse(int64_t duration_ms)
    {
        executor_simulate_options options{};
        options.duration_ms = duration_ms;
        options.clock = clock_system();
        err err = ERR_INIT;
        EXPECT_EQ(executor_simulate_create(&options, told.Sink(), &executor_, &err), 0) << err.text;
    }
    ~SimulateHouse() { executor_->ops->destroy(executor_); }

    Told told;
    executor *executor_ = nullptr;
};

Program Simulated(const std::string &duration, const std::string &exit_code)
{
    Program program;
    program.labels = {{"simulate-duration", duration}, {"simulate-exit-code", exit_code}};
    return program;
}

TEST(Simulate, ReplicaStartsAndEndsAsItsLabelsSay)
{
    SimulateHouse house(0);
    EXPECT_EQ(StartOn(house.executor_, Key(1), Simulated("", "")), "");
    EXPECT_EQ(StartOn(house.executor_, Key(2), Simulated("1.5ms", "3")), "");
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(house.told.WaitEnd(Key(2)).exit_code, 3);
    EXPECT_EQ(house.told.All()[0].kind, EXECUTION_EVENT_STARTED);
}

TEST(Simulate, StopEndsItAtOnce)
{
    SimulateHouse house(0);
    for (uint32_t i = 0; i < 100; i++)
        StartOn(house.executor_, Key(1, 0, i), Simulated(std::to_string(i + 1) + "h", ""));
    for (uint32_t i = 0; i < 100; i += 2) {
        execution_key key = Key(1, 0, i);
        house.executor_->ops->stop(house.executor_, &key, 1000000);
        house.executor_->ops->stop(house.executor_, &key, 1000000);
    }
    EXPECT_EQ(house.told.WaitCount(EXECUTION_EVENT_EXITED, 50), 50u);
    Event end = house.told.WaitEnd(Key(1, 0, 42));
    EXPECT_EQ(end.term_signal, SIGTERM);
    EXPECT_EQ(end.exit_code, -1);
    EXPECT_EQ(house.told.Count(Key(1, 0, 41), EXECUTION_EVENT_EXITED), 0u);
}

TEST(Simulate, ShorterOnesEndFirstWhateverTheOrderOfTheirStarts)
{
    SimulateHouse house(0);
    for (uint32_t i = 0; i < 50; i++)
        StartOn(house.executor_, Key(1, 0, i), Simulated(std::to_string((i * 37 % 50) * 20) + "ms", ""));
    ASSERT_EQ(house.told.WaitCount(EXECUTION_EVENT_EXITED, 50), 50u);
    uint32_t previous = 0;
    for (const Event &event : house.told.All()) {
        if (event.kind != EXECUTION_EVENT_EXITED)
            continue;
        uint32_t rank = event.key.replica_index * 37 % 50;
        EXPECT_GE(rank, previous);
        previous = rank;
    }
}

TEST(Simulate, SecondStartOfAKeyStartsNothingAndAdoptIsNeverLaunched)
{
    SimulateHouse house(0);
    StartOn(house.executor_, Key(1), Simulated("1h", ""));
    StartOn(house.executor_, Key(1), Simulated("1h", ""));
    execution_key other = Key(2), job = Key(3);
    err err = ERR_INIT;
    EXPECT_EQ(house.executor_->ops->adopt(house.executor_, &other, &err), 0);
    EXPECT_EQ(house.told.WaitEnd(other).kind, EXECUTION_EVENT_NOT_LAUNCHED);
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_STARTED), 1u);
    EXPECT_FALSE(house.executor_->ops->has_files(house.executor_, JobId(3)));
    EXPECT_EQ(house.executor_->ops->remove(house.executor_, JobId(3), &err), 0);
    job = execution_key{};
    job.job_id = JobId(3);
    house.told.Wait(job, EXECUTION_EVENT_REMOVED);
}

TEST(Simulate, LabelsThatMakeNoSenseAreRefused)
{
    SimulateHouse house(0);
    err_code code = ERR_NONE;
    for (const char *duration :
         {"1", "s", "1.s", "-1s", "1w", "366d", "366000h", "1s ", "99999999999s", "1.0000000001s"}) {
        EXPECT_NE(StartOn(house.executor_, Key(1), Simulated(duration, ""), &code), "") << duration;
        EXPECT_EQ(code, ERR_INVALID);
    }
    for (const char *exit_code : {"256", "-1", "x", "1 "}) {
        EXPECT_NE(StartOn(house.executor_, Key(1), Simulated("", exit_code), &code), "") << exit_code;
        EXPECT_EQ(code, ERR_INVALID);
    }
    EXPECT_EQ(house.told.All().size(), 0u);
}

TEST(Simulate, KeepsLinesOfEachJobApartAndAtMostAFixedNumber)
{
    SimulateHouse house(0);
    house.executor_->ops->service_log(house.executor_, JobId(1), "Job is preparing.");
    StartOn(house.executor_, Key(1), Simulated("", "3"));
    house.told.WaitEnd(Key(1));
    house.executor_->ops->service_log(house.executor_, JobId(2), "another job");
    EXPECT_EQ(Texts(ReadLogs(house.executor_, 1)),
              "Job is preparing.\nThe simulated replica runs.\nThe simulated replica exits with 3.\n");
    EXPECT_EQ(ReadLogs(house.executor_, 1, "workerpool0-0").size(), 2u);
    for (int i = 0; i < MEMORY_LOG_LINES + 10; i++)
        house.executor_->ops->service_log(house.executor_, JobId(3), "line");
    EXPECT_EQ(ReadLogs(house.executor_, 3).size(), static_cast<size_t>(MEMORY_LOG_LINES));
    EXPECT_EQ(ReadLogs(house.executor_, 1).size(), 0u);
}

TEST(Simulate, TenThousandRunAtOneTime)
{
    SimulateHouse house(0);
    constexpr uint32_t count = 10000;
    for (uint32_t i = 0; i < count; i++)
        ASSERT_EQ(StartOn(house.executor_, Key(i / 10 + 1, 0, i % 10), Simulated("1h", "")), "");
    ASSERT_EQ(house.told.WaitCount(EXECUTION_EVENT_STARTED, count), count);
    for (uint32_t i = 0; i < count; i++) {
        execution_key key = Key(i / 10 + 1, 0, i % 10);
        house.executor_->ops->stop(house.executor_, &key, 0);
    }
    EXPECT_EQ(house.told.WaitCount(EXECUTION_EVENT_EXITED, count), count);
}

/* ---- rules, on a clock that the test moves ---- */

struct SteppedHouse {
    explicit SteppedHouse(const std::vector<simulate_rule> &rules = {}, uint64_t seed = 1) : rules_(rules)
    {
        fake_clock_init(&clock);
        scenario.seed = seed;
        scenario.rules = rules_.data();
        scenario.rule_count = rules_.size();
        executor_simulate_options options{};
        options.duration_ms = 1000;
        options.clock = &clock.clock;
        options.scenario = &scenario;
        options.is_stepped = true;
        err err = ERR_INIT;
        EXPECT_EQ(executor_simulate_create(&options, told.Sink(), &executor_, &err), 0) << err.text;
    }
    ~SteppedHouse() { executor_->ops->destroy(executor_); }

    /* Goes on by so much, to each moment at which something is due. */
    void Pass(int64_t seconds)
    {
        int64_t end = clock_mono_ns(&clock.clock) + seconds * CLOCK_NS_PER_S;
        while (executor_simulate_step(executor_) || clock_mono_ns(&clock.clock) < end) {
            int64_t next = std::min(executor_simulate_next_mono_ns(executor_), end);
            fake_clock_advance(&clock, std::max<int64_t>(next - clock_mono_ns(&clock.clock), 0));
        }
    }
    void Start(const execution_key &key, Program program = {}) { EXPECT_EQ(StartOn(executor_, key, program), ""); }
    void Stop(const execution_key &key, int64_t grace_ms = 30000) { executor_->ops->stop(executor_, &key, grace_ms); }
    /* Seconds from the start of the test to the end of the attempt. */
    int64_t EndsAt(const execution_key &key)
    {
        return (told.WaitEnd(key).time_unix_ns - INT64_C(1714979289123456789)) / CLOCK_NS_PER_S;
    }

    fake_clock clock;
    Told told;
    simulate_scenario scenario{};
    executor *executor_ = nullptr;

  private:
    std::vector<simulate_rule> rules_;
};

simulate_rule Rule(int64_t seconds)
{
    simulate_rule rule{};
    rule.restart = -1;
    rule.probability = 1;
    rule.has_duration = true;
    rule.duration.least_ns = rule.duration.most_ns = seconds * CLOCK_NS_PER_S;
    return rule;
}

Program Named(const std::string &name, const std::vector<std::pair<std::string, std::string>> &labels = {})
{
    Program program;
    program.display_name = name;
    program.labels = labels;
    return program;
}

TEST(Simulate, ASteppedOneDoesNothingByItselfAndAllThatIsDueWhenItIsStepped)
{
    SteppedHouse house;
    house.Start(Key(1));
    EXPECT_EQ(house.told.All().size(), 0u);
    EXPECT_EQ(executor_simulate_next_mono_ns(house.executor_), 0);
    EXPECT_TRUE(executor_simulate_step(house.executor_));
    EXPECT_FALSE(executor_simulate_step(house.executor_));
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_STARTED), 1u);
    EXPECT_EQ(executor_simulate_next_mono_ns(house.executor_), clock_mono_ns(&house.clock.clock) + CLOCK_NS_PER_S);
    house.Pass(1);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    EXPECT_EQ(executor_simulate_next_mono_ns(house.executor_), INT64_MAX);
}

TEST(Simulate, TheFirstRuleThatMatchesNameReplicaLabelsAndAttemptMakesTheFate)
{
    env_entry vision{"team", "vis*"};
    simulate_rule named = Rule(10), worker = Rule(20), labelled = Rule(30), first = Rule(40), rest = Rule(50);
    named.display_name = "train-?";
    worker.replica = "workerpool1-*";
    labelled.labels = &vision;
    labelled.label_count = 1;
    first.job_attempt = 1;
    first.restart = 0;
    SteppedHouse house({named, worker, labelled, first, rest});
    house.Start(Key(1), Named("train-1"));
    house.Start(Key(2, 1, 3), Named("train-12"));
    house.Start(Key(3), Named("other", {{"team", "vision"}}));
    house.Start(Key(4), Named("other", {{"team", "audio"}}));
    house.Start(Key(5, 0, 0, 1), Named("other"));
    house.Start(Key(6), Named("train-1", {{"simulate-duration", "2m"}}));
    house.Pass(121);
    EXPECT_EQ(house.EndsAt(Key(1)), 10);
    EXPECT_EQ(house.EndsAt(Key(2, 1, 3)), 20);
    EXPECT_EQ(house.EndsAt(Key(3)), 30);
    EXPECT_EQ(house.EndsAt(Key(4)), 40);
    EXPECT_EQ(house.EndsAt(Key(5, 0, 0, 1)), 50);
    EXPECT_EQ(house.EndsAt(Key(6)), 120);
}

TEST(Simulate, ReplicasEndByExitSignalMemoryPreemptionOrNeverStart)
{
    SteppedHouse house;
    house.Start(Key(1), Named("", {{"simulate-exit-code", "7"}}));
    house.Start(Key(2), Named("", {{"simulate-signal", "sigsegv"}}));
    house.Start(Key(3), Named("", {{"simulate-end", "oom"}}));
    house.Start(Key(4), Named("", {{"simulate-end", "preempted"}}));
    house.Start(Key(5), Named("", {{"simulate-end", "start-failed"}, {"simulate-start-delay", "1m"}}));
    house.Pass(60);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 7);
    EXPECT_EQ(house.told.WaitEnd(Key(2)).term_signal, SIGSEGV);
    EXPECT_EQ(house.told.WaitEnd(Key(3)).term_signal, SIGKILL);
    EXPECT_TRUE(house.told.WaitEnd(Key(3)).oom_killed);
    EXPECT_EQ(house.told.WaitEnd(Key(4)).kind, EXECUTION_EVENT_LOST);
    EXPECT_EQ(house.told.WaitEnd(Key(5)).kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(house.EndsAt(Key(5)), 60);
    EXPECT_EQ(house.told.Count(Key(5), EXECUTION_EVENT_STARTED), 0u);
}

TEST(Simulate, OneThatStartsSlowlyIsToldAsStartedOnlyThenAndCanBeStoppedBefore)
{
    SteppedHouse house;
    house.Start(Key(1), Named("", {{"simulate-start-delay", "90s"}}));
    house.Start(Key(2), Named("", {{"simulate-start-delay", "90s"}}));
    house.Pass(89);
    EXPECT_EQ(house.told.All().size(), 0u);
    house.Stop(Key(2));
    house.Pass(1);
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_STARTED), 1u);
    EXPECT_EQ(house.told.WaitEnd(Key(2)).kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(house.EndsAt(Key(2)), 89);
}

TEST(Simulate, OneThatRanBeforeARestartGoesOnAndHasItsLogAgain)
{
    const simulate_line lines[] = {{10 * CLOCK_NS_PER_S, 10 * CLOCK_NS_PER_S, LOG_STREAM_STDOUT, "epoch {n} done"}};
    simulate_rule rule = Rule(30);
    rule.lines = lines;
    rule.line_count = 1;
    rule.start_delay = {CLOCK_NS_PER_S, CLOCK_NS_PER_S};
    SteppedHouse house({rule});
    Program before, long_before, ahead;
    before.start_time_unix_ns = clock_wall_unix_ns(&house.clock.clock) - 15 * CLOCK_NS_PER_S;
    long_before.start_time_unix_ns = before.start_time_unix_ns - 85 * CLOCK_NS_PER_S;
    ahead.start_time_unix_ns = before.start_time_unix_ns + 3600 * CLOCK_NS_PER_S;
    house.Start(Key(1), before);
    house.Start(Key(2), long_before);
    house.Start(Key(3), ahead);
    house.Pass(0);
    EXPECT_EQ(house.told.Wait(Key(1), EXECUTION_EVENT_STARTED).time_unix_ns, before.start_time_unix_ns);
    EXPECT_EQ(house.EndsAt(Key(2)), -70) << "it was through while there was no server";
    house.Pass(60);
    EXPECT_EQ(house.EndsAt(Key(1)), 15);
    EXPECT_EQ(house.EndsAt(Key(3)), 30) << "of a time that has not come";
    EXPECT_EQ(Texts(ReadLogs(house.executor_, 1)), "The simulated replica runs.\nepoch 1 done\nepoch 2 done\n"
                                                   "epoch 3 done\nThe simulated replica exits with 0.\n");
    EXPECT_EQ(ReadLogs(house.executor_, 1)[1].time_unix_ns, before.start_time_unix_ns + 10 * CLOCK_NS_PER_S);
}

TEST(Simulate, OneThatTakesItsTimeToStopIsKilledWhenTheGraceIsOver)
{
    SteppedHouse house;
    for (uint64_t i : {1, 2, 3})
        house.Start(Key(i), Named("", {{"simulate-duration", i == 3 ? "12s" : "1h"}, {"simulate-stop-time", "20s"}}));
    house.Pass(10);
    house.Stop(Key(1));
    house.Stop(Key(2), 5000);
    house.Stop(Key(3));
    house.Pass(60);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
    EXPECT_EQ(house.EndsAt(Key(1)), 30);
    EXPECT_EQ(house.told.WaitEnd(Key(2)).term_signal, SIGKILL);
    EXPECT_EQ(house.EndsAt(Key(2)), 15);
    EXPECT_EQ(house.told.WaitEnd(Key(3)).exit_code, 0) << "it was through before";
    EXPECT_EQ(house.EndsAt(Key(3)), 12);
}

TEST(Simulate, LinesArePrintedAtTheirTimesAndTheLastOfStandardErrorAreInTheEnd)
{
    const simulate_line lines[] = {{0, 0, LOG_STREAM_STDOUT, "hello"},
                                   {10 * CLOCK_NS_PER_S, 10 * CLOCK_NS_PER_S, LOG_STREAM_STDOUT, "epoch {n} done"},
                                   {25 * CLOCK_NS_PER_S, 0, LOG_STREAM_STDERR, "loss is nan"}};
    simulate_rule rule = Rule(30);
    rule.lines = lines;
    rule.line_count = 3;
    rule.exit_code = 1;
    SteppedHouse house({rule});
    house.Start(Key(1));
    house.Pass(40);
    std::vector<Line> printed = ReadLogs(house.executor_, 1);
    EXPECT_EQ(Texts(printed), "The simulated replica runs.\nhello\nepoch 1 done\nepoch 2 done\nloss is nan\n"
                              "epoch 3 done\nThe simulated replica exits with 1.\n");
    EXPECT_EQ(house.told.WaitEnd(Key(1)).stderr_tail, "loss is nan\n");
}

/* What one seed makes of a thousand attempts, as text. */
std::string History(uint64_t seed)
{
    simulate_rule rare = Rule(1), rest = Rule(1);
    rare.probability = 0.25;
    rare.exit_code = 9;
    rest.duration.most_ns = 1000 * CLOCK_NS_PER_S;
    SteppedHouse house({rare, rest}, seed);
    for (uint32_t i = 0; i < 1000; i++) {
        execution_key key{};
        key.job_id = 1;
        key.job_attempt = 1;
        key.replica_index = i;
        house.Start(key);
    }
    house.Pass(1000);
    std::string history;
    for (const Event &event : house.told.All())
        history += std::to_string(event.key.replica_index) + "@" + std::to_string(event.time_unix_ns) + "=" +
                   std::to_string(event.exit_code) + "\n";
    return history;
}

TEST(Simulate, ChanceIsTheSameForTheSameSeedAndAsLargeAsItIsSaidToBe)
{
    std::string one = History(1);
    EXPECT_EQ(one, History(1));
    EXPECT_NE(one, History(2));
    size_t rare = 0;
    for (size_t at = 0; (at = one.find("=9\n", at)) != std::string::npos; at++)
        rare++;
    EXPECT_GT(rare, 200u);
    EXPECT_LT(rare, 300u);
}

} // namespace
