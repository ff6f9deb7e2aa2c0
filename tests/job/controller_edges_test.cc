#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

/* ---- retried Create ---- */

TEST(ControllerEdges, ARetriedCreateGetsTheFirstJob)
{
    House house;
    std::shared_ptr<Call> first = house.create(simple_job(), "key-1");
    std::shared_ptr<Call> same_turn = house.create(simple_job(), "key-1");
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> later = house.create(simple_job(), "key-1");
    ASSERT_TRUE(house.turn());
    house.restart();
    std::shared_ptr<Call> after = house.create(simple_job(), "key-1");
    std::shared_ptr<Call> other = house.create(simple_job(), "key-2");
    ASSERT_TRUE(house.turn());
    for (const auto &call : {same_turn, later, after}) {
        EXPECT_EQ(ERR_NONE, call->code) << call->error;
        EXPECT_EQ(first->id, call->id);
    }
    EXPECT_NE(first->id, other->id);
    EXPECT_EQ(2u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, AnIdempotencyKeyWithAnotherRequestIsRefusedByName)
{
    House house;
    house.create(simple_job(1), "key");
    ASSERT_TRUE(house.turn());
    house.restart();
    std::shared_ptr<Call> call = house.create(simple_job(2), "key");
    std::shared_ptr<Call> odd = house.create(simple_job(), "k\xff");
    std::shared_ptr<Call> large = house.create(simple_job(), std::string(LIMIT_REQUEST_ID_CHARS + 1, 'k'));
    ASSERT_TRUE(house.turn());
    for (const auto &refused : {call, odd, large}) {
        EXPECT_EQ(ERR_INVALID, refused->code);
        EXPECT_TRUE(contains(refused->error, "x-goog-request-id"));
    }
    EXPECT_EQ(1u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, ARetriedCreateOfADeletedJobIsNotFoundAndMakesNoSecond)
{
    House house;
    std::shared_ptr<Call> first = house.create(simple_job(), "key");
    ASSERT_TRUE(house.settle());
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(first->id);
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    house.remove(name);
    ASSERT_TRUE(house.settle());
    std::shared_ptr<Call> call = house.create(simple_job(), "key");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NOT_FOUND, call->code);
    EXPECT_EQ(0u, call->error.find("The CustomJob \"" + name + "\" was not found."));
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, AnIdempotencyKeyIsForgottenAfterADay)
{
    House house;
    std::shared_ptr<Call> first = house.create(simple_job(), "key");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(1u, house.count(STORE_TABLE_REQUEST_ID));
    house.restart();
    house.advance_s(24 * 3600);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(0u, house.count(STORE_TABLE_REQUEST_ID));
    std::shared_ptr<Call> call = house.create(simple_job(), "key");
    ASSERT_TRUE(house.turn());
    EXPECT_NE(first->id, call->id);
}

/* ---- the edges ---- */

TEST(ControllerEdges, AFullMailboxAndAStoppedControllerRefuse)
{
    House house;
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i <= LIMIT_CONTROLLER_MAIL; i++) {
        calls.push_back(house.cancel("projects/p/locations/l/customJobs/7"));
    }
    EXPECT_EQ(ERR_EXHAUSTED, calls.back()->code);
    EXPECT_FALSE(calls.front()->answered);
    house.stop();
    for (const auto &call : calls) {
        EXPECT_TRUE(call->answered);
    }
    std::shared_ptr<Call> late = house.cancel("projects/p/locations/l/customJobs/7");
    EXPECT_EQ(ERR_UNAVAILABLE, late->code);
}

TEST(ControllerEdges, AFailedCommitIsFinalAndNothingIsAnsweredOrStarted)
{
    House house;
    fault_fs_arm(house.fs, FAULT_STOP, 0);
    std::shared_ptr<Call> call = house.create(simple_job());
    EXPECT_FALSE(house.turn());
    EXPECT_NE("", house.failure);
    EXPECT_FALSE(house.turn());
    EXPECT_FALSE(call->answered);
    EXPECT_EQ(0u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(0u, fake_executor_count(house.world, "log"));
    house.restart();
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, AnExecutionThatCannotBeTakenOverRefusesTheStart)
{
    House house;
    std::string name = house.make(simple_job());
    house.crash();
    fake_executor_fail_adopts(house.world, "permission denied");
    EXPECT_FALSE(house.start());
    EXPECT_EQ("cannot take over execution " + House::key(name) + ": permission denied", house.failure);
    house.crash();
    fake_executor_fail_adopts(house.world, nullptr);
    ASSERT_TRUE(house.start());
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

TEST(ControllerEdges, AddressesAreClaimedBeforeAnythingIsAssigned)
{
    House house;
    std::string first = house.make(simple_job(2));
    house.restart();
    std::string second = house.make(simple_job(2));
    EXPECT_EQ("claim " + House::key(first, 0, 0) + " 127.0.0.1:20000", fake_executor_line(house.world, "claim", 0));
    EXPECT_EQ("claim " + House::key(first, 1, 0) + " 127.0.0.1:20001", fake_executor_line(house.world, "claim", 1));
    EXPECT_EQ(4u, fake_executor_addresses_held(house.world));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(second));
}

TEST(ControllerEdges, NewsOfUnknownAndEndedExecutionsChangeNothing)
{
    House house;
    std::string name = finished_job(house);
    struct execution_sink sink = controller_sink(house.controller);
    for (int kind = EXECUTION_EVENT_STARTED; kind <= EXECUTION_EVENT_REMOVE_DELAYED; kind++) {
        for (uint64_t id : {UINT64_C(1), (uint64_t)std::stoull(House::id(name))}) {
            struct execution_event event = {};
            event.kind = (enum execution_event_kind)kind;
            event.key.job_id = id;
            event.key.job_attempt = 1;
            event.message = "";
            sink.event(sink.context, &event);
        }
    }
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    EXPECT_EQ(1u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, AWitnessWhoseClockIsAheadDoesNotPutTheEndIntoTheFuture)
{
    House house;
    std::string name = house.make(simple_job());
    struct execution_sink sink = controller_sink(house.controller);
    struct execution_event event = {};
    event.kind = EXECUTION_EVENT_EXITED;
    event.key.job_id = std::stoull(House::id(name));
    event.key.job_attempt = 1;
    event.time_unix_ns = house.clock.wall_unix_ns + 3600 * second;
    sink.event(sink.context, &event);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    EXPECT_EQ(house.job(name).update_time, house.job(name).end_time);
}

/* A worker that takes long to start is not waited for once the primary has succeeded. */
TEST(ControllerEdges, APrimaryThatSucceedsBeforeTheLastWorkerRunsEndsTheJobWithAStartTime)
{
    House house;
    std::shared_ptr<Call> call = house.create(simple_job(2));
    ASSERT_TRUE(house.turn());
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    struct execution_sink sink = controller_sink(house.controller);
    for (enum execution_event_kind kind : {EXECUTION_EVENT_STARTED, EXECUTION_EVENT_EXITED}) {
        struct execution_event event = {};
        event.kind = kind;
        event.key.job_id = call->id;
        event.key.job_attempt = 1;
        house.advance_s(1);
        event.time_unix_ns = house.clock.wall_unix_ns;
        sink.event(sink.context, &event);
    }
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), 15, false);
    ASSERT_TRUE(house.turn());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, job.state);
    EXPECT_EQ(job.create_time + CLOCK_NS_PER_S, job.start_time);
    EXPECT_EQ(job.create_time + 2 * CLOCK_NS_PER_S, job.end_time);
}

TEST(ControllerEdges, TimesNeverRunBackwardsWhenTheWallClockDoes)
{
    House house;
    std::string name = house.make(simple_job());
    Job before = house.job(name);
    house.advance_s(-3600);
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    Job after = house.job(name);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, after.state);
    EXPECT_GE(after.end_time, after.start_time);
    EXPECT_GE(after.update_time, before.update_time);
}

TEST(ControllerEdges, MoreMailThanATurnTakesIsLeftForTheNext)
{
    House house(1);
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i < 5000; i++) {
        calls.push_back(house.create(simple_job()));
    }
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(calls[4095]->answered);
    EXPECT_FALSE(calls[4096]->answered);
    EXPECT_EQ(0, house.wait_ns);
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(calls[4999]->answered);
    EXPECT_EQ(5000u, house.count(STORE_TABLE_JOB));
}

TEST(ControllerEdges, AStopAnswersWhatCameBehindMoreThanATurnTakes)
{
    House house(1);
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i < 5000; i++) {
        calls.push_back(house.create(simple_job()));
    }
    ASSERT_TRUE(house.turn());
    calls.push_back(house.create(simple_job()));
    house.stop();
    EXPECT_TRUE(calls[4999]->answered);
    EXPECT_TRUE(calls[5000]->answered);
}

/* Goal: clients cannot put more into a turn than a commit takes. */
TEST(ControllerEdges, LargeJobsAreMoreThanOneTurnsWork)
{
    House house(100);
    std::string large =
        job_wire(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":)"
                 R"({"imageUri":"i","command":["true"]}}],"serviceAccount":")" +
                 std::string(3500 * 1000, 'x') + "\"}}");
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i < 20; i++) {
        calls.push_back(house.create(large));
    }
    ASSERT_TRUE(house.turn()) << house.failure;
    EXPECT_EQ(0, house.wait_ns) << "the others do not wait for mail";
    EXPECT_TRUE(calls[4]->answered);
    EXPECT_FALSE(calls[6]->answered);
    ASSERT_TRUE(house.settle()) << house.failure;
    for (const auto &call : calls) {
        ASSERT_EQ(ERR_NONE, call->code) << call->error;
        std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
        EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
        house.cancel(name);
    }
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

} /* namespace */
