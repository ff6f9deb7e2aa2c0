#include "store_fixture.h"

#include <atomic>
#include <functional>
#include <thread>

#include "storage/backup.h"
#include "storage/data_dir.h"
#include "tests/lib/fault_fs.h"

using namespace storage_test;

namespace {

struct Outcome {
    int result;
    struct err err;
    struct backup_report report;
};

Outcome Backup(const std::string &dir, const std::string &to, const struct fs *fs = fs_system())
{
    Outcome outcome = {0, ERR_INIT, {}};
    struct copy_watch watch = {};
    outcome.result = backup_make(fs, dir.c_str(), to.c_str(), &watch, &outcome.report, &outcome.err);
    return outcome;
}

Outcome Restore(const std::string &from, const std::string &dir, const struct fs *fs = fs_system())
{
    Outcome outcome = {0, ERR_INIT, {}};
    struct copy_watch watch = {};
    outcome.result = backup_restore(fs, from.c_str(), dir.c_str(), &watch, &outcome.report, &outcome.err);
    return outcome;
}

Rows RowsOf(const std::string &dir)
{
    StoreUnderTest store(dir);
    EXPECT_TRUE(store.Open());
    return store.store ? store.All() : Rows();
}

std::map<std::string, std::string> Contents(const std::string &dir)
{
    std::map<std::string, std::string> contents;
    for (const std::string &name : Files(dir, "")) {
        contents[name] = ReadFile(dir + "/" + name);
    }
    return contents;
}

/* Rows of several segments behind a snapshot, some deleted, one larger than a segment. */
void Fill(StoreUnderTest &store)
{
    for (uint64_t id = 1; id <= 60; id++) {
        ASSERT_TRUE(store.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(id % 7 * 900, 'x'))));
        ASSERT_TRUE(store.Put(STORE_TABLE_OPERATION, id, Value(id, 1)));
        if (id > 10) {
            ASSERT_TRUE(store.Delete(STORE_TABLE_JOB, id - 10));
        }
        ASSERT_TRUE(store.Commit());
        if (id == 30) {
            ASSERT_TRUE(store.Done(store_snapshot(store.store, &store.err)));
        }
    }
    ASSERT_TRUE(store.Write(100, Value(100, 2, std::string(100 * 1000, 'y'))));
}

TEST(Backup, OfARunningStoreIsRestoredRowForRow)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    Fill(store);
    Outcome backup = Backup(dir.path() + "/data", dir.path() + "/backup");
    ASSERT_EQ(0, backup.result) << backup.err.text;
    EXPECT_EQ(1u, backup.report.attempts);
    EXPECT_GT(backup.report.survey.end.segments, 2u);
    EXPECT_GT(backup.report.survey.snapshot_rows, 0u);
    Rows expected = store.All();
    ASSERT_TRUE(store.Write(200, Value(200, 1)));
    EXPECT_EQ(0, RunTool("check", dir.path() + "/backup").code) << "a backup is read by the tools as it is";

    Outcome restore = Restore(dir.path() + "/backup", dir.path() + "/restored");
    ASSERT_EQ(0, restore.result) << restore.err.text;
    EXPECT_EQ(expected, RowsOf(dir.path() + "/restored"));
    EXPECT_EQ(expected, RowsOf(dir.path() + "/restored")) << "and again, after a start that wrote";
}

TEST(Backup, OfAStoreThatWasClosedIsRestoredIntoAnEpochOfItsOwn)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    Fill(store);
    Rows expected = store.All();
    store.Close();
    ASSERT_EQ(0, Backup(dir.path() + "/data", dir.path() + "/backup").result);
    ASSERT_EQ(0, Restore(dir.path() + "/backup", dir.path() + "/one").result);
    ASSERT_EQ(0, Restore(dir.path() + "/backup", dir.path() + "/two").result);
    struct manifest manifests[3];
    const char *names[] = {"/data", "/one", "/two"};
    for (int i = 0; i < 3; i++) {
        struct err err = ERR_INIT;
        ASSERT_EQ(0, manifest_read(fs_system(), (dir.path() + names[i]).c_str(), &manifests[i], &err)) << err.text;
    }
    EXPECT_NE(0, memcmp(manifests[0].store_uuid, manifests[1].store_uuid, WAL_ID_BYTES));
    EXPECT_NE(0, memcmp(manifests[1].store_uuid, manifests[2].store_uuid, WAL_ID_BYTES));
    ToolRun before = RunTool("stat", dir.path() + "/data", true);
    ToolRun after = RunTool("stat", dir.path() + "/one", true);
    EXPECT_EQ(0u, before.out.find("{\"epoch\":1,")) << before.out;
    EXPECT_EQ(0u, after.out.find("{\"epoch\":2,")) << after.out;
    EXPECT_EQ(expected, RowsOf(dir.path() + "/one"));
    StoreUnderTest restored(dir.path() + "/two");
    ASSERT_TRUE(restored.Open());
    ASSERT_TRUE(restored.Write(300, Value(300, 1)));
    restored.Close();
    expected[{STORE_TABLE_JOB, 300}] = Value(300, 1);
    EXPECT_EQ(expected, RowsOf(dir.path() + "/two"));
}

TEST(Backup, CarriesOverALogThatWasTornInTheMiddleOfItsLife)
{
    TempDir dir;
    std::string data = dir.path() + "/data";
    StoreUnderTest store(data);
    ASSERT_TRUE(store.Open());
    ASSERT_TRUE(store.Write(1, Value(1, 1)));
    CopyDir(data, dir.path() + "/crashed");
    std::string segment = dir.path() + "/crashed/" + Files(data, ".wal").back();
    std::string bytes = ReadFile(segment);
    std::fill(bytes.begin() + 2 * 4096 + 100, bytes.begin() + 2 * 4096 + 200, 'z'); /* of a batch begun and not ended */
    WriteFile(segment, bytes);
    std::filesystem::remove(dir.path() + "/crashed/lock");
    StoreUnderTest again(dir.path() + "/crashed");
    ASSERT_TRUE(again.Open());
    EXPECT_GT(again.recovery.torn_bytes, 0u);
    ASSERT_TRUE(again.Write(2, Value(2, 1)));
    ASSERT_EQ(0, Backup(dir.path() + "/crashed", dir.path() + "/backup").result);
    Outcome restore = Restore(dir.path() + "/backup", dir.path() + "/restored");
    ASSERT_EQ(0, restore.result) << restore.err.text;
    EXPECT_EQ(again.All(), RowsOf(dir.path() + "/restored"));
}

TEST(Backup, AndRestoreTakeOnlyDirectoriesThatAreEmpty)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    ASSERT_TRUE(store.Write(1, Value(1, 1)));
    WriteFile(dir.path() + "/file", "x");
    std::filesystem::create_directory(dir.path() + "/full");
    WriteFile(dir.path() + "/full/notes", "x");
    Outcome backup = Backup(dir.path() + "/data", dir.path() + "/full");
    EXPECT_EQ(-1, backup.result);
    EXPECT_EQ(ERR_INVALID, backup.err.code);
    EXPECT_NE(nullptr, strstr(backup.err.text, "/full holds files; name one that is empty or not there"))
        << backup.err.text;
    EXPECT_EQ(-1, Backup(dir.path() + "/data", dir.path() + "/data").result) << "least of all its own";
    EXPECT_EQ(-1, Backup(dir.path() + "/data", dir.path() + "/file").result);
    EXPECT_EQ(ERR_INVALID, Backup(dir.path() + "/full", dir.path() + "/backup").err.code) << "no data directory";
    ASSERT_EQ(0, Backup(dir.path() + "/data", dir.path() + "/backup").result);
    EXPECT_EQ(ERR_INVALID, Restore(dir.path() + "/backup", dir.path() + "/full").err.code);
    EXPECT_EQ(ERR_INVALID, Restore(dir.path() + "/data", dir.path() + "/new").err.code) << "no backup";
    EXPECT_EQ((std::vector<std::string>{"notes"}), Files(dir.path() + "/full", ""));
}

TEST(Backup, IsNoDataDirectory)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    ASSERT_TRUE(store.Write(1, Value(1, 1)));
    ASSERT_EQ(0, Backup(dir.path() + "/data", dir.path() + "/backup").result);
    StoreUnderTest wrong(dir.path() + "/backup");
    EXPECT_FALSE(wrong.Open());
    EXPECT_EQ(ERR_CORRUPT, wrong.err.code);
    EXPECT_NE(nullptr, strstr(wrong.err.text, "is a backup")) << wrong.err.text;
}

/* The server of the original rolls over, takes snapshots and recycles all the while. Each backup is restored and opened:
 * what was acknowledged before it was begun is in it, as of then or later. */
TEST(Backup, UnderLoadHoldsAllThatWasAcknowledgedBeforeIt)
{
    TempDir dir;
    std::string data = dir.path() + "/data";
    std::atomic<uint64_t> acknowledged{0};
    std::atomic<bool> stop{false};
    std::atomic<int> snapshots{0};
    std::string failure;
    std::thread server([&] {
        StoreUnderTest store(data);
        store.options.snapshot_log_bytes_min = 300 * 1024;
        if (!store.Open()) {
            failure = store.err.text;
        }
        for (uint64_t id = 1; !stop && failure.empty(); id++) {
            int64_t wait_ns;
            bool fine = store.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(id % 4 * 1000, 'x'))) &&
                        store.Delete(STORE_TABLE_JOB, id > 50 ? id - 50 : id + 1) && store.Commit();
            acknowledged = fine ? id : acknowledged.load();
            if (!fine || store_tend(store.store, &wait_ns, &store.err) != 0) {
                failure = store.err.text;
            }
        }
        snapshots = int(Files(data, ".snapshot").size());
    });
    while (acknowledged < 200 && failure.empty()) {
        std::this_thread::yield();
    }
    unsigned attempts = 0;
    for (int round = 0; round < 12 && failure.empty(); round++) {
        std::string backup = dir.path() + "/backup" + std::to_string(round);
        std::string restored = dir.path() + "/restored" + std::to_string(round);
        uint64_t before = acknowledged;
        Outcome made = Backup(data, backup);
        if (made.result != 0 && made.err.code == ERR_UNAVAILABLE) {
            continue; /* ten snapshots during ten attempts: told, and nothing left behind */
        }
        EXPECT_EQ(0, made.result) << made.err.text;
        attempts += made.report.attempts;
        Outcome restore = Restore(backup, restored);
        EXPECT_EQ(0, restore.result) << restore.err.text;
        Rows rows = RowsOf(restored);
        ASSERT_FALSE(rows.empty());
        uint64_t last = rows.rbegin()->first.second;
        EXPECT_GE(last, before);
        EXPECT_EQ(50u, rows.size()) << "a whole batch each: one row comes, one goes";
        for (const auto &row : rows) {
            EXPECT_EQ(Value(row.first.second, 1, std::string(row.first.second % 4 * 1000, 'x')), row.second);
        }
        std::filesystem::remove_all(backup);
        std::filesystem::remove_all(restored);
    }
    stop = true;
    server.join();
    EXPECT_EQ("", failure);
    EXPECT_GT(attempts, 0u);
    printf("%u attempts for 12 backups, while %llu rows were written\n", attempts,
           static_cast<unsigned long long>(acknowledged.load()));
}

/* A disk on which something happens in the middle of a copy: when a block far into a segment is read for the n-th time. */
struct EventfulDisk {
    EventfulDisk()
    {
        fs = *fs_system();
        fs.self = this;
        fs.read_at = [](const struct fs *self, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                        struct err *err) {
            auto *disk = static_cast<EventfulDisk *>(self->self);
            int result = fs_system()->read_at(fs_system(), file, data, size, offset, ret_size, err);
            if (offset == disk->offset && disk->reads-- == 0) {
                disk->event();
            }
            return result;
        };
    }
    EventfulDisk(const EventfulDisk &) = delete;

    struct fs fs;
    uint64_t offset = 0;
    int reads = 0;
    std::function<void()> event = [] {};
};

/* A segment has been copied and not yet been looked at again when the server takes a snapshot, recycles the segment and
 * writes other rows into it; and the same a little earlier, so that half of the copy is of another life. */
TEST(Backup, BeginsAnewWhenASegmentIsRecycledUnderTheCopy)
{
    unsigned attempts = 0;
    for (int reads : {0, 1, 2, 4, 7, 11}) {
        TempDir dir;
        StoreUnderTest store(dir.path() + "/data");
        ASSERT_TRUE(store.Open());
        auto write = [&](uint64_t first, uint64_t last, char mark) {
            for (uint64_t id = first; id <= last; id++) {
                ASSERT_TRUE(store.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(3000, mark))));
                if (id % 8 == 0) {
                    ASSERT_TRUE(store.Commit());
                }
            }
        };
        write(1, 80, 'x');
        EventfulDisk disk;
        disk.reads = reads;
        disk.event = [&] {
            for (int i = 0; i < 3; i++) {
                ASSERT_TRUE(store.Done(store_snapshot(store.store, &store.err)));
                write(97, 128, 'y');
            }
        };
        Outcome backup = Backup(dir.path() + "/data", dir.path() + "/backup", &disk.fs);
        ASSERT_EQ(0, backup.result) << backup.err.text;
        attempts = std::max(attempts, backup.report.attempts);
        Outcome restore = Restore(dir.path() + "/backup", dir.path() + "/restored");
        ASSERT_EQ(0, restore.result) << restore.err.text;
        Rows rows = RowsOf(dir.path() + "/restored");
        Rows now = store.All();
        EXPECT_TRUE(rows == now || (rows.size() == 80 && std::equal(rows.begin(), rows.end(), now.begin())))
            << rows.size() << " rows after " << reads << " reads";
    }
    EXPECT_EQ(2u, attempts);
}

/* Wherever a restore dies: either a start refuses what it left, with a sentence, or all of it is there, or nothing. */
TEST(Backup, ARestoreThatDiesLeavesNothingThatStarts)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    Fill(store);
    Rows expected = store.All();
    ASSERT_EQ(0, Backup(dir.path() + "/data", dir.path() + "/backup").result);
    int refused = 0;
    int whole = 0;
    int empty = 0;
    for (uint64_t call = 0; whole == 0; call++) {
        for (enum fault_mode mode : {FAULT_STOP, FAULT_TEAR}) {
            std::string restored = dir.path() + "/restored";
            std::filesystem::remove_all(restored);
            struct fault_fs *fault = fault_fs_create(fs_system());
            fault_fs_arm(fault, mode, call);
            int result = Restore(dir.path() + "/backup", restored, fault_fs_fs(fault)).result;
            fault_fs_destroy(fault);
            StoreUnderTest after(restored);
            if (!after.Open()) {
                EXPECT_NE(nullptr, strstr(after.err.text, "has not finished; remove what is in it")) << after.err.text;
                EXPECT_EQ(-1, result);
                refused++;
            } else if (after.All() == expected) {
                whole++;
            } else {
                EXPECT_TRUE(after.All().empty()) << "at call " << call;
                EXPECT_EQ(-1, result);
                EXPECT_EQ(0, refused) << "empty only before anything was written";
                empty++;
            }
        }
        ASSERT_LT(call, 1000u);
    }
    EXPECT_GT(refused, 20);
    EXPECT_GT(empty, 0);
}

/* A backup that dies is taken by no restore, and what there is of it by no server; one that fails says why and leaves
 * nothing. */
TEST(Backup, ThatDiesIsNoBackup)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    Fill(store);
    store.Close();
    std::map<std::string, std::string> before = Contents(dir.path() + "/data");
    bool done = false;
    for (uint64_t call = 0; !done; call++) {
        std::string backup = dir.path() + "/backup";
        std::filesystem::remove_all(backup);
        struct fault_fs *fault = fault_fs_create(fs_system());
        fault_fs_arm(fault, FAULT_STOP, call);
        done = Backup(dir.path() + "/data", backup, fault_fs_fs(fault)).result == 0;
        fault_fs_destroy(fault);
        Outcome restore = Restore(backup, dir.path() + "/restored");
        std::filesystem::remove_all(dir.path() + "/restored");
        if (!done) {
            EXPECT_TRUE(restore.result != 0 || Files(backup, "MANIFEST").size() == 1) << "at call " << call;
            StoreUnderTest copy(backup);
            EXPECT_TRUE(!copy.Open() || copy.All().empty()) << "a server starts in it, at call " << call;
        }
        ASSERT_LT(call, 1000u);
    }
    for (uint64_t call = 1; call < 12; call++) {
        std::string backup = dir.path() + "/failed" + std::to_string(call);
        struct fault_fs *fault = fault_fs_create(fs_system());
        fault_fs_set_code(fault, ERR_EXHAUSTED);
        fault_fs_arm(fault, FAULT_ONCE, call);
        Outcome failed = Backup(dir.path() + "/data", backup, fault_fs_fs(fault));
        fault_fs_destroy(fault);
        if (failed.result != 0) {
            EXPECT_EQ(ERR_EXHAUSTED, failed.err.code) << failed.err.text;
            EXPECT_TRUE(Files(backup, "").empty());
        }
    }
    EXPECT_TRUE(before == Contents(dir.path() + "/data")) << "the original is only read";
}

/* What says that nobody may start here counts also when it cannot be opened. */
TEST(Backup, AMarkThatCannotBeLookedAtLetsNoServerStart)
{
    for (const char *mark : {"BACKUP", "RESTORING"}) {
        TempDir dir;
        StoreUnderTest store(dir.path() + "/data");
        ASSERT_TRUE(store.Open());
        ASSERT_TRUE(store.Write(1, Value(1, 1)));
        store.Close();
        std::filesystem::create_symlink("elsewhere", dir.path() + "/data/" + mark);
        EXPECT_FALSE(store.Open()) << mark;
        EXPECT_NE(nullptr, strstr(store.err.text, mark)) << store.err.text;
    }
}

TEST(Backup, ThatWasDamagedIsNeverRestoredToOtherRows)
{
    std::mt19937_64 random(Seed());
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    Fill(store);
    Rows expected = store.All();
    ASSERT_EQ(0, Backup(dir.path() + "/data", dir.path() + "/backup").result);
    std::vector<std::string> files = Files(dir.path() + "/backup", "");
    int refused = 0;
    for (int round = 0; round < 150; round++) {
        std::string damaged = dir.path() + "/damaged";
        std::string restored = dir.path() + "/restored";
        CopyDir(dir.path() + "/backup", damaged);
        std::string file = damaged + "/" + files[random() % files.size()];
        std::string bytes = ReadFile(file);
        size_t at = random() % bytes.size();
        if (round % 3 == 0) {
            std::fill(bytes.begin() + long(at), bytes.end(), '\0');
        } else {
            bytes[at] = char(bytes[at] ^ (1 << random() % 8));
        }
        WriteFile(file, bytes);
        std::filesystem::remove_all(restored);
        Outcome restore = Restore(damaged, restored);
        if (restore.result != 0) {
            EXPECT_NE(ERR_NONE, restore.err.code);
            refused++;
        } else {
            EXPECT_EQ(expected, RowsOf(restored)) << file << " at " << at;
        }
    }
    EXPECT_GT(refused, 30);
}

/* Damage to the very last batch passes for a tear in a data directory, never in a backup. */
TEST(Backup, WithoutItsLastBatchIsRefused)
{
    TempDir dir;
    StoreUnderTest store(dir.path() + "/data");
    ASSERT_TRUE(store.Open());
    ASSERT_TRUE(store.Write(1, Value(1, 1)));
    ASSERT_TRUE(store.Write(2, Value(2, 1)));
    Outcome made = Backup(dir.path() + "/data", dir.path() + "/backup");
    ASSERT_EQ(0, made.result);
    std::string segment = dir.path() + "/backup/" + Files(dir.path() + "/backup", ".wal").back();
    std::string bytes = ReadFile(segment);
    std::fill(bytes.begin() + long(made.report.survey.end.position.offset) - 4096,
              bytes.begin() + long(made.report.survey.end.position.offset), '\0');
    WriteFile(segment, bytes);
    EXPECT_EQ(0, RunTool("check", dir.path() + "/backup").code);
    Outcome restore = Restore(dir.path() + "/backup", dir.path() + "/restored");
    EXPECT_EQ(ERR_CORRUPT, restore.err.code);
    EXPECT_NE(nullptr, strstr(restore.err.text, "BACKUP tells of lsn 2")) << restore.err.text;
}

} // namespace
