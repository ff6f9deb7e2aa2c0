/* fake_executor: an executor whose world is a table, and in which nothing happens before the test lets it.
 *
 * Used by   tests of job/ and of the whole.
 * Shape     the world (what was launched, how it ended, which files are left) outlives the server: connect a new sink
 *           after a crash and adopt tells what became of each execution. Commands only queue what will come of them;
 *           fake_executor_settle lets it come, in order.
 * Owns      all texts given out, until the executor is destroyed.
 * Thread    any; one lock. The sink is called under it.
 */
#ifndef TESTS_LIB_FAKE_EXECUTOR_H_
#define TESTS_LIB_FAKE_EXECUTOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "executor/executor.h"

C_DECLS_BEGIN

struct fake_executor;

/* clock: for the times of events. */
struct fake_executor *fake_executor_create(const struct clock *clock);
void fake_executor_destroy(struct fake_executor *fake);
/* To give to a controller. Its destroy does nothing: the world lives on. */
struct executor *fake_executor_executor(struct fake_executor *fake);

/* A server starts: what was queued for the one before it is forgotten, events go here from now on. An empty sink: a
 * server is gone. */
void fake_executor_connect(struct fake_executor *fake, struct execution_sink sink);
/* The server dies after this many more commands: those after it have no effect. */
void fake_executor_die_after(struct fake_executor *fake, size_t commands);
/* True: a command came after that. */
bool fake_executor_is_dead(const struct fake_executor *fake);
/* Commands seen since connect, of those that die_after counts. */
size_t fake_executor_commands(const struct fake_executor *fake);

/* Lets everything happen that commands so far have asked for. Returns how many events that made. */
size_t fake_executor_settle(struct fake_executor *fake);

/* ---- what the world does by itself; key as text ---- */
/* The replica ends: by exit, by a signal, or in a way that nobody saw. */
void fake_executor_exit(struct fake_executor *fake, const char *key, int exit_code, const char *stderr_tail);
void fake_executor_kill(struct fake_executor *fake, const char *key, int signal_number, bool oom_killed);
void fake_executor_lose(struct fake_executor *fake, const char *key, const char *message);
/* All running replicas exit 0. */
void fake_executor_exit_all(struct fake_executor *fake);

/* ---- scripts ---- */
/* Starts of keys that contain text fail with this message, as an event or at once; NULL: they work again. */
void fake_executor_fail_starts(struct fake_executor *fake, const char *text, const char *message, bool at_once);
/* The host is what those failures come of, as an event. */
void fake_executor_fail_starts_by_host(struct fake_executor *fake, const char *text, const char *message);
/* How many addresses there are; default 10000. */
void fake_executor_set_addresses(struct fake_executor *fake, size_t count);
/* remove refuses with this message; NULL: it works again. */
void fake_executor_fail_removes(struct fake_executor *fake, const char *message);
void fake_executor_fail_adopts(struct fake_executor *fake, const char *message);

/* ---- what a test may ask ---- */
/* Lines such as "start KEY", "stop KEY", "adopt KEY", "claim KEY HOST:PORT", "remove ID", "release ID", "log ID: LINE",
 * each as long as it took effect. How many begin with prefix. */
size_t fake_executor_count(const struct fake_executor *fake, const char *prefix);
/* The index-th of those, or NULL. */
const char *fake_executor_line(const struct fake_executor *fake, const char *prefix, size_t index);
size_t fake_executor_running(const struct fake_executor *fake);
/* How often the program of this execution was launched; more than once is never right. */
unsigned fake_executor_launches(const struct fake_executor *fake, const char *key);
unsigned fake_executor_launches_max(const struct fake_executor *fake);
/* How often a replica was launched while another attempt of it still ran; never right. */
unsigned fake_executor_overlaps(const struct fake_executor *fake);
size_t fake_executor_addresses_held(const struct fake_executor *fake);
bool fake_executor_has_files(const struct fake_executor *fake, uint64_t job_id);

C_DECLS_END

#endif /* TESTS_LIB_FAKE_EXECUTOR_H_ */
