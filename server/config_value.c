#include "server/config_value.h"

#include <ctype.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}, {NULL, 0}};
static const struct unit size_units[] = {{"B", 1},
                                         {"KiB", UINT64_C(1) << 10},
                                         {"MiB", UINT64_C(1) << 20},
                                         {"GiB", UINT64_C(1) << 30},
                                         {"TiB", UINT64_C(1) << 40},
                                         {NULL, 0}};

int config_parse_switch(const char *text, bool *ret_value, struct err *err)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int value = 0; value < 2; value++) {
            if (strcmp(text, words[i][value]) == 0) {
                *ret_value = value == 1;
                return 0;
            }
        }
    }
    return err_set(err, ERR_INVALID, "'%s' is neither true nor false", text);
}

/* Digits at *at as a number; false when there are none or too many. */
static bool read_digits(const char **at, uint64_t *ret_number)
{
    const char *start = *at;
    uint64_t number = 0;

    for (; isdigit((unsigned char)**at); (*at)++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(**at - '0'), &number)) {
            return false;
        }
    }
    *ret_number = number;
    return *at > start;
}

int config_parse_count(const char *text, uint64_t *ret_value, struct err *err)
{
    const char *at = text;
    uint64_t number;

    if (!read_digits(&at, &number) || *at != '\0') {
        return err_set(err, ERR_INVALID, "'%s' is no whole number", text);
    }
    *ret_value = number;
    return 0;
}

static const struct unit *read_unit(const char **at, const struct unit *units)
{
    size_t length = 0;

    while (isalpha((unsigned char)(*at)[length])) {
        length++;
    }
    for (const struct unit *unit = units; unit->name; unit++) {
        if (strlen(unit->name) == length && strncmp(*at, unit->name, length) == 0) {
            *at += length;
            return unit;
        }
    }
    return NULL;
}

/* One number with its unit, such as "1.5s"; what does not come out whole is no number of such units. */
static bool read_quantity(const char **at, const struct unit *units, uint64_t *ret_amount)
{
    const struct unit *unit;
    uint64_t whole;
    uint64_t fraction = 0;
    uint64_t scale = 1;

    if (!read_digits(at, &whole)) {
        return false;
    }
    if (**at == '.') {
        const char *digits = ++*at;

        if (!read_digits(at, &fraction) || *at - digits > 6) {
            return false;
        }
        for (; digits < *at; digits++) {
            scale *= 10;
        }
    }
    unit = read_unit(at, units);
    /* fraction < 10^6 and factor <= 2^40: the product fits. */
    return unit && fraction * unit->factor % scale == 0 && !__builtin_mul_overflow(whole, unit->factor, ret_amount) &&
           !__builtin_add_overflow(*ret_amount, fraction * unit->factor / scale, ret_amount);
}

int config_parse_duration(const char *text, uint64_t *ret_ms, struct err *err)
{
    const char *at = text;
    uint64_t sum = 0;
    uint64_t part;

    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    do {
        if (!read_quantity(&at, duration_units, &part) || __builtin_add_overflow(sum, part, &sum)) {
            return err_set(err, ERR_INVALID, "'%s' is no time; write it as 200ms, 1.5s, 10m, 1h30m or 7d", text);
        }
    } while (*at != '\0');
    *ret_ms = sum;
    return 0;
}

int config_parse_size(const char *text, uint64_t *ret_bytes, struct err *err)
{
    const char *at = text;
    uint64_t bytes;

    if (!read_quantity(&at, size_units, &bytes) || *at != '\0') {
        return err_set(err, ERR_INVALID, "'%s' is no size; write it as 4096B, 512KiB, 64MiB, 1.5GiB or 1TiB", text);
    }
    *ret_bytes = bytes;
    return 0;
}

int config_parse_ports(const char *text, struct config_ports *ret_ports, struct err *err)
{
    const char *at = text;
    uint64_t first;
    uint64_t last;

    if (!read_digits(&at, &first) || *at++ != '-' || !read_digits(&at, &last) || *at != '\0') {
        return err_set(err, ERR_INVALID, "'%s' is no range of ports; write it as 20000-29999", text);
    }
    if (first < 1 || last > UINT16_MAX || first > last) {
        return err_set(err, ERR_INVALID, "'%s': ports go from 1 to 65535, the lower one first", text);
    }
    *ret_ports = (struct config_ports){(uint16_t)first, (uint16_t)last};
    return 0;
}

int config_parse_number(const char *text, size_t *ret_name_bytes, uint64_t *ret_number, struct err *err)
{
    const char *equals = strchr(text, '=');
    const char *at = equals ? equals + 1 : text;
    uint64_t number;

    if (!equals || equals == text || !read_digits(&at, &number) || *at != '\0' || number == 0) {
        return err_set(err, ERR_INVALID, "'%s' is no project and number; write it as my-project=123456789012", text);
    }
    *ret_name_bytes = (size_t)(equals - text);
    *ret_number = number;
    return 0;
}

#define DISTANCE_CHARS 48

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned config_distance(const char *left, const char *right, unsigned limit)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    unsigned rows[3][DISTANCE_CHARS + 1]; /* of the last two letters and of this one */

    if (left_size > DISTANCE_CHARS || right_size > DISTANCE_CHARS) {
        return limit + 1;
    }
    for (unsigned j = 0; j <= right_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= left_size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= right_size; j++) {
            row[j] = above[j - 1] + (left[i - 1] != right[j - 1]);
            row[j] = least_of(row[j], least_of(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                row[j] = least_of(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return least_of(rows[left_size % 3][right_size], limit + 1);
}
