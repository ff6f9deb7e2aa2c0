/* The policies of scheduling on one host of eight devices, in virtual time: how much of it is used, and who waits how long.
 *
 * usage: schedule_sim POLICY NOISE JOBS FIRST_SEED SEEDS
 * NOISE is the sigma of the forecasts' error: 0 knows what will be, 0.7 is a history of like jobs, inf knows nothing.
 * One line of JSON per seed. Gangs of 1, 2, 4 and 8 devices come at random, at nine tenths of what the host can do; how
 * long they run is lognormal around 100 s. Ends with 1 when more ran than the host has, or somebody waited for ever. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/schedule_policy.h"

#define NS INT64_C(1000000000)
#define DEVICES 8
#define MEAN_S 100.0
#define LOAD 0.9
#define PATIENCE_S 1200
#define OWNERS 6
#define RUNS_MAX DEVICES

struct arrival {
    struct pool_ask pool;
    struct job_ask ask;
    int64_t time_ns;
    int64_t duration_ns;
    int64_t forecast_ns;
    int64_t start_ns;
    unsigned owner;
};

struct run {
    size_t job;
    int64_t end_ns;
};

struct world {
    const struct schedule_policy *policy;
    struct arrival *arrivals;
    size_t arrival_count;
    size_t arrived;
    size_t *queue; /* of arrivals, in order */
    size_t queue_count;
    struct schedule_job *jobs; /* the queue as the policy sees it */
    struct run runs[RUNS_MAX];
    size_t run_count;
    struct resources free;
    double usage[OWNERS];
    double busy_ns; /* devices times time, while jobs still arrive */
    int64_t now_ns;
};

/* ---- chance ---- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Between 0 and 1, neither of them. */
static double next_uniform(uint64_t *state)
{
    return ((double)(next_random(state) >> 12) + 0.5) / 4503599627370496.0;
}

static double next_normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(next_uniform(state)));

    return radius * cos(2 * 3.14159265358979323846 * next_uniform(state));
}

static unsigned next_size(uint64_t *state)
{
    double at = next_uniform(state);

    return at < 0.5 ? 1 : at < 0.75 ? 2 : at < 0.9 ? 4 : 8;
}

static void make_arrivals(struct world *world, double noise, uint64_t seed)
{
    const double work = (0.5 * 1 + 0.25 * 2 + 0.15 * 4 + 0.1 * 8) * MEAN_S;
    uint64_t state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    double time = 0;

    for (size_t i = 0; i < world->arrival_count; i++) {
        struct arrival *arrival = &world->arrivals[i];
        double duration;

        time -= log(next_uniform(&state)) * work / (LOAD * DEVICES);
        *arrival = (struct arrival){.time_ns = (int64_t)(time * (double)NS)};
        arrival->pool = (struct pool_ask){.replicas = 1, .devices = (uint16_t)next_size(&state), .classes = 1};
        arrival->ask = (struct job_ask){1, &arrival->pool};
        duration = exp(log(MEAN_S) - 0.5 + next_normal(&state));
        arrival->duration_ns = (int64_t)(duration * (double)NS) + 1;
        duration *= exp((isfinite(noise) ? noise : 0) * next_normal(&state));
        arrival->forecast_ns = isfinite(noise) ? (int64_t)(duration * (double)NS) + 1 : INT64_MAX;
        arrival->owner = next_uniform(&state) < 0.7 ? 0 : 1 + (unsigned)(next_random(&state) % (OWNERS - 1));
    }
}

/* ---- the world's turn ---- */

static int compare_runs(const void *left, const void *right)
{
    int64_t left_ns = ((const struct schedule_run *)left)->end_ns;
    int64_t right_ns = ((const struct schedule_run *)right)->end_ns;

    return left_ns < right_ns ? -1 : left_ns > right_ns;
}

static size_t ask_policy(struct world *world)
{
    struct schedule_run runs[RUNS_MAX];
    struct schedule_view view = {.now_ns = world->now_ns,
                                 .patience_ns = PATIENCE_S * NS,
                                 .total = {.replicas = UINT32_MAX, .devices = {DEVICES}},
                                 .free = world->free,
                                 .runs = runs,
                                 .run_count = world->run_count,
                                 .jobs = world->jobs,
                                 .job_count = world->queue_count};

    for (size_t i = 0; i < world->run_count; i++) {
        const struct arrival *arrival = &world->arrivals[world->runs[i].job];

        runs[i] =
            (struct schedule_run){.held = {.replicas = 1, .devices = {arrival->pool.devices}}, .end_ns = INT64_MAX};
        if (arrival->forecast_ns != INT64_MAX) {
            runs[i].end_ns = arrival->start_ns + arrival->forecast_ns;
        }
    }
    qsort(runs, world->run_count, sizeof runs[0], compare_runs);
    for (size_t i = 0; i < world->queue_count; i++) {
        const struct arrival *arrival = &world->arrivals[world->queue[i]];

        world->jobs[i] =
            (struct schedule_job){&arrival->ask, arrival->time_ns, arrival->forecast_ns, world->usage[arrival->owner]};
    }
    return world->policy->next(&view);
}

/* False: more would run than there is. */
static bool start_jobs(struct world *world)
{
    size_t next;

    while ((next = ask_policy(world)) != SCHEDULE_NONE) {
        struct arrival *arrival = &world->arrivals[world->queue[next]];

        if (arrival->pool.devices > world->free.devices[0]) {
            return false;
        }
        world->free.devices[0] = (uint16_t)(world->free.devices[0] - arrival->pool.devices);
        arrival->start_ns = world->now_ns;
        world->usage[arrival->owner] += (double)arrival->duration_ns * arrival->pool.devices;
        world->runs[world->run_count++] = (struct run){world->queue[next], world->now_ns + arrival->duration_ns};
        memmove(&world->queue[next], &world->queue[next + 1], (--world->queue_count - next) * sizeof world->queue[0]);
    }
    return true;
}

static void end_jobs(struct world *world)
{
    for (size_t i = 0; i < world->run_count;) {
        if (world->runs[i].end_ns <= world->now_ns) {
            const struct arrival *arrival = &world->arrivals[world->runs[i].job];

            world->free.devices[0] = (uint16_t)(world->free.devices[0] + arrival->pool.devices);
            world->runs[i] = world->runs[--world->run_count];
        } else {
            i++;
        }
    }
}

static void go_to(struct world *world, int64_t time_ns)
{
    int64_t last_ns = world->arrivals[world->arrival_count - 1].time_ns;
    int64_t until_ns = time_ns < last_ns ? time_ns : last_ns;

    if (until_ns > world->now_ns) {
        world->busy_ns += (double)(DEVICES - world->free.devices[0]) * (double)(until_ns - world->now_ns);
    }
    world->now_ns = time_ns;
}

/* False: the policy has broken a promise. */
static bool live(struct world *world)
{
    while (world->arrived < world->arrival_count || world->run_count > 0 || world->queue_count > 0) {
        int64_t next_ns = INT64_MAX;

        if (world->arrived < world->arrival_count) {
            next_ns = world->arrivals[world->arrived].time_ns;
        }
        for (size_t i = 0; i < world->run_count; i++) {
            next_ns = world->runs[i].end_ns < next_ns ? world->runs[i].end_ns : next_ns;
        }
        if (next_ns == INT64_MAX) {
            fprintf(stderr, "%zu jobs wait on an idle host\n", world->queue_count);
            return false;
        }
        go_to(world, next_ns);
        end_jobs(world);
        while (world->arrived < world->arrival_count && world->arrivals[world->arrived].time_ns <= world->now_ns) {
            world->queue[world->queue_count++] = world->arrived++;
        }
        if (!start_jobs(world)) {
            fprintf(stderr, "a job was started that does not fit\n");
            return false;
        }
    }
    return true;
}

static void print(const struct world *world, uint64_t seed)
{
    double waits = 0;
    double waits_large = 0;
    double waits_light = 0;
    double most = 0;
    size_t large = 0;
    size_t light = 0;

    for (size_t i = 0; i < world->arrival_count; i++) {
        const struct arrival *arrival = &world->arrivals[i];
        double wait = (double)(arrival->start_ns - arrival->time_ns) / (double)NS;

        waits += wait;
        most = wait > most ? wait : most;
        waits_large += arrival->pool.devices == DEVICES ? wait : 0;
        large += arrival->pool.devices == DEVICES ? 1 : 0;
        waits_light += arrival->owner > 0 ? wait : 0;
        light += arrival->owner > 0 ? 1 : 0;
    }
    printf("{\"policy\": \"%s\", \"seed\": %" PRIu64
           ", \"utilisation\": %.4f, \"wait_s\": %.1f, \"wait_large_s\": %.1f, "
           "\"wait_light_s\": %.1f, \"wait_max_s\": %.1f}\n",
           world->policy->name, seed,
           world->busy_ns / ((double)world->arrivals[world->arrival_count - 1].time_ns * DEVICES),
           waits / (double)world->arrival_count, waits_large / (double)(large ? large : 1),
           waits_light / (double)(light ? light : 1), most);
}

static int run_seed(const struct schedule_policy *policy, double noise, size_t count, uint64_t seed)
{
    struct world world = {.policy = policy, .arrival_count = count};
    int code = 1;

    world.free = (struct resources){.replicas = UINT32_MAX, .devices = {DEVICES}};
    world.arrivals = calloc(count, sizeof *world.arrivals);
    world.queue = calloc(count, sizeof *world.queue);
    world.jobs = calloc(count, sizeof *world.jobs);
    if (world.arrivals && world.queue && world.jobs) {
        make_arrivals(&world, noise, seed);
        if (live(&world)) {
            print(&world, seed);
            code = 0;
        }
    }
    free(world.arrivals);
    free(world.queue);
    free(world.jobs);
    return code;
}

int main(int argc, char **argv)
{
    static const struct schedule_policy *const policies[] = {&schedule_fifo, &schedule_greedy, &schedule_easy,
                                                             &schedule_gangs};
    const struct schedule_policy *policy = NULL;

    for (size_t i = 0; argc == 6 && i < sizeof policies / sizeof policies[0]; i++) {
        policy = strcmp(policies[i]->name, argv[1]) == 0 ? policies[i] : policy;
    }
    if (!policy || strtoull(argv[3], NULL, 10) == 0) {
        fprintf(stderr, "usage: schedule_sim fifo|greedy|easy|gangs NOISE JOBS FIRST_SEED SEEDS\n");
        return 2;
    }
    for (uint64_t i = 0; i < strtoull(argv[5], NULL, 10); i++) {
        if (run_seed(policy, strtod(argv[2], NULL), strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10) + i)) {
            return 1;
        }
    }
    return 0;
}
