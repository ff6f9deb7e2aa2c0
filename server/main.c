#include <stdio.h>
#include <string.h>

#include "server/main_exit.h"

#ifndef CUSTOMJOBD_VERSION
#define CUSTOMJOBD_VERSION "unknown"
#endif

static void print_usage(FILE *out)
{
    fputs("usage: customjobd serve --data-dir DIR [OPTION]...   serve the API and run jobs; --help tells the options\n"
          "       customjobd wal dump [--json] DIR              print the records of the write-ahead log\n"
          "       customjobd wal check DIR                      say whether it is sound\n"
          "       customjobd wal stat [--json] DIR              count what is in it\n"
          "       customjobd --version\n"
          "       customjobd --help\n",
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

int main(int argument_count, char **arguments)
{
    const char *verb = argument_count > 1 ? arguments[1] : NULL;

    if (!verb) {
        return refuse(NULL);
    }
    if (strcmp(verb, "serve") == 0) {
        return main_serve(arguments + 2);
    }
    if (strcmp(verb, "wal") == 0) {
        return main_wal(arguments + 2);
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
