/* call_faults: what happens to calls of a server whose clients are tested: statuses, lost answers and latency.
 *
 * Used by   rpc_call.c asks of every call; simulation_service.c sets the rules; main_simulation.c makes it.
 * Shape     rules in order, each with its count and a generator of its own: the n-th call that a rule is meant for fares
 *           the same, whatever other rules see. A call that is late waits on a thread of this, by the system's clock.
 * Owns      copies of its rules. A waiting call is its caller's.
 * Thread    any.      Blocks    never.
 * Errors    ERR_INVALID names rule and field; ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_CALL_FAULTS_H_
#define SERVER_CALL_FAULTS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/simulation_file.h"

C_DECLS_BEGIN

#define CALL_FAULT_TEXT_BYTES 256
#define CALL_FAULTS_MAX 1000
#define CALL_FAULT_LATENCY_NS_MAX (600 * CLOCK_NS_PER_S)

struct call_faults;

/* What one call meets. All zero: nothing. */
struct call_fate {
    int code;
    int64_t latency_ns;
    bool answer_lost;
    char message[CALL_FAULT_TEXT_BYTES];
};

/* A call that waits; part of the call. over is called once, on any thread, and must not block. */
struct call_wait {
    struct call_wait *next;
    int64_t due_mono_ns;
    void (*over)(struct call_wait *wait);
};

MUST_USE int call_faults_create(struct call_faults **ret_faults, struct err *err);
/* Nobody waits any more. NULL is allowed. */
void call_faults_destroy(struct call_faults *faults);
/* All who wait have waited enough, and nobody will wait again. */
void call_faults_stop(struct call_faults *faults);

/* In place of all rules there were. Failing changes nothing. */
MUST_USE int call_faults_set(struct call_faults *faults, const struct call_fault *rules, size_t count, uint64_t seed,
                             struct err *err);
/* path: "/package.Service/Method". False: nothing happens to it. */
bool call_faults_take(struct call_faults *faults, struct span path, struct call_fate *ret_fate);
void call_faults_wait(struct call_faults *faults, struct call_wait *wait, int64_t wait_ns);

/* Every rule in order, as it stands; texts are valid during the call. False ends it. */
typedef bool (*call_fault_fn)(void *context, const struct call_fault *rule);
void call_faults_visit(struct call_faults *faults, call_fault_fn visit, void *context);

C_DECLS_END

#endif /* SERVER_CALL_FAULTS_H_ */
