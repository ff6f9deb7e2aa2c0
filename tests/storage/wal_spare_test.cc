/* Spares, through the functions that the log's owner calls. */
#include "storage/wal_spare.h"

#include <gtest/gtest.h>

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
        wal_spare_want(spare);
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

} // namespace
