#include "store_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <set>
#include <thread>

#include "tests/lib/fault_fs.h"

using namespace storage_test;

namespace {

TEST(Store, GivesBackWhatWasCommittedAlsoAfterAReopen)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    EXPECT_EQ(0u, test.recovery.last_lsn);
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 10, Value(10, 1, "first")));
    ASSERT_TRUE(test.Put(STORE_TABLE_OPERATION, 10, Value(10, 2, "operation")));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Write(11, Value(11, 3, "second")));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 10, Value(10, 4, "first again")));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 11));
    ASSERT_TRUE(test.Commit());
    Rows before = test.All();
    EXPECT_EQ(2u, before.size());
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(before, test.All());
    EXPECT_EQ(5u, test.recovery.last_lsn);
    EXPECT_EQ(5u, test.recovery.records_replayed);
    EXPECT_EQ(0u, test.recovery.torn_bytes);
    EXPECT_EQ(1u, test.recovery.entries[STORE_TABLE_JOB]);
    EXPECT_EQ(1u, test.recovery.entries[STORE_TABLE_OPERATION]);
    EXPECT_EQ(Value(10, 4, "first again"), test.Get(10));
    EXPECT_EQ("(none)", test.Get(11));
    ASSERT_TRUE(test.Write(12, Value(12, 1)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(Value(12, 1), test.Get(12));
    EXPECT_EQ(2u, store_count(test.store, STORE_TABLE_JOB));
}

TEST(Store, ShowsNothingBeforeTheCommitAndOnlyTheLastOfSeveralPutsAfterIt)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    EXPECT_FALSE(store_is_dirty(test.store));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 1, Value(1, 1)));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 2, Value(2, 1)));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 1, Value(1, 2)));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 3, Value(3, 1)));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, 3));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 1, Value(1, 3)));
    EXPECT_TRUE(store_is_dirty(test.store));
    EXPECT_EQ("(none)", test.Get(1));
    EXPECT_EQ(0u, store_count(test.store, STORE_TABLE_JOB));
    ASSERT_TRUE(test.Commit());
    EXPECT_FALSE(store_is_dirty(test.store));
    EXPECT_EQ(Value(1, 3), test.Get(1));
    EXPECT_EQ("(none)", test.Get(3));
    EXPECT_EQ(2u, store_count(test.store, STORE_TABLE_JOB));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(6u, test.recovery.records_replayed) << "all of them are logged";
    EXPECT_EQ(Value(1, 3), test.Get(1));
    EXPECT_EQ(2u, store_count(test.store, STORE_TABLE_JOB));
}

TEST(Store, ForgetsWhatWasStagedButNotCommitted)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(1, Value(1, 1)));
    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, 2, Value(2, 1)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(1u, test.All().size());
}

TEST(Store, OneCommitIsOneSyncHoweverManyRowsItHas)
{
    TempDir dir;
    struct fault_fs *fault = fault_fs_create(fs_system());
    StoreUnderTest test(dir.path());
    test.options.fs = fault_fs_fs(fault);
    test.options.segment_bytes = 1024 * 1024;
    ASSERT_TRUE(test.Open());
    uint64_t syncs = fault_fs_syncs(fault);
    uint64_t calls = fault_fs_calls(fault);
    for (uint64_t id = 1; id <= 500; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, 1)));
    }
    ASSERT_TRUE(test.Commit());
    EXPECT_EQ(syncs + 1, fault_fs_syncs(fault));
    EXPECT_EQ(calls + 1, fault_fs_calls(fault)) << "and one call at all";
    ASSERT_TRUE(test.Commit());
    EXPECT_EQ(calls + 1, fault_fs_calls(fault)) << "nothing staged, nothing written";
    test.Close();
    fault_fs_destroy(fault);
}

TEST(Store, FindsByNameOnlyWhatHasThisName)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(1234567890123456789u, Value(1234567890123456789u, 1)));
    auto found = [&](const std::string &name) {
        struct store_version *version = store_get_by_name(test.store, STORE_TABLE_JOB, SpanOf(name));
        bool there = version != nullptr;
        store_version_unref(version);
        return there;
    };
    EXPECT_TRUE(found("projects/p/locations/l/customJobs/1234567890123456789"));
    EXPECT_FALSE(found("projects/q/locations/l/customJobs/1234567890123456789"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/01234567890123456789"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/1234567890123456788"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/12x"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/99999999999999999999"));
    EXPECT_FALSE(found("projects/p/locations/l/customJobs/999999999999999999999999"));
    EXPECT_FALSE(found(""));
}

TEST(Store, KeysPointIntoTheStoredValue)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    ASSERT_TRUE(test.Write(5, Value(5, 7, "showname and more", "projects/p/locations/l", "team=a,cost=,x=y")));
    for (int round = 0; round < 2; round++) {
        struct store_version *version = store_get(test.store, STORE_TABLE_JOB, 5);
        ASSERT_NE(nullptr, version);
        struct store_keys keys;
        store_version_keys(version, &keys);
        EXPECT_EQ("projects/p/locations/l/customJobs/5", Text(keys.name));
        EXPECT_EQ("projects/p/locations/l", Text(keys.parent));
        EXPECT_EQ("showname", Text(keys.display_name));
        EXPECT_EQ(7u, keys.state);
        EXPECT_EQ(7u, store_version_state(version));
        EXPECT_EQ(5u, store_version_id(version));
        ASSERT_EQ(3u, keys.label_count);
        EXPECT_EQ("cost", Text(keys.labels[1].key));
        EXPECT_EQ("", Text(keys.labels[1].value));
        EXPECT_EQ("x", Text(keys.labels[2].key));
        EXPECT_EQ("y", Text(keys.labels[2].value));
        struct span value = store_version_value(version);
        EXPECT_GE(keys.name.data, value.data);
        EXPECT_LE(keys.name.data + keys.name.size, value.data + value.size);
        store_version_unref(version);
        ASSERT_TRUE(test.Reopen());
    }
}

TEST(Store, RefusesWhatCannotBeStoredAndStagesNothingOfIt)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    EXPECT_FALSE(test.Put(STORE_TABLE_JOB, 1, "bad"));
    EXPECT_EQ(ERR_CORRUPT, test.err.code);
    EXPECT_FALSE(test.Put(STORE_TABLE_JOB, 0, Value(0, 1)));
    EXPECT_EQ(ERR_INVALID, test.err.code);
    EXPECT_FALSE(test.Put((enum store_table)9, 1, Value(1, 1)));
    EXPECT_EQ(ERR_INVALID, test.err.code);
    EXPECT_FALSE(test.Put(STORE_TABLE_JOB, 1, Value(1, 1, std::string(LIMIT_VALUE_BYTES, 'x'))));
    EXPECT_EQ(ERR_EXHAUSTED, test.err.code);
    EXPECT_FALSE(store_is_dirty(test.store));
    ASSERT_TRUE(test.Write(1, Value(1, 1)));
}

TEST(Store, TakesBatchesLargerThanASegmentAndRefusesThoseBeyondTheBoundBeforeStaging)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    std::string large(LIMIT_VALUE_BYTES - 200, 'x');
    uint64_t id = 1;
    ASSERT_TRUE(test.Write(100, Value(100, 1)));
    while (test.Put(STORE_TABLE_JOB, id, Value(id, 1, large))) {
        id++;
        ASSERT_LT(id, 100u);
    }
    EXPECT_EQ(ERR_EXHAUSTED, test.err.code);
    EXPECT_EQ(9u, id) << "eight of the greatest values fit";
    ASSERT_TRUE(test.Commit()) << "what was staged before is not harmed";
    ASSERT_TRUE(test.Write(101, Value(101, 1)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(10u, store_count(test.store, STORE_TABLE_JOB));
    EXPECT_EQ(Value(8, 1, large), test.Get(8));
    EXPECT_EQ("(none)", test.Get(9));
}

TEST(Store, NextIdsGrowAndNeverComeBackAfterAReopen)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    uint64_t first = store_next_id(test.store, STORE_TABLE_JOB);
    EXPECT_EQ(19u, std::to_string(first).size());
    EXPECT_GT(store_next_id(test.store, STORE_TABLE_JOB), first);
    uint64_t far = 9000000000000000000u;
    ASSERT_TRUE(test.Write(far, Value(far, 1)));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, far));
    ASSERT_TRUE(test.Commit());
    EXPECT_EQ(far + 1, store_next_id(test.store, STORE_TABLE_JOB));
    EXPECT_LT(store_next_id(test.store, STORE_TABLE_OPERATION), far) << "tables have their own ids";
    ASSERT_TRUE(test.Reopen());
    EXPECT_GT(store_next_id(test.store, STORE_TABLE_JOB), far) << "though its row is gone";
    ASSERT_TRUE(test.Write(far + 5, Value(far + 5, 1)));
    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, far + 5));
    ASSERT_TRUE(test.Commit());
    ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_GT(store_next_id(test.store, STORE_TABLE_JOB), far + 5) << "and stands in no log any more";
}

std::vector<uint64_t> List(StoreUnderTest &test, struct store_query query, struct store_page *ret_page = nullptr)
{
    struct store_page page;
    std::vector<uint64_t> ids;
    EXPECT_TRUE(test.Done(store_list(test.store, &query, &page, &test.err)));
    for (uint32_t i = 0; i < page.count; i++) {
        ids.push_back(store_version_id(page.versions[i]));
    }
    if (ret_page) {
        *ret_page = page;
        ret_page->versions = nullptr;
    }
    store_page_release(&page);
    return ids;
}

TEST(StoreList, IsNewestFirstAndCutByCountBytesParentAndMatch)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    for (uint64_t id = 1; id <= 2000; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, id % 10, "", id % 2 ? "projects/odd" : "projects/even")));
    }
    ASSERT_TRUE(test.Commit());
    struct store_query query = {};
    query.table = STORE_TABLE_JOB;
    query.count_max = 3;
    struct store_page page;
    EXPECT_EQ((std::vector<uint64_t>{2000, 1999, 1998}), List(test, query, &page));
    EXPECT_TRUE(page.more);
    EXPECT_EQ(1998u, page.next_before_id);
    query.before_id = 3;
    EXPECT_EQ((std::vector<uint64_t>{2, 1}), List(test, query, &page));
    EXPECT_FALSE(page.more);
    query.before_id = 2;
    query.count_max = 1;
    EXPECT_EQ((std::vector<uint64_t>{1}), List(test, query, &page));
    EXPECT_FALSE(page.more) << "a full page that is the last says so";
    query.before_id = 1;
    EXPECT_TRUE(List(test, query, &page).empty());
    EXPECT_FALSE(page.more);
    query.before_id = 2500;
    query.count_max = 1;
    EXPECT_EQ((std::vector<uint64_t>{2000}), List(test, query));
    query.before_id = 0;
    query.count_max = 2;
    query.parent = span_of("projects/odd");
    EXPECT_EQ((std::vector<uint64_t>{1999, 1997}), List(test, query));
    query.parent = span_of("projects/od");
    EXPECT_TRUE(List(test, query).empty()) << "a parent is a whole name";
    query.parent = span_of("projects/even");
    query.match = [](void *, const struct store_version *version) { return store_version_state(version) == 4; };
    EXPECT_EQ((std::vector<uint64_t>{1994, 1984}), List(test, query));
    query = {};
    query.table = STORE_TABLE_JOB;
    query.count_max = 100;
    query.bytes_max = 2 * Value(2000, 1, "", "projects/even").size() + 10;
    EXPECT_EQ((std::vector<uint64_t>{2000, 1999}), List(test, query, &page));
    EXPECT_TRUE(page.more);
    query.bytes_max = 1;
    EXPECT_EQ((std::vector<uint64_t>{2000}), List(test, query, &page)) << "one entry is given even when it is larger";
    EXPECT_EQ(2000u, page.next_before_id);
    query.table = STORE_TABLE_OPERATION;
    EXPECT_TRUE(List(test, query, &page).empty());
    EXPECT_FALSE(page.more);
}

TEST(StoreList, PagesSeeEachLastingRowOnceWhileOthersComeAndGo)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 4 * 1024 * 1024;
    ASSERT_TRUE(test.Open());
    std::set<uint64_t> lasting;
    std::vector<uint64_t> passing;
    for (uint64_t id = 1; id <= 6000; id++) {
        ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, 1)));
        if (random() % 8 == 0) {
            lasting.insert(id);
        } else {
            passing.push_back(id);
        }
    }
    ASSERT_TRUE(test.Commit());
    std::shuffle(passing.begin(), passing.end(), random);
    uint64_t newest = 6000;
    std::vector<uint64_t> seen;
    struct store_query query = {};
    query.table = STORE_TABLE_JOB;
    query.count_max = 50;
    for (;;) {
        struct store_page page;
        for (uint64_t id : List(test, query, &page)) {
            seen.push_back(id);
        }
        if (!page.more) {
            break;
        }
        query.before_id = page.next_before_id;
        for (int i = 0; i < 60 && !passing.empty(); i++) {
            ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, passing.back()));
            passing.pop_back();
            newest++;
            ASSERT_TRUE(test.Put(STORE_TABLE_JOB, newest, Value(newest, 1)));
        }
        ASSERT_TRUE(test.Commit());
    }
    EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
    EXPECT_EQ(seen.end(), std::adjacent_find(seen.begin(), seen.end())) << "no row twice";
    std::set<uint64_t> seen_set(seen.begin(), seen.end());
    for (uint64_t id : lasting) {
        EXPECT_TRUE(seen_set.count(id)) << id;
    }
}

/* Any sequence of puts, deletes, commits, reopens and snapshots ends as a map would. */
TEST(Store, BehavesAsAMapUnderRandomUse)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 32 * 1024;
    ASSERT_TRUE(test.Open());
    Rows model;
    for (int step = 0; step < 4000; step++) {
        auto table = (enum store_table)(1 + random() % 4);
        uint64_t id = 1 + random() % 900;
        switch (random() % 40) {
        case 0:
            ASSERT_TRUE(test.Commit());
            ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
            break;
        case 1:
            ASSERT_TRUE(test.Commit());
            ASSERT_TRUE(test.Reopen()) << "step " << step;
            ASSERT_EQ(model, test.All()) << "step " << step;
            break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
            ASSERT_TRUE(test.Commit());
            break;
        case 7:
        case 8:
        case 9:
        case 10:
        case 11:
        case 12:
        case 13:
        case 14:
        case 15:
        case 16:
            ASSERT_TRUE(test.Delete(table, id));
            model.erase({table, id});
            break;
        default: {
            std::string value = Value(id, unsigned(random() % 10), std::string(random() % 300, 'v'));
            ASSERT_TRUE(test.Put(table, id, value));
            model[{table, id}] = value;
        }
        }
    }
    ASSERT_TRUE(test.Commit());
    ASSERT_EQ(model, test.All());
    for (auto &[key, value] : model) {
        ASSERT_EQ(value, test.Get(key.second, (enum store_table)key.first));
    }
    int64_t wait_ns;
    ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
    ASSERT_TRUE(test.Reopen());
    EXPECT_EQ(model, test.All());
    EXPECT_EQ(0, RunTool("check", dir.path()).code);
}

TEST(Store, IsRefusedToASecondOpenerByThePidOfTheFirst)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    StoreUnderTest second(dir.path());
    EXPECT_FALSE(second.Open());
    EXPECT_EQ(ERR_IN_USE, second.err.code);
    EXPECT_NE(std::string::npos, std::string(second.err.text).find("pid " + std::to_string(getpid())))
        << second.err.text;
    EXPECT_NE(std::string::npos, std::string(second.err.text).find(dir.path()));
    ASSERT_TRUE(test.Write(1, Value(1, 1)));
    test.Close();
    EXPECT_TRUE(second.Open());
    EXPECT_EQ(Value(1, 1), second.Get(1));
}

/* A real second process, killed while it holds the store: its commits are there, and its lock is not. */
TEST(Store, KeepsWhatAKilledProcessHadCommitted)
{
    TempDir dir;
    int acknowledged[2];
    ASSERT_EQ(0, pipe(acknowledged));
    pid_t child = fork();
    if (child == 0) {
        StoreUnderTest test(dir.path());
        if (!test.Open()) {
            _exit(1);
        }
        for (uint64_t id = 1;; id++) {
            if (!test.Write(id, Value(id, 1)) || write(acknowledged[1], &id, sizeof id) != ssize_t(sizeof id)) {
                _exit(1);
            }
        }
    }
    ASSERT_GT(child, 0);
    close(acknowledged[1]);
    uint64_t last = 0;
    while (last < 100) {
        ASSERT_EQ(ssize_t(sizeof last), read(acknowledged[0], &last, sizeof last));
    }
    StoreUnderTest test(dir.path());
    EXPECT_FALSE(test.Open());
    EXPECT_EQ(ERR_IN_USE, test.err.code);
    EXPECT_NE(std::string::npos, std::string(test.err.text).find("pid " + std::to_string(child))) << test.err.text;
    ASSERT_EQ(0, kill(child, SIGKILL));
    int status;
    ASSERT_EQ(child, waitpid(child, &status, 0));
    ASSERT_TRUE(WIFSIGNALED(status));
    uint64_t id;
    while (read(acknowledged[0], &id, sizeof id) == ssize_t(sizeof id)) {
        last = id;
    }
    close(acknowledged[0]);
    ASSERT_TRUE(test.Open());
    EXPECT_GE(test.recovery.last_lsn, last);
    EXPECT_LE(test.recovery.last_lsn, last + 1) << "at most the one whose answer was under way";
    for (id = 1; id <= last; id++) {
        ASSERT_EQ(Value(id, 1), test.Get(id));
    }
}

TEST(StoreDeathTest, AbortsWhenAnotherThreadWrites)
{
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    TempDir dir;
    StoreUnderTest test(dir.path());
    ASSERT_TRUE(test.Open());
    EXPECT_DEATH(
        {
            bool done = false;
            std::thread([&] { done = bool(test.Write(1, Value(1, 1))); }).join();
            exit(done ? 0 : 1);
        },
        "belong to thread");
}

} // namespace
