#include <gtest/gtest.h>

#include <string>

#include "job/violations.h"
#include "job_wire.h"
#include "upb/arena.h"

namespace {

class Violations : public testing::Test {
  protected:
    Violations() { violations_init(&list, arena); }
    ~Violations() override { upb_Arena_Free(arena); }

    std::string show(const std::string &value) { return violations_show(&list, as_span(value)); }

    upb_Arena *arena = upb_Arena_New();
    struct violations list;
};

TEST_F(Violations, KeepFieldAndMessageOfTheirOwn)
{
    char field[] = "labels[a]";
    violations_add(&list, field, "%d of %s", 3, "four");
    field[0] = 'X';
    violations_add(&list, violations_field(&list, "job_spec.worker_pool_specs[%zu].env", (size_t)7), "no");
    ASSERT_EQ(2u, list.count);
    EXPECT_STREQ("labels[a]", list.items[0].field);
    EXPECT_STREQ("3 of four", list.items[0].message);
    EXPECT_STREQ("job_spec.worker_pool_specs[7].env", list.items[1].field);
}

TEST_F(Violations, KeepLongTextsWhole)
{
    std::string text(5000, 'x');
    violations_add(&list, text.c_str(), "<%s>", text.c_str());
    EXPECT_EQ(text, list.items[0].field);
    EXPECT_EQ("<" + text + ">", list.items[0].message);
}

TEST_F(Violations, BeyondTheBoundAreOnlyCounted)
{
    for (int i = 0; i < VIOLATIONS_MAX + 5; i++) {
        violations_add(&list, violations_field(&list, "f[%d]", i), "%d", i);
    }
    EXPECT_EQ(VIOLATIONS_MAX + 5u, list.count);
    EXPECT_EQ("f[" + std::to_string(VIOLATIONS_MAX - 1) + "]", list.items[VIOLATIONS_MAX - 1].field);
    EXPECT_STREQ("", violations_field(&list, "f"));
    EXPECT_EQ("", show("v"));
}

TEST_F(Violations, ShowValuesWithoutControlCharactersAndNotForEver)
{
    EXPECT_EQ("", show(""));
    EXPECT_EQ("a?b?c?", show(std::string("a\tb\nc\0", 6)));
    EXPECT_EQ(std::string(64, 'y'), show(std::string(64, 'y')));
    EXPECT_EQ(std::string(64, 'y') + "…", show(std::string(65, 'y')));
    /* The cut would fall within the last é. */
    EXPECT_EQ(std::string(63, 'y') + "…", show(std::string(63, 'y') + "éé"));
}

} /* namespace */
