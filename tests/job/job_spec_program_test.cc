#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "job_wire.h"
#include "spec_case.h"

namespace {

const std::string POOL = "job_spec.worker_pool_specs[0]";
const std::string CONTAINER = POOL + ".container_spec";
const std::string PYTHON = POOL + ".python_package_spec";

TEST(JobSpecPrograms, OfContainers)
{
    std::string longest = repeat("x", LIMIT_EXEC_STRING_BYTES - 1);
    std::string shown = "\"" + repeat("x", 64) + "…\"";
    check_rules({
        {"empty",
         container_json(""),
         {CONTAINER + ".command: " + host_rules().needs_command, CONTAINER + ".image_uri: Required field is not set."}},
        {"args alone",
         container_json(R"("imageUri":"i","args":["a"])"),
         {CONTAINER + ".command: " + host_rules().needs_command}},
        {"no program",
         container_json(R"("imageUri":"i","command":["","a"])"),
         {CONTAINER + ".command[0]: The first word of a command names the program to run; it must not be empty."}},
        {"empty arguments", container_json(R"("imageUri":"i","command":["c",""],"args":["",""])"), {}},
        {"NUL",
         container_json(R"("imageUri":"i\u0000","command":["c\u0000"],"args":["a","b\u0000"])"),
         {CONTAINER + ".args[1]: \"b?\" has a NUL character within, which no program can be given.",
          CONTAINER + ".command[0]: \"c?\" has a NUL character within, which no program can be given.",
          CONTAINER + ".image_uri: \"i?\" has a NUL character within, which no program can be given."}},
        {"longest string", container_json(R"("imageUri":"i","command":["c",")" + longest + "\"]"), {}},
        {"too long a string",
         container_json(R"("imageUri":"i","command":["c"],"args":[")" + longest + "x\"]"),
         {CONTAINER + ".args[0]: " + shown + " has 131071 bytes; at most 131070 can be passed to a program."}},
        {"too much",
         container_json(R"("imageUri":"i","command":["c"],"args":[)" + repeat("\"" + longest + "\"", 8, ",") + "]"),
         {CONTAINER + ": Arguments and environment take 1048642 bytes (9 more per string than its length); at most "
                      "1048576 can be passed to a program."}},
        {"too many",
         container_json(R"("imageUri":"i","command":["c"],"args":[)" + repeat("\"\"", 120000, ",") + "]"),
         {CONTAINER + ": Arguments and environment take 1080010 bytes (9 more per string than its length); at most "
                      "1048576 can be passed to a program."}},
    });
}

TEST(JobSpecPrograms, OfVariables)
{
    auto json = [](const std::string &env) {
        return container_json(R"("imageUri":"i","command":["c"],"env":[)" + env + "]");
    };
    std::string fine = R"({"name":"A","value":"b"})";
    std::string longest = repeat("x", LIMIT_EXEC_STRING_BYTES - 1 - 2);
    const std::string NAME = " is no C identifier: letters, digits and underscores, not beginning with a digit.";
    check_rules({
        {"fine", json(R"J({"name":"_a1","value":"$(NOT_THERE) $$(A)"},{"name":"_a1","value":"again"})J"), {}},
        {"100", json(repeat(fine, 100, ",")), {}},
        {"101",
         json(repeat(fine, 101, ",")),
         {CONTAINER + ".env: There are 101 environment variables; at most 100 are allowed."}},
        {"empty",
         json(fine + ",{}"),
         {CONTAINER + ".env[1].name: Required field is not set.",
          CONTAINER + ".env[1].value: Required field is not set."}},
        {"digit first", json(R"({"name":"1a","value":"v"})"), {CONTAINER + ".env[0].name: \"1a\"" + NAME}},
        {"with =", json(R"({"name":"a=b","value":"v"})"), {CONTAINER + ".env[0].name: \"a=b\"" + NAME}},
        {"not ASCII", json(R"({"name":"é","value":"é"})"), {CONTAINER + ".env[0].name: \"é\"" + NAME}},
        {"long name",
         json("{\"name\":\"" + repeat("N", 1025) + R"(","value":"v"})"),
         {CONTAINER + ".env[0].name: \"" + repeat("N", 64) + "…\" has 1025 bytes; a name has at most 1024."}},
        {"NUL",
         json(R"({"name":"A","value":"\u0000"})"),
         {CONTAINER + ".env[0].value: \"?\" has a NUL character within, which no program can be given."}},
        {"longest", json(R"({"name":"A","value":")" + longest + "\"}"), {}},
        {"too long",
         json(R"({"name":"A","value":"x)" + longest + "\"}"),
         {CONTAINER + ".env[0].value: \"" + repeat("x", 64) +
          "…\" has 131069 bytes; at most 131068 can be passed to a "
          "program."}},
    });
}

TEST(JobSpecPrograms, OfPythonPackages)
{
    auto json = [](const std::string &uris) {
        return python_json(R"("executorImageUri":"e","pythonModule":"m","packageUris":[)" + uris + "]");
    };
    std::string first = PYTHON + ".package_uris[0]: ";
    check_rules({
        {"empty",
         python_json(""),
         {PYTHON + ".executor_image_uri: Required field is not set.",
          PYTHON + ".package_uris: Required field is not set.", PYTHON + ".python_module: Required field is not set."}},
        {"every place", json(R"("gs://b/p/t.tar.gz","file:///tmp/t.whl","/tmp/t")"), {}},
        {"100", json(repeat("\"/p\"", 100, ",")), {}},
        {"101",
         json(repeat("\"/p\"", 101, ",")),
         {PYTHON + ".package_uris: There are 101 packages; at most 100 are allowed."}},
        {"nothing",
         json("\"\""),
         {first + "\"\" must be gs://BUCKET/OBJECT, file:///PATH or an absolute path of the host."}},
        {"web",
         json(R"("https://h/p")"),
         {first + "\"https://h/p\" must be gs://BUCKET/OBJECT, file:///PATH or an absolute path of the host."}},
        {"a bucket", json(R"("gs://b")"), {first + "\"gs://b\" must have the form gs://BUCKET/OBJECT."}},
        {"a folder", json(R"("gs://b/p/")"), {first + "\"gs://b/p/\" must have the form gs://BUCKET/OBJECT."}},
        {"leads out",
         json(R"("gs://b/../../etc/p")"),
         {first + "\"gs://b/../../etc/p\" must not lead out of its place by \"..\"."}},
        {"NUL", json(R"("/p\u0000")"), {first + "\"/p?\" has a NUL character within, which no program can be given."}},
        {"arguments and environment",
         python_json(R"("executorImageUri":"e","pythonModule":"m","packageUris":["/p"],"args":["\u0000"],"env":[{}])"),
         {PYTHON + ".args[0]: \"?\" has a NUL character within, which no program can be given.",
          PYTHON + ".env[0].name: Required field is not set.", PYTHON + ".env[0].value: Required field is not set."}},
    });
}

TEST(JobSpecPrograms, OfAnExecutorThatRunsImagesAndInstallsNothing)
{
    struct job_spec_rules rules = {};
    rules.replicas_max = 10;
    EXPECT_EQ(0u, prepare(job_wire(container_json(R"("imageUri":"i","args":["a"])")), API_V1, rules).count);
    EXPECT_EQ(0u, prepare(job_wire(container_json(R"("imageUri":"i")")), API_V1, rules).count);
    EXPECT_EQ(std::vector<std::string>{PYTHON + ": The executor of this server cannot install Python packages; use "
                                                "container_spec."},
              prepare(job_wire(python_json(R"("executorImageUri":"e","pythonModule":"m","packageUris":["/p"])")),
                      API_V1, rules)
                  .faults);
}

/* What only shows when $(VAR) has been put in, and when the cluster is described. */
TEST(JobSpecPrograms, OfSizesThatOnlyAPlanShows)
{
    std::string big = R"({"name":"BIG","value":")" + repeat("x", 100000) + "\"}";
    SpecCase twice =
        prepare(job_wire(container_json(R"J("imageUri":"i","command":["c","$(BIG)$(BIG)"],"env":[)J" + big + "]")));
    EXPECT_EQ(std::vector<std::string>{POOL +
                                       ": container_spec.command[1] has 200000 bytes after expansion, the limit is "
                                       "131071."},
              twice.faults);
    std::string many = repeat("\"$(BIG)\"", 10, ",");
    SpecCase total = prepare(
        job_wire(container_json(R"("imageUri":"i","command":["c"],"args":[)" + many + R"(],"env":[)" + big + "]")));
    ASSERT_EQ(1u, total.faults.size());
    EXPECT_EQ(0u, total.faults[0].find(POOL + ": arguments and environment have 1100")) << total.faults[0];
    /* CLUSTER_SPEC has the arguments of a package within, and every quote in them four times. */
    SpecCase quotes = prepare(job_wire(python_json(R"("executorImageUri":"e","pythonModule":"m","packageUris":["/p"],
                                                    "args":[")" +
                                                   repeat("\\\"", 60000) + "\"]")));
    ASSERT_EQ(1u, quotes.faults.size());
    EXPECT_EQ(0u, quotes.faults[0].find(POOL + ": CLUSTER_SPEC has 2")) << quotes.faults[0];
}

TEST(JobSpecPrograms, OfAJobThatNoClientCouldReadBack)
{
    std::string pool = R"({"containerSpec":{"imageUri":"i","command":["c",)" +
                       repeat("\"" + repeat("x", 100000) + "\"", 9, ",") + "]}}";
    auto of_pools = [](const std::string &list) {
        return R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[)" + list + "]}}";
    };
    EXPECT_EQ(0u, prepare(job_wire(of_pools(repeat(pool, 3, ",")))).count);
    SpecCase four = prepare(job_wire(of_pools(repeat(pool, 4, ","))));
    ASSERT_EQ(1u, four.faults.size());
    EXPECT_EQ(0u, four.faults[0].find("job_spec: The CustomJob has 3600")) << four.faults[0];
}

/* A bound on the answer, whatever the request. */
TEST(JobSpecPrograms, CountFaultsBeyondTheFirst64)
{
    SpecCase found = prepare(job_wire(
        container_json(R"("imageUri":"i","command":["c"],"args":[)" + repeat(R"("\u0000")", 1000, ",") + "]")));
    EXPECT_EQ(1000u, found.count);
    EXPECT_EQ((size_t)VIOLATIONS_MAX, found.faults.size());
}

} /* namespace */
