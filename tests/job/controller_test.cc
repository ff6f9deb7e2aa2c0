#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "base/limits.h"
#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

bool contains(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

std::vector<std::string> service_lines(const House &house, const std::string &name)
{
    std::string prefix = "log " + House::id(name) + ": ";
    std::vector<std::string> lines;
    while (const char *line = fake_executor_line(house.world, prefix.c_str(), lines.size())) {
        lines.push_back(line + prefix.size());
    }
    return lines;
}

/* ---- from Create to the end ---- */

TEST(Controller, CreateAnswersPendingWithNameAndTimesAndStartsOnlyThen)
{
    House house;
    std::shared_ptr<Call> call = house.create(simple_job());
    EXPECT_FALSE(call->answered);
    EXPECT_EQ(0u, fake_executor_count(house.world, "start"));
    ASSERT_TRUE(house.turn()) << house.failure;
    ASSERT_TRUE(call->answered);
    ASSERT_EQ(ERR_NONE, call->code) << call->error;
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    EXPECT_EQ(19u, House::id(name).size());
    EXPECT_EQ("{\"name\":\"" + name +
                  "\",\"displayName\":\"d\",\"jobSpec\":{\"workerPoolSpecs\":[{\"containerSpec\":{\"imageUri\":\"i\","
                  "\"command\":[\"true\"]},\"replicaCount\":\"1\"}]},\"state\":\"JOB_STATE_PENDING\","
                  "\"createTime\":\"2024-05-06T07:08:09.123456Z\",\"updateTime\":\"2024-05-06T07:08:09.123456Z\"}",
              job_json(as_span(call->value)));
    EXPECT_EQ(1u, fake_executor_count(house.world, ("start " + House::key(name)).c_str()));
}

TEST(Controller, AJobRunsAndSucceeds)
{
    House house;
    std::string name = house.make(simple_job());
    Job running = house.job(name);
    EXPECT_EQ(JOB_STATE_RUNNING, running.state);
    EXPECT_EQ(running.create_time, running.start_time);
    EXPECT_EQ(0, running.end_time);
    EXPECT_EQ(1u, fake_executor_addresses_held(house.world));
    house.advance_s(5);
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, job.state);
    EXPECT_EQ(running.start_time, job.start_time);
    EXPECT_EQ(running.start_time + 5 * second, job.end_time);
    EXPECT_EQ(job.end_time, job.update_time);
    EXPECT_EQ(0, job.error_code);
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    EXPECT_EQ((std::vector<std::string>{"Waiting for job to be provisioned.", "Job is preparing.", "Job is running.",
                                        "Finished tearing down training program.", "Job completed successfully."}),
              service_lines(house, name));
}

TEST(Controller, RunningMeansThatAllReplicasOfAllPoolsRun)
{
    House house;
    std::shared_ptr<Call> call = house.create(simple_job(3));
    ASSERT_TRUE(house.turn());
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    fake_executor_settle(house.world);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(3u, fake_executor_running(house.world));
}

TEST(Controller, ThePrimarysSuccessEndsTheJobOnceTheOthersAreStopped)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(2u, fake_executor_count(house.world, "stop"));
    EXPECT_EQ(1u, fake_executor_count(house.world, ("stop " + House::key(name, 1, 0)).c_str()));
    EXPECT_EQ(1u, fake_executor_count(house.world, ("stop " + House::key(name, 1, 1)).c_str()));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    EXPECT_EQ(0u, fake_executor_running(house.world));
}

TEST(Controller, AWorkerThatEndsWellBeforeThePrimaryChangesNothing)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_exit(house.world, House::key(name, 1, 0).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(0u, fake_executor_count(house.world, "stop"));
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
}

TEST(Controller, AFailedReplicaFailsTheJobByNameAndStopsTheRest)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_exit(house.world, House::key(name, 1, 1).c_str(), 3, "boom\n");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(3, job.error_code);
    EXPECT_EQ("The replica workerpool1-1 exited with a non-zero status of 3. Termination reason: Error. \nboom\n"
              "To find out more about why your job exited please check the logs: customjob logs " +
                  name,
              job.error);
    EXPECT_EQ(0u, fake_executor_running(house.world));
    EXPECT_TRUE(contains(service_lines(house, name).back(), "Job failed with error code 3: The replica workerpool1-1"));
}

TEST(Controller, TheFirstFailureIsTheOneThatIsTold)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_exit(house.world, House::key(name, 1, 0).c_str(), 7, "");
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    fake_executor_exit(house.world, House::key(name, 1, 1).c_str(), 9, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_FAILED, house.state(name));
    EXPECT_TRUE(contains(house.job(name).error, "workerpool1-0 exited with a non-zero status of 7"));
}

TEST(Controller, ASignalAndTheOutOfMemoryKillerAreNamed)
{
    House house;
    std::string killed = house.make(simple_job());
    std::string starved = house.make(simple_job());
    fake_executor_kill(house.world, House::key(killed).c_str(), SIGSEGV, false);
    fake_executor_kill(house.world, House::key(starved).c_str(), SIGKILL, true);
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(contains(house.job(killed).error, "status of 139 (signal 11, SIGSEGV)"));
    EXPECT_TRUE(contains(house.job(starved).error, "ran out of memory and exited with a non-zero status of 137"));
}

TEST(Controller, AReplicaThatCannotStartFailsTheJobAndStopsTheRest)
{
    for (bool at_once : {false, true}) {
        House house;
        fake_executor_fail_starts(house.world, "workerpool1-0", "no such program", at_once);
        std::string name = house.make(simple_job(2));
        Job job = house.job(name);
        EXPECT_EQ(JOB_STATE_FAILED, job.state);
        EXPECT_EQ(3, job.error_code);
        EXPECT_TRUE(contains(job.error, "Termination reason: StartError. \nTermination log message: no such program"));
        EXPECT_EQ(0, job.start_time);
        EXPECT_EQ(0u, fake_executor_running(house.world));
        EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
    }
}

TEST(Controller, ALostReplicaFailsTheJobWithCode13AndNoNumberIsInvented)
{
    House house;
    std::string name = house.make(simple_job());
    fake_executor_lose(house.world, House::key(name).c_str(), "Its supervisor was killed.");
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(13, job.error_code);
    EXPECT_EQ("The replica workerpool0-0 has ended, exit status unknown. Its supervisor was killed.", job.error);
}

TEST(Controller, FieldsWithoutEffectAreToldOnce)
{
    House house;
    std::string name = house.make(job_wire(R"({"displayName":"d","jobSpec":{"serviceAccount":"s","network":"n",
        "workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"i"},"diskSpec":{"bootDiskSizeGb":100}}],
        "scheduling":{"strategy":"SPOT"}}})"));
    house.restart();
    ASSERT_TRUE(house.settle());
    std::vector<std::string> lines = service_lines(house, name);
    for (const char *field : {"job_spec.service_account", "job_spec.network", "job_spec.scheduling.strategy",
                              "job_spec.worker_pool_specs[0].disk_spec"}) {
        std::string line = std::string(field) + " is kept and given back, but has no effect on this server.";
        EXPECT_EQ(1, std::count(lines.begin(), lines.end(), line)) << line;
    }
}

/* ---- admission ---- */

TEST(Controller, JobsThatDoNotFitWaitQueuedInOrderAndWhole)
{
    House house(4);
    std::string first = house.make(simple_job(3));
    std::shared_ptr<Call> call = house.create(simple_job(2));
    ASSERT_TRUE(house.turn());
    EXPECT_TRUE(contains(job_json(as_span(call->value)), "JOB_STATE_QUEUED"));
    std::string second = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    /* One replica would fit, but it came later. */
    std::string third = house.make(simple_job(1));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(second));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(third));
    EXPECT_EQ(3u, fake_executor_count(house.world, "start"));
    fake_executor_exit(house.world, House::key(first).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(first));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(second));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(third));
    EXPECT_EQ(6u, fake_executor_count(house.world, "start"));
}

TEST(Controller, QueueKeepsItsOrderOverARestart)
{
    House house(1);
    std::vector<std::string> names;
    for (int i = 0; i < 5; i++) {
        names.push_back(house.make(simple_job()));
    }
    for (int i = 0; i < 5; i++) {
        house.restart();
        ASSERT_TRUE(house.settle());
        for (int k = 0; k < 5; k++) {
            enum job_state expected = k < i ? JOB_STATE_SUCCEEDED : k == i ? JOB_STATE_RUNNING : JOB_STATE_QUEUED;
            EXPECT_EQ(expected, house.state(names[(size_t)k])) << i << " " << k;
        }
        fake_executor_exit(house.world, House::key(names[(size_t)i]).c_str(), 0, "");
        ASSERT_TRUE(house.settle());
    }
}

TEST(Controller, AJobThatCanNeverFitIsRefusedAtCreate)
{
    House house(2);
    std::shared_ptr<Call> call = house.create(simple_job(3));
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_INVALID, call->code);
    EXPECT_TRUE(contains(call->error, "3 replicas, this server runs at most 2"));
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

TEST(Controller, AQueuedJobThatANewLimitShutsOutFailsAndDoesNotBlockTheQueue)
{
    House house(3);
    std::string first = house.make(simple_job(3));
    std::string large = house.make(simple_job(3));
    std::string small = house.make(simple_job(1));
    house.crash();
    house.replicas_max = 2;
    ASSERT_TRUE(house.start()) << house.failure;
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(first));
    EXPECT_EQ(JOB_STATE_FAILED, house.state(large));
    EXPECT_EQ(8, house.job(large).error_code);
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small));
    fake_executor_exit(house.world, House::key(first).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(small));
}

TEST(Controller, WithoutAddressesAJobWaitsAndAsksAgain)
{
    House house;
    fake_executor_set_addresses(house.world, 2);
    std::string first = house.make(simple_job(1));
    std::string second = house.make(simple_job(2));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(second));
    EXPECT_EQ(1u, fake_executor_addresses_held(house.world));
    EXPECT_LE(house.wait_ns, CLOCK_NS_PER_S);
    fake_executor_exit(house.world, House::key(first).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    house.advance_s(1);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(second));
}

/* Its first expansion already breaks the limit of one string. */
TEST(Controller, AJobThatCannotBePlannedFailsWithTheReason)
{
    House house;
    std::string value = std::string(100000, 'x');
    std::string name = house.make(job_wire(
        R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"containerSpec":{"imageUri":"i","env":[{"name":"A","value":")" +
        value + R"json("},{"name":"B","value":"$(A)$(A)"}]}}]}})json"));
    EXPECT_EQ(JOB_STATE_FAILED, house.state(name));
    EXPECT_EQ(3, house.job(name).error_code);
    EXPECT_TRUE(contains(house.job(name).error, "container_spec.env[1].value has 200000 bytes after expansion"));
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
}

/* ---- cancel ---- */

TEST(Controller, CancelGoesThroughCancellingToCancelledWhenAllHasStopped)
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

TEST(Controller, CancelOfACancellingJobIsOkAndNamesTheSameOperation)
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

TEST(Controller, CancelOfAQueuedJobIsCancelledAtOnce)
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

TEST(Controller, CancelOfAPendingJobIsCancelledOnceItHasStopped)
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

TEST(Controller, CancelOfAFinishedJobIsRefusedInItsState)
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

TEST(Controller, CancelOfAnUnknownJobIsNotFound)
{
    House house;
    std::shared_ptr<Call> call = house.cancel("projects/p/locations/l/customJobs/7");
    std::shared_ptr<Call> other = house.cancel("nonsense");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NOT_FOUND, call->code);
    EXPECT_EQ("The CustomJob \"projects/p/locations/l/customJobs/7\" was not found.", call->error);
    EXPECT_EQ(ERR_NOT_FOUND, other->code);
}

TEST(Controller, AJobOfAnotherNameWithThisIdIsNotFound)
{
    House house;
    std::string name = house.make(simple_job());
    std::shared_ptr<Call> call = house.cancel("projects/other/locations/us-central1/customJobs/" + House::id(name));
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(ERR_NOT_FOUND, call->code);
}

TEST(Controller, AProgramThatEndsWellBecauseItWasToldToStopIsCancelled)
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
TEST(Controller, WhatEndedBeforeTheCancellationWasDecidedIsNotCancelled)
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

TEST(Controller, CancelWhileTheRestIsStoppedKeepsTheOutcome)
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

/* ---- limits ---- */

TEST(Controller, TimeoutCancelsAndNamesTheLimit)
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

TEST(Controller, TimeoutRunsFromTheFirstRunningAndOverARestart)
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

TEST(Controller, AJobThatSucceededWhileTheServerWasDownIsNotTimedOut)
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

TEST(Controller, AWaitLongerThanItsLimitFailsWithCode4)
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

TEST(Controller, AWaitThatEndedInTimeDoesNotCountAgainstTheRun)
{
    House house;
    std::string name = house.make(simple_job(1, R"("maxWaitDuration":"60s")"));
    house.advance_s(120);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

/* ---- delete ---- */

TEST(Controller, DeleteOfAJobThatHasNotEndedIsRefusedInItsState)
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

std::string finished_job(House &house)
{
    std::string name = house.make(simple_job());
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    EXPECT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    return name;
}

std::string operation_name(const std::shared_ptr<Call> &call)
{
    return std::string(house_parent) + "/operations/" + std::to_string(call->id);
}

TEST(Controller, DeleteIsNotFoundAtOnceAndDoneWhenTheFilesAreGone)
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

TEST(Controller, DeleteWithoutFilesIsDoneAtOnce)
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
TEST(Controller, DeleteInTheTurnOfTheEndRemovesWhatTheEndStillSays)
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

TEST(Controller, ADeletionGoesOnAfterARestart)
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

TEST(Controller, ARemovalThatIsRefusedIsToldInTheOperation)
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

TEST(Controller, DeleteOfAnUnknownJobIsNotFound)
{
    House house;
    std::shared_ptr<Call> call = house.remove("projects/p/locations/l/customJobs/7");
    std::shared_ptr<Call> other = house.remove("nonsense");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ("The CustomJob \"projects/p/locations/l/customJobs/7\" was not found.", call->error);
    EXPECT_EQ("The CustomJob \"nonsense\" was not found.", other->error);
}

/* ---- operations ---- */

TEST(Controller, AWaitEndsWhenTheOperationIsDone)
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
TEST(Controller, AWaitThatMeetsItsEndInOneTurnIsAnswered)
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

TEST(Controller, AWaitAtItsDeadlineGetsTheOperationAsItIs)
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

TEST(Controller, WaitsAreBoundedAndEndUnavailableAtTheStop)
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

TEST(Controller, OnlyADoneOperationCanBeForgotten)
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

/* ---- retried Create ---- */

TEST(Controller, ARetriedCreateGetsTheFirstJob)
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

TEST(Controller, AnIdempotencyKeyWithAnotherRequestIsRefusedByName)
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

TEST(Controller, ARetriedCreateOfADeletedJobIsNotFoundAndMakesNoSecond)
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

TEST(Controller, AnIdempotencyKeyIsForgottenAfterADay)
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

TEST(Controller, AFullMailboxAndAStoppedControllerRefuse)
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

TEST(Controller, AFailedCommitIsFinalAndNothingIsAnsweredOrStarted)
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

TEST(Controller, AnExecutionThatCannotBeTakenOverRefusesTheStart)
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

TEST(Controller, AddressesAreClaimedBeforeAnythingIsAssigned)
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

TEST(Controller, NewsOfUnknownAndEndedExecutionsChangeNothing)
{
    House house;
    std::string name = finished_job(house);
    struct execution_sink sink = controller_sink(house.controller);
    for (int kind = EXECUTION_EVENT_STARTED; kind <= EXECUTION_EVENT_REMOVED; kind++) {
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

TEST(Controller, TimesNeverRunBackwardsWhenTheWallClockDoes)
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

TEST(Controller, MoreMailThanATurnTakesIsLeftForTheNext)
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

} /* namespace */
