#include "job/job_plan.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "executor/task_copy.h"
#include "job/job_decode.h"
#include "job/job_name.h"
#include "job/plan_cluster.h"
#include "job/plan_env.h"
#include "job/plan_mounts.h"
#include "job/plan_program.h"

/* CLUSTER_SPEC, TF_CONFIG, 3 × AIP_*, 3 × CLOUD_ML_*, MASTER_ADDR, MASTER_PORT, RANK, WORLD_SIZE,
 * CUDA_VISIBLE_DEVICES, NVIDIA_VISIBLE_DEVICES. */
#define SERVICE_VARIABLES_MAX 14

struct job_plan {
    upb_Arena *arena;
    struct task *tasks;
    size_t task_count;
};

/* What all tasks of a job share. */
struct planner {
    const struct job_plan_input *input;
    const API(CustomJob) * job;
    struct job_plan *plan;
    struct job_shape shape;
    struct job_name name;
    const char *job_id_text;
    struct plan_cluster *cluster;
    bool last_only; /* one task of each pool will do */
    const char *display_name;
    struct env_entry *labels;
    size_t label_count;
};

/* The number Google knows the project by; where nobody configured one, 12 digits that always come out the same. */
static uint64_t project_number(const struct planner *planner)
{
    struct span id = planner->name.project;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint64_t number = 0;
    bool is_number = id.size > 0 && id.size < 19;

    for (size_t i = 0; i < id.size; i++) {
        hash = (hash ^ (unsigned char)id.data[i]) * UINT64_C(0x100000001b3);
        is_number = is_number && isdigit((unsigned char)id.data[i]);
        number = is_number ? number * 10 + (uint64_t)(id.data[i] - '0') : 0;
    }
    if (planner->input->project_number != 0) {
        return planner->input->project_number;
    }
    return is_number ? number : UINT64_C(100000000000) + hash % UINT64_C(900000000000);
}

/* *= proto: custom_job.proto, base_output_directory: AIP_MODEL_DIR = `<base_output_directory>/model/`, and so on. */
static int set_output_dirs(const struct planner *planner, struct plan_env *env, struct err *err)
{
    static const char *const dirs[][2] = {
        {"AIP_MODEL_DIR", "model"}, {"AIP_CHECKPOINT_DIR", "checkpoints"}, {"AIP_TENSORBOARD_LOG_DIR", "logs"}};
    const API(GcsDestination) *base = API(CustomJobSpec_base_output_directory)(API(CustomJob_job_spec)(planner->job));
    struct span prefix = base ? api_span(API(GcsDestination_output_uri_prefix)(base)) : span_make(NULL, 0);
    const char *root = "";
    char value[4096];

    while (prefix.size > 0 && prefix.data[prefix.size - 1] == '/') {
        prefix.size--;
    }
    if (prefix.size == 0) {
        return 0;
    }
    if (planner->input->buckets_dir && span_starts_with(prefix, span_of("gs://"))) {
        root = planner->input->buckets_dir;
        prefix = span_skip(prefix, strlen("gs:/"));
    }
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        int size = snprintf(value, sizeof value, "%s%.*s/%s/", root, SPAN_FORMAT(prefix), dirs[i][1]);

        if (size < 0 || (size_t)size >= sizeof value) {
            return err_set(err, ERR_INVALID,
                           "job_spec.base_output_directory.output_uri_prefix has %zu bytes, more than a path may have",
                           prefix.size);
        }
        if (plan_env_set(env, span_of(dirs[i][0]), span_of(value), err)) {
            return -1;
        }
    }
    return 0;
}

static int set_cluster(const struct planner *planner, const struct plan_program *program, const struct task *task,
                       struct plan_env *env, struct err *err)
{
    const struct execution_key *key = &task->key;
    const char *text;

    if (plan_cluster_spec(planner->cluster, key->pool_index, key->replica_index, program->description,
                          planner->plan->arena, &text, err) ||
        plan_env_set(env, span_of("CLUSTER_SPEC"), span_of(text), err)) {
        return -1;
    }
    if (planner->shape.replica_count == 1) {
        return 0;
    }
    if (plan_tf_config(planner->cluster, key->pool_index, key->replica_index, planner->job_id_text,
                       program->description, planner->plan->arena, &text, err)) {
        return -1;
    }
    return plan_env_set(env, span_of("TF_CONFIG"), span_of(text), err);
}

static int set_service_variables(const struct planner *planner, const struct plan_program *program,
                                 const struct task *task, size_t rank, struct plan_env *env, struct err *err)
{
    const struct job_plan_address *primary = &planner->input->addresses[0];

    if (set_cluster(planner, program, task, env, err) || set_output_dirs(planner, env, err) ||
        plan_env_setf(env, "CLOUD_ML_PROJECT_ID", err, "%" PRIu64, project_number(planner)) ||
        plan_env_set(env, span_of("CLOUD_ML_JOB_ID"), span_of(planner->job_id_text), err) ||
        plan_env_set(env, span_of("CLOUD_ML_REGION"), planner->name.location, err) ||
        plan_env_set(env, span_of("MASTER_ADDR"), span_of(primary->host), err) ||
        plan_env_setf(env, "MASTER_PORT", err, "%u", primary->port) || plan_env_setf(env, "RANK", err, "%zu", rank)) {
        return -1;
    }
    return plan_env_setf(env, "WORLD_SIZE", err, "%u", planner->shape.replica_count);
}

/* Unset would mean all of them. */
static int set_devices(const struct planner *planner, size_t rank, struct plan_env *env, struct err *err)
{
    struct span devices;

    if (!planner->input->limits || !planner->input->limits[rank].devices) {
        return 0;
    }
    devices = span_of(planner->input->limits[rank].devices);
    if (plan_env_set(env, span_of("CUDA_VISIBLE_DEVICES"), devices, err)) {
        return -1;
    }
    return plan_env_set(env, span_of("NVIDIA_VISIBLE_DEVICES"), devices.size > 0 ? devices : span_of("void"), err);
}

static int set_user_variables(const struct plan_program *program, struct plan_env *env, struct err *err)
{
    for (size_t i = 0; i < program->env_count; i++) {
        struct span name = api_span(API(EnvVar_name)(program->env[i]));
        const char *value;
        char what[64];

        snprintf(what, sizeof what, "%s.env[%zu].value", program->field, i);
        if (plan_expand(env, what, api_span(API(EnvVar_value)(program->env[i])), &value, err) ||
            plan_env_set(env, name, span_of(value), err)) {
            return -1;
        }
    }
    return 0;
}

static int make_argv(const struct plan_program *program, const struct plan_env *env, struct task *task, struct err *err)
{
    const char **argv = upb_Arena_Malloc(env->arena, (program->command_count + program->args_count + 1) * sizeof *argv);
    size_t count = 0;
    char what[64];

    if (!argv) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the arguments of a task");
    }
    for (size_t i = 0; i < program->command_count; i++) {
        snprintf(what, sizeof what, "%s.command[%zu]", program->field, i);
        if (plan_expand(env, what, api_span(program->command[i]), &argv[count++], err)) {
            return -1;
        }
    }
    for (size_t i = 0; i < program->args_count; i++) {
        snprintf(what, sizeof what, "%s.args[%zu]", program->field, i);
        if (plan_expand(env, what, api_span(program->args[i]), &argv[count++], err)) {
            return -1;
        }
    }
    argv[count] = NULL;
    task->argv = argv;
    return 0;
}

static int check_total(const struct task *task, struct err *err)
{
    size_t total = 0;

    for (size_t i = 0; task->argv[i]; i++) {
        total += strlen(task->argv[i]) + 1;
    }
    for (size_t i = 0; i < task->env_count; i++) {
        total += strlen(task->env[i].name) + strlen(task->env[i].value) + 2;
    }
    if (total > LIMIT_EXEC_TOTAL_BYTES) {
        return err_set(err, ERR_INVALID, "arguments and environment have %zu bytes, the limit is %d", total,
                       LIMIT_EXEC_TOTAL_BYTES);
    }
    return 0;
}

static int set_limits(const struct planner *planner, size_t rank, struct task *task, struct err *err)
{
    if (!planner->input->limits) {
        return 0;
    }
    task->limits = planner->input->limits[rank];
    if (!task->limits.devices) {
        return 0;
    }
    return plan_text(planner->plan->arena, "the devices", span_of(planner->input->limits[rank].devices),
                     &task->limits.devices, err);
}

static int make_task(struct planner *planner, const struct plan_program *program, size_t rank, struct task *task,
                     struct err *err)
{
    struct plan_env env;

    task->image_uri = program->image_uri[0] ? program->image_uri : NULL;
    task->args_only = !program->python_module && program->command_count == 0;
    task->python_module = program->python_module;
    task->package_uris = program->package_uris;
    task->start_time_unix_ns = planner->input->start_times_unix_ns ? planner->input->start_times_unix_ns[rank] : 0;
    task->display_name = planner->display_name;
    task->labels = planner->labels;
    task->label_count = planner->label_count;
    if (plan_env_init(&env, planner->plan->arena, SERVICE_VARIABLES_MAX + program->env_count, err) ||
        set_service_variables(planner, program, task, rank, &env, err) || set_devices(planner, rank, &env, err) ||
        set_user_variables(program, &env, err) || set_devices(planner, rank, &env, err) ||
        make_argv(program, &env, task, err) || set_limits(planner, rank, task, err)) {
        return -1;
    }
    task->env = env.items;
    task->env_count = env.count;
    return check_total(task, err);
}

static int make_tasks(struct planner *planner, struct err *err)
{
    size_t pool_count;
    const API(WorkerPoolSpec) *const *pools =
        API(CustomJobSpec_worker_pool_specs)(API(CustomJob_job_spec)(planner->job), &pool_count);
    size_t rank = 0;

    for (uint32_t pool = 0; pool < planner->shape.pool_count; pool++) {
        const struct task_mount *mounts;
        struct plan_program program;
        size_t mount_count;
        uint32_t first;

        if (planner->shape.pool_replicas[pool] == 0) {
            continue;
        }
        if (plan_program_read(pools[pool], planner->plan->arena, &program, err) ||
            plan_mounts(planner->input->mounts, pools[pool], planner->plan->arena, &mounts, &mount_count, err)) {
            err_wrap(err, "job_spec.worker_pool_specs[%u]", pool);
            return -1;
        }
        first = planner->last_only ? planner->shape.pool_replicas[pool] - 1 : 0;
        rank += first;
        for (uint32_t i = first; i < planner->shape.pool_replicas[pool]; i++, rank++) {
            struct task *task = &planner->plan->tasks[rank];

            task->key =
                (struct execution_key){.job_id = planner->name.id,
                                       .job_attempt = planner->input->job_attempt,
                                       .pool_index = pool,
                                       .replica_index = i,
                                       .restart = planner->input->restarts ? planner->input->restarts[rank] : 0};
            task->mounts = mounts;
            task->mount_count = mount_count;
            if (make_task(planner, &program, rank, task, err)) {
                err_wrap(err, "job_spec.worker_pool_specs[%u]", pool);
                return -1;
            }
        }
    }
    return 0;
}

static int read_labels(struct planner *planner, struct err *err)
{
    upb_Arena *arena = planner->plan->arena;
    size_t count = API(CustomJob_labels_size)(planner->job);
    size_t position = kUpb_Map_Begin;
    const API(CustomJob_LabelsEntry) * entry;

    planner->labels = upb_Arena_Malloc(arena, (count + 1) * sizeof *planner->labels);
    if (!planner->labels) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu labels", count);
    }
    while ((entry = API(CustomJob_labels_next)(planner->job, &position))) {
        struct env_entry *label = &planner->labels[planner->label_count++];

        if (plan_text(arena, "a label's key", api_span(API(CustomJob_LabelsEntry_key)(entry)), &label->name, err) ||
            plan_text(arena, "a label's value", api_span(API(CustomJob_LabelsEntry_value)(entry)), &label->value,
                      err)) {
            return -1;
        }
    }
    return 0;
}

/* A display_name may hold a NUL; rules of scenarios, which it is read for, see what stands before. */
static struct span up_to_nul(struct span text)
{
    const char *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;

    return nul ? span_make(text.data, (size_t)(nul - text.data)) : text;
}

static int fill_plan(struct planner *planner, struct err *err)
{
    struct job_plan *plan = planner->plan;

    if (job_decode(planner->input->custom_job_wire, plan->arena, &planner->job, err) ||
        job_shape_of(planner->job, &planner->shape, err) ||
        job_name_parse(api_span(API(CustomJob_name)(planner->job)), &planner->name, err) ||
        plan_text(plan->arena, "the job's id", planner->name.id_text, &planner->job_id_text, err) ||
        plan_text(plan->arena, "display_name", up_to_nul(api_span(API(CustomJob_display_name)(planner->job))),
                  &planner->display_name, err) ||
        read_labels(planner, err) ||
        plan_cluster_create(&planner->shape, planner->input->addresses, &planner->cluster, err)) {
        return -1;
    }
    plan->task_count = planner->shape.replica_count;
    plan->tasks = calloc(plan->task_count, sizeof *plan->tasks);
    if (!plan->tasks) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu tasks", plan->task_count);
    }
    return make_tasks(planner, err);
}

static int create_plan(const struct job_plan_input *input, bool last_only, struct job_plan **ret_plan, struct err *err)
{
    struct job_plan *plan = calloc(1, sizeof *plan);
    struct planner planner = {.input = input, .plan = plan, .last_only = last_only};
    int result;

    if (!plan) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a plan");
    }
    plan->arena = upb_Arena_New();
    result = fill_plan(&planner, err);
    plan_cluster_destroy(planner.cluster);
    if (result) {
        job_plan_destroy(plan);
        return -1;
    }
    *ret_plan = plan;
    return 0;
}

int job_plan_create(const struct job_plan_input *input, struct job_plan **ret_plan, struct err *err)
{
    return create_plan(input, false, ret_plan, err);
}

/* Executors copy what they start; a task that cannot be copied cannot run. Whether it needs a command is not asked
 * here: an image may have an entrypoint of its own. */
static int try_task(const struct task *task, struct err *err)
{
    static const char *const entrypoint[] = {"", NULL};
    struct task tried = *task;
    struct task *copy;

    if (!tried.argv[0]) {
        tried.argv = entrypoint;
    }
    if (task_copy_create(&tried, &copy, err)) {
        return err_wrap(err, "job_spec.worker_pool_specs[%u]", task->key.pool_index);
    }
    free(copy);
    return 0;
}

int job_plan_check(const struct job_plan_input *input, struct err *err)
{
    struct job_plan *plan;
    int result = 0;

    if (create_plan(input, true, &plan, err)) {
        return -1;
    }
    for (size_t i = 0; i < plan->task_count && result == 0; i++) {
        if (plan->tasks[i].argv) {
            result = try_task(&plan->tasks[i], err);
        }
    }
    job_plan_destroy(plan);
    return result;
}

void job_plan_destroy(struct job_plan *plan)
{
    if (plan) {
        free(plan->tasks);
        if (plan->arena) {
            upb_Arena_Free(plan->arena);
        }
        free(plan);
    }
}

size_t job_plan_task_count(const struct job_plan *plan)
{
    return plan->task_count;
}

const struct task *job_plan_task(const struct job_plan *plan, size_t index)
{
    return &plan->tasks[index];
}
