#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/limits.h"
#include "job/job_image.h"
#include "job/job_plan.h"
#include "job/mount_map.h"
#include "job_wire.h"

namespace {

using environment = std::map<std::string, std::string>;

/* A plan of the job that this JSON describes, with addresses 127.0.0.1:20000 and on. */
class Plan {
  public:
    explicit Plan(const std::string &json, const char *buckets_dir = nullptr, uint64_t project_number = 0,
                  const char *name = "projects/my-project/locations/us-central1/customJobs/42",
                  const struct task_limits *limits = nullptr, const struct mount_map *mounts = nullptr)
    {
        struct job_outputs outputs = {};
        struct blob *image = nullptr;
        outputs.name = span_of(name);
        outputs.state = 2;
        EXPECT_EQ(0, job_image_build(&outputs, as_span(job_wire(json)), &image, &err)) << err.text;
        for (int i = 0; i < 64; i++) {
            addresses.push_back({"127.0.0.1", (uint16_t)(20000 + i)});
        }
        struct job_plan_input input = {};
        input.custom_job_wire = blob_span(image);
        input.job_attempt = 1;
        input.addresses = addresses.data();
        input.buckets_dir = buckets_dir;
        input.project_number = project_number;
        input.limits = limits;
        input.mounts = mounts;
        result = job_plan_create(&input, &plan, &err);
        blob_unref(image);
    }
    ~Plan() { job_plan_destroy(plan); }

    size_t size() const { return job_plan_task_count(plan); }
    const struct task &task(size_t i) const { return *job_plan_task(plan, i); }
    environment env(size_t i) const
    {
        environment found;
        for (size_t k = 0; k < task(i).env_count; k++) {
            EXPECT_TRUE(found.emplace(task(i).env[k].name, task(i).env[k].value).second) << task(i).env[k].name;
        }
        return found;
    }
    std::vector<std::string> argv(size_t i) const
    {
        std::vector<std::string> found;
        for (const char *const *at = task(i).argv; *at; at++) {
            found.push_back(*at);
        }
        return found;
    }

    struct err err = ERR_INIT;
    int result;

  private:
    std::vector<struct job_plan_address> addresses;
    struct job_plan *plan = nullptr;
};

std::string container(const std::string &fields, const std::string &rest = "")
{
    return R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"img")" +
           (fields.empty() ? "" : "," + fields) + "}}]" + rest + "}}";
}

const char two_pools[] = R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[
    {"replicaCount":"1","containerSpec":{"imageUri":"a","command":["x"]}},
    {"replicaCount":"2","containerSpec":{"imageUri":"b","command":["y"]}}]}})";

TEST(JobPlan, OneContainerGetsItsArgvImageAndKey)
{
    Plan plan(container(R"("command":["python3","-m"],"args":["trainer","--lr=0.1"])"));
    ASSERT_EQ(0, plan.result) << plan.err.text;
    ASSERT_EQ(1u, plan.size());
    EXPECT_EQ((std::vector<std::string>{"python3", "-m", "trainer", "--lr=0.1"}), plan.argv(0));
    EXPECT_STREQ("img", plan.task(0).image_uri);
    EXPECT_EQ(nullptr, plan.task(0).python_module);
    EXPECT_EQ(42u, plan.task(0).key.job_id);
    EXPECT_EQ(1u, plan.task(0).key.job_attempt);
    EXPECT_EQ(0u, plan.task(0).key.pool_index);
    EXPECT_EQ(0u, plan.task(0).key.restart);
    EXPECT_STREQ("d", plan.task(0).display_name);
    EXPECT_EQ(0u, plan.task(0).label_count);
}

/* The shape that real jobs were seen to have: "job" is a string of JSON, open_ports stands beside it. */
TEST(JobPlan, ADisplayNameWithANulIsPlannedAndMatchedByWhatStandsBefore)
{
    Plan plan(R"({"displayName":"a\u0000b","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":)"
              R"({"imageUri":"img"}}]}})");
    ASSERT_EQ(0, plan.result) << plan.err.text;
    EXPECT_STREQ("a", plan.task(0).display_name);
}

TEST(JobPlan, ClusterSpecIsThereForASingleReplicaAndTfConfigIsNot)
{
    Plan plan(container(""));
    environment env = plan.env(0);
    EXPECT_EQ(R"({"cluster":{"workerpool0":["127.0.0.1:20000"]},"environment":"cloud",)"
              R"("task":{"type":"workerpool0","index":0},)"
              R"("job":"{\"python_module\":\"\",\"package_uris\":[],\"job_args\":[]}","open_ports":[3333]})",
              env["CLUSTER_SPEC"]);
    EXPECT_EQ(0u, env.count("TF_CONFIG"));
}

TEST(JobPlan, SeveralReplicasGetTfConfigWithAChief)
{
    Plan plan(two_pools);
    ASSERT_EQ(3u, plan.size());
    EXPECT_EQ(R"({"cluster":{"workerpool0":["127.0.0.1:20000"],"workerpool1":["127.0.0.1:20001","127.0.0.1:20002"]},)"
              R"("environment":"cloud","task":{"type":"workerpool1","index":1},)"
              R"("job":"{\"python_module\":\"\",\"package_uris\":[],\"job_args\":[]}","open_ports":[3333]})",
              plan.env(2)["CLUSTER_SPEC"]);
    EXPECT_EQ(R"({"cluster":{"chief":["127.0.0.1:20000"],"worker":["127.0.0.1:20001","127.0.0.1:20002"]},)"
              R"("environment":"cloud","task":{"type":"worker","index":1,"cloud":"42"},)"
              R"("job":"{\"python_module\":\"\",\"package_uris\":[],\"job_args\":[]}"})",
              plan.env(2)["TF_CONFIG"]);
    EXPECT_NE(std::string::npos, plan.env(0)["TF_CONFIG"].find(R"("task":{"type":"chief","index":0)"));
}

/* *= proto: an evaluator learns of the cluster and is no part of it. */
TEST(JobPlan, AnEmptyPoolKeepsItsPlaceAndAnEvaluatorIsNotInTheTfCluster)
{
    Plan plan(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[
        {"replicaCount":"1","containerSpec":{"imageUri":"a"}}, {}, {"containerSpec":{"imageUri":"p"}},
        {"replicaCount":"1","containerSpec":{"imageUri":"e"}}]}})");
    ASSERT_EQ(0, plan.result) << plan.err.text;
    ASSERT_EQ(3u, plan.size());
    EXPECT_EQ(2u, plan.task(1).key.pool_index);
    EXPECT_EQ(3u, plan.task(2).key.pool_index);
    std::string tf = plan.env(2)["TF_CONFIG"];
    EXPECT_EQ(0u, tf.find(R"({"cluster":{"chief":["127.0.0.1:20000"],"ps":["127.0.0.1:20001"]},)")) << tf;
    EXPECT_NE(std::string::npos, tf.find(R"("task":{"type":"evaluator","index":0)")) << tf;
    std::string spec = plan.env(2)["CLUSTER_SPEC"];
    EXPECT_NE(std::string::npos, spec.find(R"("workerpool3":["127.0.0.1:20002"])")) << spec;
    EXPECT_EQ(std::string::npos, spec.find("workerpool1")) << spec;
}

TEST(JobPlan, RanksCountOverAllPoolsAndPointAtThePrimary)
{
    Plan plan(two_pools);
    for (size_t i = 0; i < 3; i++) {
        environment env = plan.env(i);
        EXPECT_EQ(std::to_string(i), env["RANK"]);
        EXPECT_EQ("3", env["WORLD_SIZE"]);
        EXPECT_EQ("127.0.0.1", env["MASTER_ADDR"]);
        EXPECT_EQ("20000", env["MASTER_PORT"]);
    }
}

TEST(JobPlan, OutputDirectoriesEndWithASlashAndStandOnlyWhereThereIsABase)
{
    EXPECT_EQ(0u, Plan(container("")).env(0).count("AIP_MODEL_DIR"));
    for (const char *prefix : {"gs://b/out", "gs://b/out/", "gs://b/out///"}) {
        Plan plan(container("", std::string(R"(,"baseOutputDirectory":{"outputUriPrefix":")") + prefix + "\"}"));
        environment env = plan.env(0);
        EXPECT_EQ("gs://b/out/model/", env["AIP_MODEL_DIR"]);
        EXPECT_EQ("gs://b/out/checkpoints/", env["AIP_CHECKPOINT_DIR"]);
        EXPECT_EQ("gs://b/out/logs/", env["AIP_TENSORBOARD_LOG_DIR"]);
    }
}

TEST(JobPlan, OutputDirectoriesLieInTheBucketTreeWhereThereIsOne)
{
    Plan plan(container("", R"(,"baseOutputDirectory":{"outputUriPrefix":"gs://b/out"})"), "/srv/buckets");
    EXPECT_EQ("/srv/buckets/b/out/model/", plan.env(0)["AIP_MODEL_DIR"]);
}

TEST(JobPlan, ProjectNumberIsConfiguredOrTheProjectsOwnOrTwelveStableDigits)
{
    EXPECT_EQ("7", Plan(container(""), nullptr, 7).env(0)["CLOUD_ML_PROJECT_ID"]);
    EXPECT_EQ("123456789012", Plan(container(""), nullptr, 0, "projects/123456789012/locations/l/customJobs/1")
                                  .env(0)["CLOUD_ML_PROJECT_ID"]);
    std::string made = Plan(container("")).env(0)["CLOUD_ML_PROJECT_ID"];
    EXPECT_EQ(12u, made.size());
    EXPECT_EQ(std::string::npos, made.find_first_not_of("0123456789"));
    EXPECT_EQ(made, Plan(container("")).env(0)["CLOUD_ML_PROJECT_ID"]);
    EXPECT_EQ("42", Plan(container("")).env(0)["CLOUD_ML_JOB_ID"]);
    EXPECT_EQ("us-central1", Plan(container("")).env(0)["CLOUD_ML_REGION"]);
}

/* *= proto: env_var.proto, EnvVar.value, with the rules of Kubernetes that it quotes. */
TEST(JobPlan, VariablesExpandFromEarlierEntriesAndServiceVariables)
{
    Plan plan(container(R"json("env":[
        {"name":"A","value":"1"},
        {"name":"B","value":"$(A)-$(RANK)-$(C)"},
        {"name":"C","value":"$(B)$(B)"},
        {"name":"ESCAPED","value":"$$(A)"},
        {"name":"ODD","value":"$ $A $(A $$ x$"},
        {"name":"NESTED","value":"$(ESCAPED)"},
        {"name":"A","value":"$(A)2"},
        {"name":"SELF","value":"$(SELF):x"}],
        "command":["run","$(A)"],"args":["$(B)/$(NONE)","$$(A)"])json"));
    ASSERT_EQ(0, plan.result) << plan.err.text;
    environment env = plan.env(0);
    EXPECT_EQ("1-0-$(C)", env["B"]);
    EXPECT_EQ("1-0-$(C)1-0-$(C)", env["C"]);
    EXPECT_EQ("$(A)", env["ESCAPED"]);
    EXPECT_EQ("$ $A $(A $ x$", env["ODD"]);
    EXPECT_EQ("$(A)", env["NESTED"]);
    EXPECT_EQ("12", env["A"]);
    EXPECT_EQ("$(SELF):x", env["SELF"]);
    EXPECT_EQ((std::vector<std::string>{"run", "12", "1-0-$(C)/$(NONE)", "$(A)"}), plan.argv(0));
}

TEST(JobPlan, TheUsersValueOfAServiceVariableCounts)
{
    Plan plan(container(R"json("env":[{"name":"RANK","value":"9"}],"command":["$(RANK)"])json"));
    EXPECT_EQ("9", plan.env(0)["RANK"]);
    EXPECT_EQ((std::vector<std::string>{"9"}), plan.argv(0));
}

TEST(JobPlan, AReplicaSeesItsPoolsMounts)
{
    const char *const name = "projects/my-project/locations/us-central1/customJobs/42";
    const char *nfs[] = {"10.0.0.2:/vol=/", nullptr}, *lustre[] = {"10.0.0.3:fs=/", nullptr};
    struct mount_map *map = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, mount_map_create(nfs, lustre, &map, &err)) << err.text;
    std::string job = container(R"json("command":["x"])json");
    job.insert(job.find("\"containerSpec\""),
               R"json("nfsMounts":[{"server":"10.0.0.2","path":"/vol","mountPoint":"data"}],)json"
               R"json("lustreMounts":[{"instanceIp":"10.0.0.3","filesystem":"fs","mountPoint":"fast"}],)json");
    Plan plan(job, nullptr, 0, name, nullptr, map);
    ASSERT_EQ(0, plan.result) << plan.err.text;
    ASSERT_EQ(2u, plan.task(0).mount_count);
    EXPECT_STREQ("/", plan.task(0).mounts[0].source);
    EXPECT_STREQ("/mnt/nfs/data", plan.task(0).mounts[0].target);
    EXPECT_STREQ("/mnt/lustre/fast", plan.task(0).mounts[1].target);
    Plan without(job);
    EXPECT_NE(0, without.result) << "the server was started without the map since";
    EXPECT_NE(std::string::npos, std::string(without.err.text).find("\"10.0.0.2:/vol\" any more")) << without.err.text;
    mount_map_destroy(map);
}

/* Unset would be all, and a value of the user's own might be what another job holds. */
TEST(JobPlan, AReplicaSeesTheDevicesItHolds)
{
    const char *const name = "projects/my-project/locations/us-central1/customJobs/42";
    const struct task_limits limits[] = {{1500, 1 << 20, 7, "GPU-a,GPU-b"}, {0, 0, 0, ""}, {0, 0, 0, "GPU-c"}};
    Plan plan(two_pools, nullptr, 0, name, limits);
    ASSERT_EQ(0, plan.result) << plan.err.text;
    EXPECT_EQ(1500u, plan.task(0).limits.cpus_milli);
    EXPECT_EQ(1u << 20, plan.task(0).limits.memory_bytes);
    EXPECT_EQ(7u, plan.task(0).limits.pids);
    EXPECT_STREQ("GPU-a,GPU-b", plan.task(0).limits.devices);
    EXPECT_STREQ("GPU-c", plan.task(2).limits.devices);
    EXPECT_EQ("GPU-a,GPU-b", plan.env(0)["CUDA_VISIBLE_DEVICES"]);
    EXPECT_EQ("GPU-a,GPU-b", plan.env(0)["NVIDIA_VISIBLE_DEVICES"]);
    EXPECT_EQ("", plan.env(1)["CUDA_VISIBLE_DEVICES"]);
    EXPECT_EQ("void", plan.env(1)["NVIDIA_VISIBLE_DEVICES"]);
    Plan own(container(R"json("env":[{"name":"CUDA_VISIBLE_DEVICES","value":"GPU-z"}],"command":["x"])json"), nullptr,
             0, name, limits);
    EXPECT_EQ("GPU-a,GPU-b", own.env(0)["CUDA_VISIBLE_DEVICES"]);
    EXPECT_EQ(0u, Plan(container("")).env(0).count("CUDA_VISIBLE_DEVICES"));
}

/* Each variable doubles the one before: a hundred of them would fill any memory. */
TEST(JobPlan, AnExpansionThatExplodesIsRefusedByName)
{
    std::string env = R"("env":[{"name":"V0","value":"0123456789"})";
    for (int i = 1; i < 99; i++) {
        std::string before = "$(V" + std::to_string(i - 1) + ")";
        env += R"(,{"name":"V)" + std::to_string(i) + R"(","value":")" + before + before + "\"}";
    }
    Plan plan(container(env + "]"));
    EXPECT_EQ(-1, plan.result);
    EXPECT_EQ(ERR_INVALID, plan.err.code);
    EXPECT_NE(std::string::npos, std::string(plan.err.text).find("job_spec.worker_pool_specs[0]: container_spec.env["));
    EXPECT_NE(std::string::npos, std::string(plan.err.text).find("the limit is 131071"));
}

TEST(JobPlan, ArgumentsAboveTheSystemsLimitAreRefused)
{
    std::string args;
    for (int i = 0; i < 12; i++) {
        args += (i ? ",\"" : "\"") + std::string(100000, 'x') + "\"";
    }
    Plan plan(container("\"args\":[" + args + "]"));
    EXPECT_EQ(-1, plan.result);
    EXPECT_EQ(ERR_INVALID, plan.err.code);
}

TEST(JobPlan, PythonPackagesGiveModulePackagesAndArgs)
{
    Plan plan(R"json({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","pythonPackageSpec":{
        "executorImageUri":"img","packageUris":["gs://b/a.tar.gz","gs://b/c.whl"],"pythonModule":"trainer.task",
        "args":["--x=$(RANK)","é\"\\"],"env":[{"name":"E","value":"v"}]}}]}})json");
    ASSERT_EQ(0, plan.result) << plan.err.text;
    EXPECT_STREQ("trainer.task", plan.task(0).python_module);
    ASSERT_NE(nullptr, plan.task(0).package_uris);
    EXPECT_STREQ("gs://b/a.tar.gz", plan.task(0).package_uris[0]);
    EXPECT_STREQ("gs://b/c.whl", plan.task(0).package_uris[1]);
    EXPECT_EQ(nullptr, plan.task(0).package_uris[2]);
    EXPECT_EQ((std::vector<std::string>{"--x=0", "é\"\\"}), plan.argv(0));
    EXPECT_EQ("v", plan.env(0)["E"]);
    EXPECT_NE(std::string::npos, plan.env(0)["CLUSTER_SPEC"].find(
                                     R"("job":"{\"python_module\":\"trainer.task\",\"package_uris\":[)"
                                     R"json(\"gs://b/a.tar.gz\",\"gs://b/c.whl\"],\"job_args\":[\"--x=$(RANK)\",)json"))
        << plan.env(0)["CLUSTER_SPEC"];
}

TEST(JobPlan, TasksTellTheLabelsOfTheirJob)
{
    Plan plan(R"({"displayName":"d","labels":{"simulate-duration":"200ms","simulate-exit-code":"3"},
        "jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"a"}}]}})");
    std::map<std::string, std::string> labels;
    for (size_t i = 0; i < plan.task(0).label_count; i++)
        labels[plan.task(0).labels[i].name] = plan.task(0).labels[i].value;
    EXPECT_EQ((std::map<std::string, std::string>{{"simulate-duration", "200ms"}, {"simulate-exit-code", "3"}}),
              labels);
}

struct job_shape shape_of(const std::string &wire)
{
    struct err err = ERR_INIT;
    struct job_shape shape = {};
    EXPECT_EQ(0, job_shape_read(as_span(wire), &shape, &err)) << err.text;
    return shape;
}

TEST(JobShape, CountsReplicasAndReadsLimits)
{
    struct job_shape shape = shape_of(simple_job(4, R"("timeout":"90.5s","maxWaitDuration":"60s")"));
    EXPECT_EQ(2u, shape.pool_count);
    EXPECT_EQ(1u, shape.pool_replicas[0]);
    EXPECT_EQ(3u, shape.pool_replicas[1]);
    EXPECT_EQ(4u, shape.replica_count);
    EXPECT_EQ(INT64_C(90500000000), shape.timeout_ns);
    EXPECT_EQ(INT64_C(60000000000), shape.wait_max_ns);
}

/* *= proto: Scheduling.timeout "The default is 7 days". */
TEST(JobShape, TimeoutIsSevenDaysByDefaultAndAWaitIsForEver)
{
    EXPECT_EQ(INT64_C(604800000000000), shape_of(simple_job()).timeout_ns);
    EXPECT_EQ(0, shape_of(simple_job()).wait_max_ns);
    EXPECT_EQ(0, shape_of(simple_job(1, R"("maxWaitDuration":"0s")")).wait_max_ns);
}

TEST(JobShape, TheLongestDurationDoesNotOverflow)
{
    EXPECT_EQ(INT64_MAX, shape_of(simple_job(1, R"("timeout":"315576000000s")")).timeout_ns);
}

TEST(JobShape, RefusesWhatDoesNotDecodeAndWhatRunsNothing)
{
    struct err err = ERR_INIT;
    struct job_shape shape;
    std::string nonsense("\xff\xff", 2);
    EXPECT_EQ(-1, job_shape_read(as_span(nonsense), &shape, &err));
    EXPECT_EQ(ERR_CORRUPT, err.code);
    std::string empty = job_wire(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{}]}})");
    EXPECT_EQ(-1, job_shape_read(as_span(empty), &shape, &err));
    EXPECT_EQ(ERR_INVALID, err.code);
}

} /* namespace */
