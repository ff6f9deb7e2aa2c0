#include <stdio.h>

#include "google/cloud/aiplatform/v1beta1/encryption_spec.upb.h"

#include "job/job_spec_check.h"
#include "seal/keyring.h"

#define FIELD "encryption_spec.kms_key_name"
/* So many are named to who has named none of them. */
#define NAMES_SHOWN 5

static struct span key_name(const API(CustomJob) * job)
{
    const API(EncryptionSpec) *spec = API(CustomJob_encryption_spec)(job);

    return spec ? api_span(API(EncryptionSpec_kms_key_name)(spec)) : span_make(NULL, 0);
}

static bool is_known(const struct keyring *keys, struct span name)
{
    size_t count;
    const struct key_info *infos = keyring_names(keys, &count);

    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(name, infos[i].name)) {
            return true;
        }
    }
    return false;
}

static void refuse_unknown(struct job_spec_check *check, struct span name)
{
    size_t count;
    const struct key_info *infos = keyring_names(check->rules->keys, &count);
    char names[NAMES_SHOWN * (KEY_NAME_BYTES + 4) + 32] = "";
    size_t used = 0;

    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%s\"", i > 0 ? ", " : "", infos[i].name);
    }
    if (count > NAMES_SHOWN) {
        (void)snprintf(names + used, sizeof names - used, " and %zu more", count - NAMES_SHOWN);
    }
    violations_add(check->violations, FIELD, "\"%s\" is no key of this server; it has %s.",
                   violations_show(check->violations, name), names);
}

void job_spec_check_key(struct job_spec_check *check, const API(CustomJob) * job)
{
    struct span name = key_name(job);

    if (!API(CustomJob_has_encryption_spec)(job)) {
        return;
    }
    if (name.size == 0) {
        violations_add(check->violations, FIELD, JOB_SPEC_REQUIRED);
    } else if (!check->rules->keys) {
        violations_add(
            check->violations, FIELD,
            "This server has no keys: start it with --key-file or --kms-plugin, or leave encryption_spec out.");
    } else if (!is_known(check->rules->keys, name)) {
        refuse_unknown(check, name);
    }
}

int job_spec_need_key(const struct job_spec_rules *rules, const API(CustomJob) * job, struct err *err)
{
    struct span name = key_name(job);
    const struct data_key *ignored;

    return name.size == 0 ? 0 : keyring_current(rules->keys, name, &ignored, err);
}
