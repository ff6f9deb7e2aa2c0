/* args: the command line, taken apart and checked against commands.def.
 *
 * Used by   program.c; the commands ask for their options here.
 * Shape     options anywhere, "--name value" or "--name=value", letters "-f" or together "-qf", and "-n value";
 *           "--" ends them: what follows is a command to run. An option that is not given may come from the environment.
 * Owns      its lists; texts are argv's and the environment's.
 * Thread    read-only once parsed.
 * Errors    ERR_INVALID, naming the word and, where there is one, what was probably meant.
 */
#ifndef CLI_ARGS_H_
#define CLI_ARGS_H_

#include "cli/commands.h"

C_DECLS_BEGIN

struct args {
    bool has_command;
    enum command_id command;
    struct {
        enum option_id option;
        const char *text; /* "" for a flag */
    } * given;            /* in the order of the command line */
    size_t given_count;
    const char **operands;
    size_t operand_count;
    char **rest; /* after --; NULL without it */
    size_t rest_count;
};

/* getenv or a test's own; may be NULL. */
typedef const char *(*args_environment_fn)(const char *name);

/* On failure there is nothing to free, but command and has_command may be set, for a hint at its help. */
MUST_USE int args_parse(int argc, char **argv, args_environment_fn environment, struct args *ret_args, struct err *err);
void args_deinit(struct args *args);

bool args_has(const struct args *args, enum option_id option);
/* The last one given; fallback when there is none. */
const char *args_text(const struct args *args, enum option_id option, const char *fallback);
/* Of a COUNT or DURATION (ns), already checked. */
int64_t args_number(const struct args *args, enum option_id option, int64_t fallback);
/* The next one given from *position on, which it moves; NULL at the end. */
const char *args_each(const struct args *args, enum option_id option, size_t *position);

C_DECLS_END

#endif /* CLI_ARGS_H_ */
