#include "cli/command.h"
#include "cli/completion.h"
#include "cli/help.h"

int command_completion(struct session *session, int *exit_code, struct err *err)
{
    static const struct {
        const char *shell;
        void (*add)(struct text *text);
    } shells[] = {{"bash", completion_add_bash}, {"zsh", completion_add_zsh}, {"fish", completion_add_fish}};
    struct text text = {.data = NULL};
    const char *shell = session->args->operands[0];

    (void)exit_code;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shell, shells[i].shell) == 0) {
            shells[i].add(&text);
            return session_print(session, &text, err);
        }
    }
    return err_set(err, ERR_INVALID, "there are completions for bash, zsh and fish, not for \"%s\"", shell);
}

int command_help(struct session *session, int *exit_code, struct err *err)
{
    const struct args *args = session->args;
    struct text words = {.data = NULL}, text = {.data = NULL};
    enum command_id command;
    bool found;

    (void)exit_code;
    if (args->operand_count == 0) {
        help_add_program(&text);
        return session_print(session, &text, err);
    }
    for (size_t i = 0; i < args->operand_count; i++) {
        text_add_format(&words, "%s%s", i > 0 ? " " : "", args->operands[i]);
    }
    found = command_find(text_span(&words), &command);
    if (!found) {
        err_set(err, ERR_INVALID, "there is no command \"%s\"", text_c(&words));
    } else {
        help_add_command(&text, command);
    }
    text_deinit(&words);
    return found ? session_print(session, &text, err) : -1;
}

int command_version(struct session *session, int *exit_code, struct err *err)
{
    struct text text = {.data = NULL};

    (void)exit_code;
    text_add_text(&text, "customjob " CUSTOMJOBD_VERSION "\n");
    return session_print(session, &text, err);
}
