#include "store_fixture.h"

#include <thread>

#include "tests/lib/fake_clock.h"
#include "tests/lib/fault_fs.h"

using namespace storage_test;

namespace {

/* A file that goes meanwhile counts for nothing. */
uint64_t DiskBytes(const std::string &dir)
{
    uint64_t bytes = 0;
    for (const auto &entry : std::filesystem::directory_iterator(dir)) {
        std::error_code gone;
        uint64_t size = std::filesystem::file_size(entry.path(), gone);
        bytes += gone ? 0 : size;
    }
    return bytes;
}

/* Tends until the store wants nothing any more. */
void TendUntilQuiet(StoreUnderTest &test, struct fake_clock *clock)
{
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);

    while (std::chrono::steady_clock::now() < deadline) { /* another thread writes the snapshot meanwhile */
        int64_t wait_ns = 0;
        ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
        if (wait_ns == INT64_MAX) {
            return;
        }
        fake_clock_advance(clock, wait_ns);
        std::this_thread::yield();
    }
    FAIL() << "the store is never done";
}

TEST(Snapshot, TakesTheLogsPlaceAndAReopenReadsOnlyWhatIsBehindIt)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 16 * 1024;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 40; id++) {
        ASSERT_TRUE(test.Write(id, Value(id, 1, std::string(id * 100, 'x'))));
    }
    size_t before = Files(dir.path(), ".wal").size();
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    EXPECT_LT(Files(dir.path(), ".wal").size(), before);
    EXPECT_EQ(1u, Files(dir.path(), ".wal").size());
    EXPECT_EQ(1u, Files(dir.path(), ".snapshot").size());
    EXPECT_LE(Files(dir.path(), ".spare").size(), 8u) << "two, and as many as hold the 85 KB of the rows";
    ASSERT_TRUE(test.Write(41, Value(41, 1)));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 7));
    ASSERT_TRUE(test.Commit());
    Rows rows = test.All();
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(rows, test.All());
    EXPECT_EQ(40u, test.recovery.snapshot_lsn);
    EXPECT_EQ(42u, test.recovery.last_lsn);
    EXPECT_EQ(2u, test.recovery.records_replayed);
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err))) << "nothing new: nothing to do";
    EXPECT_EQ(1u, Files(dir.path(), ".snapshot").size()) << "the old one is gone";
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(rows, test.All());
    EXPECT_EQ(0u, test.recovery.records_replayed);
}

TEST(Snapshot, OfAnEmptyStoreIsNone)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    EXPECT_TRUE(Files(dir.path(), ".snapshot").empty());
    ASSERT_TRUE(test.Write(1, Value(1, 1)));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 1));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    EXPECT_EQ(1u, Files(dir.path(), ".snapshot").size()) << "that rows are gone is worth one";
    ASSERT_TRUE(test.Reopen());
    EXPECT_TRUE(test.All().empty());
}

TEST(Snapshot, IsTakenInTheBackgroundWhenDueAndKeepsTheDiskSmall)
{
    TempDir dir;
    struct fake_clock clock;
    fake_clock_init(&clock);
    StoreUnderTest test(dir.path());
    test.options.clock = &clock.clock;
    test.options.segment_bytes = 64 * 1024;
    test.options.snapshot_log_bytes_min = 256 * 1024;
    ASSERT_TRUE(test.Open());
    Rows model;
    uint64_t most = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t id = round + 1;
        std::string value = Value(id, 1, std::string(500, 'x'));
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, value));
        model[{STORE_TABLE_JOB, id}] = value;
        if (id > 50) {
            ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, id - 50));
            model.erase({STORE_TABLE_JOB, id - 50});
        }
        ASSERT_TRUE(test.Commit());
        if (round % 16 == 0) {
            int64_t wait_ns;
            ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
        }
        if (round % 500 == 499) {
            TendUntilQuiet(test, &clock);
            most = std::max(most, DiskBytes(dir.path()));
        }
    }
    EXPECT_LT(most, 2u * 1024 * 1024) << "12 MB of log were written";
    struct err failure;
    EXPECT_FALSE(store_snapshot_failure(test.store, &failure));
    EXPECT_EQ(model, test.All());
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(model, test.All());
    EXPECT_GT(test.recovery.snapshot_lsn, 0u);
    EXPECT_LT(test.recovery.records_replayed, 2000u);
}

TEST(Snapshot, OneThatFailsIsToldHarmsNothingAndIsTriedAgain)
{
    TempDir dir;
    struct fake_clock clock;
    fake_clock_init(&clock);
    struct fault_fs *fault = fault_fs_create(fs_system());
    StoreUnderTest test(dir.path());
    test.options.fs = fault_fs_fs(fault);
    test.options.clock = &clock.clock;
    test.options.segment_bytes = 1024 * 1024;
    test.options.snapshot_log_bytes_min = 64 * 1024;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 40; id++) {
        ASSERT_TRUE(test.Write(id, Value(id, 1)));
    }
    /* The snapshot's first call removes an unfinished one, the second opens its file. Spares are made meanwhile. */
    fault_fs_set_path_part(fault, ".snapshot");
    fault_fs_set_code(fault, ERR_EXHAUSTED);
    fault_fs_arm(fault, FAULT_ONCE, 1);
    TendUntilQuiet(test, &clock);
    EXPECT_EQ(1u, Files(dir.path(), ".snapshot").size()) << "after a minute it was taken";
    fault_fs_arm(fault, FAULT_ONCE, 1);
    ASSERT_FALSE(test.Done(test.Write(41, Value(41, 1)) ? store_snapshot(test.store, &test.err) : 0));
    EXPECT_EQ(ERR_EXHAUSTED, test.err.code);
    ASSERT_TRUE(test.Write(42, Value(42, 1))) << "the log goes on";
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(42u, test.All().size());
    test.Close();
    fault_fs_destroy(fault);
}

TEST(Snapshot, FailureInTheBackgroundCanBeAskedFor)
{
    TempDir dir;
    struct fake_clock clock;
    fake_clock_init(&clock);
    struct fault_fs *fault = fault_fs_create(fs_system());
    StoreUnderTest test(dir.path());
    test.options.fs = fault_fs_fs(fault);
    test.options.clock = &clock.clock;
    test.options.segment_bytes = 1024 * 1024;
    test.options.snapshot_log_bytes_min = 64 * 1024;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 40; id++) {
        ASSERT_TRUE(test.Write(id, Value(id, 1)));
    }
    fault_fs_set_path_part(fault, ".snapshot");
    fault_fs_set_code(fault, ERR_EXHAUSTED);
    fault_fs_arm(fault, FAULT_ONCE, 1);
    struct err failure = ERR_INIT;
    int64_t wait_ns = 0;
    while (!store_snapshot_failure(test.store, &failure)) {
        ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
        std::this_thread::yield();
    }
    EXPECT_EQ(ERR_EXHAUSTED, failure.code);
    EXPECT_NE(std::string::npos, std::string(failure.text).find("no snapshot could be taken in " + dir.path()));
    EXPECT_GT(wait_ns, 0);
    TendUntilQuiet(test, &clock);
    EXPECT_FALSE(store_snapshot_failure(test.store, &failure)) << "the next one went well";
    test.Close();
    fault_fs_destroy(fault);
}

/* A snapshot walks while rows come, change and go: with the log behind it the rows are exact. */
TEST(Snapshot, TakenWhileTheStoreIsWrittenIsExactWithItsLog)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 128 * 1024;
    test.options.snapshot_log_bytes_min = 100 * 1024;
    ASSERT_TRUE(test.Open());
    Rows model;
    for (int round = 0; round < 1500; round++) {
        for (int i = 0; i < 20; i++) {
            uint64_t id = 1 + random() % 5000;
            if (random() % 3 == 0) {
                ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, id));
                model.erase({STORE_TABLE_JOB, id});
            } else {
                std::string value = Value(id, unsigned(round), std::string(random() % 200, 'x'));
                ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, value));
                model[{STORE_TABLE_JOB, id}] = value;
            }
        }
        ASSERT_TRUE(test.Commit());
        int64_t wait_ns;
        ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
        if (round % 300 == 299) {
            ASSERT_TRUE(test.Reopen());
            ASSERT_EQ(model, test.All()) << "round " << round;
            ASSERT_EQ(model.size(), store_count(test.store, STORE_TABLE_JOB));
        }
    }
    EXPECT_GT(test.recovery.snapshot_lsn, 0u);
}

TEST(Snapshot, ClosingTheStoreDoesNotWaitForOneToEnd)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 4 * 1024 * 1024;
    test.options.snapshot_log_bytes_min = 4096;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 3000; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(2000, 'x'))));
    }
    ASSERT_TRUE(test.Commit());
    int64_t wait_ns;
    ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(3000u, store_count(test.store, STORE_TABLE_JOB));
    EXPECT_TRUE(Files(dir.path(), ".tmp").empty());
}

} // namespace
