#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

/* ---- cancel ---- */

TEST(ControllerCancel, CancelGoesThroughCancellingToCancelledWhenAllHasStopped)
{
    House house;
    std::string name = house.make(simple_job(2));
    std::shared_ptr<Call> call = house.cancel(name, API_V1BETA1);
    ASSERT_TRUE(house.turn());
    ASSERT_TRUE(call->answered);
    EXPECT_EQ(ERR_NONE, call->code) << call->error;
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(name));
    EXPECT_EQ(0u, call->operation_name.find(std::string(house_parent) + "/operations/"));
    EXPECT_FALSE(house.operation(call->operation_name).done);
    EXPECT_TRUE(contains(house.operation(call->operation_name).json,
                         "google.cloud.aiplatform.v1beta1.GenericOperationMetadata"));
    EXPECT_EQ(2u, fake_executor_count(house.world, "stop"));
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
    EXPECT_EQ(1, job.error_code);
    EXPECT_TRUE(contains(job.error, "CANCELED"));
    EXPECT_NE(0, job.end_time);
    EXPECT_TRUE(house.operation(call->operation_name).done);
    EXPECT_TRUE(contains(house.operation(call->operation_name).json, "google.protobuf.Empty"));
}

TEST(ControllerCancel, CancelOfACancellingJobIsOkAndNamesTheSameOperation)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> first = house.cancel(name);
    ASSERT_TRUE(house.turn());
    house.restart();
    std::shared_ptr<Call> second = house.cancel(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, second->code);
    EXPECT_EQ(first->operation_name, second->operation_name);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_EQ(1u, house.count(STORE_TABLE_OPERATION));
    EXPECT_TRUE(house.operation(first->operation_name).done);
}

TEST(ControllerCancel, CancelOfAQueuedJobIsCancelledAtOnce)
{
    House house(1);
    std::string running = house.make(simple_job());
    std::string name = house.make(simple_job());
    std::string next = house.make(simple_job());
    std::shared_ptr<Call> call = house.cancel(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, call->code);
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_EQ(0, house.job(name).start_time);
    EXPECT_TRUE(house.operation(call->operation_name).done);
    fake_executor_exit(house.world, House::key(running).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(next));
    EXPECT_EQ(0u, fake_executor_launches(house.world, House::key(name).c_str()));
}

TEST(ControllerCancel, CancelOfAPendingJobIsCancelledOnceItHasStopped)
{
    House house;
    std::shared_ptr<Call> call = house.create(simple_job());
    ASSERT_TRUE(house.turn());
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    house.cancel(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(name));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_EQ(0u, fake_executor_running(house.world));
}

TEST(ControllerCancel, CancelOfAFinishedJobIsRefusedInItsState)
{
    House house;
    std::string name = house.make(simple_job());
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    /* In the turn in which it ends, and in a later one. */
    for (int i = 0; i < 2; i++) {
        std::shared_ptr<Call> call = house.cancel(name);
        ASSERT_TRUE(house.turn());
        EXPECT_EQ(ERR_PRECONDITION, call->code);
        EXPECT_EQ("The CustomJob \"" + name + "\" is in state JOB_STATE_SUCCEEDED and cannot be canceled.",
                  call->error);
        EXPECT_EQ("", call->operation_name);
    }
    EXPECT_EQ(0u, house.count(STORE_TABLE_OPERATION));
}

TEST(ControllerCancel, CancelOfAnUnknownJobIsNotFound)
{
    House house;
    std::shared_ptr<Call> call = house.cancel("projects/p/locations/l/customJobs/7");
    std::shared_ptr<Call> other = house.cancel("nonsense");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NOT_FOUND, call->code);
    EXPECT_EQ("The CustomJob \"projects/p/locations/l/customJobs/7\" was not found.", call->error);
    EXPECT_EQ(ERR_NOT_FOUND, other->code);
}

TEST(ControllerCancel, AJobOfAnotherNameWithThisIdIsNotFound)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> call = house.cancel("projects/other/locations/us-central1/customJobs/" + House::id(name));
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NOT_FOUND, call->code);
}

TEST(ControllerCancel, AProgramThatEndsWellBecauseItWasToldToStopIsCancelled)
{
    House house;
    std::string name = house.make(simple_job());
    house.cancel(name);
    ASSERT_TRUE(house.turn());
    house.advance_s(1);
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
}

/* The news of the end are on their way while the cancellation is decided. */
TEST(ControllerCancel, WhatEndedBeforeTheCancellationWasDecidedIsNotCancelled)
{
    House house;
    std::string well = house.make(simple_job());
    std::string badly = house.make(simple_job());
    house.crash();
    fake_executor_exit(house.world, House::key(well).c_str(), 0, "");
    fake_executor_exit(house.world, House::key(badly).c_str(), 5, "");
    house.advance_s(1);
    ASSERT_TRUE(house.start());
    std::shared_ptr<Call> call = house.cancel(well);
    house.cancel(badly);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(well));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(well));
    EXPECT_EQ(0, house.job(well).error_code);
    EXPECT_EQ(JOB_STATE_FAILED, house.state(badly));
    EXPECT_TRUE(house.operation(call->operation_name).done);
}

TEST(ControllerCancel, CancelWhileTheRestIsStoppedKeepsTheOutcome)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> call = house.cancel(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, call->code);
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(name));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
}

/* The crash came between the decision to start and the start; the cancel comes before the executor says so. */
TEST(ControllerCancel, WhatNeverRanAndIsNotWantedAnyMoreIsNotLaunched)
{
    House house;
    fake_executor_die_after(house.world, 0);
    std::shared_ptr<Call> call = house.create(simple_job(2));
    house.turn();
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    house.restart();
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    house.cancel(name);
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
    EXPECT_EQ(0, job.start_time);
    EXPECT_EQ(0u, fake_executor_launches_max(house.world));
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
}

TEST(ControllerCancel, WhatNeverRanIsLaunchedAfterTheRestartWithTheSameAddresses)
{
    House house;
    fake_executor_die_after(house.world, 0);
    std::shared_ptr<Call> call = house.create(simple_job(2));
    house.turn();
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    EXPECT_EQ(0u, fake_executor_launches_max(house.world));
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(1u, fake_executor_launches(house.world, House::key(name, 0, 0).c_str()));
    EXPECT_EQ(1u, fake_executor_launches(house.world, House::key(name, 1, 0).c_str()));
    EXPECT_EQ(2u, fake_executor_addresses_held(house.world));
}

/* ---- limits ---- */

TEST(ControllerCancel, TimeoutCancelsAndNamesTheLimit)
{
    House house;
    std::string name = house.make(simple_job(2, R"("timeout":"60s")"));
    house.advance_s(59);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_LE(house.wait_ns, second);
    house.advance_s(1);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(name));
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
    EXPECT_EQ(1, job.error_code);
    EXPECT_TRUE(contains(job.error, "CANCELED"));
    EXPECT_TRUE(contains(job.error, "scheduling.timeout of 60s"));
}

TEST(ControllerCancel, TimeoutRunsFromTheFirstRunningAndOverARestart)
{
    House house(1);
    std::string first = house.make(simple_job());
    std::string name = house.make(simple_job(1, R"("timeout":"60s")"));
    house.advance_s(100);
    fake_executor_exit(house.world, House::key(first).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    house.advance_s(30);
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    house.crash();
    house.advance_s(30);
    ASSERT_TRUE(house.start());
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
}

TEST(ControllerCancel, AJobThatSucceededWhileTheServerWasDownIsNotTimedOut)
{
    House house;
    std::string name = house.make(simple_job(1, R"("timeout":"60s")"));
    house.crash();
    house.advance_s(10);
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    house.advance_s(1000);
    ASSERT_TRUE(house.start());
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, job.state);
    EXPECT_EQ(job.start_time + 10 * second, job.end_time);
}

TEST(ControllerCancel, AWaitLongerThanItsLimitFailsWithCode4)
{
    House house(1);
    std::string running = house.make(simple_job());
    std::string name = house.make(simple_job(1, R"("maxWaitDuration":"60s")"));
    std::string patient = house.make(simple_job(1, R"("maxWaitDuration":"0s")"));
    house.advance_s(59);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(name));
    house.advance_s(1);
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(4, job.error_code);
    EXPECT_TRUE(contains(job.error, "max_wait_duration of 60s"));
    house.advance_s(1000000);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(running));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(patient));
}

TEST(ControllerCancel, AWaitThatEndedInTimeDoesNotCountAgainstTheRun)
{
    House house;
    std::string name = house.make(simple_job(1, R"("maxWaitDuration":"60s")"));
    house.advance_s(120);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

} /* namespace */
