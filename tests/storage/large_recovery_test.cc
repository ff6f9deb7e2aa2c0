/* Stores so large that a start reads them ahead and decodes them on several threads: the same must come out as from a
 * small one, and the same complaint. */
#include "store_fixture.h"

#include <atomic>
#include <thread>

#include "storage/wal_format.h"

using namespace storage_test;

namespace {

constexpr uint64_t kSegmentBytes = 16 * 1024 * 1024;
constexpr uint64_t kLargeBytes = 24 * 1024 * 1024;

/* Writes random puts and deletes in batches of random size until so much is logged; returns what must be there. */
Rows WriteMuch(StoreUnderTest &test, uint64_t bytes_wanted, std::mt19937_64 &random)
{
    Rows rows;
    uint64_t bytes = 0;
    while (bytes < bytes_wanted) {
        /* Now and then a batch of one row, or of more than one part that is read at a time. */
        size_t batch = random() % 8 == 0 ? 1 : random() % 16 == 1 ? 3000 : 1 + random() % 400;
        for (size_t i = 0; i < batch; i++) {
            auto table = static_cast<enum store_table>(1 + random() % (STORE_TABLE_COUNT - 1));
            uint64_t id = 1 + random() % 4000;
            if (random() % 10 == 0) {
                EXPECT_TRUE(test.Delete(table, id));
                rows.erase({table, id});
                continue;
            }
            std::string value = Value(id, unsigned(random() % 5), std::string(random() % 2000, char('a' + id % 26)));
            EXPECT_TRUE(test.Put(table, id, value));
            rows[{table, id}] = value;
            bytes += value.size();
        }
        EXPECT_TRUE(test.Commit());
    }
    return rows;
}

struct LargeStore {
    TempDir dir;
    StoreUnderTest test{dir.path()};
    std::mt19937_64 random{Seed()};
    Rows rows;

    explicit LargeStore(uint64_t bytes = kLargeBytes)
    {
        test.options.segment_bytes = kSegmentBytes;
        test.options.snapshot_log_bytes_min = UINT64_MAX / 2;
        EXPECT_TRUE(test.Open());
        rows = WriteMuch(test, bytes, random);
    }
};

/* Fails at every record that holds the word. */
int ExtractButBad(enum store_table table, struct span value, struct store_keys *keys, struct err *err)
{
    if (memmem(value.data, value.size, "BAD-", 4)) {
        const char *word = static_cast<const char *>(memmem(value.data, value.size, "BAD-", 4));
        return err_set(err, ERR_CORRUPT, "found %.9s", word);
    }
    return Extract(table, value, keys, err);
}

} /* namespace */

TEST(LargeRecovery, ALogIsReplayedInItsOrder)
{
    LargeStore large;
    ASSERT_TRUE(large.test.Reopen());
    EXPECT_EQ(large.rows, large.test.All());
    for (const auto &row : large.rows) {
        ASSERT_EQ(row.second, large.test.Get(row.first.second, static_cast<enum store_table>(row.first.first)));
    }
    ASSERT_TRUE(large.test.Write(9999, Value(9999, 1)));
    ASSERT_TRUE(large.test.Reopen());
    EXPECT_EQ(large.rows.size() + 1, large.test.All().size());
}

TEST(LargeRecovery, ASnapshotAndTheLogBehindItGiveWhatWasThere)
{
    LargeStore large;
    ASSERT_TRUE(large.test.Done(store_snapshot(large.test.store, &large.test.err)));
    Rows later = WriteMuch(large.test, kLargeBytes / 2, large.random);
    Rows all = large.test.All();
    ASSERT_TRUE(large.test.Reopen());
    EXPECT_EQ(all, large.test.All());
    EXPECT_NE(0u, large.test.recovery.snapshot_lsn);
    EXPECT_LT(later.size(), all.size());
}

/* Two records are bad, far apart and so decoded by different threads: the first in the file is told, however long the
 * threads take. */
TEST(LargeRecovery, TheFirstBadRecordIsTheOneThatIsTold)
{
    LargeStore large;
    ASSERT_TRUE(large.test.Write(5001, Value(5001, 1, "BAD-first")));
    WriteMuch(large.test, kLargeBytes / 4, large.random);
    ASSERT_TRUE(large.test.Write(5002, Value(5002, 1, "BAD-other")));
    large.test.Close();
    large.test.options.extract = ExtractButBad;
    for (int i = 0; i < 3; i++) {
        ASSERT_FALSE(large.test.Open());
        EXPECT_EQ(ERR_CORRUPT, large.test.err.code);
        EXPECT_TRUE(strstr(large.test.err.text, "found BAD-first")) << large.test.err.text;
        EXPECT_TRUE(strstr(large.test.err.text, ".wal, offset ")) << large.test.err.text;
    }
    large.test.options.extract = Extract;
    ASSERT_TRUE(large.test.Open()) << "nothing was changed";
}

/* Damage in the middle is found by the reading thread, while the records before it are still being decoded. */
TEST(LargeRecovery, DamageIsRefusedAndNothingIsChanged)
{
    LargeStore large;
    large.test.Close();
    std::string name = Files(large.dir.path(), ".wal").at(1);
    std::string path = large.dir.path() + "/" + name;
    std::string whole = ReadFile(path);
    std::string damaged = whole;
    damaged[WAL_BLOCK_BYTES + 77] ^= 4; /* in its first batch, of which nothing is known but that it is there */
    WriteFile(path, damaged);
    ASSERT_FALSE(large.test.Open());
    EXPECT_EQ(ERR_CORRUPT, large.test.err.code);
    EXPECT_TRUE(strstr(large.test.err.text, name.c_str())) << large.test.err.text;
    EXPECT_EQ(damaged, ReadFile(path));
    WriteFile(path, whole);
    ASSERT_TRUE(large.test.Open());
    EXPECT_EQ(large.rows, large.test.All());
}

TEST(LargeRecovery, ADamagedSnapshotIsRefusedWhereverItIsDamaged)
{
    LargeStore large;
    ASSERT_TRUE(large.test.Done(store_snapshot(large.test.store, &large.test.err)));
    large.test.Close();
    std::string path = large.dir.path() + "/" + Files(large.dir.path(), ".snapshot").at(0);
    std::string whole = ReadFile(path);
    for (int i = 0; i < 20; i++) {
        std::string damaged = whole;
        damaged[large.random() % damaged.size()] ^= char(1 << large.random() % 8);
        WriteFile(path, damaged);
        ASSERT_FALSE(large.test.Open());
        EXPECT_EQ(ERR_CORRUPT, large.test.err.code) << large.test.err.text;
    }
    WriteFile(path, whole);
    ASSERT_TRUE(large.test.Open());
    EXPECT_EQ(large.rows, large.test.All());
}

/* Every read fails once, those ahead too: the start is refused as the disk's failure, and the next one finds all. */
TEST(LargeRecovery, AFailedReadIsTheDisksFailureAndNothingElse)
{
    LargeStore large(kLargeBytes / 2);
    struct reading {
        struct fs fs;
        const struct fs *below;
        std::atomic<int> countdown;
    } reading = {*fs_system(), fs_system(), {-1}};
    reading.fs.self = &reading;
    reading.fs.read_at = [](const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                            struct err *err) {
        auto *self = static_cast<struct reading *>(fs->self);
        if (self->countdown.fetch_sub(1) == 0) {
            return err_set(err, ERR_IO, "a read that fails");
        }
        return self->below->read_at(self->below, file, data, size, offset, ret_size, err);
    };
    large.test.Close();
    large.test.options.fs = &reading.fs;
    int failures = 0;
    for (int at = 0;; at++) {
        reading.countdown = at;
        bool opened = large.test.Open();
        if (opened && reading.countdown >= 0) {
            break;
        }
        if (opened) {
            EXPECT_EQ(large.rows, large.test.All()) << "what failed was not needed";
        } else {
            failures++;
            EXPECT_EQ(ERR_IO, large.test.err.code) << large.test.err.text;
        }
        large.test.Close();
    }
    EXPECT_GT(failures, 6);
    EXPECT_EQ(large.rows, large.test.All());
    large.test.Close();
}

/* A number of a closed file may be another file's the next moment: none is closed while it is read ahead. */
TEST(LargeRecovery, NoFileIsClosedWhileItIsRead)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    struct counting {
        struct fs fs;
        const struct fs *below;
        std::atomic<int> reads[1024];
        std::atomic<int> closed_while_read;
    } counting = {*fs_system(), fs_system(), {}, {0}};
    counting.fs.self = &counting;
    counting.fs.read_at = [](const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                             struct err *err) {
        auto *self = static_cast<struct counting *>(fs->self);
        self->reads[file % 1024]++;
        int result = self->below->read_at(self->below, file, data, size, offset, ret_size, err);
        for (int i = 0; i < 100; i++) { /* the others get on meanwhile */
            std::this_thread::yield();
        }
        self->reads[file % 1024]--;
        return result;
    };
    counting.fs.close = [](const struct fs *fs, int file) {
        auto *self = static_cast<struct counting *>(fs->self);
        self->closed_while_read += self->reads[file % 1024] > 0 ? 1 : 0;
        self->below->close(self->below, file);
    };
    test.options.segment_bytes = kSegmentBytes;
    test.options.fs = &counting.fs;
    ASSERT_TRUE(test.Open());
    /* Each batch takes more than half of a segment, so that none fits behind another: the rest is not needed, but is
     * read ahead. The segments are of full size once there is a spare. */
    for (uint64_t batch = 1; batch <= 5; batch++) {
        for (uint64_t id = 1; id <= 6; id++) {
            ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, unsigned(batch), std::string(1500 * 1024, 'x'))));
        }
        ASSERT_TRUE(test.Commit());
        while (Files(dir.path(), ".spare").empty()) {
            std::this_thread::yield();
        }
    }
    ASSERT_TRUE(test.Reopen());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(6u, test.All().size());
    EXPECT_EQ(0, counting.closed_while_read);
    test.Close();
}
