#include <string.h>

#include "server/config_set.h"

#define INDENT 28
#define WIDTH 110

/* Prints words from column on, with line breaks before WIDTH. */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
    while (*text) {
        size_t word = strcspn(text, " ");

        if (column > INDENT && column + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)word, text);
        column += word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct config_option *option)
{
    char fallback[64] = "";
    char bounds[64] = "";
    char text[1024];
    int width = fprintf(out, "  --%s%s%s", option->name, option->argument[0] ? " " : "", option->argument);

    if (width + 2 > INDENT) {
        fprintf(out, "\n%*s", INDENT, "");
    } else {
        fprintf(out, "%*s", INDENT - width, "");
    }
    if (option->fallback[0] && option->kind != CONFIG_SWITCH) {
        snprintf(fallback, sizeof fallback, " Default: %s.", option->fallback);
    }
    if (option->least[0] && option->most[0]) {
        snprintf(bounds, sizeof bounds, " From %s to %s.", option->least, option->most);
    }
    snprintf(text, sizeof text, "%s%s%s%s", option->help, config_is_list(option) ? " May be repeated." : "", fallback,
             bounds);
    print_wrapped(out, text, INDENT);
}

void config_print_help(FILE *out)
{
    size_t count;
    const struct config_option *options = config_options(&count);

    fputs(
        "usage: customjobd serve --data-dir DIR [OPTION]...\n"
        "\n"
        "Serves the CustomJob API and runs the jobs. Prints `ready grpc=ADDR[,ADDR]` when it does, and stops in order at\n"
        "SIGTERM or SIGINT; replicas go on running and are taken over by the next start.\n"
        "\n",
        out);
    for (size_t i = 0; i < count; i++) {
        print_option(out, &options[i]);
    }
    fputs(
        "\n"
        "Each option is also an environment variable (CUSTOMJOBD_DATA_DIR; lists with commas) and a key of the\n"
        "configuration file (data-dir: /var/lib/customjobd; lists as sequences). A flag wins over the environment, that\n"
        "over the file. TIME: 200ms, 1.5s, 10m, 1h30m, 7d. SIZE: 4096B, 512KiB, 64MiB, 1GiB.\n"
        "\n"
        "Exit codes: 0 stopped as asked; 2 wrong usage or configuration; 3 the data directory cannot be trusted or is in\n"
        "use; 4 an address cannot be bound; 5 the disk failed.\n",
        out);
}
