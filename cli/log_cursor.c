#include "cli/log_cursor.h"

#include <stdlib.h>

struct log_cursor_row {
    char *replica;
    size_t replica_size;
    int32_t stream;
    int64_t last_unix_ns;
    size_t at_last;   /* entries with that time */
    size_t passed;    /* of them, those that came again since the restart */
    bool catching_up; /* what was seen before the break may still come */
};

void log_cursor_deinit(struct log_cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++) {
        free(cursor->rows[i].replica);
    }
    free(cursor->rows);
    *cursor = (struct log_cursor){.rows = NULL};
}

static struct log_cursor_row *find(struct log_cursor *cursor, struct span replica, int32_t stream)
{
    for (size_t i = 0; i < cursor->count; i++) {
        struct log_cursor_row *row = &cursor->rows[i];

        if (row->stream == stream && span_equal(span_make(row->replica, row->replica_size), replica)) {
            return row;
        }
    }
    return NULL;
}

static struct log_cursor_row *add(struct log_cursor *cursor, struct span replica, int32_t stream)
{
    struct log_cursor_row *rows;
    char *copy;

    if ((cursor->count & (cursor->count - 1)) == 0) {
        rows = realloc(cursor->rows, (cursor->count ? 2 * cursor->count : 1) * sizeof *rows);
        if (!rows) {
            return NULL;
        }
        cursor->rows = rows;
    }
    copy = malloc(replica.size + 1);
    if (!copy) {
        return NULL;
    }
    memcpy(copy, replica.size ? replica.data : "", replica.size);
    rows = &cursor->rows[cursor->count++];
    *rows = (struct log_cursor_row){
        .replica = copy, .replica_size = replica.size, .stream = stream, .last_unix_ns = INT64_MIN};
    return rows;
}

/* Whether the entry came before the break; ends the catching up with the first that did not. */
static bool seen_before(struct log_cursor_row *row, int64_t unix_ns)
{
    if (row->catching_up && unix_ns < row->last_unix_ns) {
        return true;
    }
    if (row->catching_up && unix_ns == row->last_unix_ns && row->passed < row->at_last) {
        row->passed++;
        return true;
    }
    row->catching_up = false;
    return false;
}

int log_cursor_pass(struct log_cursor *cursor, struct span replica, int32_t stream, int64_t unix_ns, bool *ret_new,
                    struct err *err)
{
    struct log_cursor_row *row = find(cursor, replica, stream);

    if (!row) {
        row = add(cursor, replica, stream);
        if (!row) {
            return err_set(err, ERR_EXHAUSTED, "out of memory");
        }
    }
    if (seen_before(row, unix_ns)) {
        *ret_new = false;
        return 0;
    }
    if (unix_ns == row->last_unix_ns) {
        row->at_last++;
    } else {
        row->last_unix_ns = unix_ns;
        row->at_last = 1;
    }
    *ret_new = true;
    return 0;
}

void log_cursor_restart(struct log_cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++) {
        cursor->rows[i].passed = 0;
        cursor->rows[i].catching_up = true;
    }
}

bool log_cursor_since(const struct log_cursor *cursor, int64_t *ret_unix_ns)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < cursor->count; i++) {
        if (cursor->rows[i].last_unix_ns < earliest) {
            earliest = cursor->rows[i].last_unix_ns;
        }
    }
    if (cursor->count > 0) {
        *ret_unix_ns = earliest;
    }
    return cursor->count > 0;
}
