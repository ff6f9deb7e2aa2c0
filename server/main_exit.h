/* main_exit: the exit codes of customjobd, and the verbs that return them.
 *
 * Source    docs/ARCHITECTURE.md
 */
#ifndef SERVER_MAIN_EXIT_H_
#define SERVER_MAIN_EXIT_H_

#include "base/err.h"

C_DECLS_BEGIN

enum main_exit {
    MAIN_EXIT_OK = 0,
    MAIN_EXIT_USAGE = 2,   /* wrong usage or configuration */
    MAIN_EXIT_DATA = 3,    /* the data directory cannot be trusted or is in use */
    MAIN_EXIT_ADDRESS = 4, /* an address cannot be bound */
    MAIN_EXIT_DISK = 5     /* the disk, or something else of this host, failed */
};

/* arguments: what follows the verb, NULL terminated. */
MUST_USE int main_serve(char *const *arguments);
MUST_USE int main_wal(char *const *arguments);
MUST_USE int main_snapshot(char *const *arguments);
MUST_USE int main_backup(char *const *arguments);
MUST_USE int main_restore(char *const *arguments);

C_DECLS_END

#endif /* SERVER_MAIN_EXIT_H_ */
