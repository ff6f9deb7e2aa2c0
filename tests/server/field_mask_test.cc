#include "server/field_mask.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "google/protobuf/timestamp.upb.h"
#include "keys.h"

namespace {

upb_StringView view(const char *text)
{
    return upb_StringView_FromString(text);
}

/* So long that the length of what holds it takes two bytes. */
const std::string long_image(300, 'i');

/* One job with something in every part that a path below goes through. */
std::string some_job()
{
    upb_Arena *arena = upb_Arena_New();
    API(CustomJob) *job = API(CustomJob_new)(arena);
    API(CustomJobSpec) *spec = API(CustomJob_mutable_job_spec)(job, arena);
    API(CustomJob_set_name)(job, view("projects/p/locations/l/customJobs/1"));
    API(CustomJob_set_display_name)(job, view("a job"));
    API(CustomJob_set_state)(job, 3);
    google_protobuf_Timestamp_set_seconds(API(CustomJob_mutable_create_time)(job, arena), 1716017400);
    google_protobuf_Timestamp_set_nanos(API(CustomJob_mutable_create_time)(job, arena), 250);
    API(CustomJob_labels_set)(job, view("team"), view("vision"), arena);
    API(CustomJob_labels_set)(job, view("env"), view("dev"), arena);
    API(CustomJobSpec_set_service_account)(spec, view("somebody"));
    API(Scheduling_set_disable_retries)(API(CustomJobSpec_mutable_scheduling)(spec, arena), true);
    for (int64_t i = 1; i <= 2; i++) {
        API(WorkerPoolSpec) *pool = API(CustomJobSpec_add_worker_pool_specs)(spec, arena);
        API(WorkerPoolSpec_set_replica_count)(pool, i);
        API(ContainerSpec) *container = API(WorkerPoolSpec_mutable_container_spec)(pool, arena);
        API(ContainerSpec_set_image_uri)(container, view(long_image.c_str()));
        API(ContainerSpec_add_args)(container, view("x"), arena);
        API(ContainerSpec_add_args)(container, view("y"), arena);
        API(EnvVar) *env = API(ContainerSpec_add_env)(container, arena);
        API(EnvVar_set_name)(env, view("N"));
        API(EnvVar_set_value)(env, view("V"));
        API(MachineSpec_set_machine_type)(API(WorkerPoolSpec_mutable_machine_spec)(pool, arena), view("n1"));
    }
    size_t size;
    char *bytes = API(CustomJob_serialize)(job, arena, &size);
    std::string wire(bytes, size);
    upb_Arena_Free(arena);
    return wire;
}

class FieldMask : public testing::Test {
  protected:
    FieldMask() : arena(upb_Arena_New()), wire(some_job()) { fresh(API_V1); }
    ~FieldMask() override { upb_Arena_Free(arena); }

    void fresh(enum api_version version) { ASSERT_EQ(0, field_mask_create(version, arena, &mask, &err)) << err.text; }

    std::string error_of(const std::string &path)
    {
        if (field_mask_add(mask, as_span(path), &err) == 0) {
            return "";
        }
        EXPECT_EQ(ERR_INVALID, err.code);
        return err.text;
    }

    /* What is left of the job. */
    const API(CustomJob) * cut(const std::vector<std::string> &paths)
    {
        static std::vector<std::string> kept; /* the mask borrows them */
        struct span left = {nullptr, 0};
        fresh(API_V1);
        kept = paths;
        for (const std::string &path : kept) {
            EXPECT_EQ("", error_of(path)) << path;
        }
        EXPECT_EQ(0, field_mask_apply(mask, as_span(wire), arena, &left, &err)) << err.text;
        left_size = left.size;
        return API(CustomJob_parse)(left.data, left.size, arena);
    }

    std::string cut_wire(const std::string &path)
    {
        struct span left = {nullptr, 0};
        fresh(API_V1);
        EXPECT_EQ("", error_of(path)) << path;
        EXPECT_EQ(0, field_mask_apply(mask, as_span(wire), arena, &left, &err)) << err.text;
        return std::string(left.data, left.size);
    }

    upb_Arena *arena;
    std::string wire;
    struct field_mask *mask = nullptr;
    struct err err = ERR_INIT;
    size_t left_size = 0;
};

TEST_F(FieldMask, KeepsWhatItNames)
{
    const API(CustomJob) *job = cut({"name", "state"});
    EXPECT_EQ("projects/p/locations/l/customJobs/1", std::string(API(CustomJob_name)(job).data, 35));
    EXPECT_EQ(3, API(CustomJob_state)(job));
    EXPECT_EQ(0u, API(CustomJob_display_name)(job).size);
    EXPECT_FALSE(API(CustomJob_has_job_spec)(job));
    EXPECT_FALSE(API(CustomJob_has_create_time)(job));
    EXPECT_EQ(0u, API(CustomJob_labels_size)(job));
}

TEST_F(FieldMask, KeepsNothingWithoutPaths)
{
    struct span left = {nullptr, 77};
    ASSERT_EQ(0, field_mask_apply(mask, as_span(wire), arena, &left, &err));
    EXPECT_EQ(0u, left.size);
    EXPECT_FALSE(field_mask_is_all(mask));
}

TEST_F(FieldMask, OfAStarIsAll)
{
    EXPECT_EQ(wire, cut_wire("*"));
    EXPECT_TRUE(field_mask_is_all(mask));
    cut({"name", "*"});
    EXPECT_EQ(wire.size(), left_size);
}

TEST_F(FieldMask, GoesIntoMessages)
{
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(cut({"job_spec.scheduling", "create_time.seconds"}));
    ASSERT_NE(nullptr, spec);
    EXPECT_TRUE(API(Scheduling_disable_retries)(API(CustomJobSpec_scheduling)(spec)));
    EXPECT_EQ(0u, API(CustomJobSpec_service_account)(spec).size);
    size_t count = 0;
    EXPECT_EQ(nullptr, API(CustomJobSpec_worker_pool_specs)(spec, &count));
    const google_protobuf_Timestamp *time = API(CustomJob_create_time)(cut({"create_time.seconds"}));
    EXPECT_EQ(1716017400, google_protobuf_Timestamp_seconds(time));
    EXPECT_EQ(0, google_protobuf_Timestamp_nanos(time));
}

TEST_F(FieldMask, GoesThroughListsByAStar)
{
    const API(CustomJob) *job =
        cut({"job_spec.worker_pool_specs.*.replica_count", "job_spec.worker_pool_specs.*.container_spec.env.*.name"});
    size_t count = 0, envs = 0, args = 0;
    const API(WorkerPoolSpec) *const *pools =
        API(CustomJobSpec_worker_pool_specs)(API(CustomJob_job_spec)(job), &count);
    ASSERT_EQ(2u, count);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_EQ((int64_t)i + 1, API(WorkerPoolSpec_replica_count)(pools[i]));
        EXPECT_FALSE(API(WorkerPoolSpec_has_machine_spec)(pools[i]));
        const API(ContainerSpec) *container = API(WorkerPoolSpec_container_spec)(pools[i]);
        const API(EnvVar) *const *env = API(ContainerSpec_env)(container, &envs);
        ASSERT_EQ(1u, envs);
        EXPECT_EQ(1u, API(EnvVar_name)(env[0]).size);
        EXPECT_EQ(0u, API(EnvVar_value)(env[0]).size);
        EXPECT_EQ(nullptr, API(ContainerSpec_args)(container, &args));
    }
}

TEST_F(FieldMask, KeepsLongMessagesWhole)
{
    const API(CustomJobSpec) *spec =
        API(CustomJob_job_spec)(cut({"job_spec.worker_pool_specs.*.container_spec.image_uri"}));
    ASSERT_NE(nullptr, spec);
    size_t count = 0;
    const API(WorkerPoolSpec) *const *pools = API(CustomJobSpec_worker_pool_specs)(spec, &count);
    ASSERT_EQ(2u, count);
    upb_StringView image = API(ContainerSpec_image_uri)(API(WorkerPoolSpec_container_spec)(pools[1]));
    EXPECT_EQ(long_image, std::string(image.data, image.size));
}

TEST_F(FieldMask, TakesAMapsKey)
{
    const API(CustomJob) *job = cut({"labels.team", "labels.absent"});
    upb_StringView value;
    EXPECT_EQ(1u, API(CustomJob_labels_size)(job));
    EXPECT_TRUE(API(CustomJob_labels_get)(job, view("team"), &value));
    EXPECT_EQ(1u, API(CustomJob_labels_size)(cut({"labels.absent", "labels.team"})));
    EXPECT_EQ(2u, API(CustomJob_labels_size)(cut({"labels.env", "labels.team"})));
    EXPECT_EQ(2u, API(CustomJob_labels_size)(cut({"labels"})));
    EXPECT_EQ(2u, API(CustomJob_labels_size)(cut({"labels.*"})));
    EXPECT_EQ(2u, API(CustomJob_labels_size)(cut({"labels.team", "labels"})));
}

TEST_F(FieldMask, TakesBothSpellings)
{
    const std::vector<std::pair<const char *, const char *>> rows = {
        {"display_name", "displayName"},
        {"job_spec.service_account", "jobSpec.serviceAccount"},
        {"job_spec.worker_pool_specs.*.container_spec.image_uri", "jobSpec.workerPoolSpecs.*.containerSpec.imageUri"},
        {"job_spec.scheduling.*", "jobSpec.scheduling"},
        {"job_spec.*", "job_spec"},
        {"job_spec.worker_pool_specs.*", "job_spec.worker_pool_specs"}};
    for (const auto &row : rows) {
        EXPECT_EQ(cut_wire(row.first), cut_wire(row.second)) << row.first;
        EXPECT_NE("", cut_wire(row.first));
    }
}

TEST_F(FieldMask, RefusesWhatIsNoField)
{
    const std::vector<std::pair<const char *, const char *>> rows = {
        {"", "an empty path names no field"},
        {"nme", "\"nme\" names no field of a CustomJob: there is no \"nme\""},
        {"job_spec.nme", "\"job_spec.nme\" names no field of a CustomJob: there is no \"nme\""},
        {"name.x", "\"name.x\" names no field of a CustomJob: there are no fields where it has \"x\""},
        {"labels.a.b", "\"labels.a.b\" names no field of a CustomJob: there are no fields where it has \"b\""},
        {"job_spec.worker_pool_specs.replica_count",
         "\"job_spec.worker_pool_specs.replica_count\" goes into the list worker_pool_specs: write \"*\" between it and "
         "\"replica_count\""},
        {"*.name", "\"*.name\" names no field of a CustomJob: there is no \"*\""},
        {"job_spec..network", "\"job_spec..network\" names no field of a CustomJob: a part is empty, \"\""},
        {"name.", "\"name.\" names no field of a CustomJob: a part is empty, \"\""},
        {".name", "\".name\" names no field of a CustomJob: a part is empty, \"\""},
        {"Name", "\"Name\" names no field of a CustomJob: there is no \"Name\""},
        {"name,state", "\"name,state\" names no field of a CustomJob: there is no \"name,state\""}};
    for (const auto &row : rows) {
        EXPECT_EQ(row.second, error_of(row.first));
    }
    struct span left = {nullptr, 77};
    ASSERT_EQ(0, field_mask_apply(mask, as_span(wire), arena, &left, &err));
    EXPECT_EQ(0u, left.size) << "a refused path changes nothing";
}

TEST_F(FieldMask, KnowsTheFieldsOfItsVersion)
{
    const std::string path = "job_spec.worker_pool_specs.*.machine_spec.min_gpu_driver_version";
    EXPECT_NE("", error_of(path));
    fresh(API_V1BETA1);
    EXPECT_EQ("", error_of(path));
}

TEST_F(FieldMask, HasALimitOnPathsAndTheirLength)
{
    EXPECT_EQ("", error_of("labels." + std::string(LIMIT_MASK_PATH_BYTES - 7, 'x')));
    EXPECT_EQ("the path has 513 bytes, the limit is 512",
              error_of("labels." + std::string(LIMIT_MASK_PATH_BYTES - 6, 'x')));
    for (int i = 1; i < LIMIT_MASK_PATHS; i++) {
        EXPECT_EQ("", error_of("name"));
    }
    EXPECT_EQ("the mask has more than 100 paths", error_of("name"));
}

/* Bytes that are no job are told, or cut somehow; never read past. */
TEST_F(FieldMask, StaysWithinBytesThatAreNoJob)
{
    std::mt19937 random(5);
    const std::string path = "job_spec.worker_pool_specs.*.container_spec.image_uri", key = "labels.team";
    ASSERT_EQ("", error_of(path));
    ASSERT_EQ("", error_of(key));
    for (int round = 0; round < 20000; round++) {
        std::vector<char> bytes(wire.begin(), wire.end());
        bytes[random() % bytes.size()] = (char)random();
        bytes.resize(bytes.size() - random() % 3);
        upb_Arena *scratch = upb_Arena_New();
        struct span left = {nullptr, 0};
        if (field_mask_apply(mask, span_make(bytes.data(), bytes.size()), scratch, &left, &err) == 0) {
            EXPECT_LE(left.size, bytes.size() + 16);
        } else {
            EXPECT_EQ(ERR_CORRUPT, err.code);
        }
        upb_Arena_Free(scratch);
    }
}

} // namespace
