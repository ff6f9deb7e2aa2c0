/* tool_common: what the verbs that look at data directories have in common: exit codes, names, sizes.
 *
 * Used by   wal_tool, snapshot_tool, backup_tool.
 * Source    docs/operations.md: the exit codes of customjobd.
 */
#ifndef STORAGE_TOOL_COMMON_H_
#define STORAGE_TOOL_COMMON_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

C_DECLS_BEGIN

enum tool_exit {
    TOOL_EXIT_SOUND = 0,
    TOOL_EXIT_USAGE = 2,
    TOOL_EXIT_CORRUPT = 3, /* cannot be trusted, is in use, or is of a newer program */
    TOOL_EXIT_DISK = 5
};

int tool_exit_code(const struct err *err);
/* Whether what was printed has arrived. */
int tool_exit_flush(FILE *out);

/* "job", "operation", "execution", "request_id"; 0: "seal_key"; "unknown". */
const char *tool_table_name(uint32_t table);
/* "1.5 GiB". */
void tool_print_size(char *text, size_t text_bytes, uint64_t bytes);

C_DECLS_END

#endif /* STORAGE_TOOL_COMMON_H_ */
