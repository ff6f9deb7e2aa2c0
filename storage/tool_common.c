#include "storage/tool_common.h"

#include "storage/store.h"

int tool_exit_code(const struct err *err)
{
    switch (err->code) {
    case ERR_CORRUPT:
    case ERR_UNSUPPORTED:
    case ERR_IN_USE:
        return TOOL_EXIT_CORRUPT;
    case ERR_NOT_FOUND:
    case ERR_INVALID:
    case ERR_EXISTS:
        return TOOL_EXIT_USAGE;
    default:
        return TOOL_EXIT_DISK;
    }
}

int tool_exit_flush(FILE *out)
{
    return fflush(out) == 0 && !ferror(out) ? TOOL_EXIT_SOUND : TOOL_EXIT_DISK;
}

void tool_print_size(char *text, size_t text_bytes, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    snprintf(text, text_bytes, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

const char *tool_table_name(uint32_t table)
{
    switch (table) {
    case 0:
        return "seal_key"; /* no row: what sealed ones are opened with */
    case STORE_TABLE_JOB:
        return "job";
    case STORE_TABLE_OPERATION:
        return "operation";
    case STORE_TABLE_EXECUTION:
        return "execution";
    case STORE_TABLE_REQUEST_ID:
        return "request_id";
    default:
        return "unknown";
    }
}
