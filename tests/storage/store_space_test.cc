#include "store_fixture.h"

#include <thread>

#include "tests/lib/fake_clock.h"
#include "tests/lib/small_disk.h"

using namespace storage_test;

namespace {

const uint64_t kMin = 10 * 1000 * 1000;

/* A store on a disk whose room the test decides, and a time too. */
class SpaceTest : public testing::Test {
  protected:
    SpaceTest() : store(dir.path())
    {
        fake_clock_init(&clock);
        store.options.fs = &disk.fs;
        store.options.clock = &clock.clock;
        store.options.free_bytes_min = kMin;
    }
    struct store_space Space()
    {
        struct store_space space;
        fake_clock_advance(&clock, CLOCK_NS_PER_S);
        store_space(store.store, &space);
        return space;
    }
    int64_t Tend(int64_t later_ns = CLOCK_NS_PER_S)
    {
        int64_t wait_ns = 0;
        fake_clock_advance(&clock, later_ns);
        EXPECT_TRUE(store.Done(store_tend(store.store, &wait_ns, &store.err)));
        return wait_ns;
    }
    /* What is made in the background has been made. */
    void TendUntilSpares(size_t count)
    {
        for (int i = 0; i < 10000 && Files(dir.path(), ".spare").size() != count; i++) {
            Tend();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        ASSERT_EQ(count, Files(dir.path(), ".spare").size());
    }

    TempDir dir;
    SmallDisk disk;
    struct fake_clock clock;
    StoreUnderTest store;
};

TEST_F(SpaceTest, IsLowBelowTheMinimumAndNotAtOnceAboveIt)
{
    ASSERT_TRUE(store.Open());
    EXPECT_FALSE(Space().is_low);
    disk.free_bytes = kMin;
    EXPECT_FALSE(Space().is_low);
    disk.free_bytes = kMin - 1;
    EXPECT_TRUE(Space().is_low);
    EXPECT_EQ(kMin - 1, Space().free_bytes);
    EXPECT_EQ(kMin, Space().needed_bytes);
    disk.free_bytes = kMin;
    EXPECT_TRUE(Space().is_low) << "at the mark it would say one thing and the other in turn";
    disk.free_bytes = kMin + kMin / 16;
    EXPECT_FALSE(Space().is_low);
}

TEST_F(SpaceTest, WantsWhatTheNextSnapshotTakes)
{
    store.options.free_bytes_min = 1;
    ASSERT_TRUE(store.Open());
    ASSERT_TRUE(store.Write(1, Value(1, 1, std::string(800 * 1000, 'x'))));
    struct store_space space = Space();
    EXPECT_GT(space.needed_bytes, 900u * 1000);
    EXPECT_LT(space.needed_bytes, 900u * 1000 + 3 * 64 * 1024);
}

TEST_F(SpaceTest, IsNotWatchedWithoutAMinimum)
{
    store.options.free_bytes_min = 0;
    disk.free_bytes = 0;
    ASSERT_TRUE(store.Open());
    EXPECT_FALSE(Space().is_low);
}

/* Segments made ready while there was room carry the log, and a start, over a time without any. */
TEST_F(SpaceTest, RowsAreDeletedOnAFullDiskInSegmentsMadeReadyBefore)
{
    store.options.segment_bytes = 256 * 1024;
    store.options.snapshot_log_bytes_min = 1 << 30;
    ASSERT_TRUE(store.Open());
    for (uint64_t id = 1; id <= 150; id++) {
        ASSERT_TRUE(store.Put(STORE_TABLE_JOB, id, Value(id, 1)));
    }
    ASSERT_TRUE(store.Commit());
    disk.free_bytes = kMin + kMin / 2;
    TendUntilSpares(2);
    disk.free_bytes = 0;
    disk.is_full = true;
    uint64_t id = 1;
    for (; id <= 40; id++) {
        ASSERT_TRUE(store.Delete(STORE_TABLE_JOB, id));
        ASSERT_TRUE(store.Commit());
        Tend();
    }
    EXPECT_EQ(1u, Files(dir.path(), ".spare").size()) << "one was taken";
    Rows rows = store.All();
    CopyDir(dir.path(), dir.path() + "-killed");
    store.Close();
    StoreUnderTest again(dir.path() + "-killed");
    again.options = store.options;
    again.options.dir = nullptr;
    std::string killed = dir.path() + "-killed";
    again.options.dir = killed.c_str();
    ASSERT_TRUE(again.Open()) << "an end that was not orderly wants a segment at once";
    EXPECT_EQ(rows, again.All());
    ASSERT_TRUE(again.Delete(STORE_TABLE_JOB, 80));
    ASSERT_TRUE(again.Commit());
    again.Close();
    std::filesystem::remove_all(killed);
}

/* Without room for a snapshot beside them, the segments kept ready are what gives it. */
TEST_F(SpaceTest, ASnapshotTakesTheRoomOfTheSegmentsKeptReady)
{
    store.options.segment_bytes = 16 * 1024 * 1024;
    store.options.snapshot_log_bytes_min = 64 * 1024;
    ASSERT_TRUE(store.Open());
    disk.free_bytes = kMin + 16 * 1024 * 1024;
    TendUntilSpares(2);
    disk.free_bytes = 0;
    disk.is_full = true;
    for (uint64_t id = 1; id <= 40; id++) {
        ASSERT_TRUE(store.Write(id, Value(id % 2 + 1, 1, std::string(5000, 'x'))));
    }
    struct err failure = ERR_INIT;
    for (int i = 0; i < 10000 && Files(dir.path(), ".spare").size() == 2; i++) {
        Tend();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(0u, Files(dir.path(), ".spare").size());
    for (int i = 0; i < 10000 && store_snapshot_failure(store.store, &failure); i++) {
        Tend(CLOCK_NS_PER_MS);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_FALSE(store_snapshot_failure(store.store, &failure)) << "at once, not after a minute: " << failure.text;
    EXPECT_EQ(1u, Files(dir.path(), ".snapshot").size());
}

} // namespace
