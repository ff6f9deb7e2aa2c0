#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "house.h"

namespace {

const int64_t second = CLOCK_NS_PER_S;

size_t launches(const House &house, const std::string &key)
{
    return fake_executor_launches(house.world, key.c_str());
}

bool has_line(const House &house, const std::string &name, const std::string &text)
{
    std::vector<std::string> lines = house.service_lines(name);
    return std::any_of(lines.begin(), lines.end(), [&](const std::string &line) { return contains(line, text); });
}

/* Nothing is started before so many seconds are over. */
void wait_for_start(House &house, int64_t seconds)
{
    size_t starts = fake_executor_count(house.world, "start");

    EXPECT_LE(house.wait_ns, seconds * second);
    house.advance_ns(seconds * second - 1);
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_EQ(starts, fake_executor_count(house.world, "start"));
    EXPECT_LE(house.wait_ns, 1);
    house.advance_ns(1);
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_LT(starts, fake_executor_count(house.world, "start"));
}

/* ---- a replica alone ---- */

TEST(ControllerRetry, AKilledReplicaIsStartedAgainAtOnceWhileTheOthersRunOn)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 1)));
    EXPECT_EQ(4u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(0u, fake_executor_count(house.world, "stop"));
    EXPECT_EQ(3u, fake_executor_addresses_held(house.world));
    EXPECT_TRUE(has_line(house, name,
                         "The replica workerpool1-0 exited with a non-zero status of 137 (signal 9, "
                         "SIGKILL). Termination reason: Error."));
    EXPECT_TRUE(has_line(house, name, "Restarting workerpool1-0 in 0 s: restart 1 of at most 5."));
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    EXPECT_EQ(0u, fake_executor_running(house.world));
}

TEST(ControllerRetry, ThePrimaryIsRestartedTooAndItsSuccessCounts)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_kill(house.world, House::key(name).c_str(), SIGTERM, false);
    ASSERT_TRUE(house.settle());
    fake_executor_exit(house.world, House::key(name, 0, 0, 1).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
}

TEST(ControllerRetry, RestartsWaitLongerEachTimeAndAfterFiveTheWholeJobIsRetried)
{
    House house;
    std::string name = house.make(simple_job(2));
    const int64_t waits_s[] = {0, 1, 2, 4, 8};
    for (unsigned restart = 0; restart < 5; restart++) {
        fake_executor_kill(house.world, House::key(name, 1, 0, restart).c_str(), SIGKILL, false);
        ASSERT_TRUE(house.settle());
        if (waits_s[restart] > 0) {
            wait_for_start(house, waits_s[restart]);
        }
        EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, restart + 1)));
    }
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    fake_executor_kill(house.world, House::key(name, 1, 0, 5).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(1u, launches(house, House::key(name, 0, 0, 0, 2)));
    EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 0, 2)));
    EXPECT_TRUE(has_line(house, name, "The job will be retried: attempt 2 of at most 4."));
    EXPECT_EQ(2u, fake_executor_running(house.world));
    EXPECT_EQ(2u, fake_executor_addresses_held(house.world));
}

TEST(ControllerRetry, PendingBecomesRunningOnceTheRestartedOneRuns)
{
    House house;
    std::shared_ptr<Call> call = house.create(simple_job(2));
    ASSERT_TRUE(house.turn());
    std::string name = std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    fake_executor_settle(house.world);
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(2u, fake_executor_running(house.world));
}

TEST(ControllerRetry, OneThatWaitsForItsRestartIsStartedAfterARestartOfTheServer)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    fake_executor_kill(house.world, House::key(name, 1, 0, 1).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(0u, launches(house, House::key(name, 1, 0, 2)));
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 2)));
    EXPECT_EQ(0u, fake_executor_count(house.world, ("adopt " + House::key(name, 1, 0)).c_str()));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

/* ---- the whole job ---- */

TEST(ControllerRetry, ACrashIsRetriedThreeTimesAsAWholeAndThenTold)
{
    House house;
    std::string name = house.make(simple_job(2));
    Job first = house.job(name);
    for (unsigned attempt = 1; attempt <= 4; attempt++) {
        SCOPED_TRACE(attempt);
        EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
        EXPECT_EQ(first.start_time, house.job(name).start_time);
        EXPECT_EQ(1u, launches(house, House::key(name, 0, 0, 0, attempt)));
        EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 0, attempt)));
        EXPECT_EQ(2u, fake_executor_running(house.world));
        house.advance_s(10);
        fake_executor_kill(house.world, House::key(name, 0, 0, 0, attempt).c_str(), SIGSEGV, false);
        ASSERT_TRUE(house.settle());
        if (attempt == 2 || attempt == 3) {
            EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
            EXPECT_EQ(0u, fake_executor_running(house.world));
            wait_for_start(house, attempt - 1);
        }
    }
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(3, job.error_code);
    EXPECT_TRUE(contains(job.error, "workerpool0-0 exited with a non-zero status of 139 (signal 11, SIGSEGV)"));
    EXPECT_TRUE(contains(job.error, "This was attempt 4 of the job and restart 0 of the replica.")) << job.error;
    EXPECT_EQ(first.start_time, job.start_time);
    EXPECT_EQ(job.end_time, job.update_time);
    EXPECT_EQ(8u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

TEST(ControllerRetry, AllHasStoppedBeforeTheNextAttemptBegins)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_exit(house.world, House::key(name, 1, 1).c_str(), 134, "");
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(2u, fake_executor_count(house.world, "stop"));
    EXPECT_EQ(3u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(6u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(3u, fake_executor_running(house.world));
}

TEST(ControllerRetry, AnotherAttemptIsPendingUntilAllOfItRun)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGSEGV, false);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    fake_executor_settle(house.world);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 0, 2)));
    struct execution_event event = {};
    struct err err = ERR_INIT;
    ASSERT_EQ(0, execution_key_parse(as_span(House::key(name, 0, 0, 0, 2)), &event.key, &err));
    event.kind = EXECUTION_EVENT_STARTED;
    event.message = "";
    struct execution_sink sink = controller_sink(house.controller);
    sink.event(sink.context, &event);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

/* Its peers fail because it is gone: that is not what the job fails of. */
TEST(ControllerRetry, WhatTheOthersSayWhileTheyAreStoppedDoesNotCount)
{
    House house;
    std::string name = house.make(simple_job(3));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGABRT, false);
    fake_executor_exit(house.world, House::key(name).c_str(), 1, "connection reset\n");
    fake_executor_exit(house.world, House::key(name, 1, 1).c_str(), 1, "connection reset\n");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(3u, fake_executor_running(house.world));
}

TEST(ControllerRetry, APrimaryThatWasThroughBeforeMakesTheRetryNeedless)
{
    House house;
    std::string name = house.make(simple_job(2));
    house.crash();
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGABRT, false);
    house.advance_s(1);
    ASSERT_TRUE(house.start());
    /* The worker's end is told first. */
    struct execution_event event = {};
    struct err err = ERR_INIT;
    ASSERT_EQ(0, execution_key_parse(as_span(House::key(name, 1, 0)), &event.key, &err));
    event.kind = EXECUTION_EVENT_EXITED;
    event.exit_code = -1;
    event.term_signal = SIGABRT;
    event.message = "";
    struct execution_sink sink = controller_sink(house.controller);
    sink.event(sink.context, &event);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_TRUE(has_line(house, name, "The job will be retried"));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, AnExitCodeOfTheProgramsOwnIsFinal)
{
    for (int code : {1, 2, 5, 127, 137, 255}) {
        House house;
        std::string name = house.make(simple_job(2));
        fake_executor_exit(house.world, House::key(name, 1, 0).c_str(), code, "");
        ASSERT_TRUE(house.settle());
        EXPECT_EQ(JOB_STATE_FAILED, house.state(name)) << code;
        EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
        EXPECT_FALSE(contains(house.job(name).error, "This was attempt"));
    }
}

TEST(ControllerRetry, OutOfMemoryIsFinal)
{
    House house;
    std::string name = house.make(simple_job());
    fake_executor_kill(house.world, House::key(name).c_str(), SIGKILL, true);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_FAILED, house.state(name));
    EXPECT_EQ(1u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, ALostAttemptIsRetriedTwiceAndThenItsEndIsUnknown)
{
    House house;
    std::string name = house.make(simple_job(2));
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        SCOPED_TRACE(attempt);
        ASSERT_EQ(JOB_STATE_RUNNING, house.state(name));
        fake_executor_lose(house.world, House::key(name, 0, 0, 0, attempt).c_str(), "The host went down while it ran.");
        fake_executor_lose(house.world, House::key(name, 1, 0, 0, attempt).c_str(), "The host went down while it ran.");
        ASSERT_TRUE(house.settle());
        if (attempt == 2) {
            wait_for_start(house, 1);
        }
    }
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(13, job.error_code);
    EXPECT_TRUE(contains(job.error, "exit status unknown. The host went down while it ran.\nThis was attempt 3"));
    EXPECT_EQ(6u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, AHostThatCannotStartAReplicaIsTriedAgain)
{
    House house;
    fake_executor_fail_starts_by_host(house.world, "workerpool1-0", "The replica was not launched: no space.");
    std::string name = house.make(simple_job(2));
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    EXPECT_EQ(0, house.job(name).start_time);
    fake_executor_fail_starts(house.world, nullptr, "", false);
    wait_for_start(house, 1);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(1u, launches(house, House::key(name, 1, 0, 0, 3)));
}

TEST(ControllerRetry, AHostThatNeverStartsItFailsTheJobWithCode13)
{
    House house;
    fake_executor_fail_starts_by_host(house.world, "workerpool1-0", "The replica was not launched: no space.");
    std::string name = house.make(simple_job(2));
    wait_for_start(house, 1);
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_FAILED, job.state);
    EXPECT_EQ(13, job.error_code);
    EXPECT_EQ("Internal error occurred for the current attempt: the replica workerpool1-0 could not be started. The "
              "replica was not launched: no space.\nThis was attempt 3 of the job and restart 0 of the replica.",
              job.error);
    EXPECT_EQ(0u, fake_executor_running(house.world));
}

/* ---- scheduling ---- */

TEST(ControllerRetry, DisableRetriesStartsNothingAgain)
{
    for (const char *also : {"", R"(,"restartJobOnWorkerRestart":true)"}) {
        for (int kind = 0; kind < 3; kind++) {
            House house;
            std::string name = house.make(simple_job(2, std::string(R"("disableRetries":true)") + also));
            std::string key = House::key(name, 1, 0);
            if (kind == 0) {
                fake_executor_kill(house.world, key.c_str(), SIGKILL, false);
            } else if (kind == 1) {
                fake_executor_exit(house.world, key.c_str(), 139, "");
            } else {
                fake_executor_lose(house.world, key.c_str(), "");
            }
            ASSERT_TRUE(house.settle());
            EXPECT_EQ(JOB_STATE_FAILED, house.state(name)) << kind;
            EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
        }
    }
}

TEST(ControllerRetry, RestartJobOnWorkerRestartBeginsAllAnew)
{
    House house;
    std::string name = house.make(simple_job(3, R"("restartJobOnWorkerRestart":true)"));
    fake_executor_kill(house.world, House::key(name, 1, 0).c_str(), SIGKILL, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    EXPECT_EQ(2u, fake_executor_count(house.world, "stop"));
    for (const std::string &key :
         {House::key(name, 0, 0, 0, 2), House::key(name, 1, 0, 0, 2), House::key(name, 1, 1, 0, 2)}) {
        EXPECT_EQ(1u, launches(house, key)) << key;
    }
    EXPECT_EQ(0u, launches(house, House::key(name, 1, 0, 1)));
}

/* ---- cancel and limits ---- */

TEST(ControllerRetry, ACancelWhileAReplicaWaitsForItsRestartStartsNothing)
{
    House house;
    std::string name = house.make(simple_job(1));
    for (unsigned restart = 0; restart < 2; restart++) {
        fake_executor_kill(house.world, House::key(name, 0, 0, restart).c_str(), SIGKILL, false);
        ASSERT_TRUE(house.settle());
    }
    EXPECT_EQ(0u, fake_executor_running(house.world));
    house.cancel(name);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_EQ(1, house.job(name).error_code);
    house.advance_s(100);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
}

/* Nothing of it runs when it is cancelled, but it has not ended before that. */
TEST(ControllerRetry, AJobCancelledWhileItWaitsForARestartEndsThen)
{
    House house;
    std::string waiting = house.make(simple_job(1));
    std::string timed = house.make(simple_job(1, R"("timeout":"60s")"));
    house.advance_ns(60 * second - second / 2);
    for (const std::string &name : {waiting, timed}) {
        for (unsigned restart = 0; restart < 2; restart++) {
            fake_executor_kill(house.world, House::key(name, 0, 0, restart).c_str(), SIGKILL, false);
            ASSERT_TRUE(house.settle());
        }
    }
    house.advance_ns(second / 2);
    house.cancel(waiting);
    ASSERT_TRUE(house.settle());
    for (const std::string &name : {waiting, timed}) {
        Job job = house.job(name);
        EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
        EXPECT_EQ(job.start_time + 60 * second, job.end_time);
        EXPECT_EQ(job.update_time, job.end_time);
    }
}

TEST(ControllerRetry, ACancelWhileAllIsStoppedForARetryStartsNothing)
{
    House house;
    std::string name = house.make(simple_job(2));
    fake_executor_kill(house.world, House::key(name).c_str(), SIGSEGV, false);
    ASSERT_TRUE(house.turn());
    std::shared_ptr<Call> call = house.cancel(name);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(JOB_STATE_CANCELLING, house.state(name));
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_TRUE(house.operation(call->operation_name).done);
    EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, WhatFailsWhileItIsCancelledIsNotStartedAgain)
{
    House house;
    std::string killed = house.make(simple_job(2));
    std::string before = house.make(simple_job(2));
    house.cancel(killed);
    ASSERT_TRUE(house.turn());
    fake_executor_kill(house.world, House::key(killed, 1, 0).c_str(), SIGKILL, false);
    /* This one's end was on its way when the cancel was decided: it would have run again, had it not been for that. */
    house.crash();
    fake_executor_kill(house.world, House::key(before).c_str(), SIGKILL, false);
    house.advance_s(1);
    ASSERT_TRUE(house.start());
    house.cancel(before);
    ASSERT_TRUE(house.turn());
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(killed));
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(before));
    EXPECT_FALSE(has_line(house, killed, "Restarting"));
    EXPECT_FALSE(has_line(house, before, "Restarting"));
    EXPECT_EQ(4u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, TheTimeoutRunsOverAllAttempts)
{
    House house;
    std::string name = house.make(simple_job(1, R"("timeout":"60s")"));
    house.advance_s(30);
    fake_executor_kill(house.world, House::key(name).c_str(), SIGSEGV, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    house.restart();
    ASSERT_TRUE(house.settle());
    house.advance_s(29);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    house.advance_s(1);
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
    EXPECT_TRUE(contains(job.error, "scheduling.timeout of 60s"));
    EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, TheTimeoutEndsAWaitForTheNextAttempt)
{
    House house;
    std::string name = house.make(simple_job(1, R"("timeout":"60s")"));
    for (unsigned attempt = 1; attempt <= 2; attempt++) {
        house.advance_ns(attempt == 1 ? second : 58 * second + second / 2);
        fake_executor_kill(house.world, House::key(name, 0, 0, 0, attempt).c_str(), SIGSEGV, false);
        ASSERT_TRUE(house.settle());
    }
    EXPECT_EQ(JOB_STATE_PENDING, house.state(name));
    EXPECT_LE(house.wait_ns, second / 2);
    house.advance_ns(second / 2);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(name));
    EXPECT_EQ(2u, fake_executor_count(house.world, "start"));
}

TEST(ControllerRetry, FlexStartWaitsADayIfNotToldOtherwise)
{
    House house(1);
    std::string running = house.make(simple_job(1));
    std::string flex = house.make(simple_job(1, R"("strategy":"FLEX_START")"));
    std::string patient = house.make(simple_job(1, R"("strategy":"FLEX_START","maxWaitDuration":"0s")"));
    std::string standard = house.make(simple_job(1));
    house.advance_s(24 * 3600 - 1);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(flex));
    house.advance_s(1);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_FAILED, house.state(flex));
    EXPECT_EQ(4, house.job(flex).error_code);
    EXPECT_TRUE(contains(house.job(flex).error, "max_wait_duration of 86400s"));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(patient));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(standard));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(running));
    EXPECT_FALSE(has_line(house, flex, "strategy"));
}

/* ---- times ---- */

TEST(ControllerRetry, AWallClockThatIsSetBackTurnsNoTimesAround)
{
    House house;
    std::string name = house.make(simple_job(1, R"("timeout":"600s")"));
    Job before = house.job(name);
    house.clock.wall_unix_ns -= 3600 * second;
    for (unsigned attempt = 1; attempt <= 2; attempt++) {
        fake_executor_kill(house.world, House::key(name, 0, 0, 0, attempt).c_str(), SIGSEGV, false);
        ASSERT_TRUE(house.settle());
        EXPECT_GE(house.job(name).update_time, before.update_time);
    }
    /* The wait for a start is one of a clock that nobody sets. */
    wait_for_start(house, 1);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    fake_executor_exit(house.world, House::key(name, 0, 0, 0, 3).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    Job job = house.job(name);
    EXPECT_EQ(JOB_STATE_SUCCEEDED, job.state);
    EXPECT_GE(job.end_time, job.start_time);
    EXPECT_GE(job.update_time, job.end_time);
    EXPECT_GE(job.start_time, job.create_time);
}

} /* namespace */
