#include "server/list_filter_time.h"

#include "base/clock.h"

#define FRACTION_DIGITS_MAX 9

struct civil_time {
    int64_t year, month, day, hour, minute, second;
    int64_t nanos;
    int64_t offset_s;
};

static bool take_digits(struct span *rest, size_t count, int64_t *ret_number)
{
    int64_t number = 0;

    if (rest->size < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9') {
            return false;
        }
        number = number * 10 + (rest->data[i] - '0');
    }
    *rest = span_skip(*rest, count);
    *ret_number = number;
    return true;
}

static bool take_one_of(struct span *rest, const char *chars, char *ret_char)
{
    if (rest->size == 0 || rest->data[0] == '\0' || !strchr(chars, rest->data[0])) {
        return false;
    }
    *ret_char = rest->data[0];
    *rest = span_skip(*rest, 1);
    return true;
}

static bool take_fraction(struct span *rest, int64_t *ret_nanos)
{
    int64_t unit = CLOCK_NS_PER_S / 10;
    int64_t nanos = 0;
    int64_t digit;
    char point;
    int count = 0;

    if (take_one_of(rest, ".", &point)) {
        for (; take_digits(rest, 1, &digit); count++, unit /= 10) {
            nanos += digit * unit;
        }
        if (count == 0 || count > FRACTION_DIGITS_MAX) {
            return false;
        }
    }
    *ret_nanos = nanos;
    return true;
}

static bool take_offset(struct span *rest, int64_t *ret_offset_s)
{
    int64_t hours;
    int64_t minutes;
    char sign;

    if (take_one_of(rest, "Zz", &sign)) {
        *ret_offset_s = 0;
        return true;
    }
    if (!take_one_of(rest, "+-", &sign) || !take_digits(rest, 2, &hours) || hours > 23 ||
        !take_one_of(rest, ":", &(char){0}) || !take_digits(rest, 2, &minutes) || minutes > 59) {
        return false;
    }
    *ret_offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_date(const struct civil_time *time)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return time->month >= 1 && time->month <= 12 && time->day >= 1 &&
           time->day <= days[time->month - 1] + (time->month == 2 && is_leap(time->year));
}

static bool take_time(struct span *rest, struct civil_time *time)
{
    char sign;

    return take_digits(rest, 4, &time->year) && take_one_of(rest, "-", &sign) && take_digits(rest, 2, &time->month) &&
           take_one_of(rest, "-", &sign) && take_digits(rest, 2, &time->day) && is_date(time) &&
           take_one_of(rest, "Tt", &sign) && take_digits(rest, 2, &time->hour) && time->hour <= 23 &&
           take_one_of(rest, ":", &sign) && take_digits(rest, 2, &time->minute) && time->minute <= 59 &&
           take_one_of(rest, ":", &sign) && take_digits(rest, 2, &time->second) && time->second <= 60 &&
           take_fraction(rest, &time->nanos) && take_offset(rest, &time->offset_s) && rest->size == 0;
}

/* Days from 1970-01-01 in the Gregorian calendar; the year is counted from March, so that leap days come last. */
static int64_t days_since_epoch(const struct civil_time *time)
{
    int64_t year = time->month > 2 ? time->year : time->year - 1;
    int64_t month = time->month > 2 ? time->month - 3 : time->month + 9;
    int64_t leap_days = (year + 4000) / 4 - (year + 4000) / 100 + (year + 4000) / 400;
    int64_t days = (year + 4000) * 365 + leap_days + (153 * month + 2) / 5 + time->day;

    return days - (5969 * 365 + 5969 / 4 - 5969 / 100 + 5969 / 400 + (153 * 10 + 2) / 5 + 1);
}

bool filter_time_parse(struct span text, int64_t *ret_unix_ns)
{
    struct civil_time time;
    int64_t seconds;
    int64_t unix_ns;

    if (!take_time(&text, &time)) {
        return false;
    }
    seconds = ((days_since_epoch(&time) * 24 + time.hour) * 60 + time.minute) * 60 + time.second - time.offset_s;
    if (__builtin_mul_overflow(seconds, CLOCK_NS_PER_S, &unix_ns) ||
        __builtin_add_overflow(unix_ns, time.nanos, &unix_ns)) {
        unix_ns = seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    *ret_unix_ns = unix_ns;
    return true;
}
