#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/standard_streams.h"
#include "server/main_exit.h"

#ifndef CUSTOMJOBD_VERSION
#define CUSTOMJOBD_VERSION "unknown"
#endif

static const struct {
    const char *name;
    int (*run)(char *const *arguments);
} data_verbs[] = {{"wal", main_wal}, {"snapshot", main_snapshot}, {"backup", main_backup}, {"restore", main_restore}};

static void print_usage(FILE *out)
{
    fputs(
        "usage: customjobd serve --data-dir DIR [OPTION]...   serve the API and run jobs; --help tells the options\n"
        "       customjobd wal dump|check|stat DIR            print the log's records; is it sound; count what is in it\n"
        "       customjobd snapshot dump|verify FILE|DIR      print a snapshot's rows; is it sound\n"
        "       customjobd backup DIR BACKUP_DIR              copy the store, also of a running server\n"
        "       customjobd restore BACKUP_DIR DIR             make a data directory of a backup\n"
        "       customjobd --version\n"
        "       customjobd --help\n"
        "All but serve only read what they are given, print a table, or with --format=json one object a line.\n",
        out);
}

static int refuse(const char *word)
{
    if (word) {
        fprintf(stderr, "customjobd: unknown command '%s'\n", word);
    }
    print_usage(stderr);
    return MAIN_EXIT_USAGE;
}

static bool asks_for_help(char *const *arguments)
{
    for (; *arguments; arguments++) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0) {
            return true;
        }
    }
    return false;
}

int main(int argument_count, char **arguments)
{
    const char *verb = argument_count > 1 ? arguments[1] : NULL;
    struct err err = ERR_INIT;

    if (standard_streams_ensure(&err)) {
        fprintf(stderr, "customjobd: %s\n", err.text);
        return MAIN_EXIT_DISK;
    }
    if (!verb) {
        return refuse(NULL);
    }
    if (strcmp(verb, "serve") == 0) {
        return main_serve(arguments + 2);
    }
    for (size_t i = 0; i < sizeof data_verbs / sizeof data_verbs[0]; i++) {
        if (strcmp(verb, data_verbs[i].name) == 0) {
            if (asks_for_help(arguments + 2)) {
                print_usage(stdout);
                return MAIN_EXIT_OK;
            }
            return data_verbs[i].run(arguments + 2);
        }
    }
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "version") == 0) {
        puts("customjobd " CUSTOMJOBD_VERSION);
        return MAIN_EXIT_OK;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
        print_usage(stdout);
        return MAIN_EXIT_OK;
    }
    return refuse(verb);
}
