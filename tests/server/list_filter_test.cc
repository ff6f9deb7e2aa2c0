/* The language: what each form of a filter matches. */
#include "server/list_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "job/job_state.h"
#include "keys.h"
#include "server/list_filter_time.h"
#include "upb/arena.h"

namespace {

/* A filter compiled for one test; its text lives as long. */
class Filter {
  public:
    explicit Filter(std::string from, enum list_filter_of of = LIST_FILTER_JOBS)
        : text(std::move(from)), arena(upb_Arena_New())
    {
        ok = list_filter_compile(of, as_span(text), arena, &filter, &err) == 0;
    }
    ~Filter() { upb_Arena_Free(arena); }
    Filter(const Filter &) = delete;

    bool matches(const Keys &keys) const
    {
        struct store_keys view = keys.view();
        return store_filter_matches_keys(filter, &view);
    }

    std::string text;
    upb_Arena *arena;
    const struct store_filter *filter = nullptr;
    struct err err = ERR_INIT;
    bool ok;
};

std::string error_of(const std::string &text, enum list_filter_of of = LIST_FILTER_JOBS)
{
    Filter filter(text, of);
    EXPECT_FALSE(filter.ok) << text;
    EXPECT_EQ(ERR_INVALID, filter.err.code) << text;
    return filter.err.text;
}

/* The job that the tables below ask about: created at 2024-05-18T07:30:00.25Z. */
Keys the_job()
{
    Keys keys;
    keys.display_name = "my_job_7";
    keys.state = JOB_STATE_RUNNING;
    keys.create_time = INT64_C(1716017400250000000);
    keys.labels = {{"team", "vision"}, {"env", "dev"}, {"empty", ""}, {"tier-1", "a.b c"}};
    return keys;
}

struct Row {
    const char *filter;
    bool expected;
};

void check(const std::vector<Row> &rows)
{
    const Keys keys = the_job();
    for (const Row &row : rows) {
        Filter filter(row.filter);
        ASSERT_TRUE(filter.ok) << row.filter << ": " << filter.err.text;
        EXPECT_EQ(row.expected, filter.matches(keys)) << row.filter;
    }
}

TEST(ListFilter, OfNothingMatchesEverything)
{
    for (const char *text : {"", " ", "\t\n\r "}) {
        Filter filter(text);
        ASSERT_TRUE(filter.ok);
        EXPECT_EQ(nullptr, filter.filter);
        EXPECT_TRUE(filter.matches(the_job()));
        EXPECT_TRUE(filter.matches(Keys()));
    }
}

TEST(ListFilter, TakesEveryExampleOfTheApisComment)
{
    check({{"state=\"JOB_STATE_SUCCEEDED\" AND display_name:\"my_job_*\"", false},
           {"state=\"JOB_STATE_RUNNING\" AND display_name:\"my_job_*\"", true},
           {"state!=\"JOB_STATE_FAILED\" OR display_name=\"my_job\"", true},
           {"NOT display_name=\"my_job\"", true},
           {"create_time>\"2021-05-18T00:00:00Z\"", true},
           {"labels.team=vision", true},
           {"labels.team:*", true}});
}

TEST(ListFilter, ComparesDisplayNames)
{
    check({{"display_name=my_job_7", true},
           {"displayName=my_job_7", true},
           {"display_name = my_job_7", true},
           {"display_name=\"my_job_7\"", true},
           {"display_name='my_job_7'", true},
           {"display_name=my_job", false},
           {"display_name=MY_JOB_7", false},
           {"display_name=\"\"", false},
           {"display_name!=my_job_7", false},
           {"display_name!=my_job", true},
           {"display_name:my_job_7", true},
           {"display_name:my_job", false},
           {"display_name:*", true},
           {"display_name=*", true},
           {"display_name!=*", false},
           {"display_name=\" my_job_7\"", false},
           {"displayName != 'x'", true}});
}

TEST(ListFilter, TakesWildcardsInEqualAndHas)
{
    check({{"display_name=my_*", true},
           {"display_name=*_7", true},
           {"display_name=my*7", true},
           {"display_name=*job*", true},
           {"display_name=*y_j*b_*", true},
           {"display_name=my_job_7*", true},
           {"display_name=*my_job_7*", true},
           {"display_name=**", true},
           {"display_name=my**7", true},
           {"display_name=job*", false},
           {"display_name=*job", false},
           {"display_name=my*8", false},
           {"display_name=*7*7", false},
           {"display_name=*job*job*", false},
           {"display_name=my_job_7*7", false},
           {"display_name=\"my*\"", true},
           {"display_name='*7'", true},
           {"display_name:\"*job*\"", true},
           {"display_name!=my*", false},
           {"display_name!=your*", true},
           {"display_name=m*y*_*j*o*b*_*7", true},
           {"display_name=m*y*_*j*o*b*_*8", false}});
}

TEST(ListFilter, TakesEscapes)
{
    Keys keys;
    keys.display_name = "a*b\"c'd\\e f(g)\n=";
    for (const char *text : {"display_name=\"a\\*b\\\"c'd\\\\e f(g)\\n=\"", "display_name='a\\*b\"c\\'d\\\\e f(g)\\n='",
                             "display_name=a\\*b\\\"c\\'d\\\\e\\ f\\(g\\)\\n\\="}) {
        Filter filter(text);
        ASSERT_TRUE(filter.ok) << text << ": " << filter.err.text;
        EXPECT_TRUE(filter.matches(keys)) << text;
    }
    check({{"display_name=my\\_job\\_7", true}, {"display_name=my\\*", false}, {"display_name=\"my\\*\"", false}});
    keys.display_name = "\t\r";
    EXPECT_TRUE(Filter("display_name=\\t\\r").matches(keys));
}

TEST(ListFilter, ComparesTextByteByByte)
{
    Keys keys;
    keys.display_name = "größe";
    EXPECT_TRUE(Filter("display_name=größe").matches(keys));
    EXPECT_TRUE(Filter("display_name=\"gr*ße\"").matches(keys));
    EXPECT_TRUE(Filter("display_name=gr\\öße").matches(keys));
    EXPECT_FALSE(Filter("display_name=GRÖSSE").matches(keys));
}

TEST(ListFilter, ComparesStates)
{
    check({{"state=JOB_STATE_RUNNING", true},
           {"state=\"JOB_STATE_RUNNING\"", true},
           {"state:JOB_STATE_RUNNING", true},
           {"state=JOB_STATE_FAILED", false},
           {"state!=JOB_STATE_RUNNING", false},
           {"state!=JOB_STATE_FAILED", true},
           {"state:*", true},
           {"state=*ING", true},
           {"state=JOB_STATE_*ED", false},
           {"state=JOB_STATE_QUEUED OR state=JOB_STATE_PENDING OR state=JOB_STATE_RUNNING", true}});
    Keys unset;
    EXPECT_FALSE(Filter("state:*").matches(unset));
    EXPECT_TRUE(Filter("state=JOB_STATE_UNSPECIFIED").matches(unset));
}

TEST(ListFilter, KnowsEveryStateByName)
{
    for (int state = 0; state < JOB_STATE_COUNT; state++) {
        Filter filter(std::string("state=") + job_state_name((enum job_state)state));
        for (uint32_t other = 0; other < 40; other++) {
            Keys keys;
            keys.state = other;
            EXPECT_EQ(other == (uint32_t)state, filter.matches(keys)) << filter.text << " " << other;
        }
    }
}

TEST(ListFilter, ComparesCreateTimes)
{
    check({{"create_time=2024-05-18T07:30:00.25Z", true},
           {"create_time=\"2024-05-18T07:30:00.250000000Z\"", true},
           {"createTime=2024-05-18T09:30:00.25+02:00", true},
           {"create_time=2024-05-18T02:00:00.25-05:30", true},
           {"create_time=2024-05-18t07:30:00.25z", true},
           {"create_time:2024-05-18T07:30:00.25Z", true},
           {"create_time:*", true},
           {"create_time=2024-05-18T07:30:00Z", false},
           {"create_time!=2024-05-18T07:30:00Z", true},
           {"create_time>2024-05-18T07:30:00Z", true},
           {"create_time>2024-05-18T07:30:00.25Z", false},
           {"create_time>=2024-05-18T07:30:00.25Z", true},
           {"create_time>=2024-05-18T07:30:00.250000001Z", false},
           {"create_time<2024-05-18T07:30:00.25Z", false},
           {"create_time<2024-05-18T07:30:00.250000001Z", true},
           {"create_time<=2024-05-18T07:30:00.25Z", true},
           {"create_time<=2024-05-18T07:30:00.249999999Z", false},
           {"create_time<9999-12-31T23:59:59Z", true},
           {"create_time>9999-12-31T23:59:59Z", false},
           {"create_time>0001-01-01T00:00:00Z", true},
           {"create_time<0001-01-01T00:00:00Z", false},
           {"create_time>=2024-05-18T00:00:00Z AND create_time<2024-05-19T00:00:00Z", true}});
    EXPECT_FALSE(Filter("create_time:*").matches(Keys()));
}

TEST(ListFilter, ComparesLabels)
{
    check({{"labels.team=vision", true},
           {"labels.team=\"vision\"", true},
           {"labels.\"team\"=vision", true},
           {"labels.'team'=vision", true},
           {"labels.team:vision", true},
           {"labels.team=speech", false},
           {"labels.team!=speech", true},
           {"labels.team!=vision", false},
           {"labels.team=vis*", true},
           {"labels.team:*", true},
           {"labels.tier-1=\"a.b c\"", true},
           {"labels.tier-1=a.b\\ c", true},
           {"labels.empty=\"\"", true},
           {"labels.empty:*", true},
           {"labels.absent:*", false},
           {"labels.absent=\"\"", false},
           {"labels.absent=*", false},
           {"labels.absent!=x", true},
           {"labels.absent!=\"\"", true},
           {"NOT labels.absent:*", true},
           {"-labels.absent:*", true},
           {"labels:team", true},
           {"labels:\"team\"", true},
           {"labels:tea", false},
           {"labels:te*", true},
           {"labels:*", true},
           {"labels:absent", false},
           {"labels.AND=x", false},
           {"labels.OR=x OR labels.NOT=x", false}});
    EXPECT_FALSE(Filter("labels:*").matches(Keys()));
}

/* T is true of the job and F is not. */
TEST(ListFilter, BindsNotThenOrThenSideBySideThenAnd)
{
    const std::vector<Row> rows = {{"T", true},
                                   {"F", false},
                                   {"T AND F", false},
                                   {"T OR F", true},
                                   {"T F", false},
                                   {"T T", true},
                                   {"NOT T", false},
                                   {"NOT F", true},
                                   {"-F", true},
                                   {"-T", false},
                                   {"F AND T OR T", false}, /* F AND (T OR T) */
                                   {"T OR T AND F", false}, /* (T OR T) AND F */
                                   {"T OR F AND F OR T", true},
                                   {"F OR F AND T", false},
                                   {"T OR T F", false},
                                   {"F T OR T", false},
                                   {"(F AND T) OR T", true},
                                   {"T OR (T AND F)", true},
                                   {"NOT F OR T", true},
                                   {"NOT T OR T", true}, /* (NOT T) OR T */
                                   {"NOT T AND F", false},
                                   {"NOT (T AND F)", true},
                                   {"NOT (T OR F)", false},
                                   {"-(T F)", true},
                                   {"NOT (NOT (T))", true},
                                   {"T AND NOT F", true},
                                   {"T -F", true},
                                   {"T AND -T", false},
                                   {"F OR -F", true},
                                   {"((T))", true},
                                   {"((T) AND (T OR F)) AND NOT ((F))", true},
                                   {"T AND T AND T AND F", false},
                                   {"F OR F OR F OR T", true},
                                   {"(T)(T)", true},
                                   {"(T)(F)", false},
                                   {"(T)AND(F)", false},
                                   {"(F)OR(T)", true},
                                   {"NOT(F)", true},
                                   {" \t( T\nAND\rT ) ", true}};
    for (const Row &row : rows) {
        std::string text;
        for (const char *at = row.filter; *at; at++) {
            bool alone = (at == row.filter || !isupper(at[-1])) && !isupper(at[1]);
            text += alone && *at == 'T'   ? "labels.team=vision"
                    : alone && *at == 'F' ? "labels.team=speech"
                                          : std::string(1, *at);
        }
        Filter filter(text);
        ASSERT_TRUE(filter.ok) << text << ": " << filter.err.text;
        EXPECT_EQ(row.expected, filter.matches(the_job())) << row.filter;
    }
}

TEST(ListFilter, AsksOperationsWhetherTheyAreDone)
{
    Keys open, done;
    done.state = 1;
    for (const char *text : {"done=true", "done:true", "done!=false", "NOT done=false", "done:*", "done=\"true\""}) {
        Filter filter(text, LIST_FILTER_OPERATIONS);
        ASSERT_TRUE(filter.ok) << text << ": " << filter.err.text;
        EXPECT_TRUE(filter.matches(done)) << text;
        EXPECT_FALSE(filter.matches(open)) << text;
    }
    EXPECT_EQ("column 6: expected true or false, found \"yes\"", error_of("done=yes", LIST_FILTER_OPERATIONS));
    EXPECT_EQ("column 1: \"state\" cannot be filtered on; done can", error_of("state=x", LIST_FILTER_OPERATIONS));
    EXPECT_EQ("column 1: \"done\" cannot be filtered on; display_name, state, create_time and labels can",
              error_of("done=true"));
}

TEST(ListFilter, SaysWhatIsWrongAndWhere)
{
    const std::vector<std::pair<const char *, const char *>> rows = {
        {"display_name", "column 13: expected an operator (=, !=, <, <=, >, >= or :), found the end"},
        {"display_name=", "column 14: expected a value, found the end"},
        {"display_name= AND state=x", "column 15: expected a value, in quotes if it is a keyword, found \"AND\""},
        {"display_name==x", "column 14: expected a value, found \"=\""},
        {"display_name!x", "column 13: expected != where there is a lone !"},
        {"display_name=a=b", "column 15: a value with = in it must be quoted"},
        {"display_name=a,b", "column 15: a value with , in it must be quoted"},
        {"display_name=\"a\"b", "column 17: expected a space after the string"},
        {"display_name=\"abc", "column 14: the string that begins here has no closing \""},
        {"display_name='abc\\'", "column 14: the string that begins here has no closing '"},
        {"display_name=a\\q", "column 15: \\q is no escape; \\n, \\r, \\t and a backslash before punctuation are"},
        {"display_name=a\\", "column 15: expected a character after the backslash"},
        {"display_name<x", "column 13: display_name takes =, != and :, not <"},
        {"display_name.x=1", "column 14: display_name has no fields of its own"},
        {"display_name=(a OR b)",
         "column 14: expected one value; write each comparison out and join them with OR, found \"(\""},
        {"state>=JOB_STATE_RUNNING", "column 6: state takes =, != and :, not >="},
        {"state=RUNNING", "column 7: expected a JobState such as JOB_STATE_RUNNING, found \"RUNNING\""},
        {"state=3", "column 7: expected a JobState such as JOB_STATE_RUNNING, found \"3\""},
        {"create_time>yesterday",
         "column 13: expected an RFC 3339 time such as 2024-05-18T00:00:00Z, found \"yesterday\""},
        {"create_time>2024-05-1*",
         "column 13: expected an RFC 3339 time such as 2024-05-18T00:00:00Z, found \"2024-05-1*\""},
        {"labels=team", "column 7: labels takes : and a key; for a value write labels.KEY = VALUE"},
        {"labels.=x", "column 8: expected a key after the dot, found \"=\""},
        {"labels.*=x", "column 8: expected the key of a label, without wildcards"},
        {"labels.\"\"=x", "column 8: expected the key of a label, without wildcards"},
        {"labels.a.b=x", "column 9: expected an operator (=, !=, <, <=, >, >= or :), found \".\""},
        {"labels.a>x", "column 9: labels takes =, != and :, not >"},
        {"name=x", "column 1: \"name\" cannot be filtered on; display_name, state, create_time and labels can"},
        {"update_time>x",
         "column 1: \"update_time\" cannot be filtered on; display_name, state, create_time and labels can"},
        {"Display_Name=x",
         "column 1: \"Display_Name\" cannot be filtered on; display_name, state, create_time and labels can"},
        {"\"display_name\"=x", "column 1: expected a field, found \"display_name\""},
        {"*", "column 2: expected an operator (=, !=, <, <=, >, >= or :), found the end"},
        {"my_job_7", "column 9: expected an operator (=, !=, <, <=, >, >= or :), found the end"},
        {"AND", "column 1: expected a field, found \"AND\""},
        {"AND state=x", "column 1: expected a field, found \"AND\""},
        {"state:* AND", "column 12: expected a field, found the end"},
        {"state:* OR", "column 11: expected a field, found the end"},
        {"state:* OR AND state:*", "column 12: expected a field, found \"AND\""},
        {"state:* and state:*", "column 13: expected an operator (=, !=, <, <=, >, >= or :), found \"state\""},
        {"NOT", "column 4: expected a field, found the end"},
        {"NOT NOT state:*", "column 5: expected a field, found \"NOT\""},
        {"()", "column 2: expected a field, found \")\""},
        {"(state:*", "column 9: expected AND, OR, another comparison or a closing parenthesis, found the end"},
        {"state:*)", "column 8: expected AND, OR, another comparison or the end, found \")\""},
        {"state:* , state:*", "column 9: expected AND, OR, another comparison or the end, found \",\""},
        {"has(state)", "column 4: functions are not supported"},
        {"=x", "column 1: expected a field, found \"=\""},
        {"display_name=größe AND x=1",
         "column 24: \"x\" cannot be filtered on; display_name, state, create_time and labels can"}};
    for (const auto &row : rows) {
        EXPECT_EQ(row.second, error_of(row.first)) << row.first;
    }
}

TEST(ListFilter, HasALimitOnBytesDepthAndTerms)
{
    const std::string term = "labels:a";
    std::string nested = term, many = term;
    for (int i = 0; i < LIMIT_FILTER_DEPTH; i++) {
        nested = "(" + nested + ")";
    }
    EXPECT_TRUE(Filter(nested).ok);
    EXPECT_EQ("column 33: parentheses are nested deeper than 32", error_of("(" + nested + ")"));
    for (int i = 1; i < LIMIT_FILTER_TERMS; i++) {
        many += " " + term;
    }
    EXPECT_TRUE(Filter(many).ok);
    EXPECT_EQ("column 577: the filter has more than 64 comparisons", error_of(many + " " + term));
    EXPECT_TRUE(Filter("display_name=" + std::string(LIMIT_FILTER_BYTES - 13, 'x')).ok);
    EXPECT_EQ("the filter has 2049 bytes, the limit is 2048", error_of(std::string(LIMIT_FILTER_BYTES + 1, ' ')));
}

TEST(ListFilter, ShowsLongTextCutBetweenCharacters)
{
    std::string text;
    for (int i = 0; i < 200; i++) {
        text += "ö";
    }
    std::string found = error_of("x" + text + "=1");
    EXPECT_EQ(found.find(text), std::string::npos);
    EXPECT_NE(found.find("ö\""), std::string::npos) << found;
}

TEST(ListFilterTime, AgreesWithTheCalendar)
{
    const std::vector<std::pair<const char *, int64_t>> rows = {{"1970-01-01T00:00:00Z", 0},
                                                                {"1969-12-31T23:59:59.999999999Z", -1},
                                                                {"2000-02-29T12:00:00Z", INT64_C(951825600000000000)},
                                                                {"2000-03-01T00:00:00Z", INT64_C(951868800000000000)},
                                                                {"1900-03-01T00:00:00Z", INT64_C(-2203891200000000000)},
                                                                {"2024-12-31T23:59:60Z", INT64_C(1735689600000000000)},
                                                                {"2038-01-19T03:14:08Z", INT64_C(2147483648000000000)},
                                                                {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
                                                                {"2262-04-11T23:47:16.854775808Z", INT64_MAX},
                                                                {"9999-12-31T23:59:59Z", INT64_MAX},
                                                                {"0000-01-01T00:00:00Z", INT64_MIN}};
    for (const auto &row : rows) {
        int64_t found = 77;
        EXPECT_TRUE(filter_time_parse(span_of(row.first), &found)) << row.first;
        EXPECT_EQ(row.second, found) << row.first;
    }
}

/* Every day from 1680 to 2260 counted one by one. */
TEST(ListFilterTime, CountsEveryDay)
{
    const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = 0, found = 0;
    ASSERT_TRUE(filter_time_parse(span_of("1680-01-01T00:00:00Z"), &expected));
    for (int year = 1680; year < 2260; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int days = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= days + 1; day++) {
                char text[40];
                snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", year, month, day);
                ASSERT_EQ(day <= days, filter_time_parse(span_of(text), &found)) << text;
                ASSERT_TRUE(day > days || found == expected) << text;
                expected += day <= days ? INT64_C(86400000000000) : 0;
            }
        }
    }
    ASSERT_TRUE(filter_time_parse(span_of("1970-01-01T00:00:00Z"), &found));
    EXPECT_EQ(0, found);
}

TEST(ListFilterTime, RefusesWhatIsNone)
{
    for (const char *text : {"",
                             "2024",
                             "2024-05-18",
                             "2024-05-18T00:00Z",
                             "2024-05-18T00:00:00",
                             "2024-05-18 00:00:00Z",
                             "2024-13-01T00:00:00Z",
                             "2024-00-01T00:00:00Z",
                             "2024-02-30T00:00:00Z",
                             "2023-02-29T00:00:00Z",
                             "2024-01-00T00:00:00Z",
                             "2024-01-01T24:00:00Z",
                             "2024-01-01T00:60:00Z",
                             "2024-01-01T00:00:61Z",
                             "2024-01-01T00:00:00.Z",
                             "2024-01-01T00:00:00.1234567890Z",
                             "2024-01-01T00:00:00+24:00",
                             "2024-01-01T00:00:00+01:60",
                             "2024-01-01T00:00:00+0100",
                             "2024-01-01T00:00:00ZZ",
                             "2024-1-01T00:00:00Z",
                             "+2024-01-01T00:00:00Z",
                             "20240101T000000Z",
                             "2024-01-01T00:00:00,5Z"}) {
        int64_t found = 77;
        EXPECT_FALSE(filter_time_parse(span_of(text), &found)) << text;
        EXPECT_EQ(77, found) << text;
    }
}

} // namespace
