#include "cli/duration.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ms", CLOCK_NS_PER_MS},
    {"us", 1000},
    {"ns", 1},
    {"s", CLOCK_NS_PER_S},
    {"m", 60 * CLOCK_NS_PER_S},
    {"h", 3600 * CLOCK_NS_PER_S},
    {"d", 86400 * CLOCK_NS_PER_S},
};

static size_t count_digits(struct span text)
{
    size_t count = 0;

    while (count < text.size && text.data[count] >= '0' && text.data[count] <= '9') {
        count++;
    }
    return count;
}

/* A number with at most nine digits on either side of its point, in units of 1e-9. */
static size_t take_number(struct span text, int64_t *ret_whole, int64_t *ret_nano)
{
    size_t whole = count_digits(text), used = whole, fraction = 0;

    *ret_whole = *ret_nano = 0;
    for (size_t i = 0; i < whole && whole <= 9; i++) {
        *ret_whole = *ret_whole * 10 + (text.data[i] - '0');
    }
    if (whole > 0 && used < text.size && text.data[used] == '.') {
        struct span rest = span_skip(text, used + 1);

        fraction = count_digits(rest);
        for (size_t i = 0; i < 9 && fraction > 0 && fraction <= 9; i++) {
            *ret_nano = *ret_nano * 10 + (i < fraction ? rest.data[i] - '0' : 0);
        }
        used += 1 + fraction;
        if (fraction == 0) {
            return 0;
        }
    }
    return whole > 9 || fraction > 9 ? 0 : used;
}

static size_t take_unit(struct span text, int64_t *ret_ns)
{
    if (text.size == 0) {
        *ret_ns = CLOCK_NS_PER_S;
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (span_starts_with(text, span_of(units[i].name))) {
            *ret_ns = units[i].ns;
            return strlen(units[i].name);
        }
    }
    *ret_ns = 0;
    return 0;
}

int duration_parse(struct span text, int64_t *ret_ns, struct err *err)
{
    struct span rest = text;
    int64_t total = 0;

    do {
        int64_t whole, nano, unit, ns;
        bool first = rest.data == text.data;
        size_t used = take_number(rest, &whole, &nano);

        if (used == 0) {
            return err_set(err, ERR_INVALID, "\"%.*s\" is no duration; write 30s, 5m, 1h30m or 2d", SPAN_FORMAT(text));
        }
        rest = span_skip(rest, used);
        used = take_unit(rest, &unit);
        if (unit == 0 || (used == 0 && !first)) { /* "1h30" might be minutes or seconds */
            return err_set(err, ERR_INVALID, "\"%.*s\" is no duration: units are ms, s, m, h and d", SPAN_FORMAT(text));
        }
        rest = span_skip(rest, used);
        if (__builtin_mul_overflow(whole, unit, &ns) || __builtin_add_overflow(total, ns, &total) ||
            __builtin_add_overflow(total, (int64_t)((double)nano / 1e9 * (double)unit + 0.5), &total)) {
            return err_set(err, ERR_INVALID, "\"%.*s\" is longer than 292 years", SPAN_FORMAT(text));
        }
    } while (rest.size > 0);
    *ret_ns = total;
    return 0;
}

/* Reads digits in the places where shape has a 0; other characters must be the same. */
static bool read_shape(struct span text, const char *shape, int *values)
{
    size_t value = 0;

    for (size_t i = 0; shape[i]; i++) {
        if (i >= text.size) {
            return false;
        }
        if (shape[i] != '0') {
            if (text.data[i] != shape[i] && !(shape[i] == 'T' && (text.data[i] == 't' || text.data[i] == ' '))) {
                return false;
            }
            value++;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        values[value] = values[value] * 10 + (text.data[i] - '0');
    }
    return true;
}

/* "Z", "+02:00" or "-02:00", and nothing after it. */
static bool read_offset(struct span text, int *ret_seconds)
{
    int values[2] = {0, 0};

    *ret_seconds = 0;
    if (span_equal_text(text, "Z") || span_equal_text(text, "z")) {
        return true;
    }
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') ||
        !read_shape(span_skip(text, 1), "00:00", values) || values[0] > 23 || values[1] > 59) {
        return false;
    }
    *ret_seconds = (values[0] * 60 + values[1]) * 60 * (text.data[0] == '-' ? -1 : 1);
    return true;
}

int time_parse(struct span text, int64_t *ret_unix_ns, struct err *err)
{
    int v[6] = {0};
    int offset = 0;
    int64_t whole, nano = 0;
    struct tm tm = {.tm_isdst = 0};
    struct tm again;
    time_t seconds;
    struct span rest;

    if (!read_shape(text, "0000-00-00T00:00:00", v) || v[0] < 1970 || v[0] > 2261) {
        return err_set(err, ERR_INVALID, "\"%.*s\" is no time; write 2024-05-06T07:08:09Z", SPAN_FORMAT(text));
    }
    rest = span_skip(text, 19);
    if (rest.size > 1 && rest.data[0] == '.') {
        char number[16] = "0";
        size_t digits = count_digits(span_skip(rest, 1));

        if (digits > 0 && digits <= 9) {
            memcpy(number + 1, rest.data, digits + 1);
            (void)take_number(span_make(number, digits + 2), &whole, &nano);
            rest = span_skip(rest, digits + 1);
        }
    }
    tm.tm_year = v[0] - 1900;
    tm.tm_mon = v[1] - 1;
    tm.tm_mday = v[2];
    tm.tm_hour = v[3];
    tm.tm_min = v[4];
    tm.tm_sec = v[5];
    again = tm;
    seconds = timegm(&again);
    /* timegm turns 31 February into a day of March; a time that it had to change was none. */
    if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour ||
        again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec || !read_offset(rest, &offset)) {
        return err_set(err, ERR_INVALID, "\"%.*s\" is no time; write 2024-05-06T07:08:09Z", SPAN_FORMAT(text));
    }
    *ret_unix_ns = ((int64_t)seconds - offset) * CLOCK_NS_PER_S + nano;
    return 0;
}

void duration_add(struct text *text, int64_t ns)
{
    static const struct {
        int64_t seconds;
        char unit;
    } steps[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = ns / CLOCK_NS_PER_S;

    if (ns < 10 * CLOCK_NS_PER_S) {
        text_add_format(text, "%.1fs", ns > 0 ? (double)ns / 1e9 : 0.0);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        int64_t count = seconds / steps[i].seconds;

        if (count == 0) {
            continue;
        }
        text_add_format(text, "%lld%c", (long long)count, steps[i].unit);
        if (i < 3 && seconds % steps[i].seconds / steps[i + 1].seconds > 0) {
            text_add_format(text, "%lld%c", (long long)(seconds % steps[i].seconds / steps[i + 1].seconds),
                            steps[i + 1].unit);
        }
        return;
    }
}

void time_add(struct text *text, int64_t unix_ns, int with_ms)
{
    time_t seconds = (time_t)(unix_ns / CLOCK_NS_PER_S);
    struct tm tm;
    char formatted[32];

    if (!gmtime_r(&seconds, &tm) || strftime(formatted, sizeof formatted, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        text_add_text(text, "?");
        return;
    }
    text_add_text(text, formatted);
    if (with_ms) {
        text_add_format(text, ".%03lld", (long long)(unix_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_MS));
    }
    text_add_char(text, 'Z');
}
