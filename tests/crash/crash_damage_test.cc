#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "random_bytes.h"
#include "report.h"
#include "stepped_worker.h"
#include "workload.h"

using namespace crash;

namespace {

/* A directory at rest: all that is in it was acknowledged, and a mark says so. */
struct AtRest {
    sim::Medium medium;
    std::vector<sim::Medium> earlier; /* as it was before, for blocks whose last write never came */
    uint64_t sum = 0;
};

/* frozen: the disk never gets the marks, so that no news of the last batch's durability is on it. */
AtRest MakeAtRest(uint64_t seed, const Plan &base, bool frozen)
{
    std::mt19937_64 random(seed);
    Plan plan = base;
    AtRest at_rest;

    SeedRandomBytes(seed);
    at_rest.earlier.push_back(EmptyMedium());
    plan.commits = 1 + unsigned(random() % plan.commits);
    plan.rests = false;
    plan.rests_at_end = true;
    plan.orderly_end = !frozen && random() % 3 == 0;
    sim::Disk disk(EmptyMedium());
    Stepper stepper(random());
    disk.before_call = [&] {
        stepper.Step();
        if (random() % 32 == 0) {
            at_rest.earlier.push_back(disk.Now());
        }
    };
    disk.rewrite = [&](const std::string &, uint64_t, std::string &bytes) {
        return !frozen || bytes.compare(0, 4, "CJB1") != 0 || !(bytes[56] & 1);
    };
    Liver liver(disk, plan, random());
    EXPECT_TRUE(liver.Live({})) << liver.error.text;
    at_rest.medium = disk.Now();
    at_rest.sum = SumOf(liver.rows);
    return at_rest;
}

/* ---- what becomes of damage ---- */

struct Findings {
    std::atomic<uint64_t> damages{0};
    std::atomic<uint64_t> found{0};
    std::atomic<uint64_t> harmless{0};
    std::atomic<uint64_t> silent{0};
    std::atomic<uint64_t> untold{0}; /* refused, but as if it were no damage */
    std::mutex mutex;
    std::string first;

    void Fail(std::atomic<uint64_t> &count, const std::string &text)
    {
        std::lock_guard<std::mutex> lock(mutex);
        count++;
        if (first.empty()) {
            first = text;
        }
    }
    void Tell(const std::string &campaign, uint64_t seed) const
    {
        Report(campaign, {{"seed", seed},
                          {"damages", damages},
                          {"found", found},
                          {"harmless", harmless},
                          {"silent", silent},
                          {"untold", untold}});
    }
};

void OpenDamaged(const sim::Medium &medium, uint64_t sum, const Plan &plan, const std::string &what, Findings &findings)
{
    sim::Disk disk(medium, false);
    Session session(disk, plan);

    findings.damages++;
    if (!session.Open()) {
        if (session.err.code == ERR_CORRUPT || session.err.code == ERR_UNSUPPORTED) {
            findings.found++;
        } else {
            findings.Fail(findings.untold, what + ": " + session.err.text);
        }
        return;
    }
    if (session.Sum() == sum) {
        findings.harmless++;
    } else {
        findings.Fail(findings.silent, what + ": other rows, and no word of it");
    }
    disk.Die();
}

bool EndsWith(const std::string &text, const std::string &ending)
{
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/* The files whose bytes mean something. */
std::vector<std::string> FilesThatCount(const sim::Medium &medium)
{
    std::vector<std::string> names;

    for (const auto &[name, image] : medium.files) {
        if (!EndsWith(name, ".spare") && !EndsWith(name, ".tmp") && !EndsWith(name, "/lock")) {
            names.push_back(name);
        }
    }
    return names;
}

void InThreads(uint64_t count, const std::function<void(uint64_t)> &each)
{
    std::atomic<uint64_t> next{0};
    std::vector<std::thread> threads;

    for (uint64_t i = 0; i < Setting("CRASH_THREADS", std::thread::hardware_concurrency()); i++) {
        threads.emplace_back([&] {
            for (uint64_t number = next++; number < count; number = next++) {
                each(number);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

/* Every byte of a log and a snapshot: one bit of it, and with CRASH_FLIPS=8 each. */
void FlipEverywhere(Plan::Seal seal, const char *campaign)
{
    uint64_t seed = Seed();
    uint64_t bits = Setting("CRASH_FLIPS", 1);
    uint64_t every = seal == Plan::kPlain ? kSlower : 4 * kSlower;
    Plan plan;
    plan.segment_bytes = 12 * 1024;
    plan.snapshot_log_bytes = 24 * 1024;
    plan.value_bytes_max = 200;
    plan.commits = 14;
    plan.seal = seal;
    AtRest at_rest = MakeAtRest(seed, plan, false);
    Findings findings;

    for (uint64_t round = 0; std::none_of(at_rest.medium.files.begin(), at_rest.medium.files.end(),
                                          [](const auto &file) { return EndsWith(file.first, ".snapshot"); });) {
        at_rest = MakeAtRest(seed + ++round, plan, false);
    }
    for (const std::string &name : FilesThatCount(at_rest.medium)) {
        std::string content = at_rest.medium.files[name].Content();
        InThreads(content.size() / every, [&](uint64_t number) {
            uint64_t at = number * every + number % every;
            for (uint64_t bit = 0; bit < bits; bit++) {
                sim::Medium damaged = at_rest.medium;
                char byte = char(content[at] ^ 1 << (bits == 1 ? at % 8 : bit));
                damaged.files[name].Write(at, &byte, 1);
                OpenDamaged(damaged, at_rest.sum, plan, name + ", byte " + std::to_string(at), findings);
            }
        });
    }
    findings.Tell(campaign, seed);
    EXPECT_EQ(0u, findings.silent + findings.untold) << findings.first;
    EXPECT_GT(findings.found, findings.damages / 4);
}

TEST(CrashDamage, AFlippedBitOfAnyByteIsFoundOrChangesNothing)
{
    FlipEverywhere(Plan::kPlain, "bit flips");
}

TEST(CrashDamage, AFlippedBitOfAnyByteOfASealedStoreIsToo)
{
    FlipEverywhere(Plan::kSomeJobs, "bit flips, sealed jobs");
    FlipEverywhere(Plan::kWholeStore, "bit flips, sealed store");
}

/* ---- random damage ---- */

/* One thing that a disk or a person does to a file: at most a block of it, or the file as a whole. */
std::string DamageAtRandom(const AtRest &at_rest, sim::Medium &medium, std::mt19937_64 &random)
{
    std::vector<std::string> names = FilesThatCount(medium);
    std::string name = names[random() % names.size()];
    std::string other = names[random() % names.size()];
    sim::Image &image = medium.files[name];
    uint64_t block = random() % ((image.size() + sim::kBlockBytes - 1) / sim::kBlockBytes) * sim::kBlockBytes;
    uint64_t sector = block + random() % 8 * sim::kSectorBytes;
    std::string bytes(sim::kBlockBytes, '\0');
    auto write = [&](uint64_t at, uint64_t size) {
        image.Write(at, bytes.data(), at < image.size() ? std::min(size, image.size() - at) : 0);
    };

    switch (random() % 12) {
    case 0:
        std::generate(bytes.begin(), bytes.end(), [&] { return char(random()); });
        write(block + random() % 4000, 1 + random() % 90);
        return name + ": some bytes";
    case 1:
        write(sector, sim::kSectorBytes);
        return name + ": a sector of zeros";
    case 2:
        std::generate(bytes.begin(), bytes.end(), [&] { return char(random()); });
        write(sector, sim::kSectorBytes);
        return name + ": a sector of noise";
    case 3:
        write(block, sim::kBlockBytes);
        return name + ": a block of zeros";
    case 4:
        std::generate(bytes.begin(), bytes.end(), [&] { return char(random()); });
        write(block, sim::kBlockBytes);
        return name + ": a block of noise";
    case 5:
        medium.files[other].Read(random() % 8 * sim::kBlockBytes, bytes.data(), bytes.size());
        write(block, sim::kBlockBytes);
        return name + ": a block of " + other;
    case 6: {
        /* A short life may have left none. */
        const sim::Medium &before =
            at_rest.earlier.empty() ? medium : at_rest.earlier[random() % at_rest.earlier.size()];
        auto found = before.files.find(name);
        if (found != before.files.end()) {
            found->second.Read(block, bytes.data(), bytes.size());
        }
        write(block, sim::kBlockBytes);
        return name + ": a block as it was before";
    }
    case 7:
        image.Resize(random() % image.size());
        return name + ": cut";
    case 8:
        image.Resize(image.size() + 1 + random() % 9000);
        return name + ": longer";
    case 9:
        medium.files.erase(name);
        return name + ": removed";
    case 10:
        std::swap(image, medium.files[other]);
        return name + " and " + other + ": swapped";
    default: {
        char byte = 0;
        uint64_t at = random() % image.size();
        image.Read(at, &byte, 1);
        byte = char(byte ^ 1 << random() % 8);
        image.Write(at, &byte, 1);
        return name + ": a bit";
    }
    }
}

void DamageMany(uint64_t damages, bool frozen, uint64_t seed, Findings &findings, Plan::Seal seal = Plan::kPlain)
{
    constexpr uint64_t kPerState = 100;
    Plan plan;

    plan.segment_bytes = 16 * 1024;
    plan.value_bytes_max = 500;
    plan.commits = 70;
    plan.seal = seal;
    InThreads((damages + kPerState - 1) / kPerState, [&](uint64_t number) {
        AtRest at_rest = MakeAtRest(seed + number, plan, frozen);
        std::mt19937_64 random(seed + number);
        for (uint64_t i = 0; i < kPerState; i++) {
            sim::Medium damaged = at_rest.medium;
            std::string what = DamageAtRandom(at_rest, damaged, random);
            OpenDamaged(damaged, at_rest.sum, plan, "state " + std::to_string(number) + ", " + what, findings);
        }
    });
}

TEST(CrashDamage, AtRandomIsFoundOrChangesNothing)
{
    uint64_t seed = Seed();
    Findings findings;

    DamageMany(Setting("CRASH_DAMAGES", 10000 / kSlower), false, seed, findings);
    findings.Tell("random damages", seed);
    EXPECT_EQ(0u, findings.silent + findings.untold) << findings.first;
    EXPECT_GT(findings.found, findings.damages / 3);
}

TEST(CrashDamage, AtRandomOfASealedStoreIsToo)
{
    uint64_t seed = Seed();

    for (Plan::Seal seal : {Plan::kSomeJobs, Plan::kWholeStore}) {
        Findings findings;
        DamageMany(Setting("CRASH_SEALED_DAMAGES", 2000 / kSlower), false, seed, findings, seal);
        findings.Tell(seal == Plan::kSomeJobs ? "random damages, sealed jobs" : "random damages, sealed store", seed);
        EXPECT_EQ(0u, findings.silent + findings.untold) << findings.first;
        EXPECT_GT(findings.found, findings.damages / 3);
    }
}

/* Without the mark damage to the last batch looks like a tear: acknowledged rows are gone without a word. */
TEST(CrashDamageControl, WithAFrozenWatermarkMustFail)
{
    uint64_t seed = Seed();
    Findings findings;

    DamageMany(4000, true, seed, findings);
    findings.Tell("control: watermark frozen", seed);
    EXPECT_GT(findings.silent, 0u);
}

} // namespace
