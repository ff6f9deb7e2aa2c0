/* Spares, through the functions that the log's owner calls. */
#include "storage/wal_spare.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "store_fixture.h"

namespace {

using namespace storage_test;

constexpr uint64_t kBytes = 64 * 1024;

void MakeSegment(const std::string &dir, uint64_t number)
{
    std::ofstream(data_dir_segment(dir.c_str(), number).text) << std::string(kBytes, 'x');
}

/* Goal: a segment that is recycled while a blank one is made leaves two spares, not one under two names. */
TEST(WalSpare, RecycledAndBlankOnesNeverShareAName)
{
    TempDir dir;
    struct err err = ERR_INIT;
    struct wal_spare *spare = nullptr;
    ASSERT_EQ(wal_spare_create(fs_system(), dir.path().c_str(), kBytes, &spare, &err), 0) << err.text;
    for (uint64_t number = 1; number <= 20; number++) {
        struct data_dir_path path;
        uint64_t bytes = 0;
        bool recycled = false;
        std::set<std::string> paths;
        MakeSegment(dir.path(), number);
        wal_spare_want(spare, 1);
        ASSERT_EQ(wal_spare_recycle(spare, number, &err), 0) << err.text;
        while (paths.size() < 2) { /* the blank one comes when it is made */
            if (wal_spare_take(spare, &path, &bytes, &recycled)) {
                EXPECT_TRUE(paths.insert(path.text).second) << path.text << " was given twice";
                EXPECT_TRUE(std::filesystem::remove(path.text)) << path.text << " is not there";
            } else {
                std::this_thread::yield();
            }
        }
    }
    wal_spare_destroy(spare);
}

size_t SparesAfter(struct wal_spare *spare, const std::string &dir, uint64_t first, uint64_t count)
{
    struct err err = ERR_INIT;
    for (uint64_t number = first; number < first + count; number++) {
        MakeSegment(dir, number);
        EXPECT_EQ(0, wal_spare_recycle(spare, number, &err)) << err.text;
    }
    wal_spare_settle(spare);
    return Files(dir, ".spare").size();
}

/* Goal: spares follow what the log is expected to need, and no segment that is not kept is left behind. */
TEST(WalSpare, AsManyAreKeptAsTheLogWillNeed)
{
    TempDir dir;
    struct err err = ERR_INIT;
    struct wal_spare *spare = nullptr;
    ASSERT_EQ(wal_spare_create(fs_system(), dir.path().c_str(), kBytes, &spare, &err), 0) << err.text;
    EXPECT_EQ(2u, SparesAfter(spare, dir.path(), 1, 10)) << "nothing is expected";
    wal_spare_expect(spare, 5 * kBytes);
    EXPECT_EQ(7u, SparesAfter(spare, dir.path(), 11, 10));
    wal_spare_expect(spare, UINT64_MAX);
    EXPECT_EQ(size_t(WAL_SPARES_MAX), SparesAfter(spare, dir.path(), 21, 2 * WAL_SPARES_MAX));
    EXPECT_EQ(0u, Files(dir.path(), ".wal").size());
    wal_spare_destroy(spare);
}

std::atomic<unsigned> opened{0};

int OpenOnAFullDisk(const struct fs *, const char *, unsigned, int *, struct err *err)
{
    opened++;
    return err_set(err, ERR_EXHAUSTED, "no space left on the device");
}

/* Goal: every commit wants a spare, but a full disk is not asked by every commit; and not given up for ever. */
TEST(WalSpare, AFullDiskIsAskedNowAndThen)
{
    TempDir dir;
    struct err err = ERR_INIT;
    struct fs fs = *fs_system();
    struct wal_spare *spare = nullptr;
    fs.open = OpenOnAFullDisk;
    ASSERT_EQ(wal_spare_create(&fs, dir.path().c_str(), kBytes, &spare, &err), 0) << err.text;
    unsigned wants = 0;
    for (opened = 0; opened < 3; wants++) {
        unsigned before = opened;
        wal_spare_want(spare, 1);
        if (wants == 0) {
            while (opened == before) { /* the first is made at once */
                std::this_thread::yield();
            }
        }
    }
    EXPECT_GT(wants, 100u);
    wal_spare_destroy(spare);
}

/* Goal: rows replaced over and over need no new file once the first snapshots were taken: each segment is had again. */
TEST(WalSpare, AStoreThatDoesNotGrowMakesNoNewSegments)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 64 * 1024;
    test.options.snapshot_log_bytes_min = 64 * 1024;
    ASSERT_TRUE(test.Open());
    size_t files = 0;
    for (int round = 0; round < 8; round++) {
        for (uint64_t id = 1; id <= 100; id++) {
            ASSERT_TRUE(test.Write(id, Value(id, unsigned(round), std::string(4000, 'x'))));
        }
        ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
        size_t now = Files(dir.path(), ".wal").size() + Files(dir.path(), ".spare").size();
        if (round >= 2) {
            EXPECT_LE(now, files);
        }
        files = std::max(files, now);
    }
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(100u, test.All().size());
    EXPECT_LE(Files(dir.path(), ".wal").size() + Files(dir.path(), ".spare").size(), files + 1);
}

} // namespace
