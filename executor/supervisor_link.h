/* supervisor_link: the server's end of the socket on which a supervisor tells its events and takes requests.
 *
 * Used by   process_execution.c.
 * Shape     one SEQPACKET connection; events on it are only hints to read the event file.
 * Thread    the executor's.      Blocks    never.
 */
#ifndef EXECUTOR_SUPERVISOR_LINK_H_
#define EXECUTOR_SUPERVISOR_LINK_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

/* Connects and asks for all events after after_seq; the descriptor, -1 when nobody answers now. */
int supervisor_link_open(int dir_fd, uint64_t after_seq);
/* False: the connection is of no use any more. */
bool supervisor_link_stop(int link_fd, uint32_t grace_ms);

enum supervisor_link_news { SUPERVISOR_LINK_QUIET, SUPERVISOR_LINK_EVENT, SUPERVISOR_LINK_CLOSED };

/* Takes all that has come. */
enum supervisor_link_news supervisor_link_read(int link_fd);

C_DECLS_END

#endif /* EXECUTOR_SUPERVISOR_LINK_H_ */
