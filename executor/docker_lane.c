#include "executor/docker_lane.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "executor/attempt_dir.h"
#include "executor/docker_names.h"
#include "executor/worker_thread.h"

#define LANES 4
#define DEFER_MS_FIRST 100
#define DEFER_MS_MAX 5000
/* By then the engine has done what a server asked it for that died before the answer. */
#define SWEEP_AGAIN_MS 10000

enum docker_command_kind {
    DOCKER_COMMAND_LAUNCH,
    DOCKER_COMMAND_CLEAR,
    DOCKER_COMMAND_FORGET,
    DOCKER_COMMAND_SWEEP,
};

struct docker_command {
    struct docker_command *next;
    enum docker_command_kind kind;
    struct execution_key key;
    struct task *task;
    const char **module_argv;
    atomic_bool is_cancelled;
    int64_t due_mono_ns, backoff_ms;
};

struct docker_lane {
    struct docker_lanes *lanes;
    struct docker_api *api;
    bool is_swept;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct docker_command *first; /* under the mutex, as all below */
    struct docker_command *current;
    struct docker_launch launch; /* of current; the lane's thread alone */
};

struct docker_lanes {
    const struct process_config *config;
    struct docker_answers answers;
    atomic_bool stops;
    struct docker_lane lanes[LANES];
};

static struct docker_lane *lane_of(struct docker_lanes *lanes, uint64_t job_id)
{
    return &lanes->lanes[job_id % LANES];
}

/* ---- commands ---- */

static void free_command(struct docker_command *command)
{
    free(command->task);
    free(command->module_argv);
    free(command);
}

static void append(struct docker_lane *lane, struct docker_command *command)
{
    struct docker_command **link = &lane->first;

    command->next = NULL;
    pthread_mutex_lock(&lane->mutex);
    while (*link) {
        link = &(*link)->next;
    }
    *link = command;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->mutex);
}

static int push_sweep(struct docker_lane *lane, struct err *err)
{
    struct docker_command *command = calloc(1, sizeof *command);

    if (!command) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a command to the Docker engine");
    }
    command->kind = DOCKER_COMMAND_SWEEP;
    command->due_mono_ns = worker_now_mono_ns() + SWEEP_AGAIN_MS * CLOCK_NS_PER_MS;
    command->backoff_ms = DEFER_MS_FIRST;
    append(lane, command);
    return 0;
}

static int push(struct docker_lanes *lanes, enum docker_command_kind kind, const struct execution_key *key,
                struct task *task, const char **module_argv, struct err *err)
{
    struct docker_command *command = calloc(1, sizeof *command);

    if (!command) {
        free(task);
        free(module_argv);
        return err_set(err, ERR_EXHAUSTED, "no memory for a command to the Docker engine");
    }
    command->kind = kind;
    command->key = *key;
    command->task = task;
    command->module_argv = module_argv;
    command->backoff_ms = DEFER_MS_FIRST;
    append(lane_of(lanes, key->job_id), command);
    return 0;
}

int docker_lanes_launch(struct docker_lanes *lanes, const struct execution_key *key, struct task *task,
                        const char **module_argv, struct err *err)
{
    return push(lanes, DOCKER_COMMAND_LAUNCH, key, task, module_argv, err);
}

int docker_lanes_clear(struct docker_lanes *lanes, const struct execution_key *key, struct err *err)
{
    return push(lanes, DOCKER_COMMAND_CLEAR, key, NULL, NULL, err);
}

void docker_lanes_forget(struct docker_lanes *lanes, const struct execution_key *key)
{
    struct err ignored = ERR_INIT;

    if (push(lanes, DOCKER_COMMAND_FORGET, key, NULL, NULL, &ignored) != 0) {
        /* The next server's first sweep finds it. */
    }
}

static bool is_launch_of(const struct docker_command *command, const struct execution_key *key)
{
    return command->kind == DOCKER_COMMAND_LAUNCH && execution_key_compare(&command->key, key) == 0;
}

void docker_lanes_cancel(struct docker_lanes *lanes, const struct execution_key *key)
{
    struct docker_lane *lane = lane_of(lanes, key->job_id);

    pthread_mutex_lock(&lane->mutex);
    if (lane->current && is_launch_of(lane->current, key)) {
        atomic_store(&lane->current->is_cancelled, true);
    }
    for (struct docker_command *command = lane->first; command; command = command->next) {
        if (is_launch_of(command, key)) {
            atomic_store(&command->is_cancelled, true);
        }
    }
    pthread_mutex_unlock(&lane->mutex);
}

/* ---- on the lane's thread ---- */

/* Also asked within calls of a lane that launches nothing. */
static bool is_cancelled(void *context)
{
    struct docker_lane *lane = context;
    struct docker_command *command = lane->current;

    return atomic_load(&lane->lanes->stops) || (command && command->kind == DOCKER_COMMAND_LAUNCH &&
                                                !lane->launch.is_started && atomic_load(&command->is_cancelled));
}

static void note(void *context, const char *line)
{
    struct docker_lane *lane = context;
    const struct docker_answers *answers = &lane->lanes->answers;

    answers->note(answers->context, lane->current->key.job_id, line);
}

/* Without files, or with its end in them, nobody waits for it. */
static bool is_over(const struct process_config *config, const struct execution_key *key)
{
    struct supervisor_history history = {0};
    struct err ignored = ERR_INIT;
    int dir_fd = -1;
    bool known = attempt_open(config->attempts_fd, key, &dir_fd, &ignored) == 0;

    if (known && dir_fd >= 0) {
        known = attempt_read_history(dir_fd, &history, &ignored) == 0;
    }
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    return known && (dir_fd < 0 || history.has_exit || history.has_exec_failed);
}

static void sweep_container(void *context, const char *name, bool is_running)
{
    struct docker_lane *lane = context;
    struct err ignored = ERR_INIT;
    struct execution_key key;

    if (execution_key_parse(span_of(name), &key, &ignored) != 0 || lane_of(lane->lanes, key.job_id) != lane ||
        (is_running && !is_over(lane->lanes->config, &key))) {
        return;
    }
    lane->is_swept = docker_container_remove(lane->api, name, &ignored) == 0 && lane->is_swept;
}

static void sweep_network(void *context, const char *name, bool is_running)
{
    struct docker_lane *lane = context;
    struct err err = ERR_INIT;
    uint64_t job_id;

    (void)is_running;
    if (docker_network_parse(name, &job_id) && lane_of(lane->lanes, job_id) == lane &&
        docker_network_remove(lane->api, name, &err) != 0) {
        lane->is_swept = err.code == ERR_DENIED && lane->is_swept; /* replicas are on it */
    }
}

static void sweep(struct docker_lane *lane)
{
    struct docker_label home = {DOCKER_LABEL_HOME, lane->lanes->config->attempts_dir};
    struct err ignored = ERR_INIT;

    lane->is_swept = true;
    if (docker_containers_list(lane->api, &home, sweep_container, lane, &ignored) != 0 ||
        docker_networks_list(lane->api, &home, sweep_network, lane, &ignored) != 0) {
        lane->is_swept = false;
    }
}

static void launch_one(struct docker_lane *lane, struct docker_command *command)
{
    const struct docker_answers *answers = &lane->lanes->answers;
    struct err err = ERR_INIT, ignored = ERR_INIT;
    int result;

    lane->launch = (struct docker_launch){.key = command->key,
                                          .config = lane->lanes->config,
                                          .task = command->task,
                                          .module_argv = command->module_argv,
                                          .cancelled = is_cancelled,
                                          .note = note,
                                          .context = lane};
    result = docker_launch_run(&lane->launch, lane->api, &err);
    if (atomic_load(&lane->lanes->stops)) {
        return;
    }
    lane->launch.is_started = true; /* what follows is not to be given up */
    if (result != 0 && docker_launch_clear(lane->lanes->config, lane->api, &command->key, &ignored) != 0) {
        docker_lanes_forget(lane->lanes, &command->key);
    }
    answers->launched(answers->context, &command->key, result == 0 ? NULL : &err);
}

/* False: to be tried again. */
static bool run_command(struct docker_lane *lane, struct docker_command *command)
{
    const struct docker_answers *answers = &lane->lanes->answers;
    struct err ignored = ERR_INIT;

    if (!lane->is_swept || command->kind == DOCKER_COMMAND_SWEEP) {
        sweep(lane);
    }
    if (command->kind == DOCKER_COMMAND_SWEEP) {
        return lane->is_swept;
    }
    if (command->kind == DOCKER_COMMAND_LAUNCH) {
        launch_one(lane, command);
        return true;
    }
    if (docker_launch_clear(lane->lanes->config, lane->api, &command->key, &ignored) != 0) {
        return false;
    }
    if (command->kind == DOCKER_COMMAND_CLEAR) {
        answers->cleared(answers->context, &command->key);
    }
    return true;
}

/* The first one that is due, which is current from then on; NULL when the lanes stop. */
static struct docker_command *take(struct docker_lane *lane)
{
    struct docker_command *taken = NULL;

    pthread_mutex_lock(&lane->mutex);
    lane->current = NULL;
    while (!taken && !atomic_load(&lane->lanes->stops)) {
        int64_t now = worker_now_mono_ns(), until = INT64_MAX;

        for (struct docker_command **link = &lane->first; *link; link = &(*link)->next) {
            if ((*link)->due_mono_ns <= now) {
                taken = *link;
                *link = taken->next;
                break;
            }
            until = (*link)->due_mono_ns < until ? (*link)->due_mono_ns : until;
        }
        lane->current = taken;
        if (!taken) {
            worker_cond_wait(&lane->changed, &lane->mutex, until);
        }
    }
    pthread_mutex_unlock(&lane->mutex);
    return taken;
}

static void *run(void *context)
{
    struct docker_lane *lane = context;
    struct docker_command *command;

    sweep(lane);
    while ((command = take(lane))) {
        bool is_done = run_command(lane, command);

        pthread_mutex_lock(&lane->mutex);
        lane->current = NULL;
        pthread_mutex_unlock(&lane->mutex);
        if (is_done) {
            free_command(command);
            continue;
        }
        command->due_mono_ns = worker_now_mono_ns() + command->backoff_ms * CLOCK_NS_PER_MS;
        command->backoff_ms = 2 * command->backoff_ms < DEFER_MS_MAX ? 2 * command->backoff_ms : DEFER_MS_MAX;
        append(lane, command);
    }
    return NULL;
}

/* ---- life ---- */

int docker_lanes_create(const struct process_config *config, const char *socket_path, struct docker_lanes **ret_lanes,
                        struct err *err)
{
    struct docker_lanes *lanes = calloc(1, sizeof *lanes);

    if (!lanes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    lanes->config = config;
    for (size_t i = 0; i < LANES; i++) {
        struct docker_lane *lane = &lanes->lanes[i];

        lane->lanes = lanes;
        pthread_mutex_init(&lane->mutex, NULL);
        worker_cond_init(&lane->changed);
    }
    for (size_t i = 0; i < LANES; i++) {
        if (docker_api_create(socket_path, is_cancelled, &lanes->lanes[i], &lanes->lanes[i].api, err) != 0) {
            docker_lanes_destroy(lanes);
            return -1;
        }
    }
    *ret_lanes = lanes;
    return 0;
}

int docker_lanes_start(struct docker_lanes *lanes, struct docker_answers answers, struct err *err)
{
    lanes->answers = answers;
    for (size_t i = 0; i < LANES; i++) {
        struct docker_lane *lane = &lanes->lanes[i];

        if (push_sweep(lane, err) != 0 || worker_thread_start("docker-lane", run, lane, &lane->thread, err) != 0) {
            docker_lanes_stop(lanes);
            return -1;
        }
        lane->has_thread = true;
    }
    return 0;
}

void docker_lanes_stop(struct docker_lanes *lanes)
{
    atomic_store(&lanes->stops, true);
    for (size_t i = 0; i < LANES; i++) {
        struct docker_lane *lane = &lanes->lanes[i];

        pthread_mutex_lock(&lane->mutex);
        pthread_cond_signal(&lane->changed);
        pthread_mutex_unlock(&lane->mutex);
        if (lane->has_thread) {
            (void)pthread_join(lane->thread, NULL);
            lane->has_thread = false;
        }
    }
}

void docker_lanes_destroy(struct docker_lanes *lanes)
{
    if (!lanes) {
        return;
    }
    for (size_t i = 0; i < LANES; i++) {
        struct docker_lane *lane = &lanes->lanes[i];
        struct docker_command *command;

        while ((command = lane->first)) {
            lane->first = command->next;
            free_command(command);
        }
        docker_api_destroy(lane->api);
        (void)pthread_mutex_destroy(&lane->mutex);
        (void)pthread_cond_destroy(&lane->changed);
    }
    free(lanes);
}
