#include "store_fixture.h"

#include <atomic>
#include <thread>

using namespace storage_test;

namespace {

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
