#include "base/limits.h"
#include "job/job_spec_check.h"
#include "job/job_spec_text.h"

static void check_display_name(struct job_spec_check *check, const API(CustomJob) * job)
{
    struct span name = api_span(API(CustomJob_display_name)(job));
    size_t chars = text_chars(name);

    if (chars == 0) {
        violations_add(check->violations, "display_name", JOB_SPEC_REQUIRED);
    } else if (chars > LIMIT_DISPLAY_NAME_CHARS) {
        violations_add(check->violations, "display_name", "\"%s\" has %zu characters; a display name has at most %d.",
                       violations_show(check->violations, name), chars, LIMIT_DISPLAY_NAME_CHARS);
    }
}

/* NULL, or what is wrong with a place in Cloud Storage. */
static const char *fault_of_bucket_uri(struct span uri)
{
    struct span scheme = span_of("gs://");

    if (!span_starts_with(uri, scheme) || uri.size == scheme.size || uri.data[scheme.size] == '/') {
        return "must have the form gs://BUCKET or gs://BUCKET/PATH";
    }
    if (text_leads_out(span_skip(uri, scheme.size))) {
        return "must not lead out of its bucket by \"..\"";
    }
    return text_has_nul(uri) ? "must not have a NUL character within" : NULL;
}

static void check_output_directory(struct job_spec_check *check, const API(CustomJobSpec) * spec)
{
    static const char FIELD[] = "job_spec.base_output_directory.output_uri_prefix";
    const API(GcsDestination) *base = API(CustomJobSpec_base_output_directory)(spec);
    struct span prefix;
    const char *fault;

    if (!base) {
        return;
    }
    prefix = api_span(API(GcsDestination_output_uri_prefix)(base));
    fault = fault_of_bucket_uri(prefix);
    if (prefix.size == 0) {
        violations_add(check->violations, FIELD, JOB_SPEC_REQUIRED);
    } else if (fault) {
        violations_add(check->violations, FIELD, "\"%s\" %s.", violations_show(check->violations, prefix), fault);
    } else if (prefix.size > LIMIT_BUCKET_URI_BYTES) {
        violations_add(check->violations, FIELD, "\"%s\" has %zu bytes; a place in Cloud Storage has at most %d.",
                       violations_show(check->violations, prefix), prefix.size, LIMIT_BUCKET_URI_BYTES);
    }
}

static void require_in_peering(struct job_spec_check *check, size_t index, const char *name, upb_StringView value)
{
    if (value.size == 0) {
        violations_add(check->violations,
                       violations_field(check->violations, "job_spec.psc_interface_config.dns_peering_configs[%zu].%s",
                                        index, name),
                       JOB_SPEC_REQUIRED);
    }
}

static void check_peerings(struct job_spec_check *check, const API(CustomJobSpec) * spec)
{
    const API(PscInterfaceConfig) *config = API(CustomJobSpec_psc_interface_config)(spec);
    const API(DnsPeeringConfig) *const *peerings = NULL;
    size_t count = 0;

    if (config) {
        peerings = API(PscInterfaceConfig_dns_peering_configs)(config, &count);
    }
    for (size_t i = 0; i < count; i++) {
        require_in_peering(check, i, "domain", API(DnsPeeringConfig_domain)(peerings[i]));
        require_in_peering(check, i, "target_project", API(DnsPeeringConfig_target_project)(peerings[i]));
        require_in_peering(check, i, "target_network", API(DnsPeeringConfig_target_network)(peerings[i]));
    }
}

static void check_spec(struct job_spec_check *check, const API(CustomJobSpec) * spec)
{
    job_spec_check_pools(check, spec);
    job_spec_check_scheduling(check, spec);
    check_output_directory(check, spec);
    check_peerings(check, spec);
    if (API(CustomJobSpec_enable_web_access)(spec)) {
        violations_add(check->violations, "job_spec.enable_web_access",
                       "This server has no interactive shell into its replicas; leave enable_web_access false.");
    }
    /* Where a TensorBoard is named, the real service wants to know who uploads to it. */
    if (API(CustomJobSpec_tensorboard)(spec).size > 0 && API(CustomJobSpec_service_account)(spec).size == 0) {
        violations_add(check->violations, "job_spec.service_account",
                       "service_account must be specified when uploading to TensorBoard.");
    }
}

void job_spec_check_job(struct job_spec_check *check, const API(CustomJob) * job)
{
    check_display_name(check, job);
    job_spec_check_labels(check, job);
    job_spec_check_key(check, job);
    if (API(CustomJob_job_spec)(job)) {
        check_spec(check, API(CustomJob_job_spec)(job));
    } else {
        violations_add(check->violations, "job_spec", JOB_SPEC_REQUIRED);
    }
}
