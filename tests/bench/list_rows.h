/* list_rows: CustomJobs with keys of every kind, from a number, the same in every run.
 *
 * Used by   list_store.
 * Shape     about 1 KiB: a display name of its own; the labels run (its own), owner (of 5,000), team (of 50), parity
 *           (odd, even); 5 % are running; one name in 20,000 has a letter that others do not have.
 * Thread    any; pure.
 */
#ifndef TESTS_BENCH_LIST_ROWS_H_
#define TESTS_BENCH_LIST_ROWS_H_

#include <stdint.h>

#include "base/span.h"

#define LIST_PARENT "projects/bench/locations/us-central1"
#define LIST_VALUE_BYTES 1024
#define LIST_RUN_BYTES 17

/* Numbers of JobState. */
enum { LIST_RUNNING = 3, LIST_SUCCEEDED = 4, LIST_FAILED = 5, LIST_CANCELLED = 7 };

uint64_t list_id(uint64_t number);
unsigned list_state(uint64_t number);
/* The label run. */
void list_run(uint64_t number, char text[LIST_RUN_BYTES]);
/* A number that looks like chance. */
uint64_t list_scatter(uint64_t number);
struct span list_value(uint64_t number, unsigned state, char bytes[LIST_VALUE_BYTES]);

#endif /* TESTS_BENCH_LIST_ROWS_H_ */
