#include <inttypes.h>
#include <stdlib.h>

#include "job/controller_state.h"
#include "job/job_decode.h"
#include "job/job_name.h"
#include "job/schedule.h"

/* How long until addresses are asked for again when the executor has none left. */
#define ADDRESSES_RETRY_NS CLOCK_NS_PER_S

#define MIB UINT64_C(1048576)

void admit_enqueue(struct controller *controller, struct job *job)
{
    job->queue_previous = controller->queue_last;
    job->queue_next = NULL;
    if (controller->queue_last) {
        controller->queue_last->queue_next = job;
    } else {
        controller->queue_first = job;
    }
    controller->queue_last = job;
    controller->queue_count++;
    controller->schedule_stale = controller->schedule_stale || controller->queue_count <= SCHEDULE_WINDOW;
}

void admit_dequeue(struct controller *controller, struct job *job)
{
    if (job->queue_previous) {
        job->queue_previous->queue_next = job->queue_next;
    } else {
        controller->queue_first = job->queue_next;
    }
    if (job->queue_next) {
        job->queue_next->queue_previous = job->queue_previous;
    } else {
        controller->queue_last = job->queue_previous;
    }
    job->queue_next = NULL;
    job->queue_previous = NULL;
    controller->queue_count--;
    controller->schedule_stale = true;
}

void admit_hold(struct controller *controller, struct job *job)
{
    job->holds_resources = true;
    job->holder_previous = NULL;
    job->holder_next = controller->holder_first;
    if (controller->holder_first) {
        controller->holder_first->holder_previous = job;
    }
    controller->holder_first = job;
}

void admit_release(struct controller *controller, struct job *job)
{
    job->holds_resources = false;
    if (job->holder_previous) {
        job->holder_previous->holder_next = job->holder_next;
    } else {
        controller->holder_first = job->holder_next;
    }
    if (job->holder_next) {
        job->holder_next->holder_previous = job->holder_previous;
    }
    capacity_release(controller->capacity, &job->execution);
    controller->schedule_stale = true;
}

static int make_replicas(const struct job_shape *shape, struct execution *execution, struct err *err)
{
    uint32_t count = 0;

    execution->replicas = calloc(shape->replica_count, sizeof *execution->replicas);
    if (!execution->replicas) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %u replicas", shape->replica_count);
    }
    for (uint32_t pool = 0; pool < shape->pool_count; pool++) {
        for (uint32_t i = 0; i < shape->pool_replicas[pool]; i++) {
            execution->replicas[count++] =
                (struct replica){.pool_index = pool, .replica_index = i, .phase = REPLICA_STARTING};
        }
    }
    execution->replica_count = count;
    return 0;
}

static int assign_addresses(struct controller *controller, struct execution *execution, struct err *err)
{
    struct executor *executor = controller->executor;

    for (uint32_t i = 0; i < execution->replica_count; i++) {
        struct replica *replica = &execution->replicas[i];
        struct execution_key key = execution_replica_key(execution, replica);

        if (executor->ops->assign_address(executor, &key, replica->host, sizeof replica->host, &replica->port, err)) {
            return -1;
        }
    }
    return 0;
}

/* 0: nobody said. */
static uint64_t project_number(const struct controller_options *options, const struct job *job)
{
    struct err err = ERR_INIT;
    struct job_name name;

    if (job_name_parse(span_of(job->name), &name, &err)) {
        return 0;
    }
    for (size_t i = 0; i < options->project_number_count; i++) {
        if (span_equal_text(name.project, options->project_numbers[i].project)) {
            return options->project_numbers[i].number;
        }
    }
    return 0;
}

/* What a plan is told of each replica. */
struct replica_lists {
    struct job_plan_address *addresses;
    uint32_t *restarts;
    int64_t *start_times;
    struct task_limits *limits;
};

static void free_lists(struct replica_lists *lists)
{
    free(lists->addresses);
    free(lists->restarts);
    free(lists->start_times);
    free(lists->limits);
}

/* Limits are what the replica holds, so that they are the same after a restart of the server. */
static int make_lists(const struct controller *controller, const struct execution *execution,
                      struct replica_lists *lists, struct err *err)
{
    uint32_t count = execution->replica_count;

    *lists = (struct replica_lists){calloc(count, sizeof *lists->addresses), calloc(count, sizeof *lists->restarts),
                                    calloc(count, sizeof *lists->start_times), calloc(count, sizeof *lists->limits)};
    if (!lists->addresses || !lists->restarts || !lists->start_times || !lists->limits) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %u addresses", count);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct replica *replica = &execution->replicas[i];

        memcpy(lists->addresses[i].host, replica->host, sizeof lists->addresses[i].host);
        lists->addresses[i].port = replica->port;
        lists->restarts[i] = replica->restart;
        lists->start_times[i] = replica->start_time_unix_ns;
        lists->limits[i] =
            (struct task_limits){.cpus_milli = controller->options.limits_cpus ? replica->cpus_milli : 0,
                                 .memory_bytes = controller->options.limits_memory ? replica->memory_bytes : 0,
                                 .pids = controller->options.pids_max,
                                 .devices = !controller->options.capacity ? NULL
                                            : replica->devices            ? replica->devices
                                                                          : ""};
    }
    return 0;
}

static int plan_from(struct controller *controller, struct job *job, struct span image, struct err *err)
{
    struct replica_lists lists;
    int result = make_lists(controller, &job->execution, &lists, err);

    if (result == 0) {
        struct job_plan_input input = {.custom_job_wire = image,
                                       .job_attempt = job->execution.job_attempt,
                                       .addresses = lists.addresses,
                                       .restarts = lists.restarts,
                                       .start_times_unix_ns = lists.start_times,
                                       .limits = lists.limits,
                                       .project_number = project_number(&controller->options, job),
                                       .buckets_dir = controller->options.buckets_dir,
                                       .mounts = controller->options.mounts};

        result = job_plan_create(&input, &job->plan, err);
    }
    free_lists(&lists);
    return result;
}
_Static_assert(sizeof((struct job_plan_address *)0)->host == sizeof((struct replica *)0)->host, "same room for hosts");

int admit_plan(struct controller *controller, struct job *job, struct err *err)
{
    struct blob *image;
    int result;

    if (stage_build_image(controller, job, &image, err)) {
        return -1;
    }
    result = plan_from(controller, job, blob_span(image), err);
    blob_unref(image);
    if (result == 0 && job_plan_task_count(job->plan) != job->execution.replica_count) {
        return err_set(err, ERR_INTERNAL, "the plan of %s has %zu tasks for %u replicas", job->name,
                       job_plan_task_count(job->plan), job->execution.replica_count);
    }
    return result;
}

static int read_shape(struct controller *controller, const struct job *job, struct job_shape *ret_shape,
                      struct err *err)
{
    struct blob *image;
    int result;

    if (stage_build_image(controller, job, &image, err)) {
        return -1;
    }
    result = job_shape_read(blob_span(image), ret_shape, err);
    blob_unref(image);
    return result;
}

static int prepare(struct controller *controller, struct job *job, struct err *err)
{
    struct job_shape shape;

    if (read_shape(controller, job, &shape, err) || make_replicas(&shape, &job->execution, err) ||
        assign_addresses(controller, &job->execution, err) ||
        capacity_take(controller->capacity, &job->ask, &job->execution, err)) {
        return -1;
    }
    if (admit_plan(controller, job, err)) {
        capacity_release(controller->capacity, &job->execution);
        return -1;
    }
    return 0;
}

static void launch(struct controller *controller, struct job *job)
{
    admit_dequeue(controller, job);
    job_step(controller, job, JOB_EVENT_ADMITTED);
    job_set_timer(controller, job);
    admit_hold(controller, job);
    turn_tell(controller, job, "Job is preparing.");
    for (size_t i = 0; i < job_plan_task_count(job->plan); i++) {
        const struct task *task = job_plan_task(job->plan, i);

        turn_act(controller, (struct act){.kind = ACT_START, .key = task->key, .task = task});
    }
}

/* False: it has to wait, and with it all behind it. */
static bool admit(struct controller *controller, struct job *job)
{
    struct err err = ERR_INIT;

    if (prepare(controller, job, &err) == 0) {
        launch(controller, job);
        return true;
    }
    execution_drop_replicas(&job->execution);
    controller->executor->ops->release_addresses(controller->executor, job->id);
    if (err.code == ERR_EXHAUSTED) {
        controller->admission_retry_mono_ns = controller->turn.now_mono_ns + ADDRESSES_RETRY_NS;
        return false;
    }
    job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of(&err));
    job_proceed(controller, job);
    return true;
}

int admit_read(struct controller *controller, struct job *job, const API(CustomJob) * msg, capacity_note_fn note,
               void *context, struct err *err)
{
    struct job_shape shape;

    if (job_shape_of(msg, &shape, err)) {
        return -1;
    }
    job->replica_count = shape.replica_count;
    job->timeout_ns = shape.timeout_ns;
    job->wait_max_ns = shape.wait_max_ns;
    job->retry_rules = shape.retry_rules;
    job->ask.pools = calloc(shape.pool_count, sizeof *job->ask.pools);
    if (!job->ask.pools) {
        return err_set(err, ERR_EXHAUSTED, "no memory for what a job asks");
    }
    capacity_rules_ask(controller->options.capacity, msg, &shape, &job->ask, note, context);
    schedule_read(controller, job, msg);
    return 0;
}

static unsigned count_devices(const struct resources *resources)
{
    unsigned count = 0;

    for (size_t i = 0; i < RESOURCE_CLASSES_MAX; i++) {
        count += resources->devices[i];
    }
    return count;
}

void admit_tell_wait(struct controller *controller, const struct job *job)
{
    const struct resources free = capacity_free(controller->capacity);
    const struct resources total = capacity_total(controller->capacity);
    struct resources need;

    if (!resources_place(&total, &job->ask, &need)) {
        return;
    }
    if (resources_place(&free, &job->ask, &need) && controller->options.schedule_policy == &schedule_fifo) {
        turn_tell(controller, job, "Waiting for jobs that came before.");
    } else if (resources_place(&free, &job->ask, &need)) {
        turn_tell(controller, job,
                  "Waiting for jobs that go before it by --schedule-policy %s: what is free is kept for "
                  "one of them.",
                  controller->options.schedule_policy->name);
    } else if (!controller->options.capacity) {
        turn_tell(controller, job, "Waiting for resources: %u replicas are asked for, %u of %u are free.",
                  need.replicas, free.replicas, total.replicas);
    } else {
        turn_tell(controller, job,
                  "Waiting for resources: %u replicas with %.1f processors, %" PRIu64 " MiB and %u devices are asked "
                  "for; %u, %.1f, %" PRIu64 " MiB and %u are free.",
                  need.replicas, (double)need.cpus_milli / 1000, need.memory_bytes / MIB, count_devices(&need),
                  free.replicas, (double)free.cpus_milli / 1000, free.memory_bytes / MIB, count_devices(&free));
    }
}

/* Ends what can never fit any more, since the host or what is told of it has changed. */
static bool end_misfit(struct controller *controller, struct job *job)
{
    uint32_t replicas_max = controller->options.replicas_max;
    const struct resources total = capacity_total(controller->capacity);
    struct resources need;

    if (job->replica_count > replicas_max) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_too_large(job->replica_count, replicas_max));
    } else if (!resources_place(&total, &job->ask, &need)) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_never_fits());
    } else {
        return false;
    }
    job_proceed(controller, job);
    return true;
}

static void end_misfits(struct controller *controller)
{
    size_t left = SCHEDULE_WINDOW;

    for (struct job *job = controller->queue_first, *next; job && left > 0; job = next, left--) {
        next = job->queue_next;
        (void)end_misfit(controller, job);
    }
}

/* True: the policy has had its say, and is not asked again before something changes. */
static bool run_policy(struct controller *controller)
{
    while (controller->queue_first && !controller_has_failed(controller)) {
        struct job *job;

        if (turn_is_full(controller)) {
            return false;
        }
        job = schedule_next(controller);
        if (!job) {
            break;
        }
        if (!space_admits(controller, job) || !admit(controller, job)) {
            return false;
        }
    }
    return true;
}

void admit_run(struct controller *controller)
{
    bool is_due =
        controller->schedule_due_mono_ns != 0 && controller->turn.now_mono_ns >= controller->schedule_due_mono_ns;

    if (controller->turn.now_mono_ns < controller->admission_retry_mono_ns) {
        return;
    }
    if (!controller->schedule_stale && !is_due && controller->admission_retry_mono_ns == 0) {
        return;
    }
    controller->admission_retry_mono_ns = 0;
    controller->schedule_was_asked = false;
    end_misfits(controller);
    controller->schedule_stale = !run_policy(controller);
    controller->schedule_due_mono_ns =
        controller->schedule_was_asked ? controller->turn.now_mono_ns + SCHEDULE_LOOK_NS : 0;
}
