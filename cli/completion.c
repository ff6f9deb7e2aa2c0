#include "cli/completion.h"

#include "cli/commands.h"

/* Words for the shell's list; '|' of "a|b" becomes a space. */
static void add_choices(struct text *text, const char *choices)
{
    for (const char *c = choices; *c; c++) {
        text_add_char(text, *c == '|' ? ' ' : *c);
    }
}

static bool takes_jobs(const struct command *command)
{
    return strncmp(command->operands, "JOB", 3) == 0;
}

/* "commands and the first words of groups", each once. */
static void add_first_words(struct text *text)
{
    struct span last = span_make(NULL, 0);
    enum command_id command;
    const char *name;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        struct span word = span_make(name, strcspn(name, " "));

        if (!span_equal(word, last) && (i < COMMAND_COUNT || !command_is_group(word))) {
            text_add_text(text, text->size > 0 && text->data[text->size - 1] != '\'' ? " " : "");
            text_add(text, word);
        }
        last = word;
    }
}

static void add_second_words(struct text *text, struct span group)
{
    enum command_id command;
    const char *name;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        struct span words = span_of(name);

        if (span_starts_with(words, group) && words.size > group.size && words.data[group.size] == ' ') {
            text_add(text, span_skip(words, group.size));
        }
    }
}

static void add_options(struct text *text, enum command_id command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (option_is_for((enum option_id)i, command)) {
            text_add_format(text, " --%s%s", command_options[i].name,
                            command_options[i].type == OPTION_TYPE_FLAG ? "" : "=");
        }
    }
}

/* The cases of a command, under all its names: bash and zsh write them alike. */
static void add_command_cases(struct text *text)
{
    enum command_id command;
    const char *name;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        text_add_format(text, "        '%s')\n            offer='", name);
        add_options(text, command);
        text_add_text(text, "'\n");
        if (takes_jobs(&commands[command])) {
            text_add_text(text, "            jobs=1\n");
        } else if (command == COMMAND_CREATE) {
            text_add_text(text, "            files=1\n");
        } else if (command == COMMAND_COMPLETION) {
            text_add_text(text, "            offer=\"$offer bash zsh fish\"\n");
        }
        text_add_text(text, "            ;;\n");
    }
    text_add_text(text, "        operations)\n            offer='");
    add_second_words(text, span_of("operations"));
    text_add_text(text, "'\n            ;;\n        *)\n            offer='");
    add_first_words(text);
    text_add_text(text, " --help --version'\n            ;;\n");
}

static void add_value_cases(struct text *text)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &command_options[i];

        if (option->type == OPTION_TYPE_CHOICE) {
            text_add_format(text, "        --%s)\n            offer='", option->name);
            add_choices(text, option->value);
            text_add_text(text, "'\n            ;;\n");
        } else if (option->type == OPTION_TYPE_FILE) {
            text_add_format(text, "        --%s)\n            files=1\n            ;;\n", option->name);
        }
    }
}

/* The part that bash and zsh share. In: $command, $option (of --option=value or --option value, else empty).
 * Out: offer, files, jobs. */
static void add_choose(struct text *text)
{
    text_add_text(text, "_customjob_choose() {\n"
                        "    offer='' files='' jobs=''\n"
                        "    case $option in\n");
    add_value_cases(text);
    text_add_text(text, "    esac\n"
                        "    [ -z \"$option\" ] || return 0\n"
                        "    case $command in\n");
    add_command_cases(text);
    text_add_text(text, "    esac\n"
                        "}\n\n"
                        "_customjob_jobs() {\n"
                        "    customjob list --quiet --limit=20 --timeout=2s 2>/dev/null | sed 's|.*/||'\n"
                        "    echo @last\n"
                        "}\n\n");
}

void completion_add_bash(struct text *text)
{
    text_add_text(text, "# bash completion for customjob: source <(customjob completion bash)\n");
    add_choose(text);
    text_add_text(text, "_customjob() {\n"
                        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                        "    local command='' option='' offer files jobs i word\n"
                        "    # Readline splits --option=value at the '='.\n"
                        "    if [[ $current == '=' ]]; then\n"
                        "        option=$previous current=''\n"
                        "    elif [[ $previous == '=' && COMP_CWORD -ge 2 ]]; then\n"
                        "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
                        "    fi\n"
                        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                        "        word=${COMP_WORDS[i]}\n"
                        "        [[ $word == -* || $word == '=' || ${COMP_WORDS[i - 1]} == '=' ]] && continue\n"
                        "        if [[ -z $command ]]; then\n"
                        "            command=$word\n"
                        "        elif [[ $command == operations ]]; then\n"
                        "            command=\"$command $word\"\n"
                        "        fi\n"
                        "    done\n"
                        "    _customjob_choose\n"
                        "    [[ -n $jobs && $current != -* ]] && offer=\"$offer $(_customjob_jobs)\"\n"
                        "    mapfile -t COMPREPLY < <(compgen -W \"$offer\" -- \"$current\")\n"
                        "    if [[ -n $files && $current != -* ]]; then\n"
                        "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$current\")\n"
                        "    fi\n"
                        "    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
                        "    return 0\n"
                        "}\n"
                        "complete -o filenames -F _customjob customjob\n");
}

void completion_add_zsh(struct text *text)
{
    text_add_text(text, "#compdef customjob\n# zsh completion for customjob: source <(customjob completion zsh)\n");
    add_choose(text);
    text_add_text(text, "_customjob() {\n"
                        "    local command='' option='' offer files jobs i current=${words[CURRENT]}\n"
                        "    local -a typed=(\"${(@)words[2,CURRENT-1]}\")\n"
                        "    if [[ $current == --*=* ]]; then\n"
                        "        option=${current%%=*}\n"
                        "        compset -P '*='\n"
                        "    fi\n"
                        "    for i in \"${typed[@]}\"; do\n"
                        "        [[ $i == -* ]] && continue\n"
                        "        if [[ -z $command ]]; then\n"
                        "            command=$i\n"
                        "        elif [[ $command == operations ]]; then\n"
                        "            command=\"$command $i\"\n"
                        "        fi\n"
                        "    done\n"
                        "    _customjob_choose\n"
                        "    [[ -n $jobs && $current != -* ]] && compadd -- ${(f)\"$(_customjob_jobs)\"}\n"
                        "    [[ -n $files && $current != --* || -n $files && -n $option ]] && _files\n"
                        "    compadd -S '' -- ${(M)${=offer}:#*=}\n"
                        "    compadd -- ${${=offer}:#*=}\n"
                        "}\n"
                        "compdef _customjob customjob\n");
}

/* In single quotes; a quote within ends them, stands for itself and begins them again. */
static void add_fish_quoted(struct text *text, const char *words)
{
    text_add_char(text, '\'');
    for (const char *c = words; *c; c++) {
        text_add_text(text, *c == '\'' || *c == '\\' ? "\\" : "");
        text_add_char(text, *c);
    }
    text_add_char(text, '\'');
}

static void add_fish_option(struct text *text, const struct option *option, enum command_id command)
{
    const char *space = strchr(commands[command].words, ' ');

    text_add_text(text, "complete -c customjob -n '");
    if (option->everywhere) {
        text_add_text(text, "true");
    } else if (space) {
        text_add_format(text, "__fish_seen_subcommand_from operations; and __fish_seen_subcommand_from %s", space + 1);
    } else {
        text_add_format(text, "__fish_seen_subcommand_from %s", commands[command].words);
    }
    text_add_format(text, "' -l %s", option->name);
    if (option->letter) {
        text_add_format(text, " -s %c", option->letter);
    }
    if (option->type == OPTION_TYPE_CHOICE) {
        text_add_text(text, " -x -a '");
        add_choices(text, option->value);
        text_add_char(text, '\'');
    } else if (option->type != OPTION_TYPE_FLAG) {
        text_add_text(text, option->type == OPTION_TYPE_FILE ? " -r -F" : " -x");
    }
    text_add_text(text, " -d ");
    add_fish_quoted(text, option->help);
    text_add_char(text, '\n');
}

static void add_fish_commands(struct text *text)
{
    enum command_id command;
    const char *name;

    for (size_t i = 0; (name = command_name(i, &command)); i++) {
        const char *space = strchr(name, ' ');

        text_add_format(text, "complete -c customjob -f -n '%s' -a %s -d ",
                        space ? "__fish_seen_subcommand_from operations" : "__fish_use_subcommand",
                        space ? space + 1 : name);
        add_fish_quoted(text, commands[command].summary);
        text_add_char(text, '\n');
        if (takes_jobs(&commands[command])) {
            text_add_format(text,
                            "complete -c customjob -f -n '__fish_seen_subcommand_from %s' -a "
                            "'(__customjob_jobs)'\n",
                            name);
        }
    }
    text_add_text(text, "complete -c customjob -f -n __fish_use_subcommand -a operations -d 'long-running operations'\n"
                        "complete -c customjob -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
}

void completion_add_fish(struct text *text)
{
    text_add_text(text, "# fish completion for customjob: customjob completion fish | source\n"
                        "function __customjob_jobs\n"
                        "    customjob list --quiet --limit=20 --timeout=2s 2>/dev/null | sed 's|.*/||'\n"
                        "    echo @last\n"
                        "end\n");
    add_fish_commands(text);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        for (size_t command = 0; command < COMMAND_COUNT; command++) {
            if (option_is_for((enum option_id)i, (enum command_id)command)) {
                add_fish_option(text, &command_options[i], (enum command_id)command);
                if (command_options[i].everywhere) {
                    break; /* one rule holds for all commands */
                }
            }
        }
    }
}
