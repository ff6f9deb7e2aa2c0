#include "store_fixture.h"

using namespace storage_test;

namespace {

/* Directories as each version of the format left them: every later program must read them. A new version adds a
 * directory; one that is there is never made anew. */
const std::string kGolden = std::string(CUSTOMJOBD_SOURCE_DIR) + "/tests/storage/golden";

Rows GoldenRows()
{
    Rows rows;
    rows[{STORE_TABLE_JOB, 1700000000000000001u}] = Value(1700000000000000001u, 4, "changed behind the snapshot");
    rows[{STORE_TABLE_JOB, 1700000000000000004u}] = Value(1700000000000000004u, 2, "\x01\xff", "projects/q", "a=b,c=");
    rows[{STORE_TABLE_OPERATION, 1700000000000000003u}] = Value(1700000000000000003u, 1, "operation");
    rows[{STORE_TABLE_EXECUTION, 1700000000000000001u}] = Value(1700000000000000001u, 1, "execution");
    rows[{STORE_TABLE_REQUEST_ID, 5}] = Value(5, 0, "request");
    return rows;
}

/* Made golden/v1; run by hand with --gtest_also_run_disabled_tests when there is a v2 to make. */
TEST(Golden, DISABLED_Make)
{
    std::string dir = kGolden + "/v1";
    ASSERT_FALSE(std::filesystem::exists(dir));
    StoreUnderTest test(dir);
    test.options.segment_bytes = 16 * 1024;
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 1700000000000000001u, Value(1700000000000000001u, 3, "at first")));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 1700000000000000002u, Value(1700000000000000002u, 3, "to be deleted")));
    ASSERT_TRUE(test.Put(STORE_TABLE_REQUEST_ID, 5, Value(5, 0, "request")));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    for (auto &[key, value] : GoldenRows()) {
        ASSERT_TRUE(test.Put((enum store_table)key.first, key.second, value));
        ASSERT_TRUE(test.Commit());
    }
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 1700000000000000002u));
    ASSERT_TRUE(test.Commit());
    test.Close();
    std::filesystem::remove(dir + "/lock");
    for (const std::string &spare : Files(dir, ".spare")) {
        std::filesystem::remove(dir + "/" + spare);
    }
}

TEST(Golden, VersionOneIsReadCheckedAndGoneOnWith)
{
    TempDir dir;
    CopyDir(kGolden + "/v1", dir.path());
    ToolRun check = RunTool("check", dir.path());
    EXPECT_EQ(0, check.code);
    EXPECT_EQ("sound: 9 records (lsn 1 to 9) in 8 batches and 4 segments, 3 snapshot rows, an orderly end\n",
              check.out);
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 16 * 1024;
    ASSERT_TRUE(test.Open());
    EXPECT_EQ(GoldenRows(), test.All());
    EXPECT_EQ(3u, test.recovery.snapshot_lsn);
    EXPECT_EQ(9u, test.recovery.last_lsn);
    EXPECT_EQ(6u, test.recovery.records_replayed);
    EXPECT_EQ(0u, test.recovery.torn_bytes);
    ASSERT_TRUE(test.Write(1800000000000000000u, Value(1800000000000000000u, 1)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(GoldenRows().size() + 1, test.All().size());
}

TEST(Golden, TheBytesStandWhereTheFormatSays)
{
    std::string bytes = ReadFile(kGolden + "/v1/0000000000000001.wal");
    ASSERT_EQ(16384u, bytes.size());
    EXPECT_EQ("CJWALSEG", bytes.substr(0, 8));
    EXPECT_EQ(std::string("\x01\0\0\0", 4), bytes.substr(8, 4)) << "version";
    EXPECT_EQ(std::string("\x01\0\0\0\0\0\0\0", 8), bytes.substr(64, 8)) << "epoch";
    EXPECT_EQ(std::string("\x01\0\0\0\0\0\0\0", 8), bytes.substr(72, 8)) << "number";
    EXPECT_EQ(std::string("\0\x40\0\0\0\0\0\0", 8), bytes.substr(80, 8)) << "size";
    EXPECT_EQ("CJB1", bytes.substr(4096, 4));
    EXPECT_EQ(std::string("\x01\0\0\0\0\0\0\0", 8), bytes.substr(4096 + 16, 8)) << "batch";
    EXPECT_EQ(std::string("\x01\0\0\0\0\0\0\0", 8), bytes.substr(4096 + 24, 8)) << "first lsn";
    EXPECT_EQ(std::string(8, '\0'), bytes.substr(4096 + 32, 8)) << "durable batch";
    EXPECT_EQ(std::string("\x03\0\0\0", 4), bytes.substr(4096 + 40, 4)) << "records";
    EXPECT_EQ(std::string("\x01\0\x01\0", 4), bytes.substr(4096 + 64 + 4, 4)) << "type and version of a record";
    EXPECT_EQ(std::string("\x01\0\0\0\0\0\0\0", 8), bytes.substr(8192 + 32, 8)) << "the watermark moves";
    EXPECT_EQ("CJWALEND", bytes.substr(12288, 8));
    EXPECT_EQ("CJSNAPSH", ReadFile(kGolden + "/v1/0000000000000003.snapshot").substr(0, 8));
    EXPECT_EQ("customjobd manifest 1\nstore ", ReadFile(kGolden + "/v1/MANIFEST").substr(0, 28));
}

} // namespace
