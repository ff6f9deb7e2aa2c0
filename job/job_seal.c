#include "job/job_seal.h"

#include "job/job_keys.h"
#include "job/wire.h"

/* *= proto: CustomJob.name 1, state 5, create_time 6, start_time 7, end_time 8, update_time 9, encryption_spec 12 */
static bool stays_in_clear(uint32_t number)
{
    return number == 1 || (number >= 5 && number <= 9) || number == 12;
}

size_t job_seal_outline(enum store_table table, struct span value, char *bytes, size_t bytes_max)
{
    struct wire_reader reader = {value};
    struct wire_field field;
    size_t used = 0;
    struct span whole = reader.rest;

    if (table != STORE_TABLE_JOB) {
        return 0;
    }
    for (; wire_next(&reader, &field) == WIRE_FIELD; whole = reader.rest) {
        size_t size = whole.size - reader.rest.size;

        if (!stays_in_clear(field.number)) {
            continue;
        }
        if (size > bytes_max - used) {
            return 0; /* names have a limit that is below: nothing stays in clear then */
        }
        memcpy(bytes + used, whole.data, size);
        used += size;
    }
    return used;
}

int job_seal_refuse(const struct store_version *version, struct err *err)
{
    struct store_keys keys;

    store_version_keys(version, &keys);
    return err_set(
        err, ERR_PRECONDITION,
        "The CustomJob \"%.*s\" is sealed with the key \"%.*s\", which this server does not have. Give it the "
        "key by --key-file or --kms-plugin, and the job comes back at the next start.",
        SPAN_FORMAT(keys.name), SPAN_FORMAT(keys.seal_key));
}
