#include "store_fixture.h"

#include "tests/lib/fault_fs.h"

using namespace storage_test;

namespace {

struct Fault {
    struct fault_fs *fault = fault_fs_create(fs_system());
    ~Fault() { fault_fs_destroy(fault); }
};

/* What the user of a store knows: rows acknowledged, and what the last, failed commit would have made of them. */
struct Known {
    Rows acknowledged;
    Rows attempted;
};

/* One commit of some rows; false when it was refused. */
bool Commit(StoreUnderTest &test, Known &known, const std::vector<std::pair<uint64_t, std::string>> &rows)
{
    known.attempted = known.acknowledged;
    for (auto &[id, value] : rows) {
        if (value.empty() ? !test.Delete(STORE_TABLE_JOB, id) : !test.Put(STORE_TABLE_JOB, id, value)) {
            known.attempted = known.acknowledged;
            return false;
        }
        if (value.empty()) {
            known.attempted.erase({STORE_TABLE_JOB, id});
        } else {
            known.attempted[{STORE_TABLE_JOB, id}] = value;
        }
    }
    if (!test.Commit()) {
        return false;
    }
    known.acknowledged = known.attempted;
    return true;
}

/* A life of a store with all that writes: segments that roll over, snapshots, cuts, reuse, an orderly end, a start. */
void Live(StoreUnderTest &test, Known &known)
{
    int64_t wait_ns;
    for (int life = 0; life < 2; life++) {
        if (!test.Open()) {
            return;
        }
        for (uint64_t round = 0; round < 6; round++) {
            uint64_t id = uint64_t(life) * 100 + round + 1;
            std::string filler(200 + 2000 * (round % 3), char('a' + round));
            if (!Commit(test, known, {{id + 1, Value(id + 1, 1, filler)}, {id + 2, Value(id + 2, 1)}}) ||
                !Commit(test, known, {{id + 1, Value(id + 1, 2)}, {id, ""}})) {
                return;
            }
            if (round % 3 == 2 && store_snapshot(test.store, &test.err) != 0) {
                continue; /* no failure of the store: what follows tells */
            }
            if (store_tend(test.store, &wait_ns, &test.err) != 0) {
                return;
            }
        }
        test.Close();
    }
}

/* The rows of the directory as a healthy process finds them. They must be those acknowledged, or those and all of the
 * commit that failed; and the store must work. */
void ExpectSound(const std::string &dir, const Known &known, const std::string &what)
{
    StoreUnderTest after(dir);
    after.options.segment_bytes = 16 * 1024;
    ASSERT_TRUE(after.Open()) << what;
    Rows rows = after.All();
    ASSERT_TRUE(rows == known.acknowledged || rows == known.attempted) << what;
    ASSERT_TRUE(after.Write(1000, Value(1000, 1))) << what;
    rows = after.All();
    ASSERT_TRUE(after.Reopen()) << what;
    ASSERT_EQ(rows, after.All()) << what;
    ASSERT_TRUE(Files(dir, ".tmp").empty()) << what;
    ASSERT_LE(Files(dir, ".snapshot").size(), 1u) << what;
    after.Close();
    ASSERT_EQ(0, RunTool("check", dir).code) << what;
}

/* Runs the life, with the fault after so many calls; returns how many calls a whole life makes. */
uint64_t LiveWithFault(enum fault_mode mode, uint64_t calls, uint64_t torn_bytes, enum err_code code)
{
    TempDir dir;
    Fault fault;
    Known known;
    {
        StoreUnderTest test(dir.path());
        test.options.fs = fault_fs_fs(fault.fault);
        test.options.segment_bytes = 16 * 1024;
        fault_fs_set_torn_bytes(fault.fault, torn_bytes);
        fault_fs_set_code(fault.fault, code);
        fault_fs_arm(fault.fault, mode, calls);
        Live(test, known);
    }
    ExpectSound(dir.path(), known, "call " + std::to_string(calls) + ", torn " + std::to_string(torn_bytes));
    return fault_fs_calls(fault.fault);
}

TEST(Crash, AtEveryCallLosesNothingAcknowledgedAndHalvesNoCommit)
{
    uint64_t calls = LiveWithFault(FAULT_NONE, 0, 0, ERR_IO);
    ASSERT_GT(calls, 100u);
    for (uint64_t call = 0; call < calls && !HasFatalFailure(); call++) {
        LiveWithFault(FAULT_STOP, call, 0, ERR_IO);
    }
}

TEST(Crash, InTheMiddleOfEveryWriteLosesNothingAcknowledgedAndHalvesNoCommit)
{
    uint64_t calls = LiveWithFault(FAULT_NONE, 0, 0, ERR_IO);
    for (uint64_t call = 0; call < calls && !HasFatalFailure(); call++) {
        LiveWithFault(FAULT_TEAR, call, 40 + call * 37 % 4200, ERR_IO);
    }
}

TEST(Crash, OneFailingCallStopsTheStoreOrHarmsNothing)
{
    uint64_t calls = LiveWithFault(FAULT_NONE, 0, 0, ERR_IO);
    for (uint64_t call = 0; call < calls && !HasFatalFailure(); call++) {
        LiveWithFault(FAULT_ONCE, call, 0, call % 2 ? ERR_EXHAUSTED : ERR_IO);
    }
}

/* A crash while the crash before is being repaired, and again. */
TEST(Crash, DuringRecoveryIsAsGoodAsBefore)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    for (int round = 0; round < 150 && !HasFatalFailure(); round++) {
        TempDir dir;
        Known known;
        std::string what = "round " + std::to_string(round);
        for (int life = 0; life < 4; life++) {
            Fault fault;
            StoreUnderTest test(dir.path());
            test.options.fs = fault_fs_fs(fault.fault);
            test.options.segment_bytes = 16 * 1024;
            fault_fs_set_torn_bytes(fault.fault, random() % 5000);
            fault_fs_arm(fault.fault, random() % 2 ? FAULT_TEAR : FAULT_STOP,
                         life == 0 ? random() % 250 : random() % 9);
            if (life == 0) {
                Live(test, known);
            } else if (test.Open()) {
                Rows rows = test.All();
                ASSERT_TRUE(rows == known.acknowledged || rows == known.attempted) << what;
                known.acknowledged = known.attempted = rows;
            } else {
                ASSERT_EQ(ERR_IO, test.err.code) << what << " " << test.err.text;
            }
        }
        ExpectSound(dir.path(), known, what);
    }
}

TEST(Crash, AFailedCommitIsFinalAndSaysWhatToDo)
{
    for (enum err_code code : {ERR_IO, ERR_EXHAUSTED}) {
        TempDir dir;
        Fault fault;
        StoreUnderTest test(dir.path());
        test.options.fs = fault_fs_fs(fault.fault);
        ASSERT_TRUE(test.Open());
        ASSERT_TRUE(test.Write(1, Value(1, 1)));
        fault_fs_set_code(fault.fault, code);
        fault_fs_arm(fault.fault, FAULT_ONCE, 0);
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 2, Value(2, 1)));
        EXPECT_FALSE(test.Commit());
        EXPECT_EQ(code, test.err.code);
        std::string text = test.err.text;
        EXPECT_NE(std::string::npos, text.find(dir.path())) << text;
        EXPECT_NE(std::string::npos, text.find(code == ERR_IO ? "check its disk" : "make room")) << text;
        EXPECT_EQ("(none)", test.Get(2)) << "not published";
        int64_t wait_ns;
        EXPECT_FALSE(test.Put(STORE_TABLE_JOB, 3, Value(3, 1)));
        EXPECT_FALSE(test.Delete(STORE_TABLE_JOB, 1));
        EXPECT_FALSE(test.Commit()) << "though the disk works again";
        EXPECT_EQ(text, test.err.text);
        EXPECT_NE(0, store_tend(test.store, &wait_ns, &test.err));
        EXPECT_NE(0, store_snapshot(test.store, &test.err));
        EXPECT_EQ(Value(1, 1), test.Get(1)) << "reading goes on";
    }
}

TEST(Crash, StartsThatComeToNothingDoNotPileUpFiles)
{
    TempDir dir;
    StoreUnderTest first(dir.path());
    ASSERT_TRUE(first.Open());
    ASSERT_TRUE(first.Write(1, Value(1, 1)));
    TempDir copy;
    CopyDir(dir.path(), copy.path());
    for (int start = 0; start < 20; start++) {
        Fault fault;
        StoreUnderTest test(copy.path());
        test.options.fs = fault_fs_fs(fault.fault);
        ASSERT_TRUE(test.Open());
        EXPECT_EQ(Value(1, 1), test.Get(1));
        fault_fs_arm(fault.fault, FAULT_STOP, 0); /* no closing mark */
    }
    EXPECT_EQ(2u, Files(copy.path(), ".wal").size());
}

} // namespace
