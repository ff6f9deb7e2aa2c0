#include "job/run_history.h"

#include <gtest/gtest.h>

namespace {

const int64_t second = INT64_C(1000000000);

class RunHistory : public testing::Test {
  protected:
    void SetUp() override
    {
        struct err err = ERR_INIT;
        ASSERT_EQ(0, run_history_create(&history, &err));
    }
    void TearDown() override { run_history_destroy(history); }
    void note(uint64_t kind, uint64_t owner, int64_t start_s, int64_t end_s, bool has_succeeded = true)
    {
        struct past_run run = {kind, owner, 500, start_s * second, end_s * second, has_succeeded};
        run_history_note(history, &run);
    }
    struct run_history *history = nullptr;
};

TEST_F(RunHistory, ForecastsWhatRunsOfAKindHaveTakenTheLastOnesMost)
{
    EXPECT_EQ(INT64_MAX, run_history_forecast(history, 7));
    note(7, 0, 100, 200);
    EXPECT_EQ(100 * second, run_history_forecast(history, 7));
    note(7, 0, 300, 600);
    EXPECT_EQ(200 * second, run_history_forecast(history, 7));
    EXPECT_EQ(INT64_MAX, run_history_forecast(history, 8));
    EXPECT_EQ(INT64_MAX, run_history_forecast(history, 0));
}

TEST_F(RunHistory, LearnsNoTimesFromWhatFailedOrNeverRan)
{
    note(7, 0, 100, 101, false);
    note(7, 0, 0, 200);
    EXPECT_EQ(INT64_MAX, run_history_forecast(history, 7));
}

TEST_F(RunHistory, ForgetsAKindWhoseSlotAnotherTakes)
{
    note(7, 0, 100, 200);
    note(7 + RUN_HISTORY_SLOTS, 0, 100, 150);
    EXPECT_EQ(INT64_MAX, run_history_forecast(history, 7));
    EXPECT_EQ(50 * second, run_history_forecast(history, 7 + RUN_HISTORY_SLOTS));
}

TEST_F(RunHistory, CountsWhatAnOwnerHasUsedAndHalvesItInADay)
{
    const int64_t end = 1000 * second;
    note(1, 3, 900, 1000);
    EXPECT_DOUBLE_EQ(500.0 * 100 * 1e9, run_history_usage(history, 3, end));
    EXPECT_DOUBLE_EQ(250.0 * 100 * 1e9, run_history_usage(history, 3, end + RUN_HISTORY_HALF_LIFE_NS));
    EXPECT_DOUBLE_EQ(125.0 * 100 * 1e9, run_history_usage(history, 3, end + 2 * RUN_HISTORY_HALF_LIFE_NS));
    EXPECT_EQ(0, run_history_usage(history, 3, INT64_MAX));
    EXPECT_EQ(0, run_history_usage(history, 4, end));
    EXPECT_EQ(0, run_history_usage(history, 0, end));
    note(1, 3, 900, 1000, false);
    EXPECT_DOUBLE_EQ(500.0 * 200 * 1e9, run_history_usage(history, 3, end)) << "what failed has used the host too";
}

} // namespace
