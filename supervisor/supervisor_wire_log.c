/* Time stamps are made by hand: libc's calendar reads time zone files and allocates. */
#include "supervisor/supervisor_wire_log.h"

#include <string.h>

#define NS_PER_S 1000000000
#define S_PER_DAY 86400
#define DAYS_0000_TO_1970 719468 /* counted from March 1st of year 0 */
#define DAYS_PER_ERA 146097      /* 400 years */

struct civil_date {
    int64_t year;
    int month, day;
};

/* Years begin in March here, so that the leap day is the last of its year. */
static struct civil_date civil_of_days(int64_t days_since_1970)
{
    int64_t days = days_since_1970 + DAYS_0000_TO_1970;
    int64_t era = days / DAYS_PER_ERA;
    int64_t day_of_era = days % DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    struct civil_date date;
    date.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    date.month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

static int64_t days_of_civil(const struct civil_date *date)
{
    int64_t year = date->year - (date->month <= 2 ? 1 : 0);
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t march_month = date->month > 2 ? date->month - 3 : date->month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + date->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_0000_TO_1970;
}

static void put_digits(char *to, int count, int64_t value)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void supervisor_log_head(char *to, int64_t time_unix_ns, char tag)
{
    if (time_unix_ns < 0)
        time_unix_ns = 0;
    int64_t seconds = time_unix_ns / NS_PER_S;
    int64_t second_of_day = seconds % S_PER_DAY;
    struct civil_date date = civil_of_days(seconds / S_PER_DAY);
    memcpy(to, "0000-00-00T00:00:00.000000000Z F ", SUPERVISOR_LOG_HEAD_BYTES);
    put_digits(to, 4, date.year);
    put_digits(to + 5, 2, date.month);
    put_digits(to + 8, 2, date.day);
    put_digits(to + 11, 2, second_of_day / 3600);
    put_digits(to + 14, 2, second_of_day / 60 % 60);
    put_digits(to + 17, 2, second_of_day % 60);
    put_digits(to + 20, 9, time_unix_ns % NS_PER_S);
    to[31] = tag;
}

static const char DROPPED_TEXT[] = " bytes dropped";

size_t supervisor_log_dropped_line(char *to, int64_t time_unix_ns, uint64_t dropped_bytes)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + dropped_bytes % 10);
        dropped_bytes /= 10;
    } while (dropped_bytes > 0);
    supervisor_log_head(to, time_unix_ns, SUPERVISOR_LOG_DROPPED);
    size_t at = SUPERVISOR_LOG_HEAD_BYTES;
    while (count > 0)
        to[at++] = digits[--count];
    memcpy(to + at, DROPPED_TEXT, sizeof DROPPED_TEXT - 1);
    at += sizeof DROPPED_TEXT - 1;
    to[at++] = '\n';
    return at;
}

/* count digits at from, or -1. */
static int64_t get_digits(const char *from, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        if (from[i] < '0' || from[i] > '9')
            return -1;
        value = value * 10 + (from[i] - '0');
    }
    return value;
}

static bool parse_time(const char *line, int64_t *ret_time_unix_ns)
{
    if (line[4] != '-' || line[7] != '-' || line[10] != 'T' || line[13] != ':' || line[16] != ':' || line[19] != '.' ||
        line[29] != 'Z')
        return false;
    int64_t year = get_digits(line, 4), month = get_digits(line + 5, 2), day = get_digits(line + 8, 2);
    int64_t hour = get_digits(line + 11, 2), minute = get_digits(line + 14, 2);
    int64_t second = get_digits(line + 17, 2), ns = get_digits(line + 20, 9);
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59 || ns < 0)
        return false;
    struct civil_date date = {.year = year, .month = (int)month, .day = (int)day};
    int64_t days = days_of_civil(&date);
    if (civil_of_days(days).day != date.day) /* February 30th and the like */
        return false;
    int64_t seconds = days * S_PER_DAY + hour * 3600 + minute * 60 + second;
    *ret_time_unix_ns = seconds * NS_PER_S + ns;
    return true;
}

static bool parse_dropped(struct supervisor_log_entry *entry)
{
    size_t at = 0;
    uint64_t value = 0;
    while (at < entry->text_bytes && at < 19 && entry->text[at] >= '0' && entry->text[at] <= '9')
        value = value * 10 + (uint64_t)(entry->text[at++] - '0');
    if (at == 0 || entry->text_bytes - at != sizeof DROPPED_TEXT - 1 ||
        memcmp(entry->text + at, DROPPED_TEXT, sizeof DROPPED_TEXT - 1) != 0)
        return false;
    entry->dropped_bytes = value;
    return true;
}

bool supervisor_log_parse(const char *line, size_t size, struct supervisor_log_entry *ret_entry)
{
    struct supervisor_log_entry entry;
    memset(&entry, 0, sizeof entry);
    if (size < SUPERVISOR_LOG_HEAD_BYTES || line[30] != ' ' || line[32] != ' ' ||
        !parse_time(line, &entry.time_unix_ns))
        return false;
    entry.tag = line[31];
    entry.text = line + SUPERVISOR_LOG_HEAD_BYTES;
    entry.text_bytes = size - SUPERVISOR_LOG_HEAD_BYTES;
    if (entry.tag == SUPERVISOR_LOG_DROPPED && !parse_dropped(&entry))
        return false;
    if (entry.tag != SUPERVISOR_LOG_FULL && entry.tag != SUPERVISOR_LOG_PARTIAL && entry.tag != SUPERVISOR_LOG_DROPPED)
        return false;
    *ret_entry = entry;
    return true;
}
