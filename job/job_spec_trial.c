#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "job/job_image.h"
#include "job/job_plan.h"
#include "job/job_spec_check.h"

/* Stands in for what the job gets when it is taken; as long as any. */
#define TRIAL_NAME \
    "projects/a-project-with-an-id-of-thirty/locations/northamerica-northeast1/customJobs/9223372036854775807"
#define TRIAL_HOST "127.0.0.1"
#define TRIAL_PORT 65535
#define TRIAL_PROJECT_NUMBER UINT64_MAX

/* Below these nothing that a plan writes can pass a limit: a byte of the job becomes at most seven in JSON within JSON,
 * a replica at most 24, and without references nothing is written twice into one text. */
#define SURE_WIRE_BYTES 4000
#define SURE_REPLICAS 1000

static bool has_reference(struct span text)
{
    const char *at = text.data, *end = text.data + text.size;

    while (at < end && (at = memchr(at, '$', (size_t)(end - at)))) {
        if (++at < end && *at == '(') {
            return true;
        }
    }
    return false;
}

static bool is_surely_fit(const struct job_spec_prepared *prepared)
{
    return prepared->wire.size <= SURE_WIRE_BYTES && prepared->replica_count <= SURE_REPLICAS &&
           !has_reference(prepared->wire);
}

static int make_image(const struct job_spec_prepared *prepared, struct blob **ret_image, struct err *err)
{
    struct job_outputs outputs = {.name = span_of(TRIAL_NAME)};

    return job_image_build(&outputs, prepared->wire, ret_image, err);
}

static struct job_plan_address *make_addresses(uint32_t count)
{
    struct job_plan_address *addresses = calloc(count, sizeof *addresses);

    for (uint32_t i = 0; addresses && i < count; i++) {
        snprintf(addresses[i].host, sizeof addresses[i].host, "%s", TRIAL_HOST);
        addresses[i].port = TRIAL_PORT;
    }
    return addresses;
}

/* "job_spec.worker_pool_specs[0]: what is wrong", split where it says. */
static void tell(struct violations *violations, char *text)
{
    char *colon = strstr(text, ": ");

    if (strncmp(text, "job_spec.", strlen("job_spec.")) == 0 && colon) {
        *colon = '\0';
        violations_add(violations, text, "%s.", colon + 2);
    } else {
        violations_add(violations, "job_spec", "%s.", text);
    }
}

int job_spec_trial(const struct job_spec_prepared *prepared, struct violations *violations, struct err *err)
{
    struct job_plan_input input = {.job_attempt = 1, .project_number = TRIAL_PROJECT_NUMBER};
    struct job_plan_address *addresses;
    struct blob *image = NULL;
    struct err fault = ERR_INIT;
    int result = 0;

    if (is_surely_fit(prepared)) {
        return 0;
    }
    addresses = make_addresses(prepared->replica_count);
    input.addresses = addresses;
    if (!addresses) {
        return err_set(err, ERR_EXHAUSTED, "no memory to plan a job of %u replicas", prepared->replica_count);
    }
    if (make_image(prepared, &image, err)) {
        free(addresses);
        return -1;
    }
    input.custom_job_wire = blob_span(image);
    if (job_plan_check(&input, &fault)) {
        if (fault.code == ERR_INVALID) {
            tell(violations, fault.text);
        } else {
            *err = fault;
            result = -1;
        }
    }
    blob_unref(image);
    free(addresses);
    return result;
}
