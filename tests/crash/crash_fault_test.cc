#include <gtest/gtest.h>

#include <string>

#include "failing_memory.h"
#include "random_bytes.h"
#include "report.h"
#include "stepped_worker.h"
#include "tests/lib/sim_trace.h"
#include "workload.h"

using namespace crash;

namespace {

struct Outcome {
    uint64_t faults = 0;
    uint64_t refused = 0; /* the store said no, or stopped; the others it bore */
    uint64_t states = 0;  /* of the disk afterwards, each recovered */
};

/* Small, and with all that a store does. */
Plan FaultPlan()
{
    Plan plan;

    plan.commits = 40;
    plan.segment_bytes = 16 * 1024;
    plan.snapshot_log_bytes = 40 * 1024;
    plan.value_bytes_max = 400;
    plan.orderly_end = true;
    return plan;
}

/* An empty disk, and one that a power cut has left with snapshot, log and spares. */
std::vector<Start> Starts(uint64_t seed)
{
    std::vector<Start> starts(2);
    Plan plan = FaultPlan();

    (void)MakeRun(seed, 150, plan, &starts[1]);
    return starts;
}

/* After the fault the process is gone, and the machine too, or not. Whatever is left, nothing acknowledged is lost. */
void ExpectSound(const sim::Disk &disk, const Liver &liver, const Plan &plan, uint64_t seed, const std::string &what,
                 Outcome &outcome)
{
    std::mt19937_64 random(seed);
    sim::Cursor cursor(disk.trace(), {});
    const Promise &promise = liver.promises.back();

    while (cursor.Next()) {
    }
    std::vector<sim::Medium> media = {disk.Now(), cursor.Crash(cursor.Nothing()), cursor.Crash(cursor.Everything()),
                                      cursor.Crash(cursor.Random(random)), cursor.Crash(cursor.Random(random))};
    for (const sim::Medium &medium : media) {
        Verdict verdict = Judge(medium, promise, plan, &medium == &media[0]);
        outcome.states++;
        ASSERT_EQ(Verdict::kSound, verdict.kind) << what << ": " << verdict.text;
    }
}

/* A sentence tells what failed and what to do. */
void ExpectHelp(const std::string &text, const std::string &what)
{
    bool helps = false;

    for (const char *way : {"check its disk", "make room", "cannot open the data directory",
                            "cannot use the data directory", "no memory", "as the test wants it"}) {
        helps = helps || text.find(way) != text.npos;
    }
    ASSERT_TRUE(helps) << what << ": " << text;
}

/* ---- the disk ---- */

struct Fault {
    const char *name;
    enum err_code code;
    bool for_good;
    bool halfway;
};

/* Returns how many calls were made. */
uint64_t LiveWithDiskFault(const Start &start, const Fault &fault, uint64_t call, uint64_t seed, Outcome &outcome)
{
    std::string what = std::string(fault.name) + " at call " + std::to_string(call);
    Plan plan = FaultPlan();
    sim::Disk disk(start.medium);
    Stepper stepper(seed);
    Liver liver(disk, plan, seed);
    std::string kind;

    SeedRandomBytes(seed);
    disk.before_call = [&] { stepper.Step(); };
    disk.fail_halfway = fault.halfway;
    disk.fault = [&](const char *name, uint64_t number) {
        kind = number == call ? name : kind;
        return number == call || (fault.for_good && number > call) ? fault.code : ERR_NONE;
    };
    if (!liver.Live(start)) {
        outcome.refused++;
        ExpectHelp(liver.error.text, what + " (" + kind + ")");
    }
    outcome.faults++;
    uint64_t calls = disk.calls();
    disk.fault = nullptr;
    ExpectSound(disk, liver, plan, seed + call, what + " (" + kind + ")", outcome);
    return calls;
}

/* Each call of the disk, reads too, fails once, in several ways. */
TEST(CrashFault, OfEachCallOfTheDiskLosesNothingAcknowledged)
{
    constexpr Fault kFaults[] = {{"EIO once", ERR_IO, false, false},
                                 {"ENOSPC once", ERR_EXHAUSTED, false, false},
                                 {"a short write", ERR_IO, false, true},
                                 {"EIO from then on", ERR_IO, true, false},
                                 {"ENOSPC from then on, after half a write", ERR_EXHAUSTED, true, true}};
    uint64_t seed = Seed();
    Outcome none;

    for (const Fault &fault : kFaults) {
        Outcome outcome;
        for (const Start &start : Starts(seed)) {
            uint64_t calls = LiveWithDiskFault(start, fault, UINT64_MAX, seed, none);
            ASSERT_GT(calls, 200u);
            for (uint64_t call = 0; call < calls && !HasFatalFailure(); call += kSlower) {
                LiveWithDiskFault(start, fault, call, seed, outcome);
            }
        }
        Report(std::string("disk faults: ") + fault.name, {{"seed", seed},
                                                           {"faults", outcome.faults},
                                                           {"stopped", outcome.refused},
                                                           {"recovered", outcome.states},
                                                           {"lost", HasFatalFailure()}});
        EXPECT_EQ(0u, none.refused) << "without a fault";
        EXPECT_EQ(0u, none.refused) << "without a fault";
        EXPECT_GT(outcome.refused, outcome.faults / 4);
    }
}

/* ---- memory ---- */

uint64_t LiveWithoutMemory(const Start &start, uint64_t passing, bool for_good, uint64_t seed, Outcome &outcome)
{
    std::string what = "allocation " + std::to_string(passing) + (for_good ? " and all after it" : "");
    Plan plan = FaultPlan();
    sim::Disk disk(start.medium);
    Stepper stepper(seed);
    Liver liver(disk, plan, seed);

    SeedRandomBytes(seed);
    disk.before_call = [&] { stepper.Step(); };
    FailMemory(passing, for_good);
    bool well = liver.Live(start);
    uint64_t asked = HealMemory();
    if (!well) {
        outcome.refused++;
        EXPECT_EQ(ERR_EXHAUSTED, liver.error.code) << what << ": " << liver.error.text;
        ExpectHelp(liver.error.text, what);
        if (strstr(liver.error.text, "cannot grow")) {
            EXPECT_EQ(nullptr, strstr(liver.error.text, "no memory for the"))
                << "that is no fault of the log's: " << liver.error.text;
        }
    }
    outcome.faults++;
    ExpectSound(disk, liver, plan, seed + passing, what, outcome);
    return asked;
}

TEST(CrashFault, OfEachAllocationLosesNothingAcknowledged)
{
    if (!MemoryCanFail()) {
        GTEST_SKIP() << "the sanitizer has a malloc of its own";
    }
    uint64_t seed = Seed();
    Outcome none;

    for (bool for_good : {false, true}) {
        Outcome outcome;
        for (const Start &start : Starts(seed)) {
            uint64_t allocations = LiveWithoutMemory(start, UINT64_MAX, false, seed, none);
            ASSERT_GT(allocations, 100u);
            for (uint64_t passing = 0; passing < allocations && !HasFatalFailure(); passing++) {
                LiveWithoutMemory(start, passing, for_good, seed, outcome);
            }
        }
        Report(std::string("memory faults: ") + (for_good ? "from then on" : "once"), {{"seed", seed},
                                                                                       {"faults", outcome.faults},
                                                                                       {"stopped", outcome.refused},
                                                                                       {"recovered", outcome.states},
                                                                                       {"lost", HasFatalFailure()}});
        EXPECT_EQ(0u, none.refused) << "without a fault";
        EXPECT_GT(outcome.refused, outcome.faults / 4);
    }
}

} // namespace
