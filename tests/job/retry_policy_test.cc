#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <set>

#include "job/replica_state.h"
#include "job/retry_policy.h"

namespace {

struct execution_event exited(int exit_code, int term_signal, bool oom_killed = false)
{
    struct execution_event event = {};

    event.kind = EXECUTION_EVENT_EXITED;
    event.exit_code = term_signal != 0 ? -1 : exit_code;
    event.term_signal = term_signal;
    event.oom_killed = oom_killed;
    return event;
}

enum failure of_exit(int exit_code)
{
    struct execution_event event = exited(exit_code, 0);
    return failure_of(&event);
}

enum failure of_signal(int term_signal, bool oom_killed = false)
{
    struct execution_event event = exited(-1, term_signal, oom_killed);
    return failure_of(&event);
}

TEST(RetryPolicy, AnExitCodeIsFinalUnlessItTellsAnAbortOrASegmentationFault)
{
    const std::set<int> crashes = {6, 11, 134, 139};
    for (int code = 1; code < 256; code++) {
        EXPECT_EQ(crashes.count(code) ? FAILURE_CRASH : FAILURE_PROGRAM, of_exit(code)) << code;
    }
}

TEST(RetryPolicy, ASignalIsTheProgramsOwnDoingOrComesFromOutside)
{
    const std::set<int> crashes = {SIGABRT, SIGSEGV};
    const std::set<int> outside = {SIGHUP,  SIGINT,  SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM,  SIGCHLD, SIGSTKFLT,
                                   SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH, SIGIO,   SIGPWR};
    for (int number = 1; number <= SIGSYS; number++) {
        enum failure expected = crashes.count(number)   ? FAILURE_CRASH
                                : outside.count(number) ? FAILURE_KILLED
                                                        : FAILURE_PROGRAM;
        EXPECT_EQ(expected, of_signal(number)) << number;
    }
    EXPECT_EQ(FAILURE_KILLED, of_signal(SIGRTMIN));
    EXPECT_EQ(FAILURE_MEMORY, of_signal(SIGKILL, true));
}

TEST(RetryPolicy, AHostThatFailsIsNotTheProgramsFault)
{
    struct execution_event event = {};
    event.kind = EXECUTION_EVENT_LOST;
    EXPECT_EQ(FAILURE_HOST, failure_of(&event));
    event.kind = EXECUTION_EVENT_START_FAILED;
    EXPECT_EQ(FAILURE_PROGRAM, failure_of(&event));
    event.is_host_fault = true;
    EXPECT_EQ(FAILURE_HOST, failure_of(&event));
}

/* Follows the policy from failure to failure until it says no: how often what was started. */
std::map<enum retry, unsigned> follow(const struct retry_rules &rules, enum failure failure)
{
    std::map<enum retry, unsigned> counts;
    uint32_t restart = 0, attempt = 1;

    for (int i = 0; i < 1000; i++) {
        enum retry retry = retry_decide(&rules, failure, restart, attempt);
        counts[retry]++;
        if (retry == RETRY_NOTHING) {
            return counts;
        }
        if (retry == RETRY_REPLICA) {
            restart++;
        } else {
            attempt++;
            restart = 0;
        }
    }
    ADD_FAILURE() << "there is no end to failure " << failure;
    return counts;
}

TEST(RetryPolicy, EachKindOfFailureHasItsNumbers)
{
    const struct {
        enum failure failure;
        unsigned replicas, jobs;
    } cases[] = {{FAILURE_PROGRAM, 0, 0},
                 {FAILURE_MEMORY, 0, 0},
                 {FAILURE_CRASH, 0, 3},
                 {FAILURE_KILLED, 5 * 4, 3},
                 {FAILURE_HOST, 0, 2}};
    for (const auto &each : cases) {
        std::map<enum retry, unsigned> counts = follow({}, each.failure);
        EXPECT_EQ(each.replicas, counts[RETRY_REPLICA]) << each.failure;
        EXPECT_EQ(each.jobs, counts[RETRY_JOB]) << each.failure;
        EXPECT_EQ(each.jobs, retry_job_retries_max(each.failure));
    }
}

TEST(RetryPolicy, SchedulingTurnsItOffOrMakesARestartOneOfTheJob)
{
    for (int failure = 0; failure < FAILURE_COUNT; failure++) {
        for (bool restart_job : {false, true}) {
            EXPECT_EQ(1u, follow({true, restart_job}, (enum failure)failure).size());
        }
        EXPECT_EQ(0u, follow({false, true}, (enum failure)failure)[RETRY_REPLICA]);
    }
    EXPECT_EQ(3u, (follow({false, true}, FAILURE_KILLED)[RETRY_JOB]));
}

TEST(RetryPolicy, DelaysGrowToAMinuteAndNoFurther)
{
    int64_t last = 0;

    EXPECT_EQ(0, retry_delay_ns(1));
    EXPECT_EQ(CLOCK_NS_PER_S, retry_delay_ns(2));
    EXPECT_EQ(8 * CLOCK_NS_PER_S, retry_delay_ns(5));
    for (uint32_t number : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 100u, UINT32_MAX}) {
        EXPECT_GE(retry_delay_ns(number), last);
        last = retry_delay_ns(number);
        EXPECT_LE(last, RETRY_DELAY_NS_MAX);
    }
}

/* ---- the phases of a replica ---- */

std::map<int, int> row(enum replica_phase phase)
{
    std::map<int, int> taken;
    for (int event = 0; event < REPLICA_EVENT_COUNT; event++) {
        enum replica_phase next = phase;
        if (replica_phase_next(phase, (enum replica_event)event, &next)) {
            taken[event] = next;
        } else {
            EXPECT_EQ(phase, next);
        }
    }
    return taken;
}

TEST(ReplicaState, WhatHasEndedTakesNothingButAnotherAttempt)
{
    for (enum replica_phase phase : {REPLICA_EXITED, REPLICA_LOST, REPLICA_START_FAILED}) {
        EXPECT_EQ((std::map<int, int>{{REPLICA_EVENT_AGAIN, REPLICA_PLANNED}}), row(phase));
    }
}

TEST(ReplicaState, NothingRunsOfAPlannedOneSoThatOnlyItsStartOrItsEndFollows)
{
    EXPECT_EQ((std::map<int, int>{{REPLICA_EVENT_ASKED, REPLICA_STARTING}, {REPLICA_EVENT_STOP, REPLICA_START_FAILED}}),
              row(REPLICA_PLANNED));
}

TEST(ReplicaState, AStoppedOneDoesNotRunAgain)
{
    for (const auto &each : row(REPLICA_STOPPING)) {
        EXPECT_TRUE(each.second == REPLICA_STOPPING || each.second >= REPLICA_EXITED) << each.first;
    }
}

TEST(ReplicaState, ThereAreNoOtherPhases)
{
    enum replica_phase next = REPLICA_LOST;
    EXPECT_TRUE(row((enum replica_phase)0).empty());
    EXPECT_FALSE(replica_phase_next((enum replica_phase)(REPLICA_START_FAILED + 1), REPLICA_EVENT_AGAIN, &next));
    EXPECT_FALSE(replica_phase_next((enum replica_phase) - 1, REPLICA_EVENT_AGAIN, &next));
    EXPECT_FALSE(replica_phase_next(REPLICA_STARTING, (enum replica_event)REPLICA_EVENT_COUNT, &next));
    EXPECT_FALSE(replica_phase_next(REPLICA_STARTING, (enum replica_event) - 1, &next));
}

} /* namespace */
