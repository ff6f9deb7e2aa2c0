#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

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
              house.service_lines(name));
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
    EXPECT_TRUE(contains(house.service_lines(name).back(), "Job failed with error code 3: The replica workerpool1-1"));
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
    std::string killed = house.make(simple_job(1, R"("disableRetries":true)"));
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
    std::string name = house.make(simple_job(1, R"("disableRetries":true)"));
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
    std::vector<std::string> lines = house.service_lines(name);
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

} /* namespace */
