#include "cli/state.h"

#include <stdio.h>

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define BLUE "\033[34m"

/* By the numbers of google.cloud.aiplatform.v1.JobState. */
static const struct {
    const char *name;
    const char *colour;
    bool final;
    enum exit_code exit_code;
} states[] = {
    [0] = {"UNSPECIFIED", "", false, EXIT_CODE_REFUSED},
    [1] = {"QUEUED", YELLOW, false, EXIT_CODE_REFUSED},
    [2] = {"PENDING", YELLOW, false, EXIT_CODE_REFUSED},
    [3] = {"RUNNING", BLUE, false, EXIT_CODE_REFUSED},
    [4] = {"SUCCEEDED", GREEN, true, EXIT_CODE_OK},
    [5] = {"FAILED", RED, true, EXIT_CODE_JOB_FAILED},
    [6] = {"CANCELLING", YELLOW, false, EXIT_CODE_REFUSED},
    [7] = {"CANCELLED", YELLOW, true, EXIT_CODE_JOB_CANCELLED},
    [8] = {"PAUSED", YELLOW, false, EXIT_CODE_REFUSED},
    [9] = {"EXPIRED", RED, true, EXIT_CODE_JOB_FAILED},
    [10] = {"UPDATING", YELLOW, false, EXIT_CODE_REFUSED},
    [11] = {"PARTIALLY_SUCCEEDED", YELLOW, true, EXIT_CODE_JOB_FAILED},
};

#define STATE_COUNT (sizeof states / sizeof states[0])

static bool is_known(int32_t state)
{
    return state >= 0 && (size_t)state < STATE_COUNT;
}

const char *state_name(int32_t state, char buffer[24])
{
    if (is_known(state)) {
        return states[state].name;
    }
    snprintf(buffer, 24, "STATE_%d", state);
    return buffer;
}

bool state_is_final(int32_t state)
{
    return is_known(state) && states[state].final;
}

enum exit_code state_exit_code(int32_t state)
{
    return is_known(state) ? states[state].exit_code : EXIT_CODE_REFUSED;
}

const char *state_colour(struct span name)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        if (span_equal_text(name, states[i].name)) {
            return states[i].colour;
        }
    }
    return "";
}
