/* What happens to calls, by rule; tests/server/simulate_test.py looks at it from outside. */
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "server/call_faults.h"

namespace {

constexpr char create[] = "/google.cloud.aiplatform.v1.JobService/CreateCustomJob";
constexpr char get[] = "/google.cloud.aiplatform.v1.JobService/GetCustomJob";

struct call_fault Fault(const char *method, int code)
{
    struct call_fault fault = {};
    fault.method = method;
    fault.code = code;
    fault.probability = 1;
    return fault;
}

struct Faults {
    Faults()
    {
        struct err err = ERR_INIT;
        EXPECT_EQ(call_faults_create(&faults, &err), 0) << err.text;
    }
    ~Faults() { call_faults_destroy(faults); }
    std::string Set(const std::vector<struct call_fault> &rules, uint64_t seed = 0)
    {
        struct err err = ERR_INIT;
        if (call_faults_set(faults, rules.data(), rules.size(), seed, &err) == 0)
            return "";
        EXPECT_EQ(err.code, ERR_INVALID);
        return err.text;
    }
    /* The code that the call meets; 0: none. */
    int Take(const char *path)
    {
        struct call_fate fate = {};
        return call_faults_take(faults, span_of(path), &fate) ? fate.code : 0;
    }

    struct call_faults *faults = nullptr;
};

TEST(CallFaults, PatternsAreOfTheWholePathOrOfTheMethodAlone)
{
    Faults faults;
    EXPECT_EQ(faults.Take(create), 0);
    EXPECT_EQ(faults.Set({Fault("CreateCustomJob", 14), Fault("google.cloud.*.JobService/Get*", 8), Fault("", 2)}), "");
    EXPECT_EQ(faults.Take(create), 14);
    EXPECT_EQ(faults.Take(get), 8);
    EXPECT_EQ(faults.Take("/a.B/C"), 2);
    EXPECT_EQ(faults.Take("/customjobd.v1.Simulation/SetFaults"), 0) << "who sets faults can take them away";
    EXPECT_EQ(faults.Set({}), "");
    EXPECT_EQ(faults.Take(create), 0);
}

TEST(CallFaults, ACountEndsARuleAndTheNextOneCounts)
{
    Faults faults;
    struct call_fault two = Fault("*", 14), one = Fault("*", 8);
    two.count = 2;
    one.count = 2;
    one.hits = 1;
    EXPECT_EQ(faults.Set({two, one}), "");
    std::vector<int> codes;
    for (int i = 0; i < 5; i++)
        codes.push_back(faults.Take(create));
    EXPECT_EQ(codes, (std::vector<int>{14, 14, 8, 0, 0}));
    std::vector<uint64_t> hits;
    call_faults_visit(
        faults.faults,
        [](void *context, const struct call_fault *rule) {
            static_cast<std::vector<uint64_t> *>(context)->push_back(rule->hits);
            return true;
        },
        &hits);
    EXPECT_EQ(hits, (std::vector<uint64_t>{2, 2}));
}

TEST(CallFaults, TheSameSeedMeetsTheSameCalls)
{
    struct call_fault some = Fault("*", 14);
    some.probability = 0.25;
    auto meet = [&](uint64_t seed) {
        Faults faults;
        std::string met;
        EXPECT_EQ(faults.Set({some}, seed), "");
        for (int i = 0; i < 1000; i++)
            met += faults.Take(create) ? 'x' : '.';
        return met;
    };
    std::string one = meet(1);
    EXPECT_EQ(one, meet(1));
    EXPECT_NE(one, meet(2));
    auto count = std::count(one.begin(), one.end(), 'x');
    EXPECT_GT(count, 200);
    EXPECT_LT(count, 300);
}

TEST(CallFaults, WhatWouldMakeNoSenseIsRefusedAndChangesNothing)
{
    Faults faults;
    EXPECT_EQ(faults.Set({Fault("*", 14)}), "");
    struct call_fault rare = Fault("*", 14), late = Fault("*", 0), lost = Fault("*", 0);
    rare.probability = 0;
    late.latency_ns = CALL_FAULT_LATENCY_NS_MAX + 1;
    lost.answer_lost = true;
    std::string text(CALL_FAULT_TEXT_BYTES, 'x');
    EXPECT_EQ(faults.Set({Fault("*", 14), Fault("*", 17)}), "faults[1].code is 17; status codes go from 0 to 16");
    EXPECT_EQ(faults.Set({rare}), "faults[0].probability is not above 0 and at most 1");
    EXPECT_EQ(faults.Set({late}), "faults[0].latency is not from 0 to 10 minutes");
    EXPECT_EQ(faults.Set({lost}), "faults[0] has neither a code nor, alone, a latency: it would do nothing");
    EXPECT_EQ(faults.Set({Fault(text.c_str(), 14)}), "faults[0].method has 256 bytes, the limit is 255");
    EXPECT_EQ(faults.Set(std::vector<struct call_fault>(1001, rare)), "there are 1001 faults, the limit is 1000");
    EXPECT_EQ(faults.Take(create), 14);
}

struct Late {
    struct call_wait wait; /* first */
    std::mutex mutex;
    std::condition_variable changed;
    bool is_over = false;

    Late() : wait{}
    {
        wait.over = [](struct call_wait *over) {
            auto *late = reinterpret_cast<Late *>(over);
            std::lock_guard<std::mutex> lock(late->mutex);
            late->is_over = true;
            late->changed.notify_all();
        };
    }
    void Await()
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this] { return is_over; });
    }
};

TEST(CallFaults, ALateCallIsOverWhenItsTimeIsOrWhenTheServerStops)
{
    Faults faults;
    Late hour, soon, after;
    call_faults_wait(faults.faults, &hour.wait, 3600 * CLOCK_NS_PER_S);
    call_faults_wait(faults.faults, &soon.wait, CLOCK_NS_PER_MS);
    soon.Await();
    {
        std::lock_guard<std::mutex> lock(hour.mutex);
        EXPECT_FALSE(hour.is_over);
    }
    call_faults_stop(faults.faults);
    hour.Await();
    call_faults_wait(faults.faults, &after.wait, 3600 * CLOCK_NS_PER_S);
    after.Await();
}

} // namespace
