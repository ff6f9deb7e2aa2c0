/* config: what `customjobd serve` was told, by flags, environment and file, and what it does where nothing was said.
 *
 * Used by   main_serve.c.
 * Shape     config_options.def is the one list. A flag wins over the environment, that over the file, that over the
 *           default; a list is taken whole from the strongest place that gives it. Of a flag given twice the last counts.
 * Units     in the member's name. Text that was not given is NULL, a list is empty.
 * Owns      every text and list, until config_deinit.
 * Thread    a value; pure but for reading the file.      Blocks    on the file.
 * Errors    ERR_INVALID, and ERR_IO for the file: the sentence names where the value stands (flag, variable, file and
 *           line), the value, and the limit or the nearest name there is.
 */
#ifndef SERVER_CONFIG_H_
#define SERVER_CONFIG_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "job/controller.h" /* struct project_number */

C_DECLS_BEGIN

struct upb_Arena;

struct config_list {
    const char **items; /* NULL terminated; never NULL itself */
    size_t count;
};

struct config_numbers {
    struct project_number *items;
    size_t count;
};

struct config_ports {
    uint16_t first;
    uint16_t last;
};

enum config_kind {
    CONFIG_TEXT,
    CONFIG_CHOICE,   /* one of the words of its argument */
    CONFIG_LIST,     /* repeatable; separated by commas in the environment */
    CONFIG_SWITCH,   /* needs no value as a flag */
    CONFIG_COUNT,    /* a whole number */
    CONFIG_DURATION, /* "1.5s", "200ms", "7d", "1h30m"; kept in ms */
    CONFIG_SIZE,     /* "64MiB"; kept in bytes */
    CONFIG_PORTS,    /* "20000-29999" */
    CONFIG_NUMBERS   /* repeatable "PROJECT=NUMBER"; a mapping in the file */
};

#define CONFIG_MEMBER_TEXT const char *
#define CONFIG_MEMBER_CHOICE const char *
#define CONFIG_MEMBER_LIST struct config_list
#define CONFIG_MEMBER_SWITCH bool
#define CONFIG_MEMBER_COUNT uint64_t
#define CONFIG_MEMBER_DURATION int64_t
#define CONFIG_MEMBER_SIZE uint64_t
#define CONFIG_MEMBER_PORTS struct config_ports
#define CONFIG_MEMBER_NUMBERS struct config_numbers

struct config {
#define OPTION(kind, member, name, argument, fallback, least, most, help) CONFIG_MEMBER_##kind member;
#include "server/config_options.def"
    struct upb_Arena *arena;
};

struct config_option {
    const char *name;
    enum config_kind kind;
    size_t offset; /* of its member in struct config */
    const char *argument;
    const char *fallback;
    const char *least;
    const char *most;
    const char *help;
};

const struct config_option *config_options(size_t *ret_count);
/* The variable's name, CUSTOMJOBD_DATA_DIR; at most text_bytes with NUL. */
void config_variable(const struct config_option *option, char *text, size_t text_bytes);

/* arguments: what follows `serve`, NULL terminated. environment: as environ. */
MUST_USE int config_load(char *const *arguments, char *const *environment, struct config *ret_config, struct err *err);
void config_deinit(struct config *config);

/* Says why this server may not run jobs as it is told to, for a server run as root or not; ERR_INVALID. Of --executor auto
 * it takes the answer for process. */
MUST_USE int config_check_user(const struct config *config, bool is_root, struct err *err);

void config_print_help(FILE *out);

C_DECLS_END

#endif /* SERVER_CONFIG_H_ */
