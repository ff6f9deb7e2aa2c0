#include "executor/task_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Sizes first, then one block: the task, its four arrays, its texts. */
struct measure {
    size_t argv_count;
    size_t uri_count;
    size_t text_bytes;
    size_t exec_bytes; /* of these, what the exec has to carry */
};

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static int measure_list(const char *const *list, const char *what, size_t *ret_count, struct measure *measure,
                        struct err *err)
{
    for (; list && list[*ret_count]; ++*ret_count) {
        size_t size = text_size(list[*ret_count]);

        if (size > LIMIT_EXEC_STRING_BYTES) {
            return err_set(err, ERR_INVALID, "%s %zu has %zu bytes; at most %d can be passed on", what, *ret_count,
                           size - 1, LIMIT_EXEC_STRING_BYTES - 1);
        }
        measure->text_bytes += size;
    }
    return 0;
}

static int measure_env(const struct task *task, struct measure *measure, struct err *err)
{
    for (size_t i = 0; i < task->env_count; i++) {
        const struct env_entry *entry = &task->env[i];
        size_t size = text_size(entry->name) + text_size(entry->value ? entry->value : "");

        if (!entry->name[0] || strchr(entry->name, '=')) {
            return err_set(err, ERR_INVALID, "\"%.100s\" cannot name an environment variable", entry->name);
        }
        if (size > LIMIT_EXEC_STRING_BYTES) {
            return err_set(err, ERR_INVALID, "environment variable %.100s has %zu bytes; at most %d can be passed on",
                           entry->name, size - 1, LIMIT_EXEC_STRING_BYTES - 1);
        }
        measure->text_bytes += size;
    }
    return 0;
}

static int measure_task(const struct task *task, struct measure *measure, struct err *err)
{
    if (measure_list(task->argv, "argument", &measure->argv_count, measure, err) != 0 ||
        measure_env(task, measure, err) != 0) {
        return -1;
    }
    measure->exec_bytes = measure->text_bytes;
    if (measure_list(task->package_uris, "package", &measure->uri_count, measure, err) != 0) {
        return -1;
    }
    if (measure->exec_bytes > LIMIT_EXEC_TOTAL_BYTES) {
        return err_set(err, ERR_INVALID, "arguments and environment have %zu bytes; at most %d can be passed on",
                       measure->exec_bytes, LIMIT_EXEC_TOTAL_BYTES);
    }
    if (!task->python_module && !task->args_only && measure->argv_count == 0) {
        return err_set(err, ERR_INVALID, "there is no program to run");
    }
    measure->text_bytes +=
        text_size(task->image_uri) + text_size(task->python_module) + text_size(task->limits.devices);
    for (size_t i = 0; i < task->mount_count; i++) {
        measure->text_bytes += text_size(task->mounts[i].source) + text_size(task->mounts[i].target);
    }
    return 0;
}

static const char *put_text(char **at, const char *text)
{
    size_t size = text_size(text);
    char *copy = *at;

    if (!text) {
        return NULL;
    }
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static const char *const *put_list(const char **slots, char **at, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slots[i] = put_text(at, list[i]);
    }
    slots[count] = NULL;
    return slots;
}

int task_copy_create(const struct task *task, struct task **ret_copy, struct err *err)
{
    struct measure measure = {0};
    struct task *copy;
    struct env_entry *env;
    struct task_mount *mounts;
    const char **slots;
    char *at;

    if (measure_task(task, &measure, err) != 0) {
        return -1;
    }
    copy = malloc(sizeof *copy + task->env_count * sizeof *env + task->mount_count * sizeof *mounts +
                  (measure.argv_count + measure.uri_count + 2) * sizeof *slots + measure.text_bytes);
    if (!copy) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a task");
    }
    env = (struct env_entry *)(copy + 1);
    mounts = (struct task_mount *)(env + task->env_count);
    slots = (const char **)(mounts + task->mount_count);
    at = (char *)(slots + measure.argv_count + measure.uri_count + 2);
    *copy = *task;
    copy->argv = put_list(slots, &at, task->argv, measure.argv_count);
    copy->package_uris = put_list(slots + measure.argv_count + 1, &at, task->package_uris, measure.uri_count);
    for (size_t i = 0; i < task->env_count; i++) {
        env[i].name = put_text(&at, task->env[i].name);
        env[i].value = put_text(&at, task->env[i].value ? task->env[i].value : "");
    }
    copy->env = env;
    for (size_t i = 0; i < task->mount_count; i++) {
        mounts[i].source = put_text(&at, task->mounts[i].source);
        mounts[i].target = put_text(&at, task->mounts[i].target);
    }
    copy->mounts = mounts;
    copy->image_uri = put_text(&at, task->image_uri);
    copy->python_module = put_text(&at, task->python_module);
    copy->limits.devices = put_text(&at, task->limits.devices);
    copy->display_name = NULL;
    copy->labels = NULL;
    copy->label_count = 0;
    *ret_copy = copy;
    return 0;
}
