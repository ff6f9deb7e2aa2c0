/* simulation_file: a scenario as its author wrote it, in YAML or JSON: what becomes of replicas and of calls.
 *
 * Used by   server/main_simulation.c; tests.
 * Shape     docs/simulate.md tells every key. JSON is YAML, so that one reader does for both.
 * Owns      all texts and rules it gives, until simulation_file_close.
 * Thread    made by one, read by any.      Blocks    on the file.
 * Bound     SIMULATION_FILE_BYTES_MAX, and so many rules, lines and faults.
 * Errors    ERR_IO; ERR_INVALID with path and line, the key, the value and what is expected.
 */
#ifndef JOB_SIMULATION_FILE_H_
#define JOB_SIMULATION_FILE_H_

#include "base/err.h"
#include "executor/simulate_scenario.h"

C_DECLS_BEGIN

#define SIMULATION_FILE_BYTES_MAX (1024 * 1024)
#define SIMULATION_RULES_MAX 1000
#define SIMULATION_LINES_MAX 100
/* Lines that come again come so often at most: a year of them is to be told in one go. */
#define SIMULATION_EVERY_NS_MIN CLOCK_NS_PER_S

/* What happens to calls of a method. */
struct call_fault {
    const char
        *method; /* pattern of "google.cloud.aiplatform.v1.JobService/CreateCustomJob", or of what is behind the / */
    int code;    /* google.rpc.Code of the answer; 0: as it would be */
    const char *message;
    int64_t latency_ns; /* real time, before anything else */
    uint64_t count;     /* this many calls at most; 0: any number */
    double probability; /* this part of the calls that match; 1: all */
    bool answer_lost;   /* the call is carried out, and only then fails */
    uint64_t hits;      /* so many calls have met it */
};

struct simulation_file;

MUST_USE int simulation_file_open(const char *path, struct simulation_file **ret_file, struct err *err);
/* NULL is allowed. */
void simulation_file_close(struct simulation_file *file);

const struct simulate_scenario *simulation_file_scenario(const struct simulation_file *file);
const struct call_fault *simulation_file_faults(const struct simulation_file *file, size_t *ret_count);

/* A google.rpc.Code by name, "UNAVAILABLE"; -1: there is none. */
int simulation_code(const char *name);

C_DECLS_END

#endif /* JOB_SIMULATION_FILE_H_ */
