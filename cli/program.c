#include "cli/program.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/help.h"

static const command_fn functions[COMMAND_COUNT] = {
    [COMMAND_CREATE] = command_create,
    [COMMAND_GET] = command_get,
    [COMMAND_LIST] = command_list,
    [COMMAND_CANCEL] = command_cancel,
    [COMMAND_DELETE] = command_delete,
    [COMMAND_WAIT] = command_wait,
    [COMMAND_LOGS] = command_logs,
    [COMMAND_OPERATIONS_LIST] = command_operations_list,
    [COMMAND_OPERATIONS_GET] = command_operations_get,
    [COMMAND_OPERATIONS_WAIT] = command_operations_wait,
    [COMMAND_OPERATIONS_CANCEL] = command_operations_cancel,
    [COMMAND_OPERATIONS_DELETE] = command_operations_delete,
    [COMMAND_SIMULATION_CLOCK] = command_simulation_clock,
    [COMMAND_SIMULATION_ADVANCE] = command_simulation_advance,
    [COMMAND_SIMULATION_FAULTS] = command_simulation_faults,
    [COMMAND_SIMULATION_FAULT] = command_simulation_fault,
    [COMMAND_SIMULATION_HEAL] = command_simulation_heal,
    [COMMAND_COMPLETION] = command_completion,
    [COMMAND_HELP] = command_help,
    [COMMAND_VERSION] = command_version,
};

static const char *environment(const char *name)
{
    return getenv(name);
}

int command_report(struct session *session, const struct err *err)
{
    const struct rpc_status *status = session->channel ? channel_status(session->channel) : NULL;
    struct text text = {.data = NULL};

    failure_add(&text, err, status, session->endpoint);
    fflush(session->out);
    fputs(text_c(&text), session->notes);
    text_deinit(&text);
    return (int)failure_exit_code(err, status);
}

/* What is wrong with the words themselves, and where they are explained. */
static int report_usage(FILE *notes, const struct args *args, const struct err *err)
{
    struct text text = {.data = NULL};

    failure_add(&text, err, NULL, "");
    text_add_format(&text, "try: customjob %s%s--help\n", args->has_command ? commands[args->command].words : "",
                    args->has_command ? " " : "");
    fputs(text_c(&text), notes);
    text_deinit(&text);
    return (int)failure_exit_code(err, NULL);
}

/* A full disk is found out about at the latest when the file is flushed. */
static int finish_output(struct session *session, int exit_code)
{
    struct err err = ERR_INIT;

    if (fflush(session->out) == 0 && !ferror(session->out)) {
        return exit_code;
    }
    err_set_errno(&err, errno, "the output cannot be written");
    if (exit_code == EXIT_CODE_OK) {
        exit_code = EXIT_CODE_REFUSED;
        fprintf(session->notes, "customjob: %s\n", err.text);
    }
    return exit_code;
}

static int run_command(const struct args *args, FILE *out, FILE *notes)
{
    struct session session;
    struct err err = ERR_INIT;
    int exit_code = EXIT_CODE_OK;

    if (session_open(args, out, notes, &session, &err) || functions[args->command](&session, &exit_code, &err)) {
        exit_code = command_report(&session, &err);
    }
    exit_code = finish_output(&session, exit_code);
    session_close(&session);
    return exit_code;
}

/* --help and --version stand in place of the command. */
static int run_help(const struct args *args, FILE *out)
{
    struct text text = {.data = NULL};

    if (args_has(args, OPTION_VERSION)) {
        text_add_text(&text, "customjob " CUSTOMJOBD_VERSION "\n");
    } else if (args->has_command) {
        help_add_command(&text, args->command);
    } else {
        help_add_program(&text);
    }
    fputs(text_c(&text), out);
    text_deinit(&text);
    return fflush(out) == 0 ? EXIT_CODE_OK : EXIT_CODE_REFUSED;
}

int program_run(int argc, char **argv, FILE *out, FILE *notes)
{
    struct args args = {.has_command = false};
    struct err err = ERR_INIT;
    int exit_code;

    if (args_parse(argc, argv, environment, &args, &err)) {
        return report_usage(notes, &args, &err);
    }
    if (args_has(&args, OPTION_HELP) || args_has(&args, OPTION_VERSION)) {
        exit_code = run_help(&args, out);
    } else if (!args.has_command) {
        exit_code = run_help(&args, notes);
        exit_code = exit_code == EXIT_CODE_OK ? EXIT_CODE_USAGE : exit_code;
    } else {
        exit_code = run_command(&args, out, notes);
    }
    args_deinit(&args);
    return exit_code;
}
