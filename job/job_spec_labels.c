#include "base/limits.h"
#include "job/job_spec_check.h"
#include "job/job_spec_text.h"

/* The rule as the real service words it. */
#define LABEL_CHARACTERS "may only contain lowercase letters, numbers, dashes and underscores"

static bool has_label_characters(struct span text)
{
    uint32_t character;

    while (text_next(&text, &character)) {
        if (character != '-' && character != '_' && !text_is_lower_or_digit(character)) {
            return false;
        }
    }
    return true;
}

static bool starts_as_key(struct span key)
{
    uint32_t character;

    return text_next(&key, &character) && text_is_lower_or_digit(character);
}

static void check_key(struct job_spec_check *check, const char *field, struct span key)
{
    size_t chars = text_chars(key);

    if (chars == 0 || chars > LIMIT_LABEL_CHARS) {
        violations_add(check->violations, field, "The label's key has %zu characters; a key has 1 to %d.", chars,
                       LIMIT_LABEL_CHARS);
    } else if (!has_label_characters(key) || !starts_as_key(key)) {
        violations_add(check->violations, field,
                       "The label's key \"%s\" is not allowed: keys " LABEL_CHARACTERS
                       ", and start with a letter or number.",
                       violations_show(check->violations, key));
    }
}

static void check_value(struct job_spec_check *check, const char *field, struct span value)
{
    size_t chars = text_chars(value);

    if (chars > LIMIT_LABEL_CHARS) {
        violations_add(check->violations, field, "The label's value has %zu characters; a value has at most %d.", chars,
                       LIMIT_LABEL_CHARS);
    } else if (!has_label_characters(value)) {
        violations_add(check->violations, field,
                       "The label's value \"%s\" is not allowed: values " LABEL_CHARACTERS ".",
                       violations_show(check->violations, value));
    }
}

void job_spec_check_labels(struct job_spec_check *check, const API(CustomJob) * job)
{
    size_t count = API(CustomJob_labels_size)(job);
    size_t at = kUpb_Map_Begin;
    const API(CustomJob_LabelsEntry) * entry;

    if (count > LIMIT_LABELS_PER_JOB) {
        violations_add(check->violations, "labels",
                       "There can be no more than %d labels attached to a single resource; there are %zu.",
                       LIMIT_LABELS_PER_JOB, count);
    }
    while ((entry = API(CustomJob_labels_next)(job, &at)) != NULL) {
        struct span key = api_span(API(CustomJob_LabelsEntry_key)(entry));
        struct span value = api_span(API(CustomJob_LabelsEntry_value)(entry));
        const char *field = violations_field(check->violations, "labels[%s]", violations_show(check->violations, key));

        check_key(check, field, key);
        check_value(check, field, value);
    }
}
