#include "executor/simulate_task.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

#define DURATION_NS_MAX (INT64_C(365) * 24 * 3600 * CLOCK_NS_PER_S)

static const struct {
    const char *name;
    int64_t ns;
} units[] = {{"ms", CLOCK_NS_PER_MS},
             {"s", CLOCK_NS_PER_S},
             {"m", 60 * CLOCK_NS_PER_S},
             {"h", 3600 * CLOCK_NS_PER_S},
             {"d", 24 * 3600 * CLOCK_NS_PER_S}};

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Digits, perhaps a point and more digits, as billionths; false when there is no such number or it is too large. */
static bool take_decimal(const char **text, int64_t *ret_billionths)
{
    int64_t number = 0, place = CLOCK_NS_PER_S;
    const char *at = *text;

    if (!is_digit(*at)) {
        return false;
    }
    for (; is_digit(*at); at++) {
        number = number * 10 + (*at - '0');
        if (number > INT64_C(1000000000)) {
            return false;
        }
    }
    number *= CLOCK_NS_PER_S;
    if (*at == '.') {
        if (!is_digit(*++at)) {
            return false;
        }
        for (; is_digit(*at); at++) {
            place /= 10;
            if (place == 0) {
                return false;
            }
            number += (*at - '0') * place;
        }
    }
    *text = at;
    *ret_billionths = number;
    return true;
}

int simulate_task_duration(const char *text, int64_t default_ns, int64_t *ret_ns, struct err *err)
{
    const char *unit = text;
    int64_t billionths;

    if (!text || !text[0]) {
        *ret_ns = default_ns;
        return 0;
    }
    if (take_decimal(&unit, &billionths)) {
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            __int128 ns = (__int128)billionths * units[i].ns / CLOCK_NS_PER_S;

            if (strcmp(unit, units[i].name) == 0 && ns <= DURATION_NS_MAX) {
                *ret_ns = (int64_t)ns;
                return 0;
            }
        }
    }
    return err_set(err, ERR_INVALID,
                   "\"%.100s\" is no duration of a simulated replica: a number with ms, s, m, h or d such as 1.5s, "
                   "at most 365 days",
                   text);
}

int simulate_task_exit_code(const char *text, int *ret_code, struct err *err)
{
    int code = 0;

    if (!text) {
        text = "";
    }
    for (const char *at = text; *at; at++) {
        code = is_digit(*at) ? code * 10 + (*at - '0') : 256;
        if (code > 255) {
            return err_set(err, ERR_INVALID, "\"%.100s\" is no exit code of a simulated replica: 0 to 255", text);
        }
    }
    *ret_code = code;
    return 0;
}

int simulate_task_signal(const char *text, int *ret_signal, struct err *err)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    int number = 0;

    for (const char *at = text; is_digit(*at) && number < 100; at++) {
        number = number * 10 + (*at - '0');
        if (!at[1] && number > 0 && sigabbrev_np(number)) {
            *ret_signal = number;
            return 0;
        }
    }
    for (number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);

        if (known && strcasecmp(name, known) == 0) {
            *ret_signal = number;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "\"%.100s\" is no signal of a simulated replica: a name such as SIGKILL, or its number", text);
}
_Static_assert(SIMULATE_SIGNAL_KILL == SIGKILL, "the number that labels mean");
