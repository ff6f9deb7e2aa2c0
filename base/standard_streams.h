/* standard_streams: descriptors 0 to 2 of a program that was started without them.
 *
 * Used by   main of every program, first of all.
 * Shape     the number of what is closed is taken up, and using it still fails. Otherwise the next file that is opened
 *           gets it, a segment of the log perhaps, and a message for people is written into that.
 * Thread    main, before there are others.
 * Errors    ERR_IO.
 */
#ifndef BASE_STANDARD_STREAMS_H_
#define BASE_STANDARD_STREAMS_H_

#include "base/err.h"

C_DECLS_BEGIN

MUST_USE int standard_streams_ensure(struct err *err);

C_DECLS_END

#endif /* BASE_STANDARD_STREAMS_H_ */
