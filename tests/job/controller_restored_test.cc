#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "house.h"

namespace {

/* A backup was taken while a job ran, and restored where nothing is known of it. */
struct RestoredHouse : House {
    RestoredHouse() : House(2)
    {
        tune = [this](struct controller_options &options) {
            options.is_restored = is_restored;
            options.context = this;
            options.restored_settled = [](void *context) { static_cast<RestoredHouse *>(context)->settled++; };
        };
    }
    void restore()
    {
        crash();
        forget_world();
        is_restored = true;
        ASSERT_TRUE(start()) << failure;
    }
    bool is_restored = false;
    int settled = 0;
};

TEST(ControllerRestored, WhatRanInTheBackupIsLostAndNotRunAgain)
{
    RestoredHouse house;
    std::string running = house.make(simple_job(2));
    std::string queued = house.make(simple_job(1));
    ASSERT_EQ(JOB_STATE_RUNNING, house.state(running));
    ASSERT_EQ(JOB_STATE_QUEUED, house.state(queued));
    house.restore();
    EXPECT_EQ(0, house.settled);
    ASSERT_TRUE(house.settle()) << house.failure;
    Job job = house.job(running);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(13, job.error_code);
    EXPECT_TRUE(contains(job.error, "exit status unknown. The store was restored from a backup")) << job.error;
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(queued)) << "what waited is run";
    EXPECT_EQ(1u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(1, house.settled) << "told once";
}

TEST(ControllerRestored, IsSettledAtOnceWhenNothingRan)
{
    RestoredHouse house;
    std::string name = finished_job(house);
    house.restore();
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(1, house.settled);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    std::string next = house.make(simple_job());
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(next)) << "of the world here it is known";
}

/* Goal: the first turn is no larger than a commit may be, whatever the backup holds. */
TEST(ControllerRestored, LargeJobsThatEndAtTheStartAreMoreThanOneTurnsWork)
{
    RestoredHouse house;
    std::string large =
        job_wire(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":)"
                 R"({"imageUri":"i","command":["true"]}}],"serviceAccount":")" +
                 std::string(3500 * 1000, 'x') + "\"}}");
    house.replicas_max = 30;
    house.restart();
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i < 20; i++)
        calls.push_back(house.create(large));
    for (unsigned restart = 0; restart < 2; restart++) { /* the first time it is tried again at once */
        ASSERT_TRUE(house.settle()) << house.failure;
        for (const auto &call : calls) {
            std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
            ASSERT_EQ(JOB_STATE_RUNNING, house.state(name)) << call->error;
            fake_executor_kill(house.world, House::key(name, 0, 0, restart).c_str(), SIGKILL, false);
        }
    }
    ASSERT_TRUE(house.settle()) << house.failure;
    house.restore();
    ASSERT_TRUE(house.settle()) << house.failure;
    for (const auto &call : calls)
        EXPECT_EQ(JOB_STATE_FAILED, house.state(std::string(house_parent) + "/customJobs/" + std::to_string(call->id)));
    EXPECT_EQ(1, house.settled);
}

/* What ran is found where its files came along. */
TEST(ControllerRestored, WhatTheExecutorKnowsIsTakenOver)
{
    RestoredHouse house;
    std::string name = house.make(simple_job());
    house.crash();
    house.is_restored = true;
    ASSERT_TRUE(house.start()) << house.failure;
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(1, house.settled);
}

} // namespace
