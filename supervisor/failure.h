/* failure: an error as a value: errno and the step it struck, in the form in which it goes into an event.
 *
 * Used by   all of supervisor/, which may not use base/.
 * Owns      its text, in place; longer ones are cut.
 * Errors    error_number 0: the sentence alone tells it.
 */
#ifndef SUPERVISOR_FAILURE_H_
#define SUPERVISOR_FAILURE_H_

#include <stdarg.h>

#define FAILURE_WHAT_BYTES 128

struct failure {
    int error_number;
    char what[FAILURE_WHAT_BYTES];
};

/* Always returns -1. */
__attribute__((format(printf, 3, 4))) int failure_set(struct failure *failure, int error_number, const char *format,
                                                      ...);

#endif /* SUPERVISOR_FAILURE_H_ */
