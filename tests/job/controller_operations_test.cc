#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

/* ---- delete ---- */

TEST(ControllerOperations, DeleteOfAJobThatHasNotEndedIsRefusedInItsState)
{
    House house(1);
    std::string running = house.make(simple_job());
    std::string queued = house.make(simple_job());
    std::shared_ptr<Call> first = house.remove(running);
    std::shared_ptr<Call> second = house.remove(queued);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_PRECONDITION, first->code);
    EXPECT_EQ("The CustomJob \"" + running + "\" is in state JOB_STATE_RUNNING and cannot be deleted.", first->error);
    EXPECT_EQ(ERR_PRECONDITION, second->code);
    EXPECT_TRUE(contains(second->error, "JOB_STATE_QUEUED and cannot be deleted"));
    EXPECT_TRUE(house.job(running).found);
}

TEST(ControllerOperations, DeleteIsNotFoundAtOnceAndDoneWhenTheFilesAreGone)
{
    House house;
    std::string name = finished_job(house);
    std::shared_ptr<Call> call = house.remove(name, API_V1BETA1);
    std::shared_ptr<Call> again = house.remove(name);
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    ASSERT_EQ(ERR_NONE, call->code) << call->error;
    EXPECT_TRUE(
        contains(operation_json(as_span(call->value)), "google.cloud.aiplatform.v1beta1.DeleteOperationMetadata"));
    EXPECT_FALSE(house.operation(operation_name(call)).done);
    EXPECT_FALSE(house.job(name).found);
    EXPECT_EQ(ERR_NOT_FOUND, again->code);
    EXPECT_EQ(ERR_NOT_FOUND, cancel->code);
    EXPECT_EQ(1u, fake_executor_count(house.world, "remove"));
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.operation(operation_name(call)).done);
    EXPECT_FALSE(fake_executor_has_files(house.world, std::stoull(House::id(name))));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerOperations, DeleteWithoutFilesIsDoneAtOnce)
{
    House house;
    std::string name = finished_job(house);
    /* Another server's hand has cleaned up. */
    struct err err = ERR_INIT;
    ASSERT_EQ(0, fake_executor_executor(house.world)
                     ->ops->remove(fake_executor_executor(house.world), std::stoull(House::id(name)), &err));
    ASSERT_TRUE(house.settle());
    fake_executor_settle(house.world);
    std::shared_ptr<Call> call = house.remove(name);
    std::shared_ptr<Call> again = house.remove(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, call->code);
    EXPECT_TRUE(contains(operation_json(as_span(call->value)), "\"done\":true"));
    EXPECT_EQ(ERR_NOT_FOUND, again->code);
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    EXPECT_EQ(1u, fake_executor_count(house.world, "remove"));
}

/* The end of the job, its deletion and a second one, all decided in one turn. */
TEST(ControllerOperations, DeleteInTheTurnOfTheEndRemovesWhatTheEndStillSays)
{
    House house;
    std::string name = house.make(simple_job());
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    std::shared_ptr<Call> call = house.remove(name);
    std::shared_ptr<Call> again = house.remove(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, call->code) << call->error;
    EXPECT_EQ(ERR_NOT_FOUND, again->code);
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.operation(operation_name(call)).done);
    EXPECT_FALSE(fake_executor_has_files(house.world, std::stoull(House::id(name))));
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
    house.restart();
    EXPECT_FALSE(house.job(name).found);
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

TEST(ControllerOperations, ADeletionGoesOnAfterARestart)
{
    House house;
    std::string name = finished_job(house);
    std::shared_ptr<Call> call = house.remove(name);
    ASSERT_TRUE(house.turn());
    house.restart();
    EXPECT_FALSE(house.operation(operation_name(call)).done);
    EXPECT_EQ(2u, fake_executor_count(house.world, "remove"));
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.operation(operation_name(call)).done);
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

TEST(ControllerOperations, ARemovalThatIsRefusedIsToldInTheOperation)
{
    House house;
    std::string name = finished_job(house);
    fake_executor_fail_removes(house.world, "the disk is read-only");
    std::shared_ptr<Call> call = house.remove(name);
    ASSERT_TRUE(house.settle());
    Operation operation = house.operation(operation_name(call));
    EXPECT_TRUE(operation.done);
    EXPECT_TRUE(contains(operation.json, "\"error\":{\"code\":13")) << operation.json;
    EXPECT_TRUE(contains(operation.json, "the disk is read-only"));
}

TEST(ControllerOperations, DeleteOfAnUnknownJobIsNotFound)
{
    House house;
    std::shared_ptr<Call> call = house.remove("projects/p/locations/l/customJobs/7");
    std::shared_ptr<Call> other = house.remove("nonsense");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ("The CustomJob \"projects/p/locations/l/customJobs/7\" was not found.", call->error);
    EXPECT_EQ("The CustomJob \"nonsense\" was not found.", other->error);
}

/* ---- operations ---- */

TEST(ControllerOperations, AWaitEndsWhenTheOperationIsDone)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> wait = house.wait(cancel->operation_name, 60 * second);
    std::shared_ptr<Call> other = house.wait(cancel->operation_name, INT64_MAX);
    ASSERT_TRUE(house.turn());
    EXPECT_FALSE(wait->answered);
    ASSERT_TRUE(house.settle());
    ASSERT_TRUE(wait->answered);
    ASSERT_TRUE(other->answered);
    EXPECT_TRUE(contains(operation_json(as_span(wait->value)), "\"done\":true"));
    std::shared_ptr<Call> late = house.wait(cancel->operation_name, 60 * second);
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(contains(operation_json(as_span(late->value)), "\"done\":true"));
}

/* The news that makes the operation done and the wait for it meet in one turn. */
TEST(ControllerOperations, AWaitThatMeetsItsEndInOneTurnIsAnswered)
{
    House house;
    std::string name = finished_job(house);
    std::shared_ptr<Call> call = house.remove(name);
    ASSERT_TRUE(house.turn());
    fake_executor_settle(house.world);
    std::shared_ptr<Call> wait = house.wait(operation_name(call), 60 * second);
    ASSERT_TRUE(house.turn());
    ASSERT_TRUE(wait->answered);
    EXPECT_TRUE(contains(operation_json(as_span(wait->value)), "\"done\":true"));
}

TEST(ControllerOperations, AWaitAtItsDeadlineGetsTheOperationAsItIs)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> wait = house.wait(cancel->operation_name, 10 * second);
    std::shared_ptr<Call> now = house.wait(cancel->operation_name, 0);
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(now->answered);
    EXPECT_FALSE(wait->answered);
    EXPECT_LE(house.wait_ns, 10 * second);
    house.advance_s(10);
    ASSERT_TRUE(house.turn());
    ASSERT_TRUE(wait->answered);
    EXPECT_EQ(ERR_NONE, wait->code);
    EXPECT_FALSE(contains(operation_json(as_span(wait->value)), "\"done\""));
}

TEST(ControllerOperations, WaitsAreBoundedAndEndUnavailableAtTheStop)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::vector<std::shared_ptr<Call>> waits;
    for (int i = 0; i <= LIMIT_OPERATION_WAITS; i++) {
        waits.push_back(house.wait(cancel->operation_name, INT64_MAX));
    }
    ASSERT_TRUE(house.turn());
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(waits.back()->answered);
    EXPECT_EQ(ERR_EXHAUSTED, waits.back()->code);
    EXPECT_FALSE(waits.front()->answered);
    house.stop();
    EXPECT_TRUE(waits.front()->answered);
    EXPECT_EQ(ERR_UNAVAILABLE, waits.front()->code);
}

TEST(ControllerOperations, OneWhoWaitsAndGoesMakesRoomForAnother)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::vector<std::shared_ptr<Call>> waits;
    for (int i = 0; i < LIMIT_OPERATION_WAITS; i++) {
        waits.push_back(house.wait(cancel->operation_name, INT64_MAX));
    }
    ASSERT_TRUE(house.turn());
    for (int i : {0, 7, LIMIT_OPERATION_WAITS - 1}) {
        controller_abandon(house.controller, &waits[size_t(i)]->command);
    }
    ASSERT_TRUE(house.turn());
    for (int i = 0; i < LIMIT_OPERATION_WAITS; i++) {
        EXPECT_EQ(i == 0 || i == 7 || i == LIMIT_OPERATION_WAITS - 1, waits[size_t(i)]->answered) << i;
    }
    std::shared_ptr<Call> gone = house.wait(cancel->operation_name, INT64_MAX);
    std::shared_ptr<Call> next = house.wait(cancel->operation_name, INT64_MAX);
    controller_abandon(house.controller, &gone->command);
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(gone->answered) << "it was gone before it was taken";
    EXPECT_FALSE(next->answered);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(ERR_NONE, next->code);
    EXPECT_TRUE(next->answered);
}

/* The calls of a server that stops: each gets an answer, and none keeps it from stopping. */
TEST(ControllerOperations, NobodyWaitsOnceWaitsAreEnded)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> before = house.wait(cancel->operation_name, INT64_MAX);
    ASSERT_TRUE(house.turn());
    controller_end_waits(house.controller);
    std::shared_ptr<Call> after = house.wait(cancel->operation_name, INT64_MAX);
    ASSERT_TRUE(house.turn());
    for (const auto &call : {before, after}) {
        EXPECT_TRUE(call->answered);
        EXPECT_EQ(ERR_UNAVAILABLE, call->code);
    }
    ASSERT_TRUE(house.settle());
    std::shared_ptr<Call> done = house.wait(cancel->operation_name, INT64_MAX);
    std::shared_ptr<Call> create = house.create(simple_job());
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, done->code) << "there is nothing to wait for";
    EXPECT_EQ(ERR_NONE, create->code) << "all else goes on until the stop";
}

TEST(ControllerOperations, OnlyADoneOperationCanBeForgotten)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> cancel = house.cancel(name);
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> early = house.forget(cancel->operation_name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_PRECONDITION, early->code);
    EXPECT_EQ("The Operation \"" + cancel->operation_name + "\" is not done and cannot be deleted.", early->error);
    ASSERT_TRUE(house.settle());
    std::shared_ptr<Call> call = house.forget(cancel->operation_name);
    std::shared_ptr<Call> again = house.forget(cancel->operation_name);
    std::shared_ptr<Call> wait = house.wait(cancel->operation_name, second);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NONE, call->code);
    EXPECT_EQ(ERR_NOT_FOUND, again->code);
    EXPECT_EQ("The Operation \"" + cancel->operation_name + "\" was not found.", again->error);
    EXPECT_EQ(ERR_NOT_FOUND, wait->code);
    EXPECT_FALSE(house.operation(cancel->operation_name).found);
}

} /* namespace */
