#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "house.h"
#include "tests/lib/small_disk.h"

namespace {

const uint64_t kMin = 300 * 1000 * 1000;

struct CrampedHouse : House {
    CrampedHouse() : House(8)
    {
        tune_store = [this](struct store_options &options) {
            options.fs = &disk.fs;
            options.free_bytes_min = kMin;
        };
        tune = [this](struct controller_options &options) {
            options.context = this;
            options.log = [](void *context, const char *line) {
                static_cast<CrampedHouse *>(context)->lines.push_back(line);
            };
            options.space_changed = [](void *context, bool is_low) {
                static_cast<CrampedHouse *>(context)->told.push_back(is_low);
            };
        };
        crash();
        EXPECT_TRUE(start()) << failure;
    }
    ~CrampedHouse() { crash(); }
    SmallDisk disk;
    std::vector<std::string> lines;
    std::vector<bool> told;
};

TEST(ControllerSpace, OnAFullDiskOnlyNewJobsAreRefused)
{
    CrampedHouse house;
    std::string ended = finished_job(house);
    std::string running = house.make(simple_job());
    std::shared_ptr<Call> keyed = house.create(simple_job(), "key");
    ASSERT_TRUE(house.settle());
    house.disk.free_bytes = 1000;
    house.advance_s(1);
    std::shared_ptr<Call> refused = house.create(simple_job());
    std::shared_ptr<Call> again = house.create(simple_job(), "key");
    std::shared_ptr<Call> cancel = house.cancel(running);
    std::shared_ptr<Call> remove = house.remove(ended);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(ERR_EXHAUSTED, refused->code);
    EXPECT_EQ("The disk of the data directory has 1000 bytes free, new jobs are taken from 300000000 on. Delete jobs "
              "that have ended, or make room on it in another way.",
              refused->error);
    EXPECT_EQ(keyed->id, again->id) << "what was answered once is answered again";
    EXPECT_EQ(ERR_NONE, cancel->code);
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(running));
    EXPECT_EQ(ERR_NONE, remove->code);
    EXPECT_FALSE(house.job(ended).found);
    EXPECT_EQ((std::vector<bool>{true}), house.told);
    ASSERT_FALSE(house.lines.empty());
    EXPECT_TRUE(
        contains(house.lines.back(), "until there is room new jobs are refused, and none that waits is started"))
        << house.lines.back();

    house.disk.free_bytes = 2 * kMin;
    house.advance_s(1);
    ASSERT_TRUE(house.turn()) << "looks again by itself";
    EXPECT_EQ((std::vector<bool>{true, false}), house.told);
    std::shared_ptr<Call> taken = house.create(simple_job());
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(ERR_NONE, taken->code) << taken->error;
    EXPECT_TRUE(contains(house.lines.back(), "new jobs are taken"));
}

/* A job that begins writes files and logs, and those of others may be all that keeps the room away. */
TEST(ControllerSpace, OnAFullDiskNoJobThatWaitsIsStartedAndItsLogTellsWhy)
{
    CrampedHouse house;
    std::string running = house.make(simple_job(8));
    std::string head = house.make(simple_job());
    std::string behind = house.make(simple_job());
    std::string why = "Waiting for room on the disk of the data directory: it has 1000 bytes free, jobs are started "
                      "from 300000000 on.";
    house.disk.free_bytes = 1000;
    house.advance_s(1);
    ASSERT_TRUE(house.settle());
    EXPECT_NE(why, house.service_lines(head).back()) << "it is the replicas that it waits for";
    fake_executor_exit(house.world, House::key(running).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(running));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(head));
    EXPECT_EQ(why, house.service_lines(head).back());
    size_t lines = house.service_lines(head).size();
    house.advance_s(5);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(lines, house.service_lines(head).size()) << "told once";
    house.cancel(head);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_CANCELLED, house.state(head));
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(behind));
    EXPECT_EQ(why, house.service_lines(behind).back());
    house.restart();
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(behind)) << "nor does a start of the server start it";
    EXPECT_EQ(8u, fake_executor_count(house.world, "start"));

    house.disk.free_bytes = 2 * kMin;
    house.advance_s(1);
    ASSERT_TRUE(house.turn());
    while (house.state(behind) == JOB_STATE_QUEUED && house.wait_ns == 0) { /* it asks for the turns it needs */
        ASSERT_TRUE(house.turn());
    }
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(behind));
}

/* What has begun goes on: to hold a replica back would lose the work of the others. */
TEST(ControllerSpace, OnAFullDiskAReplicaIsStillStartedAgain)
{
    CrampedHouse house;
    std::string name = house.make(simple_job(2));
    house.disk.free_bytes = 1000;
    house.advance_s(1);
    fake_executor_kill(house.world, House::key(name, 1).c_str(), 9, false);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(1u, fake_executor_launches(house.world, House::key(name, 1, 0, 1).c_str()));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
}

TEST(ControllerSpace, LooksAgainSoonWhileThereIsLittle)
{
    CrampedHouse house;
    ASSERT_TRUE(house.turn());
    EXPECT_GT(house.wait_ns, CLOCK_NS_PER_S);
    house.disk.free_bytes = kMin;
    house.advance_s(1);
    ASSERT_TRUE(house.turn());
    EXPECT_LE(house.wait_ns, CLOCK_NS_PER_S);
}

} // namespace
