#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "job/job_image.h"
#include "job/job_keys.h"
#include "job/job_plan.h"
#include "job/wire.h"
#include "job_wire.h"
#include "spec_case.h"

namespace {

/* Jobs that are mostly right, written as JSON. */
class Dice {
  public:
    explicit Dice(unsigned seed) : random(seed) {}

    size_t below(size_t count) { return random() % count; }
    bool one_in(size_t count) { return below(count) == 0; }
    template <typename T> const T &of(const std::vector<T> &list) { return list[below(list.size())]; }

    std::string text()
    {
        static const std::vector<std::string> texts = {"a",  "",     "x y",       "$(RANK)", "$$(RANK)", "$(NAME0)",
                                                       "$(", "日本", "é\\\"\\\\", "\\u0001", "gs://b/o", "/p/q"};
        return one_in(40) ? std::string(below(140000), 'x') : of(texts);
    }

    std::string list(size_t most)
    {
        std::string all;
        for (size_t i = below(most + 1); i > 0; i--) {
            all += (all.empty() ? "\"" : ",\"") + text() + "\"";
        }
        return "[" + all + "]";
    }

    std::string env()
    {
        std::string all;
        for (size_t i = below(4); i > 0; i--) {
            std::string value = one_in(30) ? text() : "v" + text();
            all += std::string(all.empty() ? "" : ",") + R"({"name":"NAME)" + std::to_string(below(3)) +
                   R"(","value":")" + value + "\"}";
        }
        return "[" + all + "]";
    }

    std::string pool(bool first)
    {
        std::string task;
        if (!first && one_in(4)) {
            return "{}";
        }
        if (one_in(3)) {
            task = R"("pythonPackageSpec":{"executorImageUri":"e","pythonModule":"m","packageUris":["gs://b/)" +
                   text() + R"(x","/p"],"args":)" + list(3) + R"(,"env":)" + env() + "}";
        } else {
            task = R"("containerSpec":{"imageUri":"i","command":["c"],"args":)" + list(4) + R"(,"env":)" + env() + "}";
        }
        return R"({"replicaCount":")" + std::to_string(first ? 1 : below(4)) + "\"," + task +
               R"(,"machineSpec":{"machineType":")" + text() + R"(","multihostGpuNodeCount":)" +
               std::to_string(below(2)) + "}}";
    }

    std::string job()
    {
        std::string pools = pool(true);
        for (size_t i = below(4); i > 0; i--) {
            pools += "," + pool(false);
        }
        return R"({"name":"n","state":3,"error":{"code":1},"displayName":"d)" + text().substr(0, 40) +
               R"(","labels":{"a":"1","b":"2","simulate-duration":"5s"},"jobSpec":{"workerPoolSpecs":[)" + pools +
               R"(],"scheduling":{"timeout":")" + std::to_string(1 + below(100000)) +
               R"(s"},"baseOutputDirectory":{"outputUriPrefix":"gs://b/)" + text().substr(0, 60) + R"("}}})";
    }

    /* A few bytes flipped, cut, doubled or put in. */
    std::string damage(std::string wire)
    {
        for (size_t i = below(3); i > 0 && !wire.empty(); i--) {
            size_t at = below(wire.size());
            switch (below(5)) {
            case 0:
                wire[at] = (char)(wire[at] ^ (1 << below(8)));
                break;
            case 1:
                wire.erase(at, 1 + below(8));
                break;
            case 2:
                wire.insert(at, wire.substr(at, 1 + below(40)));
                break;
            case 3:
                wire.insert(at, 1, (char)below(256));
                break;
            default:
                wire.resize(at);
                break;
            }
        }
        return wire;
    }

  private:
    std::mt19937 random;
};

/* The promises about what is taken: it can be stored, found, planned and taken again. */
void check_taken(const SpecCase &taken, enum api_version version)
{
    struct job_outputs outputs = {};
    struct blob *image = nullptr;
    struct err err = ERR_INIT;
    struct store_keys keys = {};
    struct job_plan *plan = nullptr;

    struct wire_reader reader = {as_span(taken.wire)};
    struct wire_field field;
    while (wire_next(&reader, &field) == WIRE_FIELD) {
        ASSERT_TRUE(field.number == 2 || field.number == 4 || field.number == 11) << field.number;
    }
    ASSERT_EQ(0u, reader.rest.size);
    job_json(as_span(taken.wire));
    ASSERT_EQ(taken.wire, prepare(taken.wire, version).wire);

    outputs.name = span_of("projects/a-project-with-an-id-of-thirty/locations/us-central1/customJobs/1234567890");
    ASSERT_EQ(0, job_image_build(&outputs, as_span(taken.wire), &image, &err)) << err.text;
    ASSERT_EQ(0, job_keys_extract(STORE_TABLE_JOB, blob_span(image), &keys, &err)) << err.text;
    std::vector<struct job_plan_address> addresses(taken.replica_count, {"127.0.0.1", 65535});
    struct job_plan_input input = {};
    input.custom_job_wire = blob_span(image);
    input.job_attempt = 1;
    input.addresses = addresses.data();
    ASSERT_EQ(0, job_plan_create(&input, &plan, &err)) << err.text;
    EXPECT_EQ(taken.replica_count, job_plan_task_count(plan));
    job_plan_destroy(plan);
    blob_unref(image);
}

void run(size_t rounds, bool damaged)
{
    const char *given = getenv("CUSTOMJOBD_TEST_SEED");
    unsigned seed = given ? (unsigned)atol(given) : std::random_device()();
    Dice dice(seed);
    size_t taken_count = 0, refused = 0, undecodable = 0;

    for (size_t i = 0; i < rounds; i++) {
        SCOPED_TRACE("CUSTOMJOBD_TEST_SEED=" + std::to_string(seed) + ", round " + std::to_string(i));
        enum api_version version = dice.one_in(2) ? API_V1 : API_V1BETA1;
        std::string wire = job_wire(dice.job());
        SpecCase found = prepare(damaged ? dice.damage(wire) : wire, version);
        if (found.result != 0) {
            undecodable++;
            ASSERT_EQ(ERR_INVALID, found.code) << found.error;
            ASSERT_NE("", found.error);
        } else if (found.count > 0) {
            refused++;
        } else {
            taken_count++;
            check_taken(found, version);
        }
        if (testing::Test::HasFailure()) {
            return;
        }
    }
    printf("seed %u: %zu taken, %zu refused, %zu undecodable\n", seed, taken_count, refused, undecodable);
    EXPECT_GT(taken_count, rounds / 20);
    EXPECT_EQ(damaged, undecodable > 0);
}

TEST(JobSpecRandom, WhateverIsTakenCanBeStoredFoundAndPlanned)
{
    run(2000, false);
}

/* Such jobs are taken without a trial of their plan. */
TEST(JobSpecRandom, ShortJobsOfTheWorstTextsCanBePlanned)
{
    for (const char *worst : {"\\u0001", "\"", "\\\\", "\xe6\x97\xa5"}) {
        std::string text = repeat(worst[0] == '"' ? "\\\"" : worst, 3700 / (worst[0] == '\xe6' ? 3 : 1));
        std::string args = R"(,"args":[")" + text + R"("])";
        for (const std::string &json :
             {container_json(R"("imageUri":"i","command":["c"])" + args),
              python_json(R"("executorImageUri":"i","packageUris":["/p"],"pythonModule":"m")" + args)}) {
            SpecCase found = prepare(job_wire(json));
            ASSERT_EQ(0u, found.count) << found.faults[0];
            ASSERT_LE(found.wire.size(), 4000u);
            check_taken(found, API_V1);
        }
    }
}

TEST(JobSpecRandom, DamagedJobsAreRefusedOrTakenWhole)
{
    run(5000, true);
}

} /* namespace */
