#include "server/methods.h"

#include <stdbool.h>
#include <stdio.h>

#include "server/handlers.h"

#define PATH_BYTES_SHOWN 200

static const struct rpc_method served[] = {
#define METHOD(service, name, kind, version, handler) {"/" service "/" name, kind, version, handler},
#include "server/methods.def"
};

static const char *const unserved_of_job_service[] = {
#define METHOD(name) #name,
#include "proto/job_service_methods.def"
#undef METHOD
    NULL};

static const char *const unserved_of_logging_service[] = {
#define METHOD(name) #name,
#include "proto/logging_service_methods.def"
#undef METHOD
    NULL};

/* Services that are served in part. */
static const struct {
    const char *prefix;
    const char *name;
    const char *serves;
    const char *const *unserved;
} parts[] = {
    {"/google.cloud.aiplatform.v1.JobService/", "JobService", "serves CustomJobs only", unserved_of_job_service},
    {"/google.cloud.aiplatform.v1beta1.JobService/", "JobService", "serves CustomJobs only", unserved_of_job_service},
    {"/google.logging.v2.LoggingServiceV2/", "LoggingServiceV2",
     "lists entries, and customjobd.v1.Logs.Tail follows them", unserved_of_logging_service}};

const struct rpc_method *methods_served(size_t *ret_count)
{
    *ret_count = sizeof served / sizeof served[0];
    return served;
}

static bool take_prefix(struct span *text, const char *prefix)
{
    if (!span_starts_with(*text, span_of(prefix))) {
        return false;
    }
    *text = span_skip(*text, strlen(prefix));
    return true;
}

static bool is_among(const char *const *names, struct span name)
{
    for (; *names; names++) {
        if (span_equal_text(name, *names)) {
            return true;
        }
    }
    return false;
}

void methods_refuse(struct span path, char *text, size_t text_bytes)
{
    struct span method = path;
    struct span shown;

    path.size = path.size > PATH_BYTES_SHOWN ? PATH_BYTES_SHOWN : path.size;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!take_prefix(&method, parts[i].prefix)) {
            continue;
        }
        shown = span_make(method.data, method.size > PATH_BYTES_SHOWN ? PATH_BYTES_SHOWN : method.size);
        if (is_among(parts[i].unserved, method)) {
            snprintf(text, text_bytes, "%s.%.*s is not supported by customjobd: it %s", parts[i].name,
                     SPAN_FORMAT(shown), parts[i].serves);
        } else {
            snprintf(text, text_bytes, "%s has no method %.*s", parts[i].name, SPAN_FORMAT(shown));
        }
        return;
    }
    if (take_prefix(&method, "/google.iam.v1.IAMPolicy/")) {
        snprintf(text, text_bytes, "IAMPolicy.%.*s is not supported by customjobd: it keeps no IAM policies",
                 (int)(method.size > PATH_BYTES_SHOWN ? PATH_BYTES_SHOWN : method.size), method.data);
    } else {
        snprintf(text, text_bytes, "customjobd has no method %.*s", SPAN_FORMAT(path));
    }
}
