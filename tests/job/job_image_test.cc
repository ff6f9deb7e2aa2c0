#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "job/job_image.h"
#include "job/job_keys.h"
#include "job_wire.h"

namespace {

const char name[] = "projects/p/locations/us-central1/customJobs/1714979289123456789";

struct job_outputs some_outputs()
{
    struct job_outputs outputs = {};
    outputs.name = span_of(name);
    outputs.state = 5;
    outputs.create_time_unix_ns = INT64_C(1714979289123456000);
    outputs.start_time_unix_ns = INT64_C(1714979290000000000);
    outputs.end_time_unix_ns = INT64_C(1714979291000001000);
    outputs.update_time_unix_ns = INT64_C(1714979291000002000);
    outputs.error_code = 3;
    outputs.error_message = span_of("The replica failed.");
    return outputs;
}

std::string build(const struct job_outputs &outputs, const std::string &spec)
{
    struct err err = ERR_INIT;
    struct blob *image = nullptr;
    EXPECT_EQ(0, job_image_build(&outputs, as_span(spec), &image, &err)) << err.text;
    std::string bytes = as_string(blob_span(image));
    blob_unref(image);
    return bytes;
}

TEST(JobImage, IsTheCustomJobThatTheApiDescribes)
{
    std::string image = build(some_outputs(), simple_job(1, "", R"(,"labels":{"a":"b"})"));
    EXPECT_EQ(
        "{\"name\":\"projects/p/locations/us-central1/customJobs/1714979289123456789\",\"displayName\":\"d\","
        "\"jobSpec\":{\"workerPoolSpecs\":[{\"containerSpec\":{\"imageUri\":\"i\",\"command\":[\"true\"]},"
        "\"replicaCount\":\"1\"}]},\"state\":\"JOB_STATE_FAILED\",\"createTime\":\"2024-05-06T07:08:09.123456Z\","
        "\"startTime\":\"2024-05-06T07:08:10Z\",\"endTime\":\"2024-05-06T07:08:11.000001Z\","
        "\"updateTime\":\"2024-05-06T07:08:11.000002Z\",\"error\":{\"code\":3,\"message\":\"The replica failed.\"},"
        "\"labels\":{\"a\":\"b\"}}",
        job_json(as_span(image)));
}

TEST(JobImage, SplitGivesBackWhatWasBuilt)
{
    std::string spec = simple_job(3);
    std::string image = build(some_outputs(), spec);
    struct err err = ERR_INIT;
    struct job_outputs outputs;
    struct span tail;
    ASSERT_EQ(0, job_image_split(as_span(image), &outputs, &tail, &err)) << err.text;
    EXPECT_EQ(spec, as_string(tail));
    EXPECT_EQ(name, as_string(outputs.name));
    EXPECT_EQ(5u, outputs.state);
    EXPECT_EQ(some_outputs().create_time_unix_ns, outputs.create_time_unix_ns);
    EXPECT_EQ(some_outputs().start_time_unix_ns, outputs.start_time_unix_ns);
    EXPECT_EQ(some_outputs().end_time_unix_ns, outputs.end_time_unix_ns);
    EXPECT_EQ(some_outputs().update_time_unix_ns, outputs.update_time_unix_ns);
    EXPECT_EQ(3, outputs.error_code);
    EXPECT_EQ("The replica failed.", as_string(outputs.error_message));
}

TEST(JobImage, SplitOfAnImageWithoutASpecHasAnEmptyTail)
{
    std::string image = build(some_outputs(), "");
    struct err err = ERR_INIT;
    struct job_outputs outputs;
    struct span tail;
    ASSERT_EQ(0, job_image_split(as_span(image), &outputs, &tail, &err)) << err.text;
    EXPECT_EQ(0u, tail.size);
}

TEST(JobImage, RefusesASpecThatBringsOutputsOfItsOwn)
{
    struct err err = ERR_INIT;
    struct blob *image = nullptr;
    struct job_outputs outputs = some_outputs();
    std::string spec = job_wire(R"({"name":"mine","displayName":"d"})");
    EXPECT_EQ(-1, job_image_build(&outputs, as_span(spec), &image, &err));
    EXPECT_EQ(ERR_INTERNAL, err.code);
    EXPECT_EQ(nullptr, image);
}

TEST(JobImage, RefusesWhatIsLargerThanAStoredValue)
{
    struct err err = ERR_INIT;
    struct blob *image = nullptr;
    struct job_outputs outputs = some_outputs();
    EXPECT_EQ(-1, job_image_build(&outputs, as_span(std::string(LIMIT_VALUE_BYTES, '\x12')), &image, &err));
    EXPECT_EQ(ERR_EXHAUSTED, err.code);
}

/* Every cut of an image within its outputs, and every odd order, is found. */
TEST(JobImage, SplitRefusesWhatIsNotOfItsMaking)
{
    std::string image = build(some_outputs(), "");
    struct job_outputs outputs;
    struct span tail;
    struct err err = ERR_INIT;
    for (size_t size = 0; size < image.size(); size++) {
        std::string cut = image.substr(0, size);
        if (job_image_split(as_span(cut), &outputs, &tail, &err)) {
            EXPECT_EQ(ERR_CORRUPT, err.code) << size;
        } else {
            EXPECT_EQ(0u, tail.size) << size;
        }
    }
    std::string without_name = simple_job();
    EXPECT_EQ(-1, job_image_split(as_span(without_name), &outputs, &tail, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
    std::string twice = image + image;
    EXPECT_EQ(-1, job_image_split(as_span(twice), &outputs, &tail, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
}

int extract(enum store_table table, const std::string &value, struct store_keys *keys, struct err *err)
{
    *keys = {};
    return job_keys_extract(table, as_span(value), keys, err);
}

TEST(JobKeys, AreFoundInAJob)
{
    std::string image = build(some_outputs(), simple_job(1, "", R"(,"labels":{"env":"prod","team":""})"));
    struct err err = ERR_INIT;
    struct store_keys keys;
    ASSERT_EQ(0, extract(STORE_TABLE_JOB, image, &keys, &err)) << err.text;
    EXPECT_EQ(name, as_string(keys.name));
    EXPECT_EQ("projects/p/locations/us-central1", as_string(keys.parent));
    EXPECT_EQ("d", as_string(keys.display_name));
    EXPECT_EQ(5u, keys.state);
    EXPECT_EQ(some_outputs().create_time_unix_ns, keys.create_time_unix_ns);
    ASSERT_EQ(2u, keys.label_count);
    std::string found[2] = {as_string(keys.labels[0].key) + "=" + as_string(keys.labels[0].value),
                            as_string(keys.labels[1].key) + "=" + as_string(keys.labels[1].value)};
    std::sort(found, found + 2);
    EXPECT_EQ("env=prod", found[0]);
    EXPECT_EQ("team=", found[1]);
}

TEST(JobKeys, RefuseBytesThatMakeNoSense)
{
    std::string image = build(some_outputs(), simple_job(1, "", R"(,"labels":{"a":"b"})"));
    struct err err = ERR_INIT;
    struct store_keys keys;
    for (size_t size = 0; size < image.size(); size++) {
        std::string cut = image.substr(0, size);
        if (extract(STORE_TABLE_JOB, cut, &keys, &err)) {
            EXPECT_EQ(ERR_CORRUPT, err.code);
        }
    }
    for (const char *odd :
         {"", "customJobs/1", "projects/p/locations/l/customJobs/", "projects/p/locations/l/jobs/1"}) {
        struct job_outputs outputs = some_outputs();
        outputs.name = span_of(odd);
        EXPECT_EQ(-1, extract(STORE_TABLE_JOB, build(outputs, ""), &keys, &err)) << odd;
        EXPECT_EQ(ERR_CORRUPT, err.code);
    }
    EXPECT_EQ(-1, extract((enum store_table)9, image, &keys, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
}

TEST(JobKeys, RefuseMoreLabelsThanAJobMayHave)
{
    std::string image = build(some_outputs(), "");
    struct err err = ERR_INIT;
    struct store_keys keys;
    for (int i = 0; i < LIMIT_LABELS_PER_JOB; i++) {
        image += std::string("\x5a\x06\x0a\x01k\x12\x01v", 8);
    }
    EXPECT_EQ(0, extract(STORE_TABLE_JOB, image, &keys, &err)) << err.text;
    image += std::string("\x5a\x06\x0a\x01k\x12\x01v", 8);
    EXPECT_EQ(-1, extract(STORE_TABLE_JOB, image, &keys, &err));
}

TEST(JobKeys, TablesWithoutKeysHaveNone)
{
    struct err err = ERR_INIT;
    struct store_keys keys;
    EXPECT_EQ(0, extract(STORE_TABLE_EXECUTION, "anything", &keys, &err));
    EXPECT_EQ(0, extract(STORE_TABLE_REQUEST_ID, "\xff", &keys, &err));
    EXPECT_EQ(0u, keys.name.size);
}

} /* namespace */
