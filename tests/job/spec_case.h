/* spec_case: one CustomJob through job_spec_prepare, and what came of it. */
#ifndef TESTS_JOB_SPEC_CASE_H_
#define TESTS_JOB_SPEC_CASE_H_

#include <string>
#include <vector>

#include "job/job_spec.h"

struct SpecCase {
    int result = 0;
    std::string error; /* of -1 */
    enum err_code code = ERR_NONE;
    std::vector<std::string> faults; /* "field: message", sorted */
    size_t count = 0;                /* of violations */
    std::string wire;
    uint32_t replica_count = 0;
};

/* A host that runs commands and packages, and 100 replicas. */
struct job_spec_rules host_rules();

SpecCase prepare(const std::string &wire, enum api_version version = API_V1,
                 const struct job_spec_rules &rules = host_rules());

/* JSON of a job with one pool of one replica: text put into the pool, the job_spec and the job, each with its comma. */
std::string spec_json(const std::string &pool = "", const std::string &spec = "", const std::string &job = "");
/* The same with this in place of the pool's container; {} stands for one that is well. */
std::string container_json(const std::string &container);
std::string python_json(const std::string &python);

/* A CustomJob as JSON and every fault found in it, "field: message", sorted; none: it is taken. */
struct Rule {
    const char *name;
    std::string json;
    std::vector<std::string> faults;
};

void check_rules(const std::vector<Rule> &rules);

std::string repeat(const std::string &text, size_t count, const std::string &between = "");

#endif /* TESTS_JOB_SPEC_CASE_H_ */
