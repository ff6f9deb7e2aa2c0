#include <stdio.h>
#include <string.h>

#include "server/main_exit.h"
#include "server/main_format.h"
#include "server/main_keys.h"
#include "storage/wal_tool.h"

static int refuse(const char *why, const char *word)
{
    fprintf(stderr,
            "customjobd: %s%s\nusage: customjobd wal dump|check|stat [--format=table|json] [--key-file "
            "FILE|--kms-plugin PROGRAM] DIR\n",
            why, word);
    return MAIN_EXIT_USAGE;
}

/* True: **arguments is the flag, with its value behind it or behind a "=". */
static bool take_value(char *const **arguments, const char *flag, const char **ret_value)
{
    const char *word = **arguments;
    size_t size = strlen(flag);

    if (strncmp(word, flag, size) != 0 || (word[size] != '=' && word[size] != '\0')) {
        return false;
    }
    if (word[size] == '=') {
        *ret_value = word + size + 1;
        return true;
    }
    if (!(*arguments)[1]) {
        return false;
    }
    *ret_value = *++*arguments;
    return true;
}

static int run(const char *const words[2], const char *key_file, const char *kms_plugin, bool json)
{
    struct keyring *keys = NULL;
    struct err err = ERR_INIT;
    int code;

    if (main_keys_open(key_file, kms_plugin, &keys, &err)) {
        fprintf(stderr, "customjobd: %s\n", err.text);
        return MAIN_EXIT_USAGE;
    }
    code = wal_tool_run_with_keys(fs_system(), words[0], words[1], keys, json, stdout, stderr);
    keyring_destroy(keys);
    return code;
}

int main_wal(char *const *arguments)
{
    const char *words[2] = {NULL, NULL}; /* verb and directory */
    const char *key_file = NULL, *kms_plugin = NULL;
    size_t count = 0;
    bool json = false;

    for (; *arguments; arguments++) {
        if (main_format_read(&arguments, &json)) {
            continue;
        }
        if (take_value(&arguments, "--key-file", &key_file) || take_value(&arguments, "--kms-plugin", &kms_plugin)) {
            continue;
        }
        if ((*arguments)[0] == '-') {
            return refuse("unknown flag ", *arguments);
        } else if (count == 2) {
            return refuse("one directory at a time, not also ", *arguments);
        } else {
            words[count++] = *arguments;
        }
    }
    if (count < 2) {
        return refuse(count == 0 ? "which of them?" : "the directory is missing", "");
    }
    return run(words, key_file, kms_plugin, json);
}
