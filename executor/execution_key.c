#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "executor/executor.h"

void execution_key_format(const struct execution_key *key, char text[EXECUTION_KEY_BYTES])
{
    (void)snprintf(text, EXECUTION_KEY_BYTES, "%" PRIu64 "-%" PRIu32 "-workerpool%" PRIu32 "-%" PRIu32 "-%" PRIu32,
                   key->job_id, key->job_attempt, key->pool_index, key->replica_index, key->restart);
}

/* A decimal number as format writes it: no sign, no leading zero. */
static bool take_number(struct span *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = 0;

    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        uint64_t digit = (uint64_t)(text->data[digits] - '0');

        if (number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
        digits++;
    }
    if (digits == 0 || (digits > 1 && text->data[0] == '0')) {
        return false;
    }
    *text = span_skip(*text, digits);
    *ret_number = number;
    return true;
}

static bool take_text(struct span *text, const char *expected)
{
    struct span prefix = span_of(expected);

    if (!span_starts_with(*text, prefix)) {
        return false;
    }
    *text = span_skip(*text, prefix.size);
    return true;
}

int execution_key_parse(struct span text, struct execution_key *ret_key, struct err *err)
{
    struct span rest = text;
    uint64_t job_id, job_attempt, pool_index, replica_index, restart;

    if (!take_number(&rest, UINT64_MAX, &job_id) || !take_text(&rest, "-") ||
        !take_number(&rest, UINT32_MAX, &job_attempt) || !take_text(&rest, "-workerpool") ||
        !take_number(&rest, UINT32_MAX, &pool_index) || !take_text(&rest, "-") ||
        !take_number(&rest, UINT32_MAX, &replica_index) || !take_text(&rest, "-") ||
        !take_number(&rest, UINT32_MAX, &restart) || rest.size > 0) {
        return err_set(err, ERR_INVALID, "\"%.*s\" is no execution's key",
                       text.size > EXECUTION_KEY_BYTES ? EXECUTION_KEY_BYTES : (int)text.size,
                       text.data ? text.data : "");
    }
    *ret_key = (struct execution_key){.job_id = job_id,
                                      .job_attempt = (uint32_t)job_attempt,
                                      .pool_index = (uint32_t)pool_index,
                                      .replica_index = (uint32_t)replica_index,
                                      .restart = (uint32_t)restart};
    return 0;
}

static int compare(uint64_t left, uint64_t right)
{
    return left == right ? 0 : left < right ? -1 : 1;
}

int execution_key_compare(const void *left, const void *right)
{
    const struct execution_key *a = left, *b = right;
    int result = compare(a->job_id, b->job_id);

    if (result == 0) {
        result = compare(a->job_attempt, b->job_attempt);
    }
    if (result == 0) {
        result = compare(a->pool_index, b->pool_index);
    }
    if (result == 0) {
        result = compare(a->replica_index, b->replica_index);
    }
    return result == 0 ? compare(a->restart, b->restart) : result;
}
