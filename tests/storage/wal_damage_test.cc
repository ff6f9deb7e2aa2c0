#include "store_fixture.h"

#include <cstring>

#include "storage/data_dir.h"
#include "storage/wal_format.h"
#include "tests/lib/fake_clock.h"

using namespace storage_test;

namespace {

constexpr uint64_t kBlock = WAL_BLOCK_BYTES;

/* A directory as a crash would leave it now: the store is open and goes on, the copy is looked at. */
void CopyRunning(const std::string &from, const std::string &to)
{
    CopyDir(from, to);
    std::filesystem::remove(to + "/lock");
}

std::string SegmentName(uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "%016llx.wal", static_cast<unsigned long long>(number));
    return name;
}

/* Offset of the last batch in a segment's bytes, and its padded size. */
std::pair<uint64_t, uint64_t> LastBatch(const std::string &bytes)
{
    struct wal_segment_header segment;
    struct err err = ERR_INIT;
    EXPECT_EQ(0, wal_segment_header_decode(bytes.data(), &segment, &err));
    std::pair<uint64_t, uint64_t> last(0, 0);
    uint64_t at = kBlock;
    struct wal_batch_header header;
    while (at < bytes.size() && wal_batch_header_decode(bytes.data() + at, segment.crc, &header)) {
        last = {at, wal_batch_padded(header.length)};
        at += last.second;
    }
    return last;
}

struct Sample {
    TempDir dir;
    StoreUnderTest test{dir.path()};

    explicit Sample(uint64_t segment_bytes)
    {
        test.options.segment_bytes = segment_bytes;
        EXPECT_TRUE(test.Open());
    }
};

/* For every length that the last write may have had on the disk when the power went: the rows before are there, the
 * last batch wholly or not at all, and the store goes on. Behind the cut: zeros, as in a new segment, or other bytes. */
void CutAtEveryByte(char filler)
{
    Sample sample(24 * 1024);
    TempDir other;
    std::string copy = other.path() + "/copy";
    ASSERT_TRUE(sample.test.Write(1, Value(1, 1, "before")));
    ASSERT_TRUE(sample.test.Put(STORE_TABLE_JOB, 1, Value(1, 2, "after")));
    ASSERT_TRUE(sample.test.Put(STORE_TABLE_JOB, 2, Value(2, 2, std::string(90, 'x'))));
    ASSERT_TRUE(sample.test.Commit());
    CopyRunning(sample.dir.path(), copy);
    std::string whole = ReadFile(copy + "/" + SegmentName(1));
    auto [start, padded] = LastBatch(whole);
    ASSERT_EQ(2 * kBlock, start);
    ASSERT_EQ(kBlock, padded);
    for (uint64_t cut = 0; cut <= padded; cut += cut < 420 ? 1 : 131) {
        std::string torn = whole;
        std::fill(torn.begin() + std::ptrdiff_t(start + cut), torn.begin() + std::ptrdiff_t(start + padded), filler);
        CopyRunning(sample.dir.path(), copy);
        WriteFile(copy + "/" + SegmentName(1), torn);
        StoreUnderTest test(copy);
        test.options.segment_bytes = 24 * 1024;
        ASSERT_TRUE(test.Open()) << "cut at " << cut;
        bool is_whole = torn == whole;
        ASSERT_EQ(is_whole ? Value(1, 2, "after") : Value(1, 1, "before"), test.Get(1)) << "cut at " << cut;
        ASSERT_EQ(is_whole ? 2u : 1u, test.All().size()) << "cut at " << cut;
        ASSERT_EQ(is_whole || (cut == 0 && filler == 0) ? 0u : kBlock, test.recovery.torn_bytes) << "cut at " << cut;
        ASSERT_TRUE(test.Write(3, Value(3, 1)));
        Rows rows = test.All();
        ASSERT_TRUE(test.Reopen()) << "cut at " << cut;
        ASSERT_EQ(rows, test.All()) << "cut at " << cut;
        ASSERT_EQ(0u, test.recovery.torn_bytes);
    }
}

TEST(WalDamage, TornTailIsCutAtTheLastValidBatchWhateverIsLeftOfIt)
{
    CutAtEveryByte(0);
}

TEST(WalDamage, TornTailIsCutAlsoWhenOtherBytesStandBehindIt)
{
    CutAtEveryByte('z');
}

TEST(WalDamage, TornBatchOfSeveralBlocksIsCutWhicheverBlockIsMissing)
{
    Sample sample(128 * 1024);
    TempDir other;
    std::string copy = other.path() + "/copy";
    ASSERT_TRUE(sample.test.Write(1, Value(1, 1)));
    for (uint64_t id = 2; id < 12; id++) {
        ASSERT_TRUE(sample.test.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(3000, 'x'))));
    }
    ASSERT_TRUE(sample.test.Commit());
    CopyRunning(sample.dir.path(), copy);
    std::string whole = ReadFile(copy + "/" + SegmentName(1));
    auto [start, padded] = LastBatch(whole);
    ASSERT_GE(padded, 7 * kBlock);
    /* A disk may write the sectors of one request in any order. */
    for (uint64_t sector = 0; sector < padded / 512; sector++) {
        std::string torn = whole;
        std::fill_n(torn.begin() + std::ptrdiff_t(start + sector * 512), 512, 0);
        if (torn == whole) {
            continue;
        }
        CopyRunning(sample.dir.path(), copy);
        WriteFile(copy + "/" + SegmentName(1), torn);
        StoreUnderTest test(copy);
        test.options.segment_bytes = 128 * 1024;
        ASSERT_TRUE(test.Open()) << "sector " << sector;
        ASSERT_EQ(1u, test.All().size()) << "sector " << sector;
        ASSERT_EQ(padded, test.recovery.torn_bytes) << "sector " << sector;
    }
}

/* Rows over several batches and segments, closed in order. */
void MakeLog(StoreUnderTest &test, bool with_snapshot)
{
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 8; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, 1, std::string(id * 40, 'x'))));
        ASSERT_TRUE(test.Put(STORE_TABLE_EXECUTION, id, Value(id, 1, std::string(id * 4, 'y'))));
        ASSERT_TRUE(test.Commit());
        if (with_snapshot && id == 5) {
            ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
        }
    }
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 3));
    ASSERT_TRUE(test.Commit());
    test.Close();
}

/* Bytes of every file of a store that was closed in order: a change of one is found, or changes nothing. Those of each
 * block's head and a sample of the others; with STORAGE_EVERY_BYTE in the environment all, in a minute and a half. */
void FlipBytes(bool with_snapshot, uint64_t open_every)
{
    TempDir dir;
    TempDir other;
    std::string copy = other.path() + "/copy";
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 24 * 1024;
    MakeLog(test, with_snapshot);
    ASSERT_TRUE(test.Open());
    Rows rows = test.All();
    test.Close();
    ToolRun dump = RunTool("dump", dir.path());
    ASSERT_EQ(0, dump.code) << dump.error;
    CopyDir(dir.path(), copy);
    bool all = getenv("STORAGE_EVERY_BYTE") != nullptr;
    uint64_t found = 0;
    uint64_t harmless = 0;
    uint64_t flips = 0;
    for (const auto &entry : std::filesystem::directory_iterator(dir.path())) {
        std::string name = entry.path().filename();
        if (name == "lock" || entry.path().extension() == ".spare") {
            continue;
        }
        std::string whole = ReadFile(entry.path());
        for (uint64_t at = 0; at < whole.size(); at += all || at % kBlock < 128 ? 1 : 79) {
            std::fstream file(copy + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
            char flipped = char(whole[at] ^ (1 << (at % 8)));
            file.seekp(std::streamoff(at)).write(&flipped, 1).flush();
            ToolRun check = RunTool("check", copy);
            if (check.code == 3) {
                found++;
                ASSERT_NE(std::string::npos, check.out.find(name == "MANIFEST" ? "MANIFEST" : ".")) << check.out;
            } else {
                harmless++;
                ASSERT_EQ(0, check.code) << name << " " << at << " " << check.out << check.error;
                ToolRun again = RunTool("dump", copy);
                ASSERT_EQ(0, again.code);
                ASSERT_EQ(dump.out, again.out) << name << " " << at;
            }
            if (flips++ % open_every == 0) {
                TempDir third;
                CopyDir(copy, third.path());
                StoreUnderTest opened(third.path());
                opened.options.segment_bytes = 24 * 1024;
                if (opened.Open()) {
                    ASSERT_EQ(rows, opened.All()) << name << " " << at;
                    ASSERT_EQ(0, check.code) << name << " " << at;
                } else {
                    ASSERT_TRUE(opened.err.code == ERR_CORRUPT || opened.err.code == ERR_UNSUPPORTED)
                        << opened.err.text;
                    ASSERT_EQ(3, check.code) << name << " " << at;
                }
            }
            file.seekp(std::streamoff(at)).write(&whole[at], 1).flush();
        }
    }
    printf("%llu flips: %llu found, %llu harmless\n", static_cast<unsigned long long>(flips),
           static_cast<unsigned long long>(found), static_cast<unsigned long long>(harmless));
    EXPECT_GT(found, flips / 3);
}

TEST(WalDamage, FlippedByteOfALogIsFoundOrChangesNothing)
{
    FlipBytes(false, 19);
}

TEST(WalDamage, FlippedByteOfASnapshotOrItsLogIsFoundOrChangesNothing)
{
    FlipBytes(true, 19);
}

/* Changes a byte of the batch's first record. */
void DamageBatch(const std::string &path, uint64_t block)
{
    std::string bytes = ReadFile(path);
    bytes[block * kBlock + WAL_BATCH_HEADER_BYTES + 20] ^= 1;
    WriteFile(path, bytes);
}

TEST(WalDamage, CorruptMiddleIsRefusedAndNamesFileOffsetAndWhatToDo)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 3; id++) {
        ASSERT_TRUE(test.Write(id, Value(id, 1)));
    }
    TempDir copy;
    CopyRunning(dir.path(), copy.path());
    DamageBatch(copy.path() + "/" + SegmentName(1), 2);
    std::string before = ReadFile(copy.path() + "/" + SegmentName(1));
    StoreUnderTest damaged(copy.path());
    ASSERT_FALSE(damaged.Open());
    EXPECT_EQ(ERR_CORRUPT, damaged.err.code);
    std::string text = damaged.err.text;
    EXPECT_NE(std::string::npos, text.find(SegmentName(1) + ", offset 8192")) << text;
    EXPECT_NE(std::string::npos, text.find("backup")) << text;
    EXPECT_EQ(before, ReadFile(copy.path() + "/" + SegmentName(1))) << "and changes nothing";
    EXPECT_EQ(1u, Files(copy.path(), ".wal").size());
    EXPECT_EQ(3, RunTool("check", copy.path()).code);
}

/* The last batch is the one place where damage looks like a tear; a mark after a moment of rest closes it. */
TEST(WalDamage, MarkAfterRestMakesDamageToTheLastBatchCorruption)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    struct fake_clock clock;
    fake_clock_init(&clock);
    test.options.clock = &clock.clock;
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(1, Value(1, 1)));
    ASSERT_TRUE(test.Write(2, Value(2, 1)));
    int64_t wait_ns = 0;
    fake_clock_advance(&clock, 49 * CLOCK_NS_PER_MS);
    ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
    EXPECT_EQ(1 * CLOCK_NS_PER_MS, wait_ns);
    {
        TempDir copy;
        CopyRunning(dir.path(), copy.path());
        DamageBatch(copy.path() + "/" + SegmentName(1), 2);
        StoreUnderTest damaged(copy.path());
        ASSERT_TRUE(damaged.Open()) << "not yet marked: a tear";
        EXPECT_EQ(1u, damaged.All().size());
    }
    fake_clock_advance(&clock, wait_ns);
    ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
    EXPECT_EQ(INT64_MAX, wait_ns) << "marked; there is nothing more to do";
    {
        TempDir copy;
        CopyRunning(dir.path(), copy.path());
        DamageBatch(copy.path() + "/" + SegmentName(1), 2);
        StoreUnderTest damaged(copy.path());
        EXPECT_FALSE(damaged.Open());
        EXPECT_EQ(ERR_CORRUPT, damaged.err.code);
    }
    ToolRun stat = RunTool("stat", dir.path());
    EXPECT_NE(std::string::npos, stat.out.find("durable_batch  2\n")) << stat.out;
    EXPECT_NE(std::string::npos, stat.out.find("marks          1\n")) << stat.out;
}

TEST(WalDamage, MissingFilesAreNamed)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 16 * 1024;
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 9; id++) {
        ASSERT_TRUE(test.Write(id, Value(id, 1)));
        if (id == 5) {
            ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
        }
    }
    test.Close();
    std::vector<std::string> segments = Files(dir.path(), ".wal");
    ASSERT_GE(segments.size(), 3u);
    std::vector<std::string> names = segments;
    names.push_back("MANIFEST");
    names.push_back(Files(dir.path(), ".snapshot").at(0));
    for (const std::string &name : names) {
        TempDir copy;
        CopyDir(dir.path(), copy.path());
        std::filesystem::remove(copy.path() + "/" + name);
        StoreUnderTest damaged(copy.path());
        damaged.options.segment_bytes = 16 * 1024;
        ASSERT_FALSE(damaged.Open()) << name;
        EXPECT_EQ(ERR_CORRUPT, damaged.err.code) << damaged.err.text;
        EXPECT_NE(std::string::npos, std::string(damaged.err.text).find(name)) << damaged.err.text;
        EXPECT_NE(0, RunTool("check", copy.path()).code);
    }
}

TEST(WalDamage, FilesOfAnotherStoreOrOfAnotherNameAreRefusedByName)
{
    TempDir one;
    TempDir two;
    for (const std::string &path : {one.path(), two.path()}) {
        StoreUnderTest test(path);
        ASSERT_TRUE(test.Open());
        ASSERT_TRUE(test.Write(1, Value(1, 1)));
    }
    std::filesystem::copy(one.path() + "/" + SegmentName(1), two.path() + "/" + SegmentName(2));
    StoreUnderTest test(two.path());
    ASSERT_FALSE(test.Open());
    EXPECT_NE(std::string::npos, std::string(test.err.text).find(SegmentName(2))) << test.err.text;
    std::filesystem::remove(two.path() + "/" + SegmentName(2));
    std::filesystem::remove(two.path() + "/" + SegmentName(1));
    std::filesystem::copy(one.path() + "/" + SegmentName(1), two.path() + "/" + SegmentName(1));
    ASSERT_FALSE(test.Open());
    EXPECT_NE(std::string::npos, std::string(test.err.text).find("another store")) << test.err.text;
    WriteFile(one.path() + "/copy-of-1.wal", "x");
    StoreUnderTest strange(one.path());
    ASSERT_FALSE(strange.Open());
    EXPECT_NE(std::string::npos, std::string(strange.err.text).find("copy-of-1.wal")) << strange.err.text;
    std::filesystem::remove(one.path() + "/copy-of-1.wal");
    WriteFile(one.path() + "/notes.txt", "x");
    std::filesystem::create_directory(one.path() + "/jobs");
    EXPECT_TRUE(strange.Open()) << "what is not named like ours is nobody's business";
    EXPECT_EQ("x", ReadFile(one.path() + "/notes.txt"));
}

TEST(WalDamage, ShortenedFilesAreRefused)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    MakeLog(test, true);
    std::vector<std::string> names = Files(dir.path(), ".wal");
    names.push_back(Files(dir.path(), ".snapshot").at(0));
    for (const std::string &name : names) {
        std::string whole = ReadFile(dir.path() + "/" + name);
        for (size_t size : {size_t(0), size_t(100), size_t(4096), whole.size() / 2 + 7, whole.size() - 1}) {
            TempDir copy;
            CopyDir(dir.path(), copy.path());
            std::filesystem::resize_file(copy.path() + "/" + name, size);
            StoreUnderTest damaged(copy.path());
            ASSERT_FALSE(damaged.Open()) << name << " cut to " << size;
            EXPECT_EQ(ERR_CORRUPT, damaged.err.code) << damaged.err.text;
            EXPECT_NE(std::string::npos, std::string(damaged.err.text).find(name)) << damaged.err.text;
        }
    }
}

TEST(WalDamage, ANewerProgramsLogIsRefusedAsSuchButUnknownCompatibleBitsAreNot)
{
    TempDir dir;
    {
        StoreUnderTest test(dir.path());
        ASSERT_TRUE(test.Open());
        ASSERT_TRUE(test.Write(1, Value(1, 1)));
    }
    std::string path = dir.path() + "/" + SegmentName(1);
    std::string whole = ReadFile(path);
    auto with_header = [&](void (*change)(struct wal_segment_header *)) {
        struct wal_segment_header header;
        struct err err = ERR_INIT;
        EXPECT_EQ(0, wal_segment_header_decode(whole.data(), &header, &err));
        change(&header);
        std::string bytes = whole;
        wal_segment_header_encode(&header, bytes.data());
        /* The header's checksum seeds the batches': seal them anew. */
        uint32_t chain = header.chain;
        for (uint64_t at = kBlock; at < 3 * kBlock; at += kBlock) {
            chain = wal_batch_seal(bytes.data() + at, kBlock, chain, header.crc);
        }
        WriteFile(path, bytes);
    };
    StoreUnderTest test(dir.path());
    with_header([](struct wal_segment_header *header) { header->incompat = 4; });
    EXPECT_FALSE(test.Open());
    EXPECT_EQ(ERR_UNSUPPORTED, test.err.code) << test.err.text;
    EXPECT_NE(std::string::npos, std::string(test.err.text).find("newer")) << test.err.text;
    with_header([](struct wal_segment_header *header) { header->ro_compat = 1; });
    EXPECT_FALSE(test.Open());
    EXPECT_EQ(ERR_UNSUPPORTED, test.err.code);
    with_header([](struct wal_segment_header *header) { header->version = 2; });
    EXPECT_FALSE(test.Open());
    EXPECT_EQ(ERR_UNSUPPORTED, test.err.code);
    with_header([](struct wal_segment_header *header) { header->compat = 1u << 31; });
    EXPECT_TRUE(test.Open()) << test.err.text;
    EXPECT_EQ(Value(1, 1), test.Get(1));
}

} // namespace
