/* main_signals: when to stop, and when to hurry.
 *
 * Used by   main_serve.c.
 * Shape     SIGTERM, SIGINT and SIGHUP are blocked before any thread is made and waited for; SIGPIPE is ignored. Who starts
 *           programs resets all of them there.
 * Thread    the main thread; what hurries is called on a thread of this room.
 */
#ifndef SERVER_MAIN_SIGNALS_H_
#define SERVER_MAIN_SIGNALS_H_

#include "base/err.h"

C_DECLS_BEGIN

void main_signals_block(void);
/* Waits for the first; its name, such as "SIGTERM". */
const char *main_signals_wait(void);

/* From here on until end, each further signal calls hurry. */
struct main_signals_watch;
struct main_signals_watch *main_signals_watch(void (*hurry)(void *context), void *context);
void main_signals_watch_end(struct main_signals_watch *watch);

C_DECLS_END

#endif /* SERVER_MAIN_SIGNALS_H_ */
