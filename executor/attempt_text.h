/* attempt_text: the files of an attempt, written: strings with their NULs, lines, and the lock.
 *
 * Used by   attempt_files.c (processes), attempt_container.c (containers).
 * Shape     a text is made in memory and written whole. Puts cannot fail; the write tells.
 * Owns      the memory, from begin to write.
 * Thread    one.      Blocks    the writes, on the disk.
 * Errors    ERR_IO with the file's name; ERR_EXHAUSTED.
 */
#ifndef EXECUTOR_ATTEMPT_TEXT_H_
#define EXECUTOR_ATTEMPT_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "executor/executor.h"
#include "executor/process_config.h"

C_DECLS_BEGIN

/* A stream in memory keeps count of its own size and remembers a failure. */
struct attempt_text {
    FILE *stream;
    char *bytes;
    size_t size;
};

MUST_USE int attempt_text_begin(struct attempt_text *text, struct err *err);
/* Ends the text too, whatever comes of it. */
MUST_USE int attempt_text_write(struct attempt_text *text, int dir_fd, const char *name, struct err *err);

void attempt_text_string(struct attempt_text *text, const char *string);
void attempt_text_variable(struct attempt_text *text, const char *name, const char *value);
/* What stands in every replica's environment: its key, what the job sets, and of what the server passes on the names that
 * the job leaves open. */
void attempt_text_given_env(struct attempt_text *text, const struct process_config *config, const struct task *task);

/* Lines of conf: what is kept of the logs. */
void attempt_text_log_limits(struct attempt_text *text, const struct process_config *config);

/* Whether "NAME=value" is of that name. */
bool attempt_text_is_entry_of(const char *entry, const char *name);
/* Whether the job sets a variable of that name. */
bool attempt_text_task_names(const struct task *task, const char *name, size_t length);

/* argv: NULL terminated, final. */
MUST_USE int attempt_text_write_argv(int dir_fd, const char *const *argv, struct err *err);
/* The last file of all; it must be absent. */
MUST_USE int attempt_text_lock(int dir_fd, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_TEXT_H_ */
