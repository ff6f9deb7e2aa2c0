#include "server/main_log.h"

#include <grpc/support/log.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_BYTES 2048

static bool has_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");

    return isatty(STDERR_FILENO) && !(no_colour && no_colour[0]);
}

static size_t print_time(char *text, size_t text_bytes)
{
    int64_t now = clock_wall_unix_ns(clock_system());
    time_t seconds = (time_t)(now / CLOCK_NS_PER_S);
    struct tm when;
    size_t size;

    gmtime_r(&seconds, &when);
    size = strftime(text, text_bytes, "%Y-%m-%dT%H:%M:%S", &when);
    return size +
           (size_t)snprintf(text + size, text_bytes - size, ".%03dZ", (int)(now % CLOCK_NS_PER_S / CLOCK_NS_PER_MS));
}

void main_log(enum main_log_level level, const char *format, ...)
{
    static const char *const names[] = {"INFO ", "WARN ", "ERROR"};
    static const char *const colours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
    bool coloured = has_colour();
    char line[LINE_BYTES];
    size_t size = print_time(line, sizeof line);
    size_t text_at;
    va_list arguments;

    size += (size_t)snprintf(line + size, sizeof line - size, " %s%s%s ", coloured ? colours[level] : "", names[level],
                             coloured ? "\x1b[m" : "");
    text_at = size;
    va_start(arguments, format);
    size += (size_t)vsnprintf(line + size, sizeof line - size, format, arguments);
    va_end(arguments);
    if (size > sizeof line - 1) {
        size = sizeof line - 1;
    }
    for (char *newline = line + text_at; (newline = memchr(newline, '\n', (size_t)(line + size - newline)));) {
        *newline = ' ';
    }
    line[size] = '\n';
    if (write(STDERR_FILENO, line, size + 1) < 0) {
        return; /* there is nobody left to tell */
    }
}

void main_log_line(void *context, const char *line)
{
    (void)context;
    main_log(MAIN_LOG_INFO, "%s", line);
}

static void log_of_grpc(gpr_log_func_args *args)
{
    main_log(args->severity == GPR_LOG_SEVERITY_ERROR ? MAIN_LOG_WARNING : MAIN_LOG_INFO, "grpc: %s", args->message);
}

void main_log_take_grpc(void)
{
    gpr_set_log_function(log_of_grpc);
}
