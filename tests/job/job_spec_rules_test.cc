#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "job/mount_map.h"
#include "job_wire.h"
#include "spec_case.h"

namespace {

std::string named(const std::string &display_name)
{
    return R"({"displayName":")" + display_name +
           R"(","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"i","command":["c"]}}]}})";
}

std::string labelled(const std::string &labels)
{
    return spec_json("", "", R"(,"labels":{)" + labels + "}");
}

std::string pools(const std::string &list)
{
    return R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[)" + list + "]}}";
}

std::string scheduled(const std::string &scheduling)
{
    return spec_json("", R"(,"scheduling":{)" + scheduling + "}");
}

const std::string ONE = R"({"replicaCount":"1","containerSpec":{"imageUri":"i","command":["c"]}})";
const std::string POOL = "job_spec.worker_pool_specs[0]";

TEST(JobSpecRules, OfTheJobItself)
{
    check_rules({
        {"least", spec_json(), {}},
        {"nothing at all", "{}", {"display_name: Required field is not set.", "job_spec: Required field is not set."}},
        {"no name", named(""), {"display_name: Required field is not set."}},
        {"128 characters of 3 bytes", named(repeat("日", 128)), {}},
        {"129 characters",
         named(repeat("é", 129)),
         {"display_name: \"" + repeat("é", 32) + "…\" has 129 characters; a display name has at most 128."}},
        {"a key of one's own",
         spec_json("", "", R"(,"encryptionSpec":{"kmsKeyName":"k"})"),
         {"encryption_spec.kms_key_name: This server has no keys: start it with --key-file or --kms-plugin, or leave "
          "encryption_spec out."}},
        {"a key without a name",
         spec_json("", "", R"(,"encryptionSpec":{})"),
         {"encryption_spec.kms_key_name: Required field is not set."}},
        {"a shell",
         spec_json("", R"(,"enableWebAccess":true)"),
         {"job_spec.enable_web_access: This server has no interactive shell into its replicas; leave enable_web_access "
          "false."}},
        {"tensorboard alone",
         spec_json("", R"(,"tensorboard":"t")"),
         {"job_spec.service_account: service_account must be specified when uploading to TensorBoard."}},
        {"tensorboard", spec_json("", R"(,"tensorboard":"t","serviceAccount":"s")"), {}},
        {"fields without effect",
         spec_json(R"(,"diskSpec":{"bootDiskType":"pd-ssd","bootDiskSizeGb":100},"machineSpec":{"machineType":"n1",
                     "reservationAffinity":{"reservationAffinityType":"SPECIFIC_RESERVATION","key":"k","values":["v"]}})",
                   R"(,"network":"any text","reservedIpRanges":["r"],"persistentResourceId":"p","experiment":"e",
                     "experimentRun":"r","models":["m"],"protectedArtifactLocationId":"l","enableDashboardAccess":true,
                     "scheduling":{"disableRetries":true,"restartJobOnWorkerRestart":true},
                     "pscInterfaceConfig":{"networkAttachment":"n"})"),
         {}},
        {"a peering without its parts",
         spec_json("", R"(,"pscInterfaceConfig":{"dnsPeeringConfigs":[{"domain":"d.","targetProject":"p",
                          "targetNetwork":"n"},{}]})"),
         {"job_spec.psc_interface_config.dns_peering_configs[1].domain: Required field is not set.",
          "job_spec.psc_interface_config.dns_peering_configs[1].target_network: Required field is not set.",
          "job_spec.psc_interface_config.dns_peering_configs[1].target_project: Required field is not set."}},
    });
}

TEST(JobSpecRules, OfTheOutputDirectory)
{
    const std::string FIELD = "job_spec.base_output_directory.output_uri_prefix: ";
    auto json = [](const std::string &prefix) {
        return spec_json("", R"(,"baseOutputDirectory":{"outputUriPrefix":")" + prefix + R"("})");
    };
    std::string longest = "gs://b/" + repeat("x", LIMIT_BUCKET_URI_BYTES - 7);
    check_rules({
        {"as the SDK makes it", json("gs://b/aiplatform-custom-job-2024-07-02-06:08:46.707"), {}},
        {"bucket alone", json("gs://b"), {}},
        {"longest", json(longest), {}},
        {"too long",
         json(longest + "y"),
         {FIELD + "\"gs://b/" + repeat("x", 57) + "…\" has 1253 bytes; a place in Cloud Storage has at most 1252."}},
        {"empty", json(""), {FIELD + "Required field is not set."}},
        {"a path", json("/out"), {FIELD + "\"/out\" must have the form gs://BUCKET or gs://BUCKET/PATH."}},
        {"no bucket", json("gs://"), {FIELD + "\"gs://\" must have the form gs://BUCKET or gs://BUCKET/PATH."}},
        {"empty bucket", json("gs:///o"), {FIELD + "\"gs:///o\" must have the form gs://BUCKET or gs://BUCKET/PATH."}},
        {"leads out", json("gs://b/../c"), {FIELD + "\"gs://b/../c\" must not lead out of its bucket by \"..\"."}},
        {"bucket ..", json("gs://.."), {FIELD + "\"gs://..\" must not lead out of its bucket by \"..\"."}},
        {"dots", json("gs://b/..c/d.."), {}},
        {"NUL", json("gs://b/\\u0000"), {FIELD + "\"gs://b/?\" must not have a NUL character within."}},
    });
}

TEST(JobSpecRules, OfLabels)
{
    const std::string KEYS =
        " is not allowed: keys may only contain lowercase letters, numbers, dashes and underscores,"
        " and start with a letter or number.";
    const std::string VALUES =
        " is not allowed: values may only contain lowercase letters, numbers, dashes and underscores.";
    std::string many;
    for (int i = 0; i < 65; i++) {
        many += (i > 0 ? "," : "") + ("\"k" + std::to_string(i)) + "\":\"v\"";
    }
    check_rules({
        {"plain", labelled(R"("team":"blue-1","a_b":"")"), {}},
        {"longest", labelled("\"" + repeat("k", 64) + "\":\"" + repeat("é", 64) + "\""), {}},
        {"other scripts", labelled(R"("ключ":"值","ßé":"हिन्दी")"), {}},
        {"upper case",
         labelled(R"("Team":"Blue")"),
         {"labels[Team]: The label's key \"Team\"" + KEYS, "labels[Team]: The label's value \"Blue\"" + VALUES}},
        {"upper case of others",
         labelled(R"("É":"Ж")"),
         {"labels[É]: The label's key \"É\"" + KEYS, "labels[É]: The label's value \"Ж\"" + VALUES}},
        {"signs",
         labelled(R"("a.b":"1.5s")"),
         {"labels[a.b]: The label's key \"a.b\"" + KEYS, "labels[a.b]: The label's value \"1.5s\"" + VALUES}},
        {"dash first", labelled(R"("-a":"-a")"), {"labels[-a]: The label's key \"-a\"" + KEYS}},
        {"controls",
         labelled(R"("a\t":"\u0000")"),
         {"labels[a?]: The label's key \"a?\"" + KEYS, "labels[a?]: The label's value \"?\"" + VALUES}},
        {"empty key", labelled(R"("":"v")"), {"labels[]: The label's key has 0 characters; a key has 1 to 64."}},
        {"long",
         labelled("\"" + repeat("é", 65) + "\":\"" + repeat("v", 65) + "\""),
         {"labels[" + repeat("é", 32) + "…]: The label's key has 65 characters; a key has 1 to 64.",
          "labels[" + repeat("é", 32) + "…]: The label's value has 65 characters; a value has at most 64."}},
        {"too many",
         labelled(many),
         {"labels: There can be no more than 64 labels attached to a single resource; there are 65."}},
    });
}

TEST(JobSpecRules, OfPools)
{
    check_rules({
        {"none", pools(""), {"job_spec.worker_pool_specs: Required field is not set."}},
        {"replicas left out mean one", pools(R"({"containerSpec":{"imageUri":"i","command":["c"]}})"), {}},
        {"a skipped primary",
         pools("{}," + ONE),
         {POOL + ": The first worker pool has the primary replica and cannot be skipped."}},
        {"no task",
         pools(R"({"replicaCount":"1"})"),
         {POOL + ": Exactly one of `container_spec` and `python_package_spec` should be specified."}},
        {"two primaries",
         pools(R"({"replicaCount":"2","containerSpec":{"imageUri":"i","command":["c"]}})"),
         {POOL +
          ".replica_count: The first worker pool has the primary replica alone, so replica_count must be 1; it is "
          "2."}},
        {"less than none",
         pools(ONE + R"(,{"replicaCount":"-1","containerSpec":{"imageUri":"i","command":["c"]}})"),
         {"job_spec.worker_pool_specs[1].replica_count: replica_count is -1; it must not be negative."}},
        {"five pools",
         pools(ONE + ",{},{},{},{}"),
         {"job_spec.worker_pool_specs: There are 5 worker pools; at most 4 have a meaning: primary, workers, parameter "
          "servers, evaluators."}},
        {"mounts",
         spec_json(R"(,"nfsMounts":[{"server":"s"}],"lustreMounts":[{"filesystem":"f"}])"),
         {POOL + ".lustre_mounts[0].mount_point: \"\" is no name of a directory: letters, digits and ._- are, at most "
                 "128.",
          POOL + ".lustre_mounts[0]: No directory of this host stands for \":f\"; the server's --lustre-map says which "
                 "do.",
          POOL +
              ".nfs_mounts[0].mount_point: \"\" is no name of a directory: letters, digits and ._- are, at most 128.",
          POOL + ".nfs_mounts[0]: No directory of this host stands for \"s:\"; the server's --nfs-map says which do."}},
        {"a disk of less than nothing",
         spec_json(R"(,"diskSpec":{"bootDiskSizeGb":-1})"),
         {POOL + ".disk_spec.boot_disk_size_gb: boot_disk_size_gb is -1; it must not be negative."}},
    });
}

TEST(JobSpecRules, OfMountsThatStandForSomething)
{
    const char *nfs[] = {"10.0.0.2:/vol=/", nullptr};
    struct job_spec_rules rules = host_rules();
    struct mount_map *map = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, mount_map_create(nfs, nullptr, &map, &err)) << err.text;
    rules.mounts = map;
    auto with = [&](const char *mount) {
        return prepare(job_wire(spec_json(std::string(",\"nfsMounts\":[") + mount + "]")), API_V1, rules);
    };
    EXPECT_TRUE(with(R"({"server":"10.0.0.2","path":"/vol","mountPoint":"data"})").faults.empty());
    EXPECT_EQ(1u, with(R"({"server":"10.0.0.2","path":"/other","mountPoint":"data"})").faults.size());
    EXPECT_EQ(1u, with(R"({"server":"10.0.0.2","path":"/vol","mountPoint":"../etc"})").faults.size());
    const std::string data = R"({"server":"10.0.0.2","path":"/vol","mountPoint":"data"})";
    EXPECT_EQ(
        std::vector<std::string>{POOL + ".nfs_mounts[1].mount_point: nfs_mounts[0] is mounted at \"data\" already."},
        with((data + "," + data).c_str()).faults);
    mount_map_destroy(map);
}

TEST(JobSpecRules, OfHowManyReplicasFit)
{
    auto job = [](const char *second, const char *third) {
        std::string container = R"("containerSpec":{"imageUri":"i","command":["c"]})";
        return job_wire(pools(ONE + ",{\"replicaCount\":\"" + second + "\"," + container + "},{},{\"replicaCount\":\"" +
                              third + "\"," + container + "}"));
    };
    SpecCase fits = prepare(job("90", "9"));
    EXPECT_EQ(std::vector<std::string>{}, fits.faults);
    EXPECT_EQ(100u, fits.replica_count);
    EXPECT_EQ(std::vector<std::string>{"job_spec.worker_pool_specs: The job has 101 replicas in all and could never "
                                       "start: this server runs at most 100 at a time (--max-replicas)."},
              prepare(job("90", "10")).faults);
    /* Sums beyond what 64 bits hold. */
    EXPECT_EQ(std::vector<std::string>{"job_spec.worker_pool_specs: The job has 4294967295 replicas in all and could "
                                       "never start: this server runs at most 100 at a time (--max-replicas)."},
              prepare(job("9223372036854775807", "9223372036854775807")).faults);
    struct job_spec_rules rules = host_rules();
    rules.replicas_max = 1000000;
    EXPECT_EQ(0u, prepare(job("7000", "200"), API_V1, rules).count);
    EXPECT_EQ(std::vector<std::string>{"job_spec.worker_pool_specs: The job has 10001 replicas in all; the addresses "
                                       "of at most 7281 fit into CLUSTER_SPEC."},
              prepare(job("5000", "5000"), API_V1, rules).faults);
}

TEST(JobSpecRules, OfMachines)
{
    const std::string BOTH = POOL + ".machine_spec.accelerator_type: Both `accelerator_type` and `accelerator_count` "
                                    "should be specified or none.";
    auto json = [](const std::string &machine) { return spec_json(R"(,"machineSpec":{)" + machine + "}"); };
    check_rules({
        {"empty", json(""), {}},
        {"both", json(R"("machineType":"n1-standard-8","acceleratorType":"NVIDIA_TESLA_T4","acceleratorCount":4)"), {}},
        {"a TPU",
         json(R"("machineType":"ct5lp","acceleratorType":"TPU_V5_LITEPOD","acceleratorCount":1,"tpuTopology":"2x2")"),
         {}},
        {"type alone", json(R"("acceleratorType":"NVIDIA_L4")"), {BOTH}},
        {"count alone", json(R"("acceleratorCount":2)"), {BOTH}},
        {"less than none",
         json(R"("acceleratorType":"NVIDIA_L4","acceleratorCount":-1)"),
         {POOL + ".machine_spec.accelerator_count: accelerator_count is -1; it must not be negative."}},
        {"no such type",
         json(R"("acceleratorType":19,"acceleratorCount":1)"),
         {POOL + ".machine_spec.accelerator_type: There is no accelerator type 19; the last is NVIDIA_RTX_PRO_6000 "
                 "(18)."}},
        {"a type below 0",
         json(R"("acceleratorType":-3,"acceleratorCount":1)"),
         {POOL + ".machine_spec.accelerator_type: There is no accelerator type -3; the last is NVIDIA_RTX_PRO_6000 "
                 "(18)."}},
        {"reservation of no type",
         json(R"("reservationAffinity":{"key":"k"})"),
         {POOL + ".machine_spec.reservation_affinity.reservation_affinity_type: Required field is not set."}},
        {"reservation of no known type",
         json(R"("reservationAffinity":{"reservationAffinityType":4})"),
         {POOL +
          ".machine_spec.reservation_affinity.reservation_affinity_type: There is no reservation affinity type 4; "
          "the last is SPECIFIC_RESERVATION (3)."}},
    });
}

TEST(JobSpecRules, OfScheduling)
{
    auto wrong = [](const char *field, const std::string &what, const std::string &why) {
        return std::string("job_spec.scheduling.") + field + ": A duration of " + what + " is not allowed: " + why +
               ".";
    };
    check_rules({
        {"empty", scheduled(""), {}},
        {"plain", scheduled(R"("timeout":"3600.5s","maxWaitDuration":"60s","strategy":"SPOT")"), {}},
        {"deprecated strategies", scheduled(R"("strategy":"ON_DEMAND")"), {}},
        {"longest", scheduled(R"("timeout":"315576000000s")"), {}},
        {"no timeout at all",
         scheduled(R"("timeout":"0s")"),
         {wrong("timeout", "seconds 0 and nanos 0", "it must be more than 0, or left out for 7 days")}},
        {"wait for ever", scheduled(R"("maxWaitDuration":"0s")"), {}},
        {"negative",
         scheduled(R"("timeout":"-1s","maxWaitDuration":"-3s")"),
         {wrong("max_wait_duration", "seconds -3 and nanos 0", "it must not be negative"),
          wrong("timeout", "seconds -1 and nanos 0", "it must not be negative")}},
        {"no such strategy",
         scheduled(R"("strategy":5)"),
         {"job_spec.scheduling.strategy: There is no strategy 5; it must be STANDARD (3), SPOT (4), FLEX_START (6) or "
          "left out."}},
        {"flex start", scheduled(R"("strategy":"FLEX_START","timeout":"604800s","maxWaitDuration":"0s")"), {}},
        {"long flex start",
         scheduled(R"("strategy":"FLEX_START","timeout":"604800.1s")"),
         {"job_spec.scheduling.timeout: The timeout is 604800 seconds; with FLEX_START it is at most 604800 (7 days)."}},
    });
}

/* What JSON cannot say. */
TEST(JobSpecRules, OfDurationsThatAreNone)
{
    struct {
        std::string duration; /* wire bytes */
        const char *what;
    } const cases[] = {
        {std::string("\x08\x81\xbc\xae\xce\x97\x09", 7),
         "seconds 315576000001 and nanos 0 is not allowed: seconds are at most 315576000000."},
        {std::string("\x10\x80\x94\xeb\xdc\x03", 6),
         "seconds 0 and nanos 1000000000 is not allowed: nanos are at most 999999999."},
        {std::string("\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13),
         "seconds 1 and nanos -1 is not allowed: seconds and nanos have the same sign."},
    };
    for (const auto &each : cases) {
        std::string timeout = std::string("\x0a", 1) + (char)each.duration.size() + each.duration;
        std::string scheduling = std::string("\x1a", 1) + (char)timeout.size() + timeout;
        std::string spec = std::string("\x22", 1) + (char)scheduling.size() + scheduling;
        SpecCase found = prepare(job_wire(spec_json()) + spec);
        EXPECT_EQ(std::vector<std::string>{std::string("job_spec.scheduling.timeout: A duration of ") + each.what},
                  found.faults);
    }
}

TEST(JobSpecRules, OfFlexStartWantOneKindOfMachine)
{
    auto job = [](const char *first, const char *second) {
        std::string container = R"("containerSpec":{"imageUri":"i","command":["c"]})";
        return job_wire(R"({"displayName":"d","jobSpec":{"scheduling":{"strategy":"FLEX_START"},"workerPoolSpecs":[{)" +
                        container + first + "},{}," + "{" + container + second + "}]}}");
    };
    const char *t4 = R"(,"machineSpec":{"machineType":"n1","acceleratorType":"NVIDIA_TESLA_T4","acceleratorCount":1})";
    const char *t4s = R"(,"machineSpec":{"machineType":"n1","acceleratorType":"NVIDIA_TESLA_T4","acceleratorCount":2})";
    std::vector<std::string> fault = {
        "job_spec.worker_pool_specs[2].machine_spec: With FLEX_START all worker pools have "
        "the same machine type and accelerators."};
    EXPECT_EQ(0u, prepare(job(t4, t4)).count);
    EXPECT_EQ(0u, prepare(job("", "")).count);
    EXPECT_EQ(fault, prepare(job(t4, t4s)).faults);
    EXPECT_EQ(fault, prepare(job(t4, "")).faults);
}

TEST(JobSpecRules, TellAllFaultsOfARequestAtOnce)
{
    SpecCase found = prepare(job_wire(R"({"labels":{"A":"b"},"encryptionSpec":{},"jobSpec":{"enableWebAccess":true,
        "scheduling":{"timeout":"0s"},"workerPoolSpecs":[{"replicaCount":"3","machineSpec":{"acceleratorCount":1},
        "containerSpec":{"env":[{"name":"-"}]}}]}})"));
    EXPECT_EQ(0, found.result);
    EXPECT_EQ(11u, found.count);
}

} /* namespace */
