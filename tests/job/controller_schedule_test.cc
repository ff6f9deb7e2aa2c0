/* Who of those that wait is started next: the policies through the controller, with what past runs tell. */
#include <gtest/gtest.h>

#include "house.h"
#include "job/schedule_policy.h"

namespace {

/* Room for eight replicas. */
struct WaitingHouse : House {
    explicit WaitingHouse(const char *policy, const char *fair_share_label = nullptr) : House(8)
    {
        tune = [policy, fair_share_label](struct controller_options &options) {
            options.schedule_policy = schedule_policy_find(policy);
            options.schedule_patience_ns = 1200 * CLOCK_NS_PER_S;
            options.fair_share_label = fair_share_label;
        };
        restart();
    }
    void end(const std::string &name, int replicas = 1)
    {
        for (int i = 0; i < replicas; i++) {
            fake_executor_exit(world, key(name, 0, unsigned(i)).c_str(), 0, "");
        }
        ASSERT_TRUE(settle()) << failure;
        ASSERT_EQ(JOB_STATE_SUCCEEDED, state(name));
    }
    /* Jobs of so many replicas take so long from now on, as far as anybody knows. */
    void teach(int replicas, int64_t seconds)
    {
        std::string name = make(simple_job(replicas));
        ASSERT_EQ(JOB_STATE_RUNNING, state(name));
        advance_s(seconds);
        end(name, replicas);
    }
    std::string labelled(int replicas, const std::string &team)
    {
        return make(simple_job(replicas, "", ",\"labels\":{\"team\":\"" + team + "\"}"));
    }
};

TEST(ControllerSchedule, GangsStartTheLargestThatWaitsFirst)
{
    WaitingHouse house("gangs");
    std::string running = house.make(simple_job(8));
    std::string small = house.make(simple_job(2)), large = house.make(simple_job(7));
    house.end(running, 8);
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(large));
    house.end(large, 7);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(small));
}

TEST(ControllerSchedule, FifoStartsNobodyBeforeTheOldest)
{
    WaitingHouse house("fifo");
    std::string running = house.make(simple_job(5));
    std::string large = house.make(simple_job(8)), small = house.make(simple_job(1));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small)) << "though it fits";
    house.end(running, 5);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(large));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small));
}

TEST(ControllerSchedule, GreedyStartsWhateverFits)
{
    WaitingHouse house("greedy");
    house.make(simple_job(5));
    std::string large = house.make(simple_job(8)), small = house.make(simple_job(3));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(large));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(small));
}

TEST(ControllerSchedule, WhatPastRunsTellDecidesWhoPassesAReservation)
{
    for (const char *policy : {"easy", "gangs"}) {
        SCOPED_TRACE(policy);
        WaitingHouse house(policy);
        house.teach(5, 100);
        house.teach(2, 60);
        house.teach(1, 500);
        std::string running = house.make(simple_job(5)); /* for 100 s, as it seems */
        std::string large = house.make(simple_job(8));
        std::string quick = house.make(simple_job(2)), slow = house.make(simple_job(1));
        EXPECT_EQ(JOB_STATE_QUEUED, house.state(large));
        EXPECT_EQ(JOB_STATE_RUNNING, house.state(quick)) << "through before the large one can begin";
        EXPECT_EQ(JOB_STATE_QUEUED, house.state(slow)) << "it would keep the large one waiting";
        EXPECT_TRUE(contains(house.service_lines(slow).back(), std::string("--schedule-policy ") + policy));
        house.restart();
        ASSERT_TRUE(house.settle()) << house.failure;
        EXPECT_EQ(JOB_STATE_QUEUED, house.state(slow)) << "and after a restart too: the store tells how long jobs took";
        house.end(quick, 2);
        house.end(running, 5);
        EXPECT_EQ(JOB_STATE_RUNNING, house.state(large));
        EXPECT_EQ(JOB_STATE_QUEUED, house.state(slow));
    }
}

/* The last run counts half: the last that ended, whenever it was created. */
TEST(ControllerSchedule, ForecastsAreTheSameAfterARestartWhenJobsEndOutOfTheirOrder)
{
    WaitingHouse house("easy");
    house.teach(5, 400);
    std::string slow = house.make(simple_job(1)), quick = house.make(simple_job(1)), third = house.make(simple_job(1));
    house.advance_s(50);
    house.end(quick);
    house.end(third);
    house.advance_s(850);
    house.end(slow); /* 475 s by now; in the order of creation it would be 262 s */
    house.make(simple_job(5));
    house.make(simple_job(8));
    std::string late = house.make(simple_job(1));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(late));
    house.restart();
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(late));
}

TEST(ControllerSchedule, WhoHasLostPatienceGoesFirstWhateverItsSize)
{
    WaitingHouse house("gangs");
    std::string running = house.make(simple_job(8));
    std::string small = house.make(simple_job(2));
    house.advance_s(1201);
    std::string large = house.make(simple_job(7));
    house.end(running, 8);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(small));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(large));
}

TEST(ControllerSchedule, OfLikeJobsTheOwnersGoesFirstWhoHasUsedLess)
{
    WaitingHouse house("gangs", "team");
    std::string first = house.labelled(8, "greedy");
    house.advance_s(600);
    house.end(first, 8);
    std::string running = house.labelled(8, "greedy");
    std::string again = house.labelled(6, "greedy"), other = house.labelled(6, "modest");
    house.end(running, 8);
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(again)) << "though it came before";
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(other));
}

TEST(ControllerSchedule, AJobThatIsCancelledWhileItWaitsGivesItsTurnAway)
{
    WaitingHouse house("gangs");
    std::string running = house.make(simple_job(5));
    std::string large = house.make(simple_job(8)), small = house.make(simple_job(4));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small));
    auto call = house.cancel(large);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(large));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(small)) << "it does not fit yet";
    house.end(running, 5);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(small));
}

/* Nobody is told anything when a forecast runs out: the policy is asked again by itself. */
TEST(ControllerSchedule, TimeAloneMayLetAJobPass)
{
    WaitingHouse house("easy");
    house.teach(5, 100);
    house.teach(1, 60);
    house.make(simple_job(5));
    house.advance_s(50);
    std::string large = house.make(simple_job(8));
    std::string late = house.make(simple_job(1));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(late)) << "10 s too long";
    ASSERT_TRUE(house.turn());
    EXPECT_LE(house.wait_ns, 10 * CLOCK_NS_PER_S);
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(large));
}

/* Behind the window jobs wait until it moves; none is forgotten. */
TEST(ControllerSchedule, ALongQueueIsWorkedOffToItsEnd)
{
    WaitingHouse house("gangs");
    std::vector<std::string> names;
    for (int i = 0; i < 200; i++) {
        names.push_back(house.make(simple_job(1 + i % 8)));
    }
    for (int round = 0; round < 400; round++) {
        house.advance_s(10);
        fake_executor_exit_all(house.world);
        ASSERT_TRUE(house.settle()) << house.failure;
    }
    for (const std::string &name : names) {
        EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    }
    EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
}

} // namespace
