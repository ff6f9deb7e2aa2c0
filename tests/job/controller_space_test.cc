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
    EXPECT_TRUE(contains(house.lines.back(), "new jobs are refused until there is room")) << house.lines.back();

    house.disk.free_bytes = 2 * kMin;
    house.advance_s(1);
    ASSERT_TRUE(house.turn()) << "looks again by itself";
    EXPECT_EQ((std::vector<bool>{true, false}), house.told);
    std::shared_ptr<Call> taken = house.create(simple_job());
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(ERR_NONE, taken->code) << taken->error;
    EXPECT_TRUE(contains(house.lines.back(), "new jobs are taken"));
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
