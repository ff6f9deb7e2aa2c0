/* wal_tool: `customjobd wal dump|check|stat DIR`, on the same reader as recovery. Never writes, takes no lock.
 *
 * Used by   server/main.c alone.
 * Shape     dump: one line per record (lsn, segment, offset, table, id, bytes, deleted); format "json": one JSON
 *           object per line. check: walks all, prints one verdict line.
 * Returns   the process's exit code: 0 sound (a torn tail is sound and told), 3 corrupt, 2 wrong usage, 5 I/O.
 */
#ifndef STORAGE_WAL_TOOL_H_
#define STORAGE_WAL_TOOL_H_

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

struct keyring;

/* verb: "dump", "check" or "stat". */
MUST_USE int wal_tool_run(const struct fs *fs, const char *verb, const char *dir, bool json, FILE *out,
                          FILE *error_out);
/* The same, but opens what is sealed: dump tells the bytes of the values, check finds what somebody has changed. */
MUST_USE int wal_tool_run_with_keys(const struct fs *fs, const char *verb, const char *dir, struct keyring *keys,
                                    bool json, FILE *out, FILE *error_out);

C_DECLS_END

#endif /* STORAGE_WAL_TOOL_H_ */
