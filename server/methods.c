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
};

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

static bool is_unserved_of_job_service(struct span name)
{
    for (size_t i = 0; i < sizeof unserved_of_job_service / sizeof unserved_of_job_service[0]; i++) {
        if (span_equal_text(name, unserved_of_job_service[i])) {
            return true;
        }
    }
    return false;
}

void methods_refuse(struct span path, char *text, size_t text_bytes)
{
    struct span method = path;

    if (path.size > PATH_BYTES_SHOWN) {
        path.size = PATH_BYTES_SHOWN;
    }
    if (take_prefix(&method, "/google.cloud.aiplatform.v1.JobService/") ||
        take_prefix(&method, "/google.cloud.aiplatform.v1beta1.JobService/")) {
        if (is_unserved_of_job_service(method)) {
            snprintf(text, text_bytes, "JobService.%.*s is not supported by customjobd: it serves CustomJobs only",
                     SPAN_FORMAT(method));
        } else {
            snprintf(text, text_bytes, "JobService has no method %.*s",
                     (int)(method.size > PATH_BYTES_SHOWN ? PATH_BYTES_SHOWN : method.size), method.data);
        }
    } else if (take_prefix(&method, "/google.iam.v1.IAMPolicy/")) {
        snprintf(text, text_bytes, "IAMPolicy.%.*s is not supported by customjobd: it keeps no IAM policies",
                 (int)(method.size > PATH_BYTES_SHOWN ? PATH_BYTES_SHOWN : method.size), method.data);
    } else {
        snprintf(text, text_bytes, "customjobd has no method %.*s", SPAN_FORMAT(path));
    }
}
