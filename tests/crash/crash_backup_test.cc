/* Backup and restore crashed at every call: a copy that was told to be done is whole, and a half one never passes for a
 * store. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_set>

#include "report.h"
#include "storage/backup.h"
#include "tests/lib/sim_trace.h"
#include "workload.h"

using namespace crash;

namespace {

constexpr char kBackup[] = "disk/backup";
constexpr char kOther[] = "disk/other"; /* where states are restored to, to be looked at */

/* What a restore of the backup into the directory gives; false, and error, when it is refused. */
bool Restore(sim::Disk &disk, const char *dir, struct err *error)
{
    struct copy_watch watch = {};
    struct backup_report report;

    return backup_restore(disk.fs(), kBackup, dir, &watch, &report, error) == 0;
}

struct Sums {
    uint64_t tried = 0;
    uint64_t distinct = 0;
    uint64_t recovered = 0;
    uint64_t unfinished = 0; /* refused, as it should be: the copy was not done */
    std::unordered_set<uint64_t> seen;
};

/* Each state of the trace; judge is told whether the copy had been told to be done. */
void ForEachCrash(const sim::Trace &trace, uint64_t ways, uint64_t seed, Sums &sums,
                  const std::function<void(const sim::Medium &, bool)> &judge)
{
    std::mt19937_64 random(seed);
    sim::Cursor cursor(trace, {});
    bool more = true;
    bool done = false;

    while (more && !testing::Test::HasFatalFailure()) {
        more = cursor.Next();
        done = done || (cursor.call() && cursor.call()->act == sim::Act::kNote);
        for (uint64_t way = 0; way < ways && !testing::Test::HasFatalFailure(); way++) {
            sim::Medium medium = cursor.Crash(way == 0   ? cursor.Nothing()
                                              : way == 1 ? cursor.Everything()
                                                         : cursor.Random(random));
            sums.tried++;
            if (sums.seen.insert(medium.Hash() + done).second) {
                sums.distinct++;
                judge(medium, done);
            }
        }
    }
}

void Tell(const std::string &name, uint64_t seed, const Sums &sums)
{
    Report(name, {{"seed", seed},
                  {"tried", sums.tried},
                  {"distinct", sums.distinct},
                  {"recovered", sums.recovered},
                  {"unfinished", sums.unfinished},
                  {"lost", testing::Test::HasFatalFailure()}});
}

TEST(CrashBackup, ThatIsDoneIsWholeAndAHalfOneIsNone)
{
    uint64_t seed = Seed();
    Plan plan;
    Start start;
    Sums sums;

    (void)MakeRun(seed, 120, plan, &start);
    sim::Disk disk(start.medium);
    struct copy_watch watch = {};
    struct backup_report report;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, backup_make(disk.fs(), kDir, kBackup, &watch, &report, &err)) << err.text;
    disk.Note(1);
    ForEachCrash(disk.trace(), 10, seed, sums, [&](const sim::Medium &medium, bool done) {
        sim::Disk after(medium, false);
        struct err error = ERR_INIT;
        if (!Restore(after, kOther, &error)) {
            ASSERT_FALSE(done) << error.text;
            sums.unfinished++;
            return;
        }
        sim::Medium other;
        other.dirs = {"disk", kDir};
        for (const auto &[name, image] : after.Now().files) {
            if (name.rfind(kOther, 0) == 0) {
                other.files[kDir + name.substr(strlen(kOther))] = image;
            }
        }
        Verdict verdict = Judge(other, start.promise, plan, false);
        ASSERT_EQ(Verdict::kSound, verdict.kind) << verdict.text;
        sums.recovered++;
    });
    Tell("backup crashed", seed, sums);
    EXPECT_GT(sums.recovered, 0u);
    EXPECT_GT(sums.unfinished, 10u);
}

/* The restore had not even said that it had begun. */
bool HoldsNothing(const sim::Medium &medium)
{
    std::string head = std::string(kDir) + "/";

    return std::all_of(medium.files.begin(), medium.files.end(), [&](const auto &file) {
        return file.first.rfind(head, 0) != 0 || file.first == head + "lock" || file.first == head + "RESTORING.tmp";
    });
}

TEST(CrashBackup, ARestoreThatIsDoneIsWholeAndAHalfOneDoesNotStart)
{
    uint64_t seed = Seed();
    Plan plan;
    Start start;
    Sums sums;

    (void)MakeRun(seed, 120, plan, &start);
    sim::Disk before(start.medium, false);
    struct copy_watch watch = {};
    struct backup_report report;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, backup_make(before.fs(), kDir, kBackup, &watch, &report, &err)) << err.text;
    sim::Medium backup = before.Now();
    for (auto file = backup.files.begin(); file != backup.files.end();) {
        file = file->first.rfind(kDir, 0) == 0 ? backup.files.erase(file) : std::next(file);
    }
    backup.dirs.erase(kDir);
    sim::Disk disk(backup);
    ASSERT_TRUE(Restore(disk, kDir, &err)) << err.text;
    disk.Note(1);
    ForEachCrash(disk.trace(), 10, seed, sums, [&](const sim::Medium &medium, bool done) {
        Verdict verdict = Judge(medium, start.promise, plan, false);
        bool nothing_yet = HoldsNothing(medium);
        if (!done && (verdict.kind == Verdict::kRefused || nothing_yet)) {
            sums.unfinished++;
            return;
        }
        ASSERT_EQ(Verdict::kSound, verdict.kind) << verdict.text;
        sums.recovered++;
    });
    Tell("restore crashed", seed, sums);
    EXPECT_GT(sums.recovered, 0u);
    EXPECT_GT(sums.unfinished, 10u);
}

} // namespace
