/* snapshot_tool: `customjobd snapshot dump|verify FILE|DIR`, on the same reader as recovery. Never writes.
 *
 * Used by   server/main_snapshot.c alone.
 * Shape     a directory stands for the snapshot that its MANIFEST names. dump: one line per row; verify: one line.
 * Returns   the process's exit code: 0 sound, 2 wrong usage, 3 corrupt or of a newer program, 5 I/O.
 */
#ifndef STORAGE_SNAPSHOT_TOOL_H_
#define STORAGE_SNAPSHOT_TOOL_H_

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

MUST_USE int snapshot_tool_run(const struct fs *fs, const char *verb, const char *path, bool json, FILE *out,
                               FILE *error_out);

C_DECLS_END

#endif /* STORAGE_SNAPSHOT_TOOL_H_ */
