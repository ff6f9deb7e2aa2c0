#include "store_fixture.h"

#include <atomic>
#include <thread>

#include "storage/snapshot_tool.h"

using namespace storage_test;

namespace {

ToolRun RunSnapshotTool(const std::string &verb, const std::string &path, bool json = false)
{
    return Collect([&](FILE *out, FILE *error) {
        return snapshot_tool_run(fs_system(), verb.c_str(), path.c_str(), json, out, error);
    });
}

TEST(WalTool, DumpsOneLinePerRecord)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 7, Value(7, 1)));
    ASSERT_TRUE(test.Put(STORE_TABLE_REQUEST_ID, 8, Value(8, 1)));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 7));
    ASSERT_TRUE(test.Commit());
    ToolRun text = RunTool("dump", dir.path());
    EXPECT_EQ(0, text.code) << "also while a server has it open: " << text.error;
    EXPECT_EQ("lsn 1  batch 1  0000000000000001.wal:4160  job 7  45 bytes\n"
              "lsn 2  batch 1  0000000000000001.wal:4226  request_id 8  45 bytes\n"
              "lsn 3  batch 2  0000000000000001.wal:8256  job 7  0 bytes  deleted\n",
              text.out);
    ToolRun json = RunTool("dump", dir.path(), true);
    EXPECT_EQ(0u, json.out.find("{\"lsn\":1,\"batch\":1,\"segment\":\"0000000000000001.wal\",\"offset\":4160,"
                                "\"table\":\"job\",\"id\":\"7\",\"bytes\":45,\"deleted\":false}\n"))
        << json.out;
    EXPECT_NE(std::string::npos, json.out.find("\"deleted\":true}\n"));
}

TEST(WalTool, ChecksAndCounts)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(7, Value(7, 1)));
    EXPECT_NE(std::string::npos, RunTool("check", dir.path()).out.find("an open end"));
    test.Close();
    ToolRun check = RunTool("check", dir.path());
    EXPECT_EQ(0, check.code);
    EXPECT_EQ("sound: 1 records (lsn 1 to 1) in 2 batches and 1 segments, 0 snapshot rows, an orderly end\n",
              check.out);
    ToolRun stat = RunTool("stat", dir.path());
    EXPECT_NE(std::string::npos, stat.out.find("records        1\n")) << stat.out;
    EXPECT_NE(std::string::npos, stat.out.find("clean          true\n")) << stat.out;
    EXPECT_NE(std::string::npos, RunTool("stat", dir.path(), true).out.find("\"records\":1,"));
}

TEST(WalTool, CountsWhatIsLiveAndWhatIsDeadByTable)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    std::string small = Value(7, 1);
    std::string large = Value(8, 1, std::string(5000, 'x'));
    ASSERT_TRUE(test.Write(7, large));
    ASSERT_TRUE(test.Write(8, large));
    ASSERT_TRUE(test.Put(STORE_TABLE_OPERATION, 9, small));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    ASSERT_TRUE(test.Write(7, small));
    ASSERT_TRUE(test.Delete(STORE_TABLE_OPERATION, 9));
    ASSERT_TRUE(test.Commit());
    test.Close();
    ToolRun json = RunTool("stat", dir.path(), true);
    size_t live = small.size() + large.size();
    size_t log = 2 * large.size() + 2 * small.size();
    size_t all = log + 2 * large.size() + small.size(); /* the snapshot holds three of them once more */
    for (const std::string &part : std::vector<std::string>{
             "\"snapshot_rows\":3,",
             "\"live_bytes\":" + std::to_string(live) + ",\"dead_bytes\":" + std::to_string(all - live),
             std::string("{\"table\":\"operation\",\"live_rows\":0,\"live_bytes\":0,\"snapshot_rows\":1,"),
             "\"largest\":[{\"table\":\"job\",\"id\":\"8\",\"bytes\":" + std::to_string(large.size()) + "}",
             std::string("\"snapshot_age_s\":")}) {
        EXPECT_NE(std::string::npos, json.out.find(part)) << part << " in " << json.out;
    }
    ToolRun table = RunTool("stat", dir.path());
    EXPECT_NE(std::string::npos, table.out.find("\nlargest rows\njob")) << table.out;
    EXPECT_NE(std::string::npos, table.out.find("\njob                    2")) << table.out;
}

TEST(SnapshotTool, PrintsAndVerifiesAFileAndTheOneThatCounts)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(7, Value(7, 1)));
    EXPECT_EQ(2, RunSnapshotTool("verify", dir.path()).code) << "there is none yet";
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    std::string file = dir.path() + "/" + Files(dir.path(), ".snapshot").front();
    WriteFile(dir.path() + "/copy", ReadFile(file));
    for (const std::string &path : {dir.path(), file, dir.path() + "/copy"}) {
        ToolRun verify = RunSnapshotTool("verify", path);
        EXPECT_EQ(0, verify.code) << verify.error;
        EXPECT_EQ("sound: 1 rows as of lsn 1 to 1, 12.0 KiB\n", verify.out);
        EXPECT_EQ("job 7  45 bytes\n", RunSnapshotTool("dump", path).out);
    }
    EXPECT_EQ("{\"table\":\"job\",\"id\":\"7\",\"bytes\":45}\n", RunSnapshotTool("dump", file, true).out);
    EXPECT_EQ(2, RunSnapshotTool("mend", file).code);
    EXPECT_EQ(2, RunSnapshotTool("verify", dir.path() + "/absent").code);
    std::string bytes = ReadFile(file);
    bytes[5000] = char(bytes[5000] ^ 1);
    WriteFile(dir.path() + "/copy", bytes);
    ToolRun damaged = RunSnapshotTool("verify", dir.path() + "/copy");
    EXPECT_EQ(3, damaged.code);
    EXPECT_NE(std::string::npos, damaged.out.find("/copy, offset 4096: the chunk is damaged")) << damaged.out;
}

TEST(WalTool, RefusesWhatIsNoDataDirectoryAndWhatIsNoVerb)
{
    TempDir dir;
    EXPECT_EQ(2, RunTool("check", dir.path()).code);
    EXPECT_NE(std::string::npos, RunTool("check", dir.path()).error.find("is not a data directory"));
    EXPECT_EQ(2, RunTool("check", dir.path() + "/absent").code);
    EXPECT_EQ(2, RunTool("repair", dir.path()).code);
    EXPECT_TRUE(Files(dir.path(), "").empty()) << "and leaves nothing behind";
}

/* The log is written, rolls over, is cut and recycled while it is read: never a false alarm. */
TEST(WalTool, ReadsALiveDirectory)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 64 * 1024;
    test.options.snapshot_log_bytes_min = 512 * 1024;
    ASSERT_TRUE(test.Open());
    std::atomic<bool> stop{false};
    std::atomic<int> checks{0};
    std::string complaint;
    std::thread tool([&] {
        while (!stop && complaint.empty()) {
            ToolRun run = RunTool(checks % 2 ? "check" : "stat", dir.path());
            if (run.code != 0) {
                complaint = run.out + run.error;
            }
            checks++;
        }
    });
    for (uint64_t id = 1; (id < 4000 || checks < 50) && id < 100000; id++) {
        EXPECT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(id % 5 * 1500, 'x'))));
        EXPECT_TRUE(test.Delete(STORE_TABLE_JOB, id > 20 ? id - 20 : id + 1));
        EXPECT_TRUE(test.Commit());
        int64_t wait_ns;
        EXPECT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
    }
    stop = true;
    tool.join();
    EXPECT_EQ("", complaint);
    EXPECT_GE(checks, 50);
}

} // namespace
