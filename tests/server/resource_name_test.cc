#include "server/resource_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "keys.h"

namespace {

std::string text(struct span span)
{
    return std::string(span.data ? span.data : "", span.size);
}

using Parse = int (*)(struct span, struct resource_name *, struct err *);

std::string error_of(Parse parse, const std::string &name)
{
    struct resource_name parsed;
    struct err err = ERR_INIT;
    if (parse(as_span(name), &parsed, &err) == 0) {
        return "";
    }
    EXPECT_EQ(ERR_INVALID, err.code);
    return err.text;
}

TEST(ResourceName, IsTakenApart)
{
    struct resource_name name;
    struct err err = ERR_INIT;
    const std::string job = "projects/example.com:proj-1/locations/us-central1/customJobs/1716017400250000000";
    ASSERT_EQ(0, resource_name_parse_job(as_span(job), &name, &err)) << err.text;
    EXPECT_EQ("example.com:proj-1", text(name.project));
    EXPECT_EQ("us-central1", text(name.location));
    EXPECT_EQ("projects/example.com:proj-1/locations/us-central1", text(name.parent));
    EXPECT_EQ("1716017400250000000", text(name.job));
    EXPECT_EQ("", text(name.operation));
    const std::string operation = job + "/operations/7";
    ASSERT_EQ(0, resource_name_parse_operation(as_span(operation), &name, &err)) << err.text;
    EXPECT_EQ("1716017400250000000", text(name.job));
    EXPECT_EQ("7", text(name.operation));
    ASSERT_EQ(0, resource_name_parse_operation(span_of("projects/p/locations/l/operations/7"), &name, &err));
    EXPECT_EQ("", text(name.job));
    EXPECT_EQ("7", text(name.operation));
    ASSERT_EQ(0, resource_name_parse_project(span_of("projects/p"), &name, &err));
    EXPECT_EQ("p", text(name.project));
    EXPECT_EQ("", text(name.parent));
    ASSERT_EQ(0, resource_name_parse_location(span_of("projects/123/locations/l_~.-9"), &name, &err));
    EXPECT_EQ("l_~.-9", text(name.location));
}

TEST(ResourceName, SaysWhatIsWrongWithIt)
{
    const std::string pattern = " It must be projects/{project}/locations/{location}.";
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"", "Required field is not set." + pattern},
        {"p", "\"p\" is not the name of a location: \"projects/\" is expected where it has \"p\"." + pattern},
        {"projects", "\"projects\" is not the name of a location: the project is missing." + pattern},
        {"projects/", "\"projects/\" is not the name of a location: the project is missing." + pattern},
        {"projects//locations/l",
         "\"projects//locations/l\" is not the name of a location: the project is missing." + pattern},
        {"projects/p/locations/-",
         "\"projects/p/locations/-\" is not the name of a location: \"-\" for any location is not supported." +
             pattern},
        {"projects/p/locations/..", "\"projects/p/locations/..\" is not the name of a location: the location does not "
                                    "begin with a letter or digit." +
                                        pattern},
        {"projects/p/locations/a b", "\"projects/p/locations/a b\" is not the name of a location: the location has a "
                                     "character that is no letter, no digit and none of -._~." +
                                         pattern},
        {"projects/p/locations/l/", "\"projects/p/locations/l/\" is not the name of a location: it has more after the "
                                    "location." +
                                        pattern},
        {"projects/p/regions/l", "\"projects/p/regions/l\" is not the name of a location: \"locations/\" is expected "
                                 "where it has \"regions\"." +
                                     pattern}};
    for (const auto &row : rows) {
        EXPECT_EQ(row.second, error_of(resource_name_parse_location, row.first));
    }
}

TEST(ResourceName, IsOfItsOwnKindOnly)
{
    const std::vector<std::string> names = {
        "projects/p", "projects/p/locations/l", "projects/p/locations/l/customJobs/1",
        "projects/p/locations/l/operations/1", "projects/p/locations/l/customJobs/1/operations/2"};
    const std::vector<std::pair<Parse, std::vector<bool>>> rows = {
        {resource_name_parse_project, {true, false, false, false, false}},
        {resource_name_parse_location, {false, true, false, false, false}},
        {resource_name_parse_job, {false, false, true, false, false}},
        {resource_name_parse_operation, {false, false, false, true, true}}};
    for (size_t row = 0; row < rows.size(); row++) {
        for (size_t i = 0; i < names.size(); i++) {
            EXPECT_EQ(rows[row].second[i], error_of(rows[row].first, names[i]).empty()) << row << " " << names[i];
            EXPECT_NE("", error_of(rows[row].first, names[i] + "/")) << names[i];
            EXPECT_NE("", error_of(rows[row].first, "/" + names[i])) << names[i];
            EXPECT_NE("", error_of(rows[row].first, names[i] + "\n")) << names[i];
            EXPECT_NE("", error_of(rows[row].first, names[i] + std::string(1, '\0'))) << names[i];
        }
    }
}

TEST(ResourceName, HasALimitOnIds)
{
    const std::string longest(LIMIT_NAME_ID_CHARS, 'x');
    EXPECT_EQ("", error_of(resource_name_parse_location, "projects/" + longest + "/locations/l"));
    EXPECT_NE(std::string::npos, error_of(resource_name_parse_location, "projects/x" + longest + "/locations/l")
                                     .find("the project has 129 characters, the limit is 128"));
}

TEST(ResourceName, TakesAColonInProjectsAlone)
{
    EXPECT_EQ("", error_of(resource_name_parse_location, "projects/a:b/locations/l"));
    EXPECT_NE("", error_of(resource_name_parse_location, "projects/p/locations/a:b"));
    EXPECT_NE("", error_of(resource_name_parse_job, "projects/p/locations/l/customJobs/1:cancel"));
}

} // namespace
