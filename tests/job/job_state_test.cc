#include <gtest/gtest.h>

#include <set>
#include <string>

#include "google/cloud/aiplatform/v1beta1/job_state.upbdefs.h"
#include "job/job_state.h"
#include "upb/def.h"

namespace {

const std::set<int> terminal = {JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED, JOB_STATE_EXPIRED,
                                JOB_STATE_PARTIALLY_SUCCEEDED};

/* The enum is read from the API's own descriptor. */
TEST(JobState, NumbersAndNamesAreThoseOfTheApi)
{
    upb_DefPool *defs = upb_DefPool_New();
    const upb_EnumDef *states = nullptr;
    ASSERT_TRUE(_upb_DefPool_LoadDefInit(defs, &google_cloud_aiplatform_v1beta1_job_state_proto_upbdefinit));
    states = upb_DefPool_FindEnumByName(defs, "google.cloud.aiplatform.v1beta1.JobState");
    ASSERT_NE(nullptr, states);
    ASSERT_EQ(JOB_STATE_COUNT, upb_EnumDef_ValueCount(states));
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        const upb_EnumValueDef *value = upb_EnumDef_FindValueByNumber(states, i);
        ASSERT_NE(nullptr, value);
        EXPECT_STREQ(upb_EnumValueDef_Name(value), job_state_name((enum job_state)i));
    }
    upb_DefPool_Free(defs);
}

TEST(JobState, UnknownNumbersHaveTheNameOfUnspecified)
{
    EXPECT_STREQ("JOB_STATE_UNSPECIFIED", job_state_name((enum job_state)99));
    EXPECT_STREQ("JOB_STATE_UNSPECIFIED", job_state_name((enum job_state) - 1));
}

TEST(JobState, NothingLeadsOutOfATerminalState)
{
    for (int state = 0; state < JOB_STATE_COUNT; state++) {
        EXPECT_EQ(terminal.count(state) == 1, job_state_is_terminal((enum job_state)state));
        for (int event = 0; event < JOB_EVENT_COUNT; event++) {
            enum job_state next = JOB_STATE_PAUSED;
            if (terminal.count(state)) {
                EXPECT_FALSE(job_state_next((enum job_state)state, (enum job_event)event, &next));
                EXPECT_EQ(JOB_STATE_PAUSED, next);
            }
        }
    }
}

/* *= proto: job_state.proto, JOB_STATE_CANCELLING. */
TEST(JobState, CancellingEndsOnlyInSucceededFailedOrCancelled)
{
    std::set<int> reached;
    for (int event = 0; event < JOB_EVENT_COUNT; event++) {
        enum job_state next;
        if (job_state_next(JOB_STATE_CANCELLING, (enum job_event)event, &next)) {
            reached.insert(next);
        }
    }
    EXPECT_EQ((std::set<int>{JOB_STATE_CANCELLING, JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED}),
              reached);
}

TEST(JobState, EveryStateOfALifeIsReachedFromQueued)
{
    std::set<int> seen = {JOB_STATE_QUEUED};
    for (size_t before = 0; before != seen.size();) {
        before = seen.size();
        for (int state : std::set<int>(seen)) {
            for (int event = 0; event < JOB_EVENT_COUNT; event++) {
                enum job_state next;
                if (job_state_next((enum job_state)state, (enum job_event)event, &next)) {
                    seen.insert(next);
                }
            }
        }
    }
    EXPECT_EQ((std::set<int>{JOB_STATE_QUEUED, JOB_STATE_PENDING, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED,
                             JOB_STATE_FAILED, JOB_STATE_CANCELLING, JOB_STATE_CANCELLED}),
              seen);
}

} /* namespace */
