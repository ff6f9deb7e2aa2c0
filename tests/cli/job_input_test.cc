#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

#include "cli/job_input.h"
#include "cli/json_message.h"
#include "google/cloud/aiplatform/v1/custom_job.upbdefs.h"
#include "helpers.h"

namespace {

/* A folder of its own for the files of a test. */
class JobInput : public testing::Test {
  protected:
    void SetUp() override
    {
        char name[] = "/tmp/customjob-input-XXXXXX";
        ASSERT_NE(nullptr, mkdtemp(name));
        folder_ = name;
    }
    void TearDown() override
    {
        for (const std::string &file : files_) {
            unlink(file.c_str());
        }
        rmdir(folder_.c_str());
    }

    std::string file(const std::string &name, const std::string &contents)
    {
        files_.push_back(folder_ + "/" + name);
        std::ofstream(files_.back()) << contents;
        return files_.back();
    }

    /* The job as JSON, or the error without the folder's name. */
    std::string job(std::vector<std::string> words)
    {
        words.insert(words.begin(), "create");
        Line line(words);
        Arena arena;
        Pool pool;
        struct err err = ERR_INIT;
        google_cloud_aiplatform_v1_CustomJob *job = nullptr;
        struct doc *doc = nullptr;
        struct text text = {};
        if (line.failed) {
            return line.err.text;
        }
        if (job_input_read(&line.args, pool, arena, &job, &err)) {
            std::string error = err.text;
            size_t at = error.find(folder_ + "/");
            return at == std::string::npos ? error : error.erase(at, folder_.size() + 1);
        }
        if (json_message_to_doc(job, google_cloud_aiplatform_v1_CustomJob_getmsgdef(pool), pool, arena, &doc, &err)) {
            return err.text;
        }
        doc_write_json_line(&text, doc);
        return take(&text);
    }

    std::string folder_;
    std::vector<std::string> files_;
};

const char *const kJob = R"({"displayName":"train","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1",)"
                         R"("containerSpec":{"imageUri":"i","command":["c"]}}]}})";

TEST_F(JobInput, TakesJsonYamlAndBothSpellings)
{
    EXPECT_EQ(kJob, job({file("a.json", kJob)}));
    EXPECT_EQ(kJob, job({file("b.yaml", "displayName: train\njobSpec:\n  workerPoolSpecs:\n  - replicaCount: 1\n"
                                        "    containerSpec: {imageUri: i, command: [c]}\n")}));
    EXPECT_EQ(kJob, job({file("c.yaml", "display_name: train\njob_spec:\n  worker_pool_specs:\n  - replica_count: '1'\n"
                                        "    container_spec: {image_uri: i, command: [c]}\n")}));
}

TEST_F(JobInput, KnowsASpecByItsKeysAndNamesItAfterItsFile)
{
    std::string spec = "workerPoolSpecs:\n- replicaCount: 1\n  containerSpec: {imageUri: i, command: [c]}\n";
    EXPECT_EQ(kJob, job({file("train.yaml", spec)}));
    EXPECT_EQ(kJob, job({"--config", file("config.yaml", spec), "--display-name=train"}));
    EXPECT_EQ("wrong.yaml:1: job_spec: a CustomJobSpec has no field \"displayName\"",
              job({"--config", file("wrong.yaml", "displayName: x\n" + spec)}));
}

/* As gcloud does, and as its own help shows. */
TEST_F(JobInput, TakesOnePoolWithoutAList)
{
    EXPECT_EQ(kJob, job({file("train.yaml",
                              "workerPoolSpecs:\n  replicaCount: 1\n  containerSpec: {imageUri: i, command: [c]}\n")}));
    EXPECT_EQ(kJob, job({file("job.yaml", "displayName: train\njobSpec:\n  workerPoolSpecs:\n    replicaCount: 1\n"
                                          "    containerSpec: {imageUri: i, command: [c]}\n")}));
}

TEST_F(JobInput, KeepsPlainScalarsAsTheyWereWrittenWhereAFieldIsAText)
{
    EXPECT_EQ(
        R"({"displayName":"7","jobSpec":{"workerPoolSpecs":[{"containerSpec":{"imageUri":"true",)"
        R"("args":["0.10","010","1e3","true","yes","0x1F"],"env":[{"name":"A","value":"1"}]}}]},"labels":{"v":"1.0"}})",
        job({file("a.yaml", "displayName: 7\nlabels: {v: 1.0}\njobSpec:\n  workerPoolSpecs:\n  - containerSpec:\n"
                            "      imageUri: true\n      args: [0.10, 010, 1e3, true, yes, 0x1F]\n"
                            "      env: [{name: A, value: 1}]\n")}));
    EXPECT_EQ("b.json:1: display_name: a text in quotes is wanted, not \"7\"",
              job({file("b.json", R"({"displayName":7})")}));
    EXPECT_EQ("c.yaml:3: job_spec.worker_pool_specs[0].container_spec.args[1]: a text is wanted; put \"~\" in quotes",
              job({file("c.yaml", "jobSpec:\n  workerPoolSpecs:\n  - containerSpec: {args: [a, ~]}\n")}));
}

TEST_F(JobInput, ReadsNumbersOfEverySpelling)
{
    EXPECT_EQ(
        R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":"9007199254740993"},{"replicaCount":"31"},{"replicaCount":"8"},)"
        R"({"replicaCount":"-3"}]}})",
        job({file("a.yaml", "jobSpec:\n  workerPoolSpecs:\n  - replicaCount: 9007199254740993\n  - replicaCount: 0x1F\n"
                            "  - replicaCount: 0o10\n  - replicaCount: '-3'\n")}));
    EXPECT_EQ("b.yaml:2: job_spec.worker_pool_specs[0].replica_count: a whole number is wanted, not \"1.5\"",
              job({file("b.yaml", "jobSpec:\n  workerPoolSpecs: [{replicaCount: 1.5}]\n")}));
    EXPECT_EQ(
        "c.yaml:2: job_spec.worker_pool_specs[0].machine_spec.accelerator_count: 2147483648 is not between -2147483648 "
        "and 2147483647",
        job({file("c.yaml", "jobSpec:\n  workerPoolSpecs: [{machineSpec: {acceleratorCount: 2147483648}}]\n")}));
    EXPECT_EQ(
        "d.yaml:2: job_spec.worker_pool_specs[0].replica_count: a whole number is wanted, not \"99999999999999999999\"",
        job({file("d.yaml", "jobSpec:\n  workerPoolSpecs: [{replicaCount: 99999999999999999999}]\n")}));
}

TEST_F(JobInput, NamesTheFieldThatWasMeant)
{
    EXPECT_EQ("a.yaml:3: job_spec.worker_pool_specs[0]: a WorkerPoolSpec has no field \"replicaCuont\"; did you mean "
              "\"replicaCount\"?",
              job({file("a.yaml", "jobSpec:\n  workerPoolSpecs:\n  - replicaCuont: 1\n")}));
    EXPECT_EQ("b.yaml:1: a CustomJob has no field \"xyz\"", job({file("b.yaml", "xyz: 1\n")}));
    EXPECT_EQ(
        "c.yaml:2: job_spec.worker_pool_specs[0].machine_spec.accelerator_type: there is no AcceleratorType "
        "\"nvidia-tesla-t4\"; did you mean NVIDIA_TESLA_T4?",
        job({file("c.yaml", "jobSpec:\n  workerPoolSpecs: [{machineSpec: {acceleratorType: nvidia-tesla-t4}}]\n")}));
}

TEST_F(JobInput, RefusesValuesOfTheWrongKind)
{
    EXPECT_EQ("a.yaml:1: job_spec: the fields of a CustomJobSpec are wanted, not a list",
              job({file("a.yaml", "jobSpec: []\n")}));
    EXPECT_EQ("b.yaml:1: labels: a mapping is wanted, not a list", job({file("b.yaml", "labels: [a]\n")}));
    EXPECT_EQ("c.yaml:2: job_spec.scheduling.timeout: a duration is wanted, such as \"3600s\"",
              job({file("c.yaml", "jobSpec:\n  scheduling: {timeout: 3600}\n")}));
    EXPECT_EQ("d.yaml:2: job_spec.scheduling.disable_retries: true or false is wanted, not \"yes\"",
              job({file("d.yaml", "jobSpec:\n  scheduling: {disableRetries: yes}\n")}));
    EXPECT_EQ("e.yaml:1: the fields of a CustomJob are wanted, not a text", job({file("e.yaml", "hello\n")}));
    EXPECT_EQ("f.yaml: line 3: \"scheduling\" stands here twice",
              job({file("f.yaml", "jobSpec:\n  scheduling: {}\n  scheduling: {}\n")}));
}

TEST_F(JobInput, RefusesTwoSpellingsOfOneFieldAndTwoOfAOneof)
{
    EXPECT_EQ("a.yaml:2: \"display_name\" stands here twice",
              job({file("a.yaml", "displayName: a\ndisplay_name: b\n")}));
    EXPECT_EQ("b.yaml:2: job_spec.worker_pool_specs[0]: only one of container_spec and python_package_spec can be set",
              job({file("b.yaml", "jobSpec:\n  workerPoolSpecs: [{containerSpec: {}, pythonPackageSpec: {}}]\n")}));
    EXPECT_EQ(R"({"jobSpec":{"workerPoolSpecs":[{"containerSpec":{}}]}})",
              job({file("c.yaml", "jobSpec:\n  workerPoolSpecs: [{containerSpec: {}, pythonPackageSpec: null}]\n")}));
}

/* Nine levels of ten aliases each are a billion nodes. */
TEST_F(JobInput, BoundsWhatAliasesCanBecome)
{
    std::string bomb = "jobSpec:\n  workerPoolSpecs:\n  - containerSpec:\n      args: &a [";
    for (int i = 0; i < 5000; i++) {
        bomb += "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,";
    }
    bomb += "x]\n";
    for (int i = 0; i < 1000; i++) {
        bomb += "  - containerSpec: {args: *a}\n";
    }
    EXPECT_EQ("bomb.yaml: more than 4194304 bytes", job({file("bomb.yaml", bomb)}));
}

TEST_F(JobInput, LaysOptionsOverTheFile)
{
    EXPECT_EQ(R"({"displayName":"b","jobSpec":{},"labels":{"k":"new"}})",
              job({file("a.yaml", "displayName: a\njobSpec: {}\nlabels: {k: old}\n"), "-n", "b", "--labels=k=new"}));
    EXPECT_EQ(
        R"({"displayName":"a","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"i"}}],)"
        R"("serviceAccount":"s"}})",
        job({file("b.yaml", "displayName: a\njobSpec: {serviceAccount: s, workerPoolSpecs: [{}, {}]}\n"),
             "--worker-pool-spec=container-image-uri=i"}));
}

TEST_F(JobInput, MakesPoolsOfGcloudsFlags)
{
    EXPECT_EQ(
        R"({"displayName":"n","jobSpec":{"workerPoolSpecs":[)"
        R"({"machineSpec":{"machineType":"n1-standard-4","acceleratorType":"NVIDIA_TESLA_T4","acceleratorCount":1},)"
        R"("replicaCount":"1","containerSpec":{"imageUri":"i","command":["python3","a.py"],"args":["--x","1"]}},{},)"
        R"({"machineSpec":{"machineType":"m"},"replicaCount":"3","pythonPackageSpec":{"executorImageUri":"e",)"
        R"("packageUris":["gs://b/p.tar.gz"],"pythonModule":"t.task","args":["--x","1"]}}]}})",
        job({"--display-name", "n",
             "--worker-pool-spec=machine-type=n1-standard-4,accelerator-type=nvidia-tesla-t4,container-image-uri=i",
             "--worker-pool-spec=",
             "--worker-pool-spec=machine-type=m,replica-count=3,executor-image-uri=e,python-module=t.task",
             "--command=python3,a.py", "--args=--x,1", "--python-package-uris=gs://b/p.tar.gz"}));
    EXPECT_EQ("--worker-pool-spec has no key \"machin-type\"; did you mean machine-type?",
              job({"--worker-pool-spec=machin-type=x"}));
    EXPECT_EQ("--worker-pool-spec wants KEY=VALUE, not \"x\"", job({"--worker-pool-spec=x"}));
    EXPECT_EQ(
        "--worker-pool-spec: local-package-path has gcloud build an image, which customjob does not do; name a built one by "
        "container-image-uri",
        job({"--worker-pool-spec=local-package-path=."}));
    EXPECT_EQ("--worker-pool-spec: replica_count: a whole number is wanted, not \"many\"",
              job({"--worker-pool-spec=replica-count=many,container-image-uri=i"}));
}

TEST_F(JobInput, MakesAJobOfACommand)
{
    EXPECT_EQ(
        R"({"displayName":"sh","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"local",)"
        R"("command":["/bin/sh","-c","a,b"],"env":[{"name":"A","value":"b=c"},{"name":"E"}]}}]}})",
        job({"--env=A=b=c", "-e", "E=", "--", "/bin/sh", "-c", "a,b"}));
    EXPECT_EQ(
        R"({"displayName":"n","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","containerSpec":{"imageUri":"i","command":["c"]}},)"
        R"({"replicaCount":"3","containerSpec":{"imageUri":"i","command":["c"]}}]}})",
        job({"-n", "n", "--image=i", "--replicas=4", "--", "c"}));
    EXPECT_EQ("after -- a command is wanted", job({"--"}));
    EXPECT_EQ("--replicas wants a number from 1 to 1000000", job({"--replicas=0", "--", "c"}));
}

TEST_F(JobInput, TellsOptionsThatDoNotGoTogether)
{
    std::string a = file("a.yaml", "displayName: a\n");
    EXPECT_NE(std::string::npos, job({a, "--config", a}).find("do not go together"));
    EXPECT_EQ("customjob create wants a file, --config, --worker-pool-spec or -- COMMAND", job({}));
    EXPECT_EQ("--image and --replicas go with -- COMMAND only", job({a, "--image=x"}));
    EXPECT_EQ("--command, --args, --python-package-uris and --env go with --worker-pool-spec or -- COMMAND",
              job({a, "--args=x"}));
    EXPECT_EQ("--labels wants KEY=VALUE, not \"x\"", job({a, "--labels=x"}));
    EXPECT_EQ("missing.yaml: No such file or directory", job({folder_ + "/missing.yaml"}));
}

} // namespace
