#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "cli/completion.h"
#include "cli/help.h"
#include "helpers.h"

namespace {

std::string error_of(std::vector<std::string> words)
{
    Line line(std::move(words));
    return line.failed ? line.err.text : "";
}

TEST(Args, TakesOptionsAnywhereAndInEveryForm)
{
    Line line({"--project", "p", "list", "--limit=3", "-q", "--format", "json"});
    ASSERT_EQ(0, line.failed) << line.err.text;
    EXPECT_EQ(COMMAND_LIST, line.args.command);
    EXPECT_STREQ("p", args_text(&line.args, OPTION_PROJECT, ""));
    EXPECT_EQ(3, args_number(&line.args, OPTION_LIMIT, -1));
    EXPECT_TRUE(args_has(&line.args, OPTION_QUIET));
    EXPECT_STREQ("json", args_text(&line.args, OPTION_FORMAT, ""));
    EXPECT_FALSE(args_has(&line.args, OPTION_FILTER));
    EXPECT_STREQ("none", args_text(&line.args, OPTION_FILTER, "none"));
}

TEST(Args, TakesLettersTogetherAndWithTheirValue)
{
    Line line({"create", "-qwf", "-nname", "-e", "A=1", "-eB=2", "f.yaml"});
    ASSERT_EQ(0, line.failed) << line.err.text;
    EXPECT_TRUE(args_has(&line.args, OPTION_QUIET));
    EXPECT_TRUE(args_has(&line.args, OPTION_WAIT));
    EXPECT_TRUE(args_has(&line.args, OPTION_FOLLOW));
    EXPECT_STREQ("name", args_text(&line.args, OPTION_DISPLAY_NAME, ""));
    size_t position = 0;
    EXPECT_STREQ("A=1", args_each(&line.args, OPTION_ENV, &position));
    EXPECT_STREQ("B=2", args_each(&line.args, OPTION_ENV, &position));
    EXPECT_EQ(nullptr, args_each(&line.args, OPTION_ENV, &position));
    ASSERT_EQ(1u, line.args.operand_count);
    EXPECT_STREQ("f.yaml", line.args.operands[0]);
}

TEST(Args, KnowsCommandsOfTwoWordsAndTheirOtherNames)
{
    Line list({"operations", "--limit=1", "list"}), get({"operations", "describe", "7"}), describe({"describe", "7"});
    ASSERT_EQ(0, list.failed) << list.err.text;
    ASSERT_EQ(0, get.failed) << get.err.text;
    ASSERT_EQ(0, describe.failed) << describe.err.text;
    EXPECT_EQ(COMMAND_OPERATIONS_LIST, list.args.command);
    EXPECT_EQ(COMMAND_OPERATIONS_GET, get.args.command);
    EXPECT_EQ(COMMAND_GET, describe.args.command);
}

TEST(Args, LeavesWhatFollowsTwoDashesAlone)
{
    Line line({"create", "-n", "x", "--", "sh", "-c", "--limit"});
    ASSERT_EQ(0, line.failed) << line.err.text;
    ASSERT_EQ(3u, line.args.rest_count);
    EXPECT_STREQ("--limit", line.args.rest[2]);
    Line without({"create", "f"});
    EXPECT_EQ(nullptr, without.args.rest);
}

TEST(Args, TakesADashAsAFile)
{
    Line line({"create", "-"});
    ASSERT_EQ(0, line.failed);
    EXPECT_STREQ("-", line.args.operands[0]);
}

TEST(Args, NamesWhatWasProbablyMeant)
{
    EXPECT_EQ("there is no command \"lsit\"; did you mean \"list\"?", error_of({"lsit"}));
    EXPECT_EQ("there is no command \"operations lst\"; did you mean \"operations list\"?",
              error_of({"operations", "lst"}));
    EXPECT_EQ("there is no command \"frobnicate\"", error_of({"frobnicate"}));
    EXPECT_EQ("there is no option --fromat; did you mean --format?", error_of({"list", "--fromat=json"}));
    EXPECT_EQ("there is no option -z", error_of({"list", "-z"}));
}

TEST(Args, TellsWhatDoesNotFit)
{
    EXPECT_EQ("customjob get has no option --limit", error_of({"get", "1", "--limit=1"}));
    EXPECT_EQ("customjob get wants JOB", error_of({"get"}));
    EXPECT_EQ("\"2\" is one word too many for customjob get", error_of({"get", "1", "2"}));
    EXPECT_EQ("--limit wants a value: N", error_of({"list", "--limit"}));
    EXPECT_EQ("--quiet takes no value", error_of({"list", "--quiet=1"}));
    EXPECT_EQ("customjob list takes nothing after --", error_of({"list", "--", "x"}));
    EXPECT_EQ("\"operations\" wants one more word", error_of({"operations"}));
}

TEST(Args, ChecksValuesWhereTheyAreGiven)
{
    for (const char *wrong : {"-1", "x", "1x", "", "2147483648", "1.5"}) {
        EXPECT_EQ(std::string("--limit wants a whole number from 0 to 2147483647, not \"") + wrong + "\"",
                  error_of({"list", std::string("--limit=") + wrong}));
    }
    EXPECT_EQ("--format is one of table|json|yaml, not \"xml\"", error_of({"list", "--format=xml"}));
    EXPECT_EQ("--format is one of table|json|yaml, not \"\"", error_of({"list", "--format="}));
    EXPECT_EQ("--timeout: \"soon\" is no duration; write 30s, 5m, 1h30m or 2d", error_of({"list", "--timeout=soon"}));
}

const char *environment(const char *name)
{
    return strcmp(name, "CUSTOMJOB_PROJECT") == 0    ? "of-environment"
           : strcmp(name, "CUSTOMJOB_LOCATION") == 0 ? ""
                                                     : nullptr;
}

const char *wrong_environment(const char *name)
{
    return strcmp(name, "CUSTOMJOB_FORMAT") == 0 ? "xml" : nullptr;
}

TEST(Args, FillFromTheEnvironmentWhatIsNotGiven)
{
    Line given({"list", "--project=given"}, environment), absent({"list"}, environment),
        wrong({"list"}, wrong_environment);
    EXPECT_STREQ("given", args_text(&given.args, OPTION_PROJECT, ""));
    EXPECT_STREQ("of-environment", args_text(&absent.args, OPTION_PROJECT, ""));
    EXPECT_FALSE(args_has(&absent.args, OPTION_LOCATION));
    EXPECT_STREQ("CUSTOMJOB_FORMAT is one of table|json|yaml, not \"xml\"", wrong.err.text);
}

TEST(Args, LetHelpStandForAnything)
{
    Line line({"get", "--help"});
    EXPECT_EQ(0, line.failed);
    EXPECT_EQ(COMMAND_GET, line.args.command);
    EXPECT_EQ("", error_of({"--version"}));
    EXPECT_EQ("", error_of({"operations", "--help"}));
}

TEST(Commands, HaveEachLetterAndNameOnce)
{
    for (size_t command = 0; command < COMMAND_COUNT; command++) {
        std::set<std::string> names;
        std::set<char> letters;
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            EXPECT_TRUE(names.insert(command_options[i].name).second) << command_options[i].name;
            if (command_options[i].letter) {
                EXPECT_TRUE(letters.insert(command_options[i].letter).second) << command_options[i].letter;
            }
            EXPECT_EQ(command_options[i].type == OPTION_TYPE_FLAG, command_options[i].value == nullptr)
                << command_options[i].name;
        }
    }
}

TEST(Help, NamesEveryCommandAndEachOfItsOptions)
{
    struct text program = {};
    help_add_program(&program);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        EXPECT_NE(nullptr, strstr(text_c(&program), commands[i].words));
        struct text help = {};
        help_add_command(&help, (enum command_id)i);
        std::string text = take(&help);
        for (size_t j = 0; j < OPTION_COUNT; j++) {
            bool has = text.find(std::string("--") + command_options[j].name) != std::string::npos;
            if (option_is_for((enum option_id)j, (enum command_id)i)) {
                EXPECT_TRUE(has) << commands[i].words << " --" << command_options[j].name;
            }
        }
    }
    text_deinit(&program);
}

TEST(Completion, KnowsEveryCommandAndOption)
{
    for (void (*add)(struct text *) : {completion_add_bash, completion_add_zsh, completion_add_fish}) {
        struct text script = {};
        add(&script);
        std::string text = take(&script);
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            std::string name = command_options[i].name;
            EXPECT_TRUE(text.find("--" + name) != std::string::npos || text.find("-l " + name) != std::string::npos)
                << name;
        }
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            std::string words = commands[i].words;
            EXPECT_NE(std::string::npos, text.find(words.substr(words.find(' ') + 1))) << words;
        }
    }
}

} // namespace
