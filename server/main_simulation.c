#include "server/main_simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "server/list_filter_time.h"

#define NS_PER_US 1000
#define CLOCK_FILE_BYTES 32

/* ---- how far the clock has come: DATA_DIR/virtual-clock, "NS\n" ---- */

static int read_clock_file(const char *path, int64_t *unix_ns, struct err *err)
{
    const struct fs *fs = fs_system();
    char text[CLOCK_FILE_BYTES + 1];
    size_t size = 0;
    char *end;
    int64_t read_ns;
    int file;
    int result;

    if (fs->open(fs, path, FS_READ, &file, err)) {
        if (err->code != ERR_NOT_FOUND) {
            return -1;
        }
        err->code = ERR_NONE;
        return 0;
    }
    result = fs->read_at(fs, file, text, CLOCK_FILE_BYTES, 0, &size, err);
    fs->close(fs, file);
    if (result) {
        return -1;
    }
    text[size] = '\0';
    read_ns = strtoll(text, &end, 10);
    if (read_ns <= 0 || read_ns > VIRTUAL_CLOCK_UNIX_NS_MAX || strcmp(end, "\n") != 0) {
        return err_set(err, ERR_CORRUPT, "%s holds no time; remove it if the clock may begin at --clock-start again",
                       path);
    }
    *unix_ns = read_ns > *unix_ns ? read_ns : *unix_ns;
    return 0;
}

static int write_clock_file(const struct fs *fs, const char *path, int64_t unix_ns, struct err *err)
{
    char text[CLOCK_FILE_BYTES];
    int size = snprintf(text, sizeof text, "%" PRId64 "\n", unix_ns);
    int file;
    int result;

    (void)!remove(path); /* of an advance that did not come so far */
    if (fs->open(fs, path, FS_CREATE, &file, err)) {
        return -1;
    }
    result = fs->write_at(fs, file, text, (size_t)size, 0, err) || fs->sync(fs, file, err) ? -1 : 0;
    fs->close(fs, file);
    return result;
}

/* A crash on the way leaves it where it was to go: no time that a job has got is later. */
static int note_time(void *context, int64_t unix_ns, struct err *err)
{
    const struct main_simulation *simulation = context;
    const struct fs *fs = fs_system();
    char unfinished[MAIN_SIMULATION_PATH_BYTES + 8];
    char directory[MAIN_SIMULATION_PATH_BYTES];

    snprintf(unfinished, sizeof unfinished, "%s.tmp", simulation->clock_path);
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(simulation->clock_path, '/') - simulation->clock_path),
             simulation->clock_path);
    if (write_clock_file(fs, unfinished, unix_ns, err) || fs->rename(fs, unfinished, simulation->clock_path, err) ||
        fs->sync_dir(fs, directory, err)) {
        return err_wrap(err, "the clock stays where it is");
    }
    return 0;
}

/* ---- faults ---- */

static int open_faults(struct main_simulation *simulation, struct err *err)
{
    const struct call_fault *faults;
    size_t count;

    if (call_faults_create(&simulation->faults, err)) {
        return -1;
    }
    if (!simulation->file) {
        return 0;
    }
    faults = simulation_file_faults(simulation->file, &count);
    return call_faults_set(simulation->faults, faults, count, simulation_file_scenario(simulation->file)->seed, err)
               ? err_wrap(err, "the scenario file")
               : 0;
}

/* ---- clocks ---- */

static int open_clock(const struct config *config, struct main_simulation *simulation, struct err *err)
{
    int64_t start = 0;

    if (!filter_time_parse(span_of(config->clock_start), &start) || start <= 0 || start > VIRTUAL_CLOCK_UNIX_NS_MAX) {
        return err_set(err, ERR_INVALID, "--clock-start %s: a time such as 2030-01-01T00:00:00Z, from 1970 to 2199",
                       config->clock_start);
    }
    if (snprintf(simulation->clock_path, sizeof simulation->clock_path, "%s/virtual-clock", config->data_dir) >=
        (int)sizeof simulation->clock_path) {
        return err_set(err, ERR_INVALID, "the path of the data directory is too long");
    }
    if (read_clock_file(simulation->clock_path, &start, err)) {
        return -1;
    }
    virtual_clock_init(&simulation->clock, start);
    simulation->is_virtual = true;
    return 0;
}

int main_simulation_open(const struct config *config, struct main_simulation *simulation, struct err *err)
{
    simulation->is_on = strcmp(config->executor, "simulate") == 0;
    if (config->simulate_scenario && simulation_file_open(config->simulate_scenario, &simulation->file, err)) {
        return -1;
    }
    if (simulation->is_on && open_faults(simulation, err)) {
        return -1;
    }
    return strcmp(config->clock, "virtual") == 0 ? open_clock(config, simulation, err) : 0;
}

const struct clock *main_simulation_job_clock(const struct main_simulation *simulation)
{
    return simulation->is_virtual ? &simulation->clock.clock : clock_system();
}

const struct clock *main_simulation_store_clock(const struct main_simulation *simulation)
{
    return simulation->is_virtual ? &simulation->clock.calendar : clock_system();
}

/* ---- executor and controller ---- */

int main_simulation_make_executor(struct main_simulation *simulation, const struct config *config,
                                  struct execution_sink sink, struct executor **ret_executor, struct err *err)
{
    const struct executor_simulate_options options = {
        .duration_ms = config->simulate_duration_ms,
        .clock = main_simulation_job_clock(simulation),
        .scenario = simulation->file ? simulation_file_scenario(simulation->file) : NULL,
        .is_stepped = simulation->is_virtual};

    return executor_simulate_create(&options, sink, ret_executor, err);
}

int main_simulation_start(struct main_simulation *simulation, struct controller *controller, struct executor *executor,
                          void (*fatal)(void *context, const struct err *err), struct err *err)
{
    const struct simulation_options options = {.controller = controller,
                                               .executor = executor,
                                               .clock = &simulation->clock,
                                               .note_time = note_time,
                                               .fatal = fatal,
                                               .context = simulation};

    if (!simulation->is_virtual) {
        return controller_start(controller, executor, err);
    }
    return simulation_start(&options, &simulation->simulation, err);
}

void main_simulation_hurry(struct main_simulation *simulation)
{
    if (simulation->simulation) {
        simulation_hurry(simulation->simulation);
    }
    if (simulation->faults) {
        call_faults_stop(simulation->faults);
    }
}

void main_simulation_end(struct main_simulation *simulation)
{
    simulation_destroy(simulation->simulation);
    simulation->simulation = NULL;
}

void main_simulation_close(struct main_simulation *simulation)
{
    simulation_file_close(simulation->file);
    simulation->file = NULL;
    call_faults_destroy(simulation->faults);
    simulation->faults = NULL;
}
