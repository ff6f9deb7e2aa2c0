#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "report.h"
#include "tests/lib/sim_trace.h"
#include "workload.h"

using namespace crash;

namespace {

/* What came of the states of a run. */
struct Tally {
    std::atomic<uint64_t> tried{0};
    std::atomic<uint64_t> distinct{0};
    std::atomic<uint64_t> recovered{0};
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> lost{0};
    std::atomic<uint64_t> broken{0};
    std::mutex mutex;
    std::unordered_set<uint64_t> media; /* below: under mutex */
    std::unordered_set<uint64_t> seen;  /* with what was promised of them */
    std::string first_failure;

    /* True: this state was not yet judged by this promise. */
    bool IsNew(uint64_t medium, const Promise &promise)
    {
        std::lock_guard<std::mutex> lock(mutex);
        media.insert(medium);
        distinct = media.size();
        return seen.insert(medium ^ sim::Mix(promise.acknowledged)).second;
    }
    void Count(const Verdict &verdict, const std::string &where)
    {
        switch (verdict.kind) {
        case Verdict::kSound:
            recovered++;
            return;
        case Verdict::kRefused:
            refused++;
            break;
        case Verdict::kLost:
            lost++;
            break;
        case Verdict::kBroken:
            broken++;
            break;
        }
        std::lock_guard<std::mutex> lock(mutex);
        if (first_failure.empty()) {
            first_failure = where + ": " + verdict.text;
        }
    }
    uint64_t failures() const { return refused + lost + broken; }
    void Tell(const std::string &campaign, uint64_t seed) const
    {
        Report(campaign, {{"seed", seed},
                          {"tried", tried},
                          {"distinct", distinct},
                          {"recovered", recovered},
                          {"refused", refused},
                          {"lost", lost},
                          {"broken", broken}});
    }
};

struct Campaign {
    Plan plan;
    sim::Rules rules;
    uint64_t thorough_every = 16;
};

std::string Describe(size_t life, const sim::Cursor &cursor, const sim::Choice &choice)
{
    static const char *names[] = {"create", "mkdir", "write", "resize", "sync", "sync_dir", "rename", "remove", "note"};
    std::string text = "life " + std::to_string(life) + ", call " + std::to_string(cursor.position());
    const sim::Call *call = cursor.call();

    if (call) {
        text += std::string(" (") + names[int(call->act)] + " " + call->name + ")";
    }
    text += ", names kept ";
    for (bool kept : choice.names) {
        text += kept ? '1' : '0';
    }
    for (const sim::Kept &kept : choice.writes) {
        text += ", bytes " + std::to_string(kept.from) + " to " +
                (kept.to == UINT64_MAX ? "end" : std::to_string(kept.to)) + (kept.outside ? " lost" : "") +
                (kept.mask == UINT64_MAX ? "" : ", sectors missing");
    }
    return text;
}

/* Every call of a life: nothing of what was not durable stayed, all of it, and some of the ways between. */
void CrashEverywhere(const Life &life, size_t number, const Campaign &campaign, uint64_t ways, uint64_t seed,
                     Tally &tally)
{
    std::mt19937_64 random(seed);
    sim::Cursor cursor(life.trace, campaign.rules);
    size_t promise = 0;
    bool more = true;

    while (more) {
        more = cursor.Next();
        const sim::Call *call = cursor.call();
        if (call && call->act == sim::Act::kNote) {
            promise = call->offset;
            continue;
        }
        uint64_t choices = cursor.pending_names() + cursor.pending_writes() > 0 ? ways : 1;
        for (uint64_t way = 0; way < choices; way++) {
            sim::Choice choice = way == 0 ? cursor.Nothing() : way == 1 ? cursor.Everything() : cursor.Random(random);
            sim::Medium medium = cursor.Crash(choice);
            tally.tried++;
            if (tally.IsNew(medium.Hash(), life.promises[promise])) {
                bool thorough = campaign.thorough_every > 0 && random() % campaign.thorough_every == 0;
                tally.Count(Judge(medium, life.promises[promise], campaign.plan, thorough),
                            Describe(number, cursor, choice));
            }
        }
    }
}

/* Lives are taken by as many threads as there are processors. */
void CrashAll(const std::vector<Life> &lives, const Campaign &campaign, uint64_t ways, uint64_t seed, Tally &tally)
{
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;

    for (uint64_t i = 0; i < Setting("CRASH_THREADS", std::thread::hardware_concurrency()); i++) {
        threads.emplace_back([&] {
            for (size_t life = next++; life < lives.size(); life = next++) {
                CrashEverywhere(lives[life], life, campaign, ways, seed * 1000003 + life, tally);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

size_t CallsOf(const std::vector<Life> &lives)
{
    size_t calls = 0;

    for (const Life &life : lives) {
        calls += life.trace.calls.size();
    }
    return calls;
}

/* Each state of a run of 1,000 commits: what was acknowledged is there, what was not is there whole or not at all, and
 * no start is refused. CRASH_STATES says how many different ones. */
TEST(CrashStates, LoseNothingAcknowledgedHalveNoCommitAndRefuseNoStart)
{
    uint64_t seed = Seed();
    uint64_t goal = Setting("CRASH_STATES", 20000 / kSlower);
    unsigned commits = 1000 / unsigned(kSlower);
    Campaign campaign;
    Tally tally;

    std::vector<Life> lives = MakeRun(seed, commits, campaign.plan);
    uint64_t ways = 2 + goal / CallsOf(lives);
    for (uint64_t round = 0; tally.distinct < goal && tally.failures() == 0; round++) {
        if (round > 0 && round % 8 == 0) {
            lives = MakeRun(seed + round, commits, campaign.plan);
        }
        CrashAll(lives, campaign, ways, seed + round, tally);
    }
    tally.Tell("crash states", seed);
    EXPECT_EQ(0u, tally.failures()) << tally.first_failure;
    EXPECT_GE(tally.distinct, goal);
}

/* The same with values so large that start reads ahead, decodes on helpers, and batches cross the parts it reads in. */
TEST(CrashStates, OfALargeStoreLoseNothingEither)
{
    uint64_t seed = Seed();
    uint64_t goal = Setting("CRASH_LARGE_STATES", 200 / kSlower);
    Campaign campaign;
    Tally tally;

    campaign.plan.segment_bytes = 8 * 1024 * 1024;
    campaign.plan.snapshot_log_bytes = 24 * 1024 * 1024;
    campaign.plan.value_bytes_max = 600 * 1024;
    for (uint64_t round = 0; tally.distinct < goal && tally.failures() == 0; round++) {
        CrashAll(MakeRun(seed + round, kSlower > 1 ? 6 : 30, campaign.plan), campaign, 3, seed + round, tally);
    }
    tally.Tell("crash states, large values", seed);
    EXPECT_EQ(0u, tally.failures()) << tally.first_failure;
}

/* The same of sealed rows: some jobs' own, and a whole store. */
TEST(CrashStates, OfASealedStoreLoseNothingEither)
{
    uint64_t seed = Seed();
    uint64_t goal = Setting("CRASH_SEALED_STATES", 2000 / kSlower);

    for (Plan::Seal seal : {Plan::kSomeJobs, Plan::kWholeStore}) {
        Campaign campaign;
        Tally tally;
        campaign.plan.seal = seal;
        for (uint64_t round = 0; tally.distinct < goal && tally.failures() == 0; round++) {
            CrashAll(MakeRun(seed + round, 150 / unsigned(kSlower), campaign.plan), campaign, 4, seed + round, tally);
        }
        tally.Tell(seal == Plan::kSomeJobs ? "crash states, sealed jobs" : "crash states, sealed store", seed);
        EXPECT_EQ(0u, tally.failures()) << tally.first_failure;
        EXPECT_GE(tally.distinct, goal);
    }
}

/* The same run gives the same trace: a failure can be had again. */
TEST(CrashStates, ComeFromTheirSeedAlone)
{
    uint64_t seed = Seed();
    std::vector<Life> one = MakeRun(seed, 300, {});
    std::vector<Life> two = MakeRun(seed, 300, {});

    ASSERT_EQ(one.size(), two.size());
    for (size_t i = 0; i < one.size(); i++) {
        ASSERT_EQ(one[i].trace.calls.size(), two[i].trace.calls.size()) << "life " << i;
        ASSERT_EQ(one[i].end.Hash(), two[i].end.Hash()) << "life " << i;
    }
}

bool EndsWith(const std::string &text, const std::string &ending)
{
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/* What a trace must hold, or its states say nothing about it: all of docs/wal-format.md §7, and work beside it. */
TEST(CrashStates, AreOfARunWithSnapshotsCutsRecycledSegmentsAndRecoveries)
{
    uint64_t snapshots = 0;
    uint64_t removed = 0;
    uint64_t recycled = 0;
    uint64_t used_again = 0;
    uint64_t commits_beside = 0;
    uint64_t cut_off = 0;
    bool writing = false;

    for (const Life &life : MakeRun(Seed(), 1000, {})) {
        cut_off += life.trace.base.dirs.size() > 1 ? 1 : 0;
        writing = false;
        for (const sim::Call &call : life.trace.calls) {
            bool names_snapshot = EndsWith(call.to, ".snapshot");
            writing =
                (writing || (call.act == sim::Act::kCreate && EndsWith(call.name, ".snapshot.tmp"))) && !names_snapshot;
            snapshots += names_snapshot ? 1 : 0;
            removed += call.act == sim::Act::kRemove && EndsWith(call.name, ".snapshot") ? 1 : 0;
            recycled += EndsWith(call.name, ".wal") && EndsWith(call.to, ".spare") ? 1 : 0;
            used_again += EndsWith(call.name, ".spare") && EndsWith(call.to, ".wal") ? 1 : 0;
            commits_beside += writing && call.act == sim::Act::kNote ? 1 : 0;
        }
    }
    EXPECT_GT(snapshots, 10u);
    EXPECT_GT(removed, 5u);
    EXPECT_GT(recycled, 10u);
    EXPECT_GT(used_again, 10u);
    EXPECT_GT(commits_beside, 10u);
    EXPECT_GT(cut_off, 5u);
}

/* A campaign that cannot fail proves nothing: the same states of a disk that does not keep its word. */
void ExpectToFail(const std::string &name, sim::Rules rules)
{
    uint64_t seed = Seed();
    Campaign campaign;
    Tally tally;

    campaign.rules = rules;
    for (uint64_t round = 0; round < 8 && tally.failures() == 0; round++) {
        CrashAll(MakeRun(seed + round, 80, campaign.plan), campaign, 6, seed + round, tally);
    }
    tally.Tell(name, seed);
    EXPECT_GT(tally.failures(), 0u);
    std::cout << "such as " << tally.first_failure << "\n";
}

TEST(CrashStatesControl, WithoutSyncMustFail)
{
    ExpectToFail("control: no sync", {false, true});
}

TEST(CrashStatesControl, WithoutSyncOfTheDirectoryMustFail)
{
    ExpectToFail("control: no directory sync", {true, false});
}

} // namespace
