/* Queues made from a seed, and what must hold in every one of them, with and without crashes in between. */
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "house.h"
#include "job/schedule_policy.h"

namespace {

enum { PLACES = 8, STEPS = 40 };

enum class Deaths { NONE, BETWEEN_STEPS, IN_COMMANDS };

unsigned seed()
{
    const char *given = getenv("SCHEDULE_TEST_SEED");

    return given ? unsigned(strtoul(given, nullptr, 10)) : 20240102;
}

/* One queue, worked off. Each step passes more time than the controller lets pass before it asks the policy again, so
 * that what is decided depends on nothing but what happened. */
class Queue {
  public:
    Queue(const char *policy, unsigned seed_given, Deaths deaths_given)
        : deaths(deaths_given), random(seed_given), deadly(seed_given + 1), house(PLACES)
    {
        house.tune = [policy](struct controller_options &options) {
            options.schedule_policy = schedule_policy_find(policy);
            options.schedule_patience_ns = 1200 * CLOCK_NS_PER_S;
            options.fair_share_label = "team";
        };
        house.restart();
    }

    /* The states of all jobs after each step, one letter a job. */
    std::vector<std::string> play()
    {
        std::vector<std::string> trace;

        for (int step = 0; step < 10 * STEPS && !testing::Test::HasFailure(); step++) {
            if (step >= STEPS && !has_unfinished()) {
                break;
            }
            house.advance_s(11 + below(200));
            make_one_step(step < STEPS);
            trace.push_back(look());
        }
        EXPECT_FALSE(has_unfinished()) << "somebody starves";
        EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
        EXPECT_LE(fake_executor_launches_max(house.world), 1u);
        return trace;
    }

  private:
    struct Made {
        std::string name;
        unsigned replicas;
    };

    int below(int limit) { return int(random() % unsigned(limit)); }

    bool is_running(const Made &job) { return house.state(job.name) == JOB_STATE_RUNNING; }

    bool has_unfinished()
    {
        for (const Made &job : jobs) {
            if (!job_state_is_terminal(house.state(job.name))) {
                return true;
            }
        }
        return false;
    }

    void make_one_step(bool may_create)
    {
        int what = below(10);

        if (may_create && what < 6) {
            unsigned replicas = unsigned(below(3) == 0 ? 1 + below(PLACES) : 1 + below(2));
            std::string team = below(2) == 0 ? "red" : "blue";

            jobs.push_back(
                {house.make(simple_job(int(replicas), "", ",\"labels\":{\"team\":\"" + team + "\"}")), replicas});
        } else if (may_create && what == 6 && !jobs.empty()) {
            call = house.cancel(jobs[size_t(below(int(jobs.size())))].name);
        } else {
            end_one();
        }
        go_on();
    }

    void end_one()
    {
        std::vector<const Made *> running;

        for (const Made &job : jobs) {
            if (is_running(job)) {
                running.push_back(&job);
            }
        }
        if (running.empty()) {
            return;
        }
        const Made &job = *running[size_t(below(int(running.size())))];
        fake_executor_exit(house.world, House::key(job.name).c_str(), 0, "");
        if (deaths == Deaths::IN_COMMANDS) {
            fake_executor_die_after(house.world, deadly() % 4);
        }
    }

    void go_on()
    {
        if (deaths == Deaths::BETWEEN_STEPS) {
            ASSERT_TRUE(house.settle()) << house.failure;
            house.restart();
        } else if (!house.settle()) {
            ASSERT_TRUE(fake_executor_is_dead(house.world)) << house.failure;
            died++;
            house.restart();
        }
        fake_executor_die_after(house.world, SIZE_MAX / 2);
        ASSERT_TRUE(house.settle()) << house.failure;
    }

    /* All or none of a job's replicas, and never more of all than there is room for. */
    std::string look()
    {
        std::string letters;
        unsigned held = 0;

        for (const Made &job : jobs) {
            size_t started = fake_executor_count(house.world, ("start " + House::id(job.name) + "-").c_str());
            enum job_state state = house.state(job.name);

            EXPECT_TRUE(started == 0 || started == job.replicas) << started << " of " << job.replicas;
            EXPECT_TRUE(state != JOB_STATE_QUEUED || started == 0);
            held += state == JOB_STATE_RUNNING ? job.replicas : 0;
            letters += state == JOB_STATE_QUEUED ? 'q' : state == JOB_STATE_RUNNING ? 'r' : 'e';
        }
        EXPECT_LE(held, unsigned(PLACES));
        EXPECT_EQ(held, fake_executor_running(house.world));
        return letters;
    }

    Deaths deaths;
    std::mt19937 random;
    std::mt19937 deadly;
    House house;
    std::vector<Made> jobs;
    std::shared_ptr<Call> call;

  public:
    unsigned died = 0;
};

class ControllerScheduleRandom : public testing::TestWithParam<const char *> {};

TEST_P(ControllerScheduleRandom, StartsWholeJobsInTheirRoomAndTheSameOnesAfterCrashes)
{
    unsigned died = 0;

    for (unsigned world = 0; world < 2 && !HasFailure(); world++) {
        SCOPED_TRACE("SCHEDULE_TEST_SEED=" + std::to_string(seed() + world));
        std::vector<std::string> alive = Queue(GetParam(), seed() + world, Deaths::NONE).play();
        EXPECT_EQ(alive, Queue(GetParam(), seed() + world, Deaths::BETWEEN_STEPS).play());
        Queue dying(GetParam(), seed() + world, Deaths::IN_COMMANDS);
        EXPECT_EQ(alive, dying.play());
        died += dying.died;
    }
    EXPECT_GT(died, 0u);
}

INSTANTIATE_TEST_SUITE_P(Policies, ControllerScheduleRandom, testing::Values("gangs", "easy"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
