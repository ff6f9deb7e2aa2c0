/* job_wire: CustomJobs for tests, written as JSON. */
#ifndef TESTS_JOB_JOB_WIRE_H_
#define TESTS_JOB_JOB_WIRE_H_

#include <string>

#include "base/span.h"

/* The wire bytes of a v1beta1 CustomJob; aborts when the JSON is none. */
std::string job_wire(const std::string &json);
/* The same as JSON, to be looked at. */
std::string job_json(struct span wire);
/* A google.longrunning.Operation or a customjobd.store.v1.JobExecution as JSON. */
std::string operation_json(struct span wire);
std::string execution_json(struct span wire);

/* One pool of container replicas; extra: more fields of the job, such as ,"labels":{…}. */
std::string simple_job(int replicas = 1, const std::string &scheduling = "", const std::string &extra = "");

inline struct span as_span(const std::string &text)
{
    return span_make(text.data(), text.size());
}

inline std::string as_string(struct span span)
{
    return std::string(span.data ? span.data : "", span.size);
}

#endif /* TESTS_JOB_JOB_WIRE_H_ */
