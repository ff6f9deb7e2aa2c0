#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "job/job_image.h"
#include "job/job_keys.h"
#include "job_wire.h"
#include "spec_case.h"

namespace {

std::string varint(uint64_t value)
{
    std::string bytes;
    for (; value >= 0x80; value >>= 7) {
        bytes += (char)(value | 0x80);
    }
    return bytes + (char)value;
}

/* A length-delimited field. */
std::string field(int number, const std::string &bytes)
{
    return varint((uint64_t)number << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string number(int number, uint64_t value)
{
    return varint((uint64_t)number << 3) + varint(value);
}

/* A container pool, with these bytes at the end of each of its messages. */
std::string job_with(const std::string &junk)
{
    std::string variable = field(1, "N") + field(2, "v") + junk;
    std::string container = field(1, "i") + field(2, "c") + field(4, variable) + junk;
    std::string machine = field(1, "n1") + junk;
    std::string pool = field(1, machine) + number(2, 1) + field(6, container) + junk;
    std::string scheduling = field(1, number(1, 60) + junk) + junk;
    std::string spec = field(1, pool) + field(3, scheduling) + field(6, field(1, "gs://b") + junk) + junk;
    return field(2, "d") + field(4, spec) + field(11, field(1, "k") + field(2, "v")) + junk;
}

TEST(JobSpec, WhatIsStoredIsWhatWasSent)
{
    SpecCase found = prepare(job_with(""));
    EXPECT_EQ(job_with(""), found.wire);
    EXPECT_EQ(1u, found.replica_count);
}

TEST(JobSpec, DropsUnknownFieldsAtEveryLevel)
{
    std::string group = varint(77 << 3 | 3) + number(1, 5) + field(2, "x") + varint(77 << 3 | 4);
    std::string fixed = varint(78 << 3 | 1) + std::string(8, 'f') + varint(79 << 3 | 5) + std::string(4, 'f');
    std::string wrong_type = varint(20 << 3 | 5) + std::string(4, 'w');
    SpecCase found = prepare(job_with(number(1000, 7) + field(500, "junk") + group + fixed + wrong_type));
    EXPECT_EQ(0, found.result) << found.error;
    EXPECT_EQ(job_with(""), found.wire);
}

/* A map entry with an unknown field is unknown as a whole, to every decoder built on upb. The end of the bytes is where
 * libupb 1.51.1 went astray. */
TEST(JobSpec, DropsLabelsWithUnknownFieldsWhereverTheyStand)
{
    std::string label = field(11, field(1, "k") + field(2, "v") + field(3, "junk"));
    for (size_t after = 0; after < 40; after++) {
        std::string tail = after < 2 ? std::string() : field(999, std::string(after - 2, 'x'));
        SpecCase found = prepare(job_with("") + label + tail);
        EXPECT_EQ(0, found.result) << found.error;
        EXPECT_EQ(job_with(""), found.wire) << after;
    }
}

TEST(JobSpec, ClearsWhatOnlyTheServerSays)
{
    std::string json = spec_json("", "", R"(,"name":"projects/p/locations/l/customJobs/1","state":"JOB_STATE_FAILED",
        "createTime":"2024-01-01T00:00:00Z","startTime":"2024-01-01T00:00:00Z","endTime":"2024-01-01T00:00:00Z",
        "updateTime":"2024-01-01T00:00:00Z","error":{"code":3,"message":"m"},"webAccessUris":{"a":"b"},
        "satisfiesPzs":true,"satisfiesPzi":true,"labels":{"k":"v"})");
    SpecCase found = prepare(job_wire(json));
    EXPECT_EQ(prepare(job_wire(spec_json("", "", R"(,"labels":{"k":"v"})"))).wire, found.wire);
    EXPECT_EQ(std::string::npos, job_json(as_span(found.wire)).find("error")) << job_json(as_span(found.wire));
}

TEST(JobSpec, KeepsFieldsOfTheBetaForTheBetaAlone)
{
    std::string with = job_wire(spec_json(
        R"(,"machineSpec":{"machineType":"n1","multihostGpuNodeCount":2,"gpuPartitionSize":"1g","minGpuDriverVersion":"5"})"));
    std::string without = job_wire(spec_json(R"(,"machineSpec":{"machineType":"n1","gpuPartitionSize":"1g"})"));
    EXPECT_EQ(with, prepare(with, API_V1BETA1).wire);
    EXPECT_EQ(without, prepare(with, API_V1).wire);
}

TEST(JobSpec, SameJobsAreStoredAsTheSameBytes)
{
    std::string a = field(11, field(1, "a") + field(2, "1")), b = field(11, field(1, "b") + field(2, "2"));
    std::string pool = field(1, field(6, field(1, "i") + field(2, "c")));
    std::string one = prepare(field(2, "d") + field(4, pool) + a + b).wire;
    EXPECT_FALSE(one.empty());
    /* Any order; a map's key, a number and a message given twice. */
    EXPECT_EQ(one, prepare(b + field(4, pool) + a + field(2, "d")).wire);
    EXPECT_EQ(one, prepare(a + field(2, "x") + b + field(4, "") + field(2, "d") + field(4, pool) + a).wire);
    EXPECT_EQ(one, prepare(one).wire);
}

TEST(JobSpec, OfTwoTasksTheLastOneCounts)
{
    std::string container = field(6, field(1, "i") + field(2, "c"));
    std::string python = field(7, field(1, "e") + field(2, "/p") + field(3, "m"));
    auto job = [](const std::string &tasks) { return field(2, "d") + field(4, field(1, tasks)); };
    EXPECT_EQ(job(container), prepare(job(python + container)).wire);
    EXPECT_EQ(job(python), prepare(job(container + python)).wire);
}

TEST(JobSpec, StoredBytesTakeOutputsBeforeThemAndHaveKeys)
{
    SpecCase found = prepare(job_with(""));
    struct job_outputs outputs = {};
    struct blob *image = nullptr;
    struct err err = ERR_INIT;
    struct store_keys keys = {};
    outputs.name = span_of("projects/p/locations/l/customJobs/1");
    ASSERT_EQ(0, job_image_build(&outputs, as_span(found.wire), &image, &err)) << err.text;
    ASSERT_EQ(0, job_keys_extract(STORE_TABLE_JOB, blob_span(image), &keys, &err)) << err.text;
    EXPECT_EQ("d", as_string(keys.display_name));
    ASSERT_EQ(1u, keys.label_count);
    EXPECT_EQ("k", as_string(keys.labels[0].key));
    blob_unref(image);
}

TEST(JobSpec, RefusesInvalidUtf8AndNamesTheField)
{
    const std::string bad = "ab\xff";
    auto spec = [](const std::string &bytes) { return field(2, "d") + field(4, bytes); };
    auto container = [&](const std::string &bytes) { return spec(field(1, "") + field(1, field(6, bytes))); };
    struct {
        std::string wire, field;
    } const cases[] = {
        {field(2, bad), "display_name"},
        {field(1, bad), "name"},
        {field(10, field(2, bad)), "error.message"},
        {field(11, field(1, bad)), "labels.key"},
        {field(11, field(1, "k") + field(2, bad)), "labels.value"},
        {spec(field(4, bad)), "job_spec.service_account"},
        {spec(field(20, "") + field(20, bad)), "job_spec.models[1]"},
        {spec(field(6, field(1, bad))), "job_spec.base_output_directory.output_uri_prefix"},
        {field(16, field(1, bad)), "web_access_uris.key"},
        {container(field(1, bad)), "job_spec.worker_pool_specs[1].container_spec.image_uri"},
        {container(field(2, "c") + field(2, bad)), "job_spec.worker_pool_specs[1].container_spec.command[1]"},
        {container(field(4, field(2, bad))), "job_spec.worker_pool_specs[1].container_spec.env[0].value"},
    };
    for (const auto &each : cases) {
        SpecCase found = prepare(each.wire);
        EXPECT_EQ(-1, found.result) << each.field;
        EXPECT_EQ(ERR_INVALID, found.code);
        EXPECT_EQ(each.field + " is not valid UTF-8: byte 2 of its 3", found.error);
        EXPECT_EQ(0u, found.count);
        EXPECT_EQ("untouched", found.wire);
    }
}

/* Each is what some lenient decoder takes. */
TEST(JobSpec, RefusesEveryFormOfInvalidUtf8)
{
    for (const char *bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"}) {
        SpecCase found = prepare(field(2, bad));
        EXPECT_EQ(-1, found.result) << bad;
        EXPECT_EQ(0u, found.error.find("display_name is not valid UTF-8: byte 0 of its ")) << found.error;
    }
}

TEST(JobSpec, RefusesBytesThatAreNoMessageAndTellsWhere)
{
    std::string whole = job_with("");
    size_t refused = 0;
    for (size_t size = 0; size < whole.size(); size++) {
        SpecCase found = prepare(whole.substr(0, size));
        if (found.result != 0) {
            refused++;
            EXPECT_EQ(ERR_INVALID, found.code);
            EXPECT_NE(std::string::npos, found.error.find("no protobuf field")) << size << ": " << found.error;
        }
    }
    EXPECT_GT(refused, whole.size() / 2);
    EXPECT_EQ("job_spec.worker_pool_specs[0]: the bytes at offset 7 of 9 are no protobuf field",
              prepare(field(2, "d") + field(4, field(1, "\x32\x7f"))).error);
    /* Field number 0, a group that does not end, the end of one that did not begin. */
    EXPECT_EQ("the bytes at offset 0 of 2 are no protobuf field", prepare(std::string("\x00\x00", 2)).error);
    EXPECT_EQ("the bytes at offset 3 of 4 are no protobuf field", prepare(field(2, "d") + "\x53").error);
    EXPECT_EQ("the bytes at offset 3 of 4 are no protobuf field", prepare(field(2, "d") + "\x54").error);
}

TEST(JobSpec, RefusesNestingWithoutEnd)
{
    auto groups = [](int depth) { return std::string((size_t)depth, '\x53') + std::string((size_t)depth, '\x54'); };
    EXPECT_EQ(0, prepare(field(2, "d") + groups(LIMIT_REQUEST_DEPTH - 1)).result);
    SpecCase found = prepare(field(2, "d") + groups(1000));
    EXPECT_EQ(-1, found.result);
    EXPECT_EQ("the CustomJob is nested deeper than 32 levels", found.error);
}

/* A violation that was there before, such as a bad parent's, is not the job's. */
TEST(JobSpec, PreparesTheJobWhateverElseIsWrongWithTheRequest)
{
    upb_Arena *arena = upb_Arena_New();
    struct job_spec_rules rules = host_rules();
    struct violations violations;
    struct job_spec_prepared prepared = {};
    struct err err = ERR_INIT;
    std::string wire = job_with("");

    violations_init(&violations, arena);
    violations_add(&violations, "parent", "no");
    ASSERT_EQ(0, job_spec_prepare(&rules, API_V1, as_span(wire), arena, &violations, &prepared, &err));
    EXPECT_EQ(1u, violations.count);
    std::string kept = wire;
    wire.assign(wire.size(), 'X'); /* what was prepared is a copy */
    EXPECT_EQ(kept, as_string(prepared.wire));
    upb_Arena_Free(arena);
}

} /* namespace */
