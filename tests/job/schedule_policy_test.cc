/* Policies of scheduling: what each starts next, and that it never starts what does not fit, nor lets anybody starve. */
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "job/schedule_policy.h"

namespace {

const struct schedule_policy *const policies[] = {&schedule_fifo, &schedule_greedy, &schedule_easy, &schedule_gangs};

/* A host of eight devices, and whatever waits and runs there. */
struct World {
    struct Job {
        struct pool_ask pool;
        int64_t queue_time, forecast, duration;
    };
    struct Run {
        uint16_t devices;
        int64_t end, forecast_end;
    };
    std::vector<Job> queue;
    std::vector<Run> runs;
    int64_t now = 0;

    void add(uint16_t devices, int64_t forecast, int64_t duration = 1)
    {
        struct pool_ask pool = {};
        pool.replicas = 1;
        pool.devices = devices;
        pool.classes = 1;
        queue.push_back({pool, now, forecast, duration});
    }
    uint16_t free() const
    {
        uint16_t held = 0;
        for (const Run &run : runs) {
            held = (uint16_t)(held + run.devices);
        }
        return (uint16_t)(8 - held);
    }
    size_t next(const struct schedule_policy &policy)
    {
        std::vector<struct job_ask> asks;
        std::vector<struct schedule_job> jobs;
        std::vector<struct schedule_run> seen;
        struct schedule_view view = {};
        for (Job &job : queue) {
            asks.push_back({1, &job.pool});
        }
        for (size_t i = 0; i < queue.size(); i++) {
            jobs.push_back({&asks[i], queue[i].queue_time, queue[i].forecast, 0});
        }
        for (const Run &run : runs) {
            seen.push_back({{1, {run.devices}, 0, 0}, run.forecast_end});
        }
        std::sort(seen.begin(), seen.end(), [](auto &left, auto &right) { return left.end_ns < right.end_ns; });
        view.now_ns = now;
        view.patience_ns = 100;
        view.total.replicas = view.free.replicas = 1000;
        view.total.devices[0] = 8;
        view.free.devices[0] = free();
        view.runs = seen.data();
        view.run_count = seen.size();
        view.jobs = jobs.data();
        view.job_count = jobs.size();
        return policy.next(&view);
    }
    void start(size_t index)
    {
        const Job &job = queue[index];
        int64_t forecast_end = job.forecast == INT64_MAX ? INT64_MAX : now + job.forecast;
        runs.push_back({job.pool.devices, now + job.duration, forecast_end});
        queue.erase(queue.begin() + (long)index);
    }
    void end_due()
    {
        runs.erase(std::remove_if(runs.begin(), runs.end(), [this](const Run &run) { return run.end <= now; }),
                   runs.end());
    }
};

/* Six of eight run until 50; a gang of eight waits first, then one of four, of two that ends at 60, of two at 40. */
World crowded()
{
    World world;
    world.runs.push_back({6, 50, 50});
    world.add(8, 10);
    world.add(4, 10);
    world.add(2, 60);
    world.add(2, 40);
    return world;
}

TEST(SchedulePolicy, EachHasItsOwnNext)
{
    World world = crowded();
    EXPECT_EQ(SCHEDULE_NONE, world.next(schedule_fifo));
    EXPECT_EQ(2u, world.next(schedule_greedy));
    EXPECT_EQ(3u, world.next(schedule_easy)) << "the one before would keep the first waiting";
    EXPECT_EQ(3u, world.next(schedule_gangs));
    world.runs.clear();
    std::swap(world.queue[0], world.queue[3]);
    EXPECT_EQ(0u, world.next(schedule_fifo));
    EXPECT_EQ(0u, world.next(schedule_greedy));
    EXPECT_EQ(0u, world.next(schedule_easy));
    EXPECT_EQ(3u, world.next(schedule_gangs)) << "the largest goes first";
    world.now = 101;
    world.queue[1].queue_time = -1;
    EXPECT_EQ(0u, world.next(schedule_gangs)) << "but not before who is overdue";
    for (const struct schedule_policy *policy : policies) {
        EXPECT_EQ(SCHEDULE_NONE, World().next(*policy)) << policy->name;
    }
}

/* Nobody knows how long anything runs, and small jobs never cease to come. */
TEST(SchedulePolicy, GangsLetsNobodyStarveWithoutForecasts)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        std::mt19937 random(seed);
        World world;
        const int64_t duration_max = 60;
        for (int i = 0; i < 8; i++) {
            world.add(1, INT64_MAX, 1 + random() % duration_max);
            world.start(0);
        }
        bool started = false;
        world.add(8, INT64_MAX, 10);
        for (int64_t at = 0; at <= 4 * 100 + duration_max + 1 && !started; at++) {
            world.now = at;
            world.end_due();
            world.add(1, INT64_MAX, 1 + random() % duration_max);
            world.add(1, INT64_MAX, 1 + random() % duration_max);
            for (size_t next; (next = world.next(schedule_gangs)) != SCHEDULE_NONE;) {
                started = started || world.queue[next].pool.devices == 8;
                world.start(next);
            }
        }
        EXPECT_TRUE(started) << "seed " << seed;
    }
}

TEST(SchedulePolicy, NoneStartsWhatDoesNotFitAndAllStartInTheEnd)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        for (const struct schedule_policy *policy : policies) {
            SCOPED_TRACE(std::string(policy->name) + ", seed " + std::to_string(seed));
            std::mt19937 random(seed);
            World world;
            size_t started = 0;
            for (world.now = 0; world.now < 300 || !world.queue.empty(); world.now++) {
                ASSERT_LT(world.now, 100000);
                world.end_due();
                if (world.now < 300 && random() % 3 == 0) {
                    int64_t duration = 1 + random() % 30;
                    int64_t forecast = random() % 3 == 0 ? INT64_MAX : 1 + random() % 30;
                    world.add((uint16_t)(1u << random() % 4), forecast, duration);
                    started++;
                }
                for (size_t next; (next = world.next(*policy)) != SCHEDULE_NONE;) {
                    ASSERT_LT(next, world.queue.size());
                    ASSERT_LE(world.queue[next].pool.devices, world.free());
                    World reloaded = world;
                    ASSERT_EQ(next, reloaded.next(*policy)) << "another answer after a restart";
                    world.start(next);
                    started--;
                }
            }
            EXPECT_EQ(0u, started);
        }
    }
}

} /* namespace */
