/* backup_tool: `customjobd backup DIR TO` and `customjobd restore BACKUP DIR`.
 *
 * Used by   server/main_backup.c alone.
 * Shape     a table of what was copied, or one JSON object; how far it is on error_out while it runs, if asked for.
 * Returns   the process's exit code: 0 done, 2 wrong usage (also a directory that is not empty, or no backup), 3 cannot
 *           be trusted, 5 the disk.
 */
#ifndef STORAGE_BACKUP_TOOL_H_
#define STORAGE_BACKUP_TOOL_H_

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

struct backup_tool_options {
    bool json;
    bool progress; /* error_out is a terminal */
    FILE *out;
    FILE *error_out;
};

MUST_USE int backup_tool_make(const struct fs *fs, const char *dir, const char *to,
                              const struct backup_tool_options *options);
MUST_USE int backup_tool_restore(const struct fs *fs, const char *from, const char *dir,
                                 const struct backup_tool_options *options);

C_DECLS_END

#endif /* STORAGE_BACKUP_TOOL_H_ */
