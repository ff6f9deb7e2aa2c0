#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "house.h"
#include "job/schedule_policy.h"

namespace {

enum FateKind { EXITS, KILLED, LOST };

/* What the world does to one attempt of one replica. */
struct Fate {
    unsigned attempt, pool, replica, restart;
    FateKind kind;
    int number;
};

/* Two restarts of a worker, a crash of another, a restart in the second attempt, a primary nobody knows the end of, and
 * success in the third. Each happens when all run that are to, the attempt it names among
 * them, and not before the one above it. */
const std::vector<Fate> fates = {{1, 1, 0, 0, KILLED, SIGKILL}, {1, 1, 0, 1, KILLED, SIGTERM}, {1, 1, 1, 0, EXITS, 134},
                                 {2, 1, 1, 0, KILLED, SIGKILL}, {2, 0, 0, 0, LOST, 0},         {3, 1, 0, 0, EXITS, 0},
                                 {3, 0, 0, 0, EXITS, 0}};
/* What they make of a job of three replicas: each of these is launched once, and nothing else. */
const std::vector<Fate> launched = {{1, 0, 0, 0, EXITS, 0}, {1, 1, 0, 0, EXITS, 0}, {1, 1, 0, 1, EXITS, 0},
                                    {1, 1, 0, 2, EXITS, 0}, {1, 1, 1, 0, EXITS, 0}, {2, 0, 0, 0, EXITS, 0},
                                    {2, 1, 0, 0, EXITS, 0}, {2, 1, 1, 0, EXITS, 0}, {2, 1, 1, 1, EXITS, 0},
                                    {3, 0, 0, 0, EXITS, 0}, {3, 1, 0, 0, EXITS, 0}, {3, 1, 1, 0, EXITS, 0}};

void befall(House &house, const std::string &key, FateKind kind, int number)
{
    if (kind == EXITS) {
        fake_executor_exit(house.world, key.c_str(), number, "");
    } else if (kind == KILLED) {
        fake_executor_kill(house.world, key.c_str(), number, false);
    } else {
        fake_executor_lose(house.world, key.c_str(), "Its supervisor was killed.");
    }
}

/* The world and its fates outlive every server. */
class Story {
  public:
    explicit Story(House &house_at) : house(house_at) {}

    /* Until the job has ended; false: the server died on the way. A Create that was not answered is made again, as its
     * client would. */
    bool play()
    {
        if (!call || !call->answered) {
            call = house.create(simple_job(3), "key");
        }
        for (int round = 0; round < 100; round++) {
            if (!house.settle()) {
                return false;
            }
            if (job_state_is_terminal(house.state(name()))) {
                return true;
            }
            if (next < fates.size() && fake_executor_launches(house.world, key(fates[next]).c_str()) > 0 &&
                fake_executor_running(house.world) == (next + 1 < fates.size() ? 3 : 2)) {
                befall(house, key(fates[next]), fates[next].kind, fates[next].number);
                next++;
            } else {
                house.advance_s(1);
            }
        }
        ADD_FAILURE() << "no end in sight at fate " << next;
        return true;
    }

    void go_on()
    {
        house.restart();
        ASSERT_TRUE(play()) << house.failure;
    }

    void check()
    {
        Job job = house.job(name());
        EXPECT_EQ(JOB_STATE_SUCCEEDED, job.state) << job.error;
        EXPECT_EQ(launched.size(), fake_executor_count(house.world, "start "));
        for (const Fate &each : launched) {
            EXPECT_EQ(1u, fake_executor_launches(house.world, key(each).c_str())) << key(each);
        }
        EXPECT_EQ(0u, fake_executor_overlaps(house.world));
        EXPECT_EQ(0u, fake_executor_running(house.world));
        EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
        EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    }

  private:
    std::string name() const { return std::string(house_parent) + "/customJobs/" + std::to_string(call->id); }
    std::string key(const Fate &fate) const
    {
        return House::key(name(), fate.pool, fate.replica, fate.restart, fate.attempt);
    }

    House &house;
    std::shared_ptr<Call> call;
    size_t next = 0;
};

TEST(ControllerRetryCrash, WithoutAnyTheStoryIsAsTold)
{
    House house(4);
    Story story(house);
    ASSERT_TRUE(story.play());
    story.check();
}

TEST(ControllerRetryCrash, AtEveryActNoRetryIsLostOrMadeUp)
{
    EXPECT_GT(die_at_every_act<Story>(), 30u);
}

TEST(ControllerRetryCrash, AtEveryChangeOfTheDiskNoRetryIsLostOrMadeUp)
{
    EXPECT_GT(die_at_every_change<Story>(FAULT_STOP), 15u);
    EXPECT_GT(die_at_every_change<Story>(FAULT_TEAR), 15u);
}

/* ---- any world, any crash ---- */

/* Jobs of all kinds in a world where anything happens at any time. After each step every record is one that may follow
 * the one before; in the end everything has ended, and no more was started than the rules allow. */
class Chaos {
  public:
    explicit Chaos(unsigned seed) : house(12), dice(seed)
    {
        static const char *const policies[] = {"fifo", "greedy", "easy", "gangs"};
        const struct schedule_policy *policy = schedule_policy_find(policies[seed % 4]);
        house.tune = [policy](struct controller_options &options) {
            options.schedule_policy = policy;
            options.schedule_patience_ns = 600 * CLOCK_NS_PER_S;
        };
        house.restart();
    }

    void run(int steps)
    {
        for (int step = 0; step < steps && !testing::Test::HasFailure(); step++) {
            SCOPED_TRACE("step " + std::to_string(step));
            if (!do_something()) {
                house.restart();
            }
            check_records();
        }
        finish();
    }

  private:
    int roll(int below) { return std::uniform_int_distribution<int>(0, below - 1)(dice); }

    bool do_something()
    {
        switch (roll(16)) {
        case 0:
        case 1:
            make();
            break;
        case 2:
            if (!names.empty()) {
                house.cancel(names[(size_t)roll((int)names.size())]);
            }
            break;
        case 3:
            house.advance_s(roll(20));
            break;
        case 4:
            house.clock.wall_unix_ns += (roll(2001) - 1000) * CLOCK_NS_PER_S;
            break;
        case 5:
            fake_executor_die_after(house.world, (size_t)roll(6));
            break;
        case 6:
            fault_fs_arm(house.fs, roll(2) ? FAULT_STOP : FAULT_TEAR, (uint64_t)roll(4));
            break;
        case 7:
            house.restart();
            break;
        default:
            strike();
        }
        return roll(3) == 0 ? house.turn() : house.settle();
    }

    void make()
    {
        static const char *const rules[] = {"", R"("disableRetries":true)", R"("restartJobOnWorkerRestart":true)",
                                            R"("timeout":"30s")", R"("maxWaitDuration":"10s")"};
        calls.push_back(house.create(simple_job(1 + roll(4), rules[roll(5)])));
    }

    /* Something happens to an attempt that was started. */
    void strike()
    {
        static const Fate ends[] = {{0, 0, 0, 0, KILLED, SIGKILL}, {0, 0, 0, 0, KILLED, SIGTERM},
                                    {0, 0, 0, 0, KILLED, SIGSEGV}, {0, 0, 0, 0, EXITS, 0},
                                    {0, 0, 0, 0, EXITS, 1},        {0, 0, 0, 0, EXITS, 139},
                                    {0, 0, 0, 0, LOST, 0}};
        size_t count = fake_executor_count(house.world, "start ");
        if (count > 0) {
            const Fate &fate = ends[roll(7)];
            size_t index = count - 1 - (size_t)roll((int)std::min<size_t>(count, 12));
            befall(house, fake_executor_line(house.world, "start ", index) + strlen("start "), fate.kind, fate.number);
        }
    }

    static bool visit(void *context, const struct store_version *version)
    {
        struct store_keys keys;
        store_version_keys(version, &keys);
        ((std::vector<std::string> *)context)->push_back(as_string(keys.name));
        return true;
    }

    void check_records()
    {
        names.clear();
        store_walk(house.store, STORE_TABLE_JOB, visit, &names);
        for (const std::string &name : names) {
            Job job = house.job(name), &before = seen[name];
            bool is_terminal = job_state_is_terminal(job.state);
            SCOPED_TRACE(name + " " + job_state_name(before.state) + " → " + job_state_name(job.state));
            EXPECT_EQ(is_terminal, job.end_time != 0);
            EXPECT_EQ(job.state == JOB_STATE_FAILED || job.state == JOB_STATE_CANCELLED, job.error_code != 0);
            EXPECT_EQ(job.error_code != 0, !job.error.empty());
            EXPECT_GE(job.update_time, before.update_time);
            EXPECT_GE(job.update_time, std::max({job.create_time, job.start_time, job.end_time}));
            if (job.state == JOB_STATE_RUNNING || job.state == JOB_STATE_SUCCEEDED) {
                EXPECT_NE(0, job.start_time);
            }
            if (before.start_time != 0) {
                EXPECT_EQ(before.start_time, job.start_time);
            }
            if (job.start_time != 0 && is_terminal) {
                EXPECT_GE(job.end_time, job.start_time);
            }
            if (job_state_is_terminal(before.state)) {
                EXPECT_EQ(before.state, job.state);
                EXPECT_EQ(before.error, job.error);
            }
            if (before.state == JOB_STATE_CANCELLING) {
                EXPECT_TRUE(is_terminal || job.state == JOB_STATE_CANCELLING);
            }
            before = job;
        }
        EXPECT_LE(fake_executor_launches_max(house.world), 1u);
        EXPECT_EQ(0u, fake_executor_overlaps(house.world));
    }

    /* Everything ends well from here on. */
    void finish()
    {
        house.restart();
        for (int round = 0; round < 200 && house.count(STORE_TABLE_EXECUTION) > 0; round++) {
            ASSERT_TRUE(house.settle()) << house.failure;
            house.advance_s(60);
            fake_executor_exit_all(house.world);
            ASSERT_TRUE(house.settle()) << house.failure;
            check_records();
        }
        EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION)) << "something never ends";
        EXPECT_EQ(0u, fake_executor_running(house.world));
        EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
        check_starts();
    }

    void check_starts()
    {
        std::map<std::string, std::set<std::string>> starts;
        for (size_t i = 0; const char *line = fake_executor_line(house.world, "start ", i); i++) {
            struct execution_key key;
            struct err err = ERR_INIT;
            ASSERT_EQ(0, execution_key_parse(span_of(line + strlen("start ")), &key, &err)) << err.text;
            EXPECT_LE(key.job_attempt, 4u) << line;
            EXPECT_LE(key.restart, 5u) << line;
            most_attempts = std::max(most_attempts, key.job_attempt);
            most_restarts = std::max(most_restarts, key.restart);
        }
    }

    House house;
    std::mt19937 dice;
    std::vector<std::shared_ptr<Call>> calls;
    std::vector<std::string> names;
    std::map<std::string, Job> seen;

  public:
    uint32_t most_attempts = 0, most_restarts = 0;
};

TEST(ControllerRetryCrash, InAnyRandomWorldEveryRecordMayFollowTheOneBefore)
{
    const char *given = getenv("CUSTOMJOBD_TEST_SEED"), *runs = getenv("CUSTOMJOBD_TEST_RUNS");
    unsigned seed = given ? (unsigned)strtoul(given, nullptr, 0) : std::random_device{}();
    int count = runs ? atoi(runs) : 10;
    uint32_t attempts = 0, restarts = 0;
    for (int i = 0; i < count && !testing::Test::HasFailure(); i++, seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Chaos chaos(seed);
        chaos.run(300);
        attempts = std::max(attempts, chaos.most_attempts);
        restarts = std::max(restarts, chaos.most_restarts);
    }
    printf("seeds up to %u: at most %u attempts, %u restarts\n", seed - 1, attempts, restarts);
    EXPECT_GT(attempts, 1u);
    EXPECT_GT(restarts, 0u);
}

} /* namespace */
