#include "server/log_severity.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int32_t number;
} severities[] = {{"DEFAULT", 0}, {"DEBUG", 100},    {"INFO", 200},  {"NOTICE", 300}, {"WARNING", 400},  {"WARN", 400},
                  {"ERROR", 500}, {"CRITICAL", 600}, {"FATAL", 600}, {"ALERT", 700},  {"EMERGENCY", 800}};

static bool parse_number(struct span text, int32_t *ret_number)
{
    int32_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 4) {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = number;
    return text.size > 0;
}

bool log_severity_parse(struct span text, int32_t *ret_severity)
{
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
        if (text.size == strlen(severities[i].name) && strncasecmp(text.data, severities[i].name, text.size) == 0) {
            *ret_severity = severities[i].number;
            return true;
        }
    }
    return parse_number(text, ret_severity);
}
