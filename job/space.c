#include <inttypes.h>
#include <stdio.h>

#include "job/controller_state.h"

int space_check(struct controller *controller, struct err *err)
{
    struct store_space space;

    store_space(controller->options.store, &space);
    if (!space.is_low) {
        return 0;
    }
    return err_set(err, ERR_EXHAUSTED,
                   "The disk of the data directory has %" PRIu64 " bytes free, new jobs are taken from %" PRIu64
                   " on. Delete jobs that have ended, or make room on it in another way.",
                   space.free_bytes, space.needed_bytes);
}

bool space_admits(struct controller *controller, struct job *job)
{
    struct store_space space;

    store_space(controller->options.store, &space);
    if (space.is_low && !job->space_told) {
        turn_tell(controller, job,
                  "Waiting for room on the disk of the data directory: it has %" PRIu64
                  " bytes free, jobs are started from %" PRIu64 " on.",
                  space.free_bytes, space.needed_bytes);
    }
    job->space_told = space.is_low;
    return !space.is_low;
}

static void log_line(const struct controller *controller, const char *line)
{
    if (controller->options.log) {
        controller->options.log(controller->options.context, line);
    }
}

static void tell_space(struct controller *controller)
{
    struct store_space space;
    char line[256];

    store_space(controller->options.store, &space);
    if (space.is_low == controller->is_low_on_space) {
        return;
    }
    controller->is_low_on_space = space.is_low;
    snprintf(line, sizeof line,
             space.is_low
                 ? "the disk has %" PRIu64 " bytes free, less than %" PRIu64
                   ": until there is room new jobs are refused, and none that waits is started; all else goes on"
                 : "the disk has %" PRIu64 " bytes free, enough again with %" PRIu64 ": new jobs are taken",
             space.free_bytes, space.needed_bytes);
    log_line(controller, line);
    if (!space.is_low && controller->queue_first) {
        controller->admission_retry_mono_ns = controller->turn.now_mono_ns; /* in a turn that comes at once */
    }
    if (controller->options.space_changed) {
        controller->options.space_changed(controller->options.context, space.is_low);
    }
}

static void tell_snapshot(struct controller *controller)
{
    struct err failure = ERR_INIT;
    bool has_failed = store_snapshot_failure(controller->options.store, &failure);

    if (has_failed != controller->snapshot_failure_told) {
        controller->snapshot_failure_told = has_failed;
        log_line(controller, has_failed ? failure.text : "a snapshot was taken again");
    }
}

void space_tell(struct controller *controller)
{
    tell_space(controller);
    tell_snapshot(controller);
}
