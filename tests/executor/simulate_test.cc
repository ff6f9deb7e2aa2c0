/* Replicas that are no processes. */
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "executor/executor_simulate.h"
#include "executor/memory_log.h"
#include "process_house.h"

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
    program.simulate_duration = duration;
    program.simulate_exit_code = exit_code;
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
    for (const char *duration : {"1", "s", "1.s", "-1s", "1d", "366000h", "1s ", "99999999999s", "1.0000000001s"}) {
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

} // namespace
