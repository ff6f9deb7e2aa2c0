/* peer_threads: clients as threads, each with one call in flight, for the peers that live in our process.
 *
 * Used by   peer_sqlite.c, peer_rocksdb.c.
 */
#ifndef TESTS_BENCH_PEER_THREADS_H_
#define TESTS_BENCH_PEER_THREADS_H_

#include <stdint.h>

/* One durable write of the row of that number, by client; on that client's thread. */
typedef void (*peer_write_fn)(void *context, unsigned client, uint64_t number);

/* Keeps count clients writing for so long, after a fifth of a second to warm up, and prints rate, latencies and the
 * device's bytes (of the file system of dir); every write has so many rows. */
void peer_threads_run(unsigned count, double seconds, unsigned rows_per_write, const char *dir, peer_write_fn write,
                      void *context);

#endif /* TESTS_BENCH_PEER_THREADS_H_ */
