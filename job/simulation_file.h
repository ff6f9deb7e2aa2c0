/* simulation_file: a scenario as its author wrote it, in YAML or JSON: what becomes of replicas.
 *
 * Used by   server/main_simulation.c; tests.
 * Shape     docs/simulate.md tells every key. JSON is YAML, so that one reader does for both.
 * Owns      all texts and rules it gives, until simulation_file_close.
 * Thread    made by one, read by any.      Blocks    on the file.
 * Bound     SIMULATION_FILE_BYTES_MAX, and so many rules and lines.
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

struct simulation_file;

MUST_USE int simulation_file_open(const char *path, struct simulation_file **ret_file, struct err *err);
/* NULL is allowed. */
void simulation_file_close(struct simulation_file *file);

const struct simulate_scenario *simulation_file_scenario(const struct simulation_file *file);

C_DECLS_END

#endif /* JOB_SIMULATION_FILE_H_ */
