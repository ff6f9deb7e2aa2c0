#include "executor/attempt_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executor/attempt_dir.h"

static int write_file(int dir_fd, const char *name, const char *bytes, size_t size, struct err *err)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t used = 0;

    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make the file %s of an attempt", name);
    }
    while (used < size) {
        ssize_t put = write(fd, bytes + used, size - used);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            err_set_errno(err, errno, "cannot write the file %s of an attempt", name);
            close(fd);
            return -1;
        }
        used += (size_t)put;
    }
    return close(fd) == 0 ? 0 : err_set_errno(err, errno, "cannot write the file %s of an attempt", name);
}

int attempt_text_begin(struct attempt_text *text, struct err *err)
{
    *text = (struct attempt_text){0};
    text->stream = open_memstream(&text->bytes, &text->size);
    return text->stream ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for the files of an attempt");
}

int attempt_text_write(struct attempt_text *text, int dir_fd, const char *name, struct err *err)
{
    bool failed = ferror(text->stream) != 0;
    int result;

    failed = fclose(text->stream) != 0 || failed;
    result = failed ? err_set(err, ERR_EXHAUSTED, "no memory for the files of an attempt")
                    : write_file(dir_fd, name, text->bytes, text->size, err);
    free(text->bytes);
    return result;
}

void attempt_text_string(struct attempt_text *text, const char *string)
{
    (void)fwrite(string, 1, strlen(string) + 1, text->stream);
}

void attempt_text_variable(struct attempt_text *text, const char *name, const char *value)
{
    (void)fprintf(text->stream, "%s=%s", name, value);
    (void)fputc('\0', text->stream);
}

bool attempt_text_is_entry_of(const char *entry, const char *name)
{
    size_t length = strlen(name);

    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

bool attempt_text_task_names(const struct task *task, const char *name, size_t length)
{
    for (size_t i = 0; i < task->env_count; i++) {
        if (strlen(task->env[i].name) == length && memcmp(task->env[i].name, name, length) == 0) {
            return true;
        }
    }
    return false;
}

int attempt_text_write_argv(int dir_fd, const char *const *argv, struct err *err)
{
    struct attempt_text text;

    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    for (; *argv; argv++) {
        attempt_text_string(&text, *argv);
    }
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_ARGV, err);
}

static void put_passed(struct attempt_text *text, const struct process_config *config, const struct task *task)
{
    for (char **entry = config->passed_env; *entry; entry++) {
        if (!attempt_text_is_entry_of(*entry, ATTEMPT_VARIABLE) &&
            !attempt_text_task_names(task, *entry, strcspn(*entry, "="))) {
            attempt_text_string(text, *entry);
        }
    }
}

void attempt_text_given_env(struct attempt_text *text, const struct process_config *config, const struct task *task)
{
    char key[EXECUTION_KEY_BYTES];

    execution_key_format(&task->key, key);
    attempt_text_variable(text, ATTEMPT_VARIABLE, key);
    for (size_t i = 0; i < task->env_count; i++) {
        if (strcmp(task->env[i].name, ATTEMPT_VARIABLE) != 0) {
            attempt_text_variable(text, task->env[i].name, task->env[i].value);
        }
    }
    put_passed(text, config, task);
}

void attempt_text_log_limits(struct attempt_text *text, const struct process_config *config)
{
    (void)fprintf(text->stream, "log_bytes_max=%" PRIu64 "\n", config->log_bytes_max);
    if (config->log_bytes_per_s_max > 0) {
        (void)fprintf(text->stream, "log_bytes_per_s_max=%" PRIu64 "\nlog_overflow=%s\n", config->log_bytes_per_s_max,
                      config->log_waits ? "wait" : "drop");
    }
}

int attempt_text_lock(int dir_fd, struct err *err)
{
    int fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make the lock of an attempt");
    }
    close(fd);
    return 0;
}
