/* main_format: --format=table|json of the verbs that look at data; --json is short for the second.
 *
 * Used by   main_wal.c, main_snapshot.c, main_backup.c.
 */
#ifndef SERVER_MAIN_FORMAT_H_
#define SERVER_MAIN_FORMAT_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

/* True: **arguments is such a flag, *json is set, and *arguments is on its last word. One with another value than table
 * or json is none. */
bool main_format_read(char *const **arguments, bool *json);

C_DECLS_END

#endif /* SERVER_MAIN_FORMAT_H_ */
