/* fault_point: places at which a test may have the server die, as kill -9 would, by name.
 *
 * Used by   rooms on the way of a job (job/, executor/); main_serve.c arms one; tests/crash/kill_matrix_test.py.
 * Shape     fault_points.def names them all. Armed by $CUSTOMJOBD_FAULT_POINT=NAME or NAME:N, the process is killed when it
 *           passes the place for the N-th time. Not armed, a place costs one load and a branch that is never taken.
 * Thread    any; armed before the threads begin.
 * Errors    ERR_INVALID: there is no place of that name, or N is no number.
 */
#ifndef BASE_FAULT_POINT_H_
#define BASE_FAULT_POINT_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

extern bool fault_point_is_armed;

/* text NULL: none. */
MUST_USE int fault_point_arm(const char *text, struct err *err);
void fault_point_pass(const char *name);

#define FAULT_POINT(name)                                \
    do {                                                 \
        if (__builtin_expect(fault_point_is_armed, 0)) { \
            fault_point_pass(name);                      \
        }                                                \
    } while (0)

C_DECLS_END

#endif /* BASE_FAULT_POINT_H_ */
