#include "executor/python_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parameters: module, number of packages, the packages, the module's arguments. */
static const char SCRIPT[] =
    "set -eu\n"
    "module=$1 count=$2\n"
    "shift 2\n"
    "venv=$HOME/.venv\n"
    "if command -v uv >/dev/null 2>&1; then\n"
    "    uv venv --quiet --system-site-packages \"$venv\"\n"
    "    install() { uv pip install --quiet --python \"$venv/bin/python\" \"$1\"; }\n"
    "else\n"
    "    python3 -m venv --system-site-packages \"$venv\"\n"
    "    install() { \"$venv/bin/python\" -m pip install --quiet --disable-pip-version-check \"$1\"; }\n"
    "fi\n"
    "while [ \"$count\" -gt 0 ]; do\n"
    "    install \"$1\"\n"
    "    shift\n"
    "    count=$((count - 1))\n"
    "done\n"
    "PATH=$venv/bin:$PATH VIRTUAL_ENV=$venv\n"
    "export PATH VIRTUAL_ENV\n"
    "exec \"$venv/bin/python\" -m \"$module\" \"$@\"\n";

#define FIXED_ARGUMENTS 6 /* sh -c SCRIPT name module count */

/* The directory and the rest of a package's path: "" and an absolute path, or the buckets and bucket/object. */
static int split_uri(const char *uri, const char *buckets_dir, const char **ret_dir, const char **ret_rest,
                     struct err *err)
{
    if (uri[0] == '/') {
        *ret_dir = "";
        *ret_rest = uri;
    } else if (strncmp(uri, "file:///", 8) == 0) {
        *ret_dir = "";
        *ret_rest = uri + 7;
    } else if (strncmp(uri, "gs://", 5) == 0 && uri[5] != '\0' && buckets_dir) {
        *ret_dir = buckets_dir;
        *ret_rest = uri + 4;
    } else if (strncmp(uri, "gs://", 5) == 0) {
        return err_set(err, ERR_INVALID, "the package \"%.200s\" is in a bucket, and there is no --buckets-dir", uri);
    } else {
        return err_set(err, ERR_INVALID, "the package \"%.200s\" is neither gs:// nor file:/// nor an absolute path",
                       uri);
    }
    if (strstr(*ret_rest, "/../") ||
        (strlen(*ret_rest) >= 3 && strcmp(*ret_rest + strlen(*ret_rest) - 3, "/..") == 0)) {
        return err_set(err, ERR_INVALID, "the package \"%.200s\" leads out of its place by \"..\"", uri);
    }
    return 0;
}

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list && list[count]) {
        count++;
    }
    return count;
}

int python_env_argv(const struct task *task, const char *buckets_dir, const char ***ret_argv, struct err *err)
{
    size_t uri_count = count_of(task->package_uris), argument_count = count_of(task->argv);
    size_t slot_count = FIXED_ARGUMENTS + uri_count + argument_count + 1, text_bytes = 32, at = 0;
    const char **argv, *dir, *rest;
    char *text;

    for (size_t i = 0; i < uri_count; i++) {
        if (split_uri(task->package_uris[i], buckets_dir, &dir, &rest, err) != 0) {
            return -1;
        }
        text_bytes += strlen(dir) + strlen(rest) + 1;
    }
    argv = malloc(slot_count * sizeof *argv + text_bytes);
    if (!argv) {
        return err_set(err, ERR_EXHAUSTED, "no memory for arguments");
    }
    text = (char *)(argv + slot_count);
    argv[at++] = "/bin/sh";
    argv[at++] = "-c";
    argv[at++] = SCRIPT;
    argv[at++] = "python-package";
    argv[at++] = task->python_module;
    argv[at++] = text;
    text += snprintf(text, 32, "%zu", uri_count) + 1;
    for (size_t i = 0; i < uri_count; i++) {
        if (split_uri(task->package_uris[i], buckets_dir, &dir, &rest, err) != 0) {
            free(argv);
            return -1;
        }
        argv[at++] = text;
        text += snprintf(text, strlen(dir) + strlen(rest) + 1, "%s%s", dir, rest) + 1;
    }
    for (size_t i = 0; i < argument_count; i++) {
        argv[at++] = task->argv[i];
    }
    argv[at] = NULL;
    *ret_argv = argv;
    return 0;
}
