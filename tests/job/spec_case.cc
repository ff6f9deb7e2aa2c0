#include "spec_case.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "job_wire.h"

struct job_spec_rules host_rules()
{
    struct job_spec_rules rules = {};
    rules.replicas_max = 100;
    rules.needs_command = "A command is needed: only --executor docker can run an image's own entrypoint.";
    rules.python_packages = true;
    return rules;
}

SpecCase prepare(const std::string &wire, enum api_version version, const struct job_spec_rules &rules)
{
    SpecCase found;
    upb_Arena *arena = upb_Arena_New();
    struct violations violations;
    struct job_spec_prepared prepared = {{"untouched", 9}, nullptr, 77};
    struct err err = ERR_INIT;

    violations_init(&violations, arena);
    found.result = job_spec_prepare(&rules, version, as_span(wire), arena, &violations, &prepared, &err);
    found.error = err.text;
    found.code = err.code;
    found.count = violations.count;
    for (size_t i = 0; i < std::min<size_t>(violations.count, VIOLATIONS_MAX); i++) {
        found.faults.push_back(std::string(violations.items[i].field) + ": " + violations.items[i].message);
    }
    std::sort(found.faults.begin(), found.faults.end());
    found.wire = as_string(prepared.wire);
    found.replica_count = prepared.replica_count;
    upb_Arena_Free(arena);
    return found;
}

static std::string job_of(const std::string &task, const std::string &pool, const std::string &spec,
                          const std::string &job)
{
    return R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1",)" + task + pool + "}]" + spec +
           "}" + job + "}";
}

std::string spec_json(const std::string &pool, const std::string &spec, const std::string &job)
{
    return job_of(R"("containerSpec":{"imageUri":"i","command":["true"]})", pool, spec, job);
}

std::string container_json(const std::string &container)
{
    return job_of(R"("containerSpec":{)" + container + "}", "", "", "");
}

std::string python_json(const std::string &python)
{
    return job_of(R"("pythonPackageSpec":{)" + python + "}", "", "", "");
}

void check_rules(const std::vector<Rule> &rules)
{
    for (const Rule &rule : rules) {
        SCOPED_TRACE(rule.name);
        SpecCase found = prepare(job_wire(rule.json), API_V1BETA1);
        std::vector<std::string> expected = rule.faults;
        std::sort(expected.begin(), expected.end());
        EXPECT_EQ(0, found.result) << found.error;
        EXPECT_EQ(expected, found.faults);
        EXPECT_EQ(expected.empty() ? 1u : 77u, std::min(found.replica_count, 77u));
    }
}

std::string repeat(const std::string &text, size_t count, const std::string &between)
{
    std::string all;
    for (size_t i = 0; i < count; i++) {
        all += (i > 0 ? between : "") + text;
    }
    return all;
}
