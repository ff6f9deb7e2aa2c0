#include "supervisor/failure.h"

#include <stdio.h>

int failure_set(struct failure *failure, int error_number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->error_number = error_number;
    (void)vsnprintf(failure->what, sizeof failure->what, format, arguments);
    va_end(arguments);
    return -1;
}
