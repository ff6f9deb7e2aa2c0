#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "executor/host_inventory.h"
#include "job/capacity_rules.h"
#include "job/job_keys.h"
#include "job/job_seal.h"
#include "job/mount_map.h"
#include "job/schedule_policy.h"
#include "server/health_service.h"
#include "server/log_query.h"
#include "server/log_tailer.h"
#include "server/main_executor.h"
#include "server/main_exit.h"
#include "server/main_http.h"
#include "server/main_keys.h"
#include "server/main_listen.h"
#include "server/main_log.h"
#include "server/main_signals.h"
#include "server/main_simulation.h"
#include "server/main_token_key.h"
#include "server/methods.h"
#include "server/reflection_index.h"
#include "server/rpc_server.h"
#include "storage/backup.h"

#define LARGE_BLOCK_BYTES (128 * 1024)

/* Everything of one server, in the order in which it is made; what is NULL is not there yet, or not any more. */
struct house {
    struct config config;
    struct main_listen listen;
    struct machine_types *machine_types;
    struct capacity_rules *capacity; /* NULL: replicas are counted alone */
    struct mount_map *mounts;        /* NULL: nothing is mapped */
    struct keyring *keys;            /* NULL: none */
    struct store *store;
    struct controller *controller;
    struct executor *executor;
    struct main_simulation simulation;
    struct health *health;
    struct reflection_index *reflection;
    struct log_tailer *log_tailer;
    struct log_querier *log_querier;
    struct rpc_server *server;
    struct main_http http;
    struct services services;
    uint64_t open_files; /* the soft limit that replicas get; 0: none of their own */
    bool controller_runs;
};

/* On the controller's thread. Nothing of this turn was answered or done, and nothing more may be. */
static void die(void *context, const struct err *err)
{
    (void)context;
    main_log(MAIN_LOG_ERROR, "%s; stopping at once, since nothing more can be promised", err->text);
    _exit(MAIN_EXIT_DISK);
}

/* On the controller's thread, which runs only once there is a health. */
static void note_space(void *context, bool is_low)
{
    struct house *house = context;

    health_set_taking_jobs(house->health, !is_low);
}

/* On the controller's thread. If the mark stays, an attempt without files is taken for lost once more, at the worst. */
static void forget_restore(void *context)
{
    struct house *house = context;
    struct err err = ERR_INIT;

    if (backup_note_started(fs_system(), house->config.data_dir, &err)) {
        main_log(MAIN_LOG_WARNING, "%s", err.text);
    }
}

/* What an error of opening or making something means for who started this. */
static int exit_code_of(const struct err *err)
{
    switch (err->code) {
    case ERR_INVALID:
    case ERR_DENIED:
        return MAIN_EXIT_USAGE;
    case ERR_CORRUPT:
    case ERR_IN_USE:
    case ERR_UNSUPPORTED: /* written by a version that knows more */
        return MAIN_EXIT_DATA;
    default:
        return MAIN_EXIT_DISK;
    }
}

/* ---- start ---- */

/* C-core's listener does not survive to run out of descriptors. Replicas get the limit that was found: a program that
 * uses select() or goes through all descriptors does not survive a large one. */
static void raise_file_limit(struct house *house)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        house->open_files = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int check_directory(const char *option, const char *path, struct err *err)
{
    struct stat status;

    if (path && stat(path, &status) != 0) {
        return err_set(err, ERR_INVALID, "--%s %s: %s", option, path, strerror(errno));
    }
    if (path && !S_ISDIR(status.st_mode)) {
        return err_set(err, ERR_INVALID, "--%s %s is no directory", option, path);
    }
    return 0;
}

static int open_store(struct house *house, struct err *err)
{
    struct store_options options = {.dir = house->config.data_dir,
                                    .fs = fs_system(),
                                    .clock = main_simulation_store_clock(&house->simulation),
                                    .extract = job_keys_extract,
                                    .outline = job_seal_outline,
                                    .store_key = house->config.store_key,
                                    .free_bytes_min = house->config.free_bytes_min};
    struct store_recovery found;

    if (main_keys_open(house->config.key_file, house->config.kms_plugin, &house->keys, err)) {
        return -1;
    }
    options.keys = house->keys;
    if (store_open(&options, &house->store, &found, err)) {
        return -1;
    }
    main_log(MAIN_LOG_INFO, "%s: %" PRIu64 " jobs, %" PRIu64 " records replayed in %" PRId64 " ms",
             house->config.data_dir, found.entries[STORE_TABLE_JOB], found.records_replayed,
             found.duration_ns / CLOCK_NS_PER_MS);
    if (found.torn_bytes > 0) {
        main_log(MAIN_LOG_WARNING, "the log had %" PRIu64 " bytes at its end that nobody was promised; they were cut",
                 found.torn_bytes);
    }
    if (found.locked[STORE_TABLE_JOB] > 0) {
        main_log(MAIN_LOG_WARNING,
                 "%" PRIu64
                 " jobs are sealed with keys that are not here; they are listed, and come back with their keys",
                 found.locked[STORE_TABLE_JOB]);
    }
    if (main_keys_start(house->keys, house->config.store_key, err)) {
        return -1;
    }
    return main_token_key_read(house->config.data_dir, house->services.page_token_key, err);
}

static int make_capacity(struct house *house, struct err *err)
{
    const char *word = house->config.capacity;
    enum capacity_mode mode = strcmp(word, "strict") == 0 ? CAPACITY_STRICT : CAPACITY_SCALE;
    struct host_inventory host;
    int result;

    if (machine_types_open(house->config.machine_types, &house->machine_types, err)) {
        return -1;
    }
    if (house->simulation.is_on || strcmp(word, "ignore") == 0) {
        return 0;
    }
    if (host_inventory_read("", &host, err)) {
        return -1;
    }
    host_inventory_reserve(&host);
    main_log(MAIN_LOG_INFO, "replicas have %u processors, %" PRIu64 " MiB and %zu GPUs of this host (--capacity %s)",
             host.cpus, host.memory_bytes / (1024 * 1024), host.device_count, word);
    result = capacity_rules_create(mode, &host, house->machine_types, &house->capacity, err);
    host_inventory_deinit(&host);
    return result;
}

static int make_controller(struct house *house, struct err *err)
{
    const struct config *config = &house->config;
    struct controller_options options = {.store = house->store,
                                         .clock = main_simulation_job_clock(&house->simulation),
                                         .call_clock = clock_system(),
                                         .replicas_max = (uint32_t)config->replicas_max,
                                         .capacity = house->capacity,
                                         .schedule_policy = schedule_policy_find(config->schedule_policy),
                                         .schedule_patience_ns = config->schedule_patience_ms * CLOCK_NS_PER_MS,
                                         .fair_share_label = config->fair_share_label,
                                         .limits_cpus = strcmp(config->limits, "all") == 0,
                                         .limits_memory = strcmp(config->limits, "none") != 0,
                                         .pids_max = config->replica_pids_max,
                                         .stop_grace_ms = config->stop_grace_ms,
                                         .project_numbers = config->project_numbers.items,
                                         .project_number_count = config->project_numbers.count,
                                         .buckets_dir = config->buckets_dir,
                                         .mounts = house->mounts,
                                         .space_changed = note_space,
                                         .retention_ms = config->retention_ms,
                                         .retention_count = config->retention_count,
                                         .restored_settled = forget_restore,
                                         .fatal = die,
                                         .log = main_log_line,
                                         .context = house};

    if (backup_is_restored(fs_system(), config->data_dir, &options.is_restored, err)) {
        return -1;
    }
    if (options.is_restored) {
        main_log(MAIN_LOG_INFO, "%s was restored from a backup: replicas that have no files here count as lost",
                 config->data_dir);
    }
    return controller_create(&options, &house->controller, err);
}

static int make_executor(struct house *house, struct err *err)
{
    struct main_executor_options options = {
        .config = &house->config, .open_files = house->open_files, .keys = house->keys};

    if (house->simulation.is_on) {
        return main_simulation_make_executor(&house->simulation, &house->config, controller_sink(house->controller),
                                             &house->executor, err);
    }
    return main_executor_make(&options, controller_sink(house->controller), &house->executor, err);
}

static int make_services(struct house *house, struct err *err)
{
    struct log_tailer_options tailer = {.store = house->store, .executor = house->executor, .clock = clock_system()};
    struct services *services = &house->services;

    if (health_create(&house->health, err) || reflection_index_create(&house->reflection, err) ||
        log_tailer_create(&tailer, &house->log_tailer, err) ||
        log_querier_create(house->executor, &house->log_querier, err)) {
        return -1;
    }
    services->store = house->store;
    services->controller = house->controller;
    services->executor = house->executor;
    services->clock = clock_system();
    services->job_clock = main_simulation_job_clock(&house->simulation);
    services->simulates = house->simulation.is_on;
    services->faults = house->simulation.faults;
    services->rules = (struct job_spec_rules){.replicas_max = (uint32_t)house->config.replicas_max,
                                              .capacity = house->capacity,
                                              .needs_command = house->executor->ops->needs_command,
                                              .python_packages = true,
                                              .keys = house->keys,
                                              .mounts = house->mounts};
    services->log_tailer = house->log_tailer;
    services->log_querier = house->log_querier;
    services->health = house->health;
    services->reflection = house->reflection;
    return 0;
}

static int make_server(struct house *house, struct err *err)
{
    struct rpc_server_options options = {
        .services = &house->services, .unserved = methods_refuse, .call_threads = (uint32_t)house->config.call_threads};

    options.methods = methods_served(&options.method_count);
    return rpc_server_create(&options, &house->server, err);
}

/* Addresses are taken before jobs are: who cannot serve shall not start anything either. */
static int start(struct house *house, struct err *err)
{
    if (main_listen_open(&house->config, &house->listen, err) ||
        check_directory("buckets-dir", house->config.buckets_dir, err)) {
        return MAIN_EXIT_USAGE;
    }
    if (main_simulation_open(&house->config, &house->simulation, err) || open_store(house, err) ||
        make_capacity(house, err) ||
        mount_map_create(house->config.nfs_map.items, house->config.lustre_map.items, &house->mounts, err) ||
        make_controller(house, err) || make_executor(house, err) || make_services(house, err) ||
        make_server(house, err) ||
        (house->listen.http.count > 0 &&
         main_http_make(&house->http, &house->services, house->config.buckets_dir, err))) {
        return exit_code_of(err);
    }
    if (main_listen_bind(&house->listen, house->server, house->http.server, err)) {
        return MAIN_EXIT_ADDRESS;
    }
    if (main_simulation_start(&house->simulation, house->controller, house->executor, die, err)) {
        return exit_code_of(err);
    }
    house->controller_runs = true;
    house->services.simulation = house->simulation.simulation;
    if (rpc_server_start(house->server, err) || main_http_start(&house->http, err)) {
        return MAIN_EXIT_DISK;
    }
    health_set(house->health, true);
    return main_listen_print_ready(&house->listen, err) ? MAIN_EXIT_DISK : MAIN_EXIT_OK;
}

/* ---- stop ---- */

static void hurry(void *context)
{
    struct house *house = context;

    main_log(MAIN_LOG_WARNING, "another signal: calls under way are cancelled");
    rpc_server_hurry(house->server);
    main_http_hurry(&house->http);
}

/* Both at one time: what one has used of the grace the other has not any more. */
static void stop_servers(struct house *house)
{
    int64_t grace_ms = house->config.drain_grace_ms;
    int64_t deadline_mono_ns = clock_mono_ns(clock_system()) + grace_ms * CLOCK_NS_PER_MS;

    main_http_drain(&house->http);
    rpc_server_stop(house->server, grace_ms);
    main_http_stop(&house->http, deadline_mono_ns);
}

/* Watchers, readers of logs and those who wait for an operation would stay for ever, so that they are sent away; who waits
 * for another answer of the controller gets it, and then there is nobody left who would ask. */
static void drain(struct house *house)
{
    struct main_signals_watch *watch = main_signals_watch(hurry, house);

    health_stop(house->health);
    log_tailer_stop(house->log_tailer);
    log_querier_stop(house->log_querier);
    controller_end_waits(house->controller);
    main_simulation_hurry(&house->simulation);
    stop_servers(house);
    main_signals_watch_end(watch);
}

/* Also of a house that is only half made. */
static void tear_down(struct house *house)
{
    main_simulation_end(&house->simulation);
    if (house->controller_runs) {
        controller_stop(house->controller);
    }
    rpc_server_destroy(house->server);
    main_http_destroy(&house->http);
    main_listen_close(&house->listen);
    log_tailer_destroy(house->log_tailer);
    log_querier_destroy(house->log_querier);
    health_destroy(house->health);
    reflection_index_destroy(house->reflection);
    if (house->executor) {
        house->executor->ops->destroy(house->executor);
    }
    main_simulation_close(&house->simulation);
    if (house->controller) {
        controller_destroy(house->controller);
    }
    store_close(house->store);
    keyring_destroy(house->keys);
    capacity_rules_destroy(house->capacity);
    mount_map_destroy(house->mounts);
    machine_types_close(house->machine_types);
    config_deinit(&house->config);
}

static int serve(struct house *house)
{
    struct err err = ERR_INIT;
    int code = start(house, &err);

    if (code != MAIN_EXIT_OK) {
        main_log(MAIN_LOG_ERROR, "%s", err.text);
    } else {
        main_log(MAIN_LOG_INFO, "%s: stopping; replicas go on running", main_signals_wait());
    }
    if (house->controller_runs) {
        drain(house);
    }
    tear_down(house);
    if (code == MAIN_EXIT_OK) {
        main_log(MAIN_LOG_INFO, "stopped");
    }
    return code;
}

/* Large blocks come from the kernel, always. Left alone glibc raises the limit, and then looks for a large block among
 * all the small ones that were freed and sorts them on the way: a millisecond, which would be one of the controller's. */
static void keep_large_blocks_apart(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
}

int main_serve(char *const *arguments)
{
    struct house *house;
    struct err err = ERR_INIT;
    int code;

    for (char *const *word = arguments; *word; word++) {
        if (strcmp(*word, "--help") == 0 || strcmp(*word, "-h") == 0) {
            config_print_help(stdout);
            return MAIN_EXIT_OK;
        }
    }
    house = calloc(1, sizeof *house);
    if (!house) {
        fputs("customjobd: no memory\n", stderr);
        return MAIN_EXIT_DISK;
    }
    code = config_load(arguments, environ, &house->config, &err);
    if (code == 0) {
        house->config.executor = main_executor_choose(&house->config);
    }
    if (code != 0 || fault_point_arm(house->config.fault_point, &err) ||
        config_check_user(&house->config, geteuid() == 0, &err)) {
        fprintf(stderr, "customjobd: %s\n", err.text);
        config_deinit(&house->config);
        free(house);
        return MAIN_EXIT_USAGE;
    }
    keep_large_blocks_apart();
    main_signals_block();
    main_log_take_grpc();
    raise_file_limit(house);
    code = serve(house);
    free(house);
    return code;
}
