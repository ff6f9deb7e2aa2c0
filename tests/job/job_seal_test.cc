#include <gtest/gtest.h>

#include "job/job_keys.h"
#include "job/job_seal.h"
#include "job_wire.h"
#include "seal/key_file.h"
#include "seal/keyring.h"
#include "spec_case.h"
#include "tests/lib/key_file_fixture.h"
#include "tests/lib/temp_dir.h"

namespace {

using key_file_fixture::Line;
using key_file_fixture::Name;

std::string KeySpec(const std::string &name)
{
    return spec_json("", "", R"(,"encryptionSpec":{"kmsKeyName":")" + name + R"("})");
}

struct Rules {
    explicit Rules(const std::string &keys)
    {
        struct key_source *source = nullptr;
        struct err err = ERR_INIT;
        TempDir dir;
        std::string path = key_file_fixture::Write(dir.path() + "/keys", keys);
        EXPECT_EQ(0, key_file_open(path.c_str(), &source, &err)) << err.text;
        EXPECT_EQ(0, keyring_create(source, &ring, &err)) << err.text;
        rules = host_rules();
        rules.keys = ring;
    }
    ~Rules() { keyring_destroy(ring); }
    struct keyring *ring = nullptr;
    struct job_spec_rules rules = {};
};

TEST(JobSeal, AKnownKeyIsTakenInBothVersionsOfTheApiAndStored)
{
    Rules keys(Line("k", "1", 1));
    for (enum api_version version : {API_V1, API_V1BETA1}) {
        SpecCase found = prepare(job_wire(KeySpec(Name("k"))), version, keys.rules);
        EXPECT_EQ(0u, found.count);
        EXPECT_NE(std::string::npos, found.wire.find(Name("k")));
    }
}

TEST(JobSeal, AnUnknownKeyIsRefusedWithThoseThereAre)
{
    std::string text;
    for (int i = 0; i < 7; i++) {
        text += Line("k" + std::to_string(i), "1", i);
    }
    Rules keys(text);
    EXPECT_EQ(std::vector<std::string>{"encryption_spec.kms_key_name: \"mine\" is no key of this server; it has \"" +
                                       Name("k0") + "\", \"" + Name("k1") + "\", \"" + Name("k2") + "\", \"" +
                                       Name("k3") + "\", \"" + Name("k4") + "\" and 2 more."},
              prepare(job_wire(KeySpec("mine")), API_V1, keys.rules).faults);
}

TEST(JobSeal, AnOutlineHasNameStateTimesAndKeyAndNothingElse)
{
    std::string outputs = job_wire(R"({"name":"projects/p/locations/l/customJobs/7","state":"JOB_STATE_FAILED",
        "createTime":"2026-01-02T03:04:05Z","endTime":"2026-01-02T03:04:06Z","error":{"code":3,"message":"SECRET"}})");
    std::string image = outputs + job_wire(R"({"displayName":"SECRET","labels":{"a":"SECRET"},
        "encryptionSpec":{"kmsKeyName":")" +
                                           Name("k") + R"("},"jobSpec":{"network":"SECRET"}})");
    char bytes[4096];
    struct store_keys keys = {};
    struct err err = ERR_INIT;
    size_t size = job_seal_outline(STORE_TABLE_JOB, as_span(image), bytes, sizeof bytes);
    std::string outline(bytes, size);
    EXPECT_EQ(std::string::npos, outline.find("SECRET"));
    ASSERT_EQ(0, job_keys_extract(STORE_TABLE_JOB, span_make(bytes, size), &keys, &err)) << err.text;
    EXPECT_EQ("projects/p/locations/l/customJobs/7", as_string(keys.name));
    EXPECT_EQ(5u, keys.state);
    EXPECT_GT(keys.create_time_unix_ns, 0);
    EXPECT_EQ(Name("k"), as_string(keys.seal_key));
    EXPECT_EQ(0u, job_seal_outline(STORE_TABLE_EXECUTION, as_span(image), bytes, sizeof bytes));
}

} // namespace
