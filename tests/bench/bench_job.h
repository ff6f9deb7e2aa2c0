/* bench_job: a CustomJob of 1 KiB with four labels, one of them unique, as wire bytes made from a template.
 *
 * Used by   the storage measurements and their peers, so that all store the same bytes.
 * Thread    one per template.
 */
#ifndef TESTS_BENCH_BENCH_JOB_H_
#define TESTS_BENCH_BENCH_JOB_H_

#include <stddef.h>
#include <stdint.h>

#define BENCH_JOB_BYTES 1024

struct bench_job {
    char bytes[BENCH_JOB_BYTES];
    /* Where what differs from job to job stands: */
    size_t name_at;
    size_t state_at;
    size_t time_at;
    size_t run_at;
    size_t team_at;
    size_t title_at;
};

void bench_job_init(struct bench_job *job);
/* The job of that number under that id of 19 digits; the bytes are good until the next call. */
void bench_job_set(struct bench_job *job, uint64_t id, uint64_t number);

#endif /* TESTS_BENCH_BENCH_JOB_H_ */
