#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set_v(struct err *err, enum err_code code, const char *format, va_list arguments)
{
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, arguments);
    return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    err_set_v(err, code, format, arguments);
    va_end(arguments);
    return -1;
}

int err_set_errno(struct err *err, int errno_value, const char *format, ...)
{
    char reason[128];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    err_set_v(err, ERR_IO, format, arguments);
    va_end(arguments);
    length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", strerror_r(errno_value, reason, sizeof reason));
    return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char inner[ERR_TEXT_BYTES];
    va_list arguments;
    size_t length;

    memcpy(inner, err->text, sizeof inner);
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", inner);
    return -1;
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "no error",
        [ERR_INVALID] = "invalid argument",
        [ERR_NOT_FOUND] = "not found",
        [ERR_EXISTS] = "already exists",
        [ERR_PRECONDITION] = "failed precondition",
        [ERR_EXHAUSTED] = "resource exhausted",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_DEADLINE] = "deadline exceeded",
        [ERR_UNSUPPORTED] = "unsupported",
        [ERR_DENIED] = "permission denied",
        [ERR_IN_USE] = "in use",
        [ERR_CORRUPT] = "corrupt",
        [ERR_IO] = "input/output",
        [ERR_INTERNAL] = "internal",
    };
    _Static_assert(sizeof names / sizeof names[0] == ERR_INTERNAL + 1, "one name per code");

    return (unsigned)code < sizeof names / sizeof names[0] ? names[code] : "unknown";
}
