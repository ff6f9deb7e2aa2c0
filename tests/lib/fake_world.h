/* fake_world: the table behind fake_executor: what was launched, what is due, which files are left.
 *
 * Used by   fake_executor.c, fake_world.c.      Thread    all but fake_lock under the lock.
 */
#ifndef TESTS_LIB_FAKE_WORLD_H_
#define TESTS_LIB_FAKE_WORLD_H_

#include <pthread.h>

#include "tests/lib/fake_executor.h"

C_DECLS_BEGIN

enum fake_phase { FAKE_NOT_LAUNCHED, FAKE_RUNNING, FAKE_ENDED };

struct fake_execution {
    struct execution_key key;
    char text[EXECUTION_KEY_BYTES];
    enum fake_phase phase;
    bool known;      /* started or adopted by the server that is connected */
    bool stop_asked; /* its SIGTERM is on the way */
    unsigned launches;
    enum execution_event_kind end_kind;
    int exit_code;
    int term_signal;
    bool oom_killed;
    char *message;
    char *stderr_tail;
    int64_t start_time;
    int64_t end_time;
};

struct fake_files {
    uint64_t job_id;
    bool present;
};

struct fake_address {
    uint64_t job_id; /* 0: free */
};

enum fake_due_kind { DUE_STARTED, DUE_START_FAILED, DUE_STOPPED, DUE_NOT_LAUNCHED, DUE_END_TOLD, DUE_REMOVED };

struct fake_due {
    enum fake_due_kind kind;
    size_t execution; /* index */
    uint64_t job_id;
    char *message;
};

struct fake_executor {
    struct executor executor; /* first */
    pthread_mutex_t mutex;
    const struct clock *clock;
    struct execution_sink sink;
    struct fake_execution *executions;
    size_t execution_count;
    struct fake_files *files;
    size_t file_count;
    struct fake_address *addresses;
    size_t address_count;
    struct fake_due *due;
    size_t due_count;
    char **lines;
    size_t line_count;
    size_t commands;
    size_t commands_max;
    char *fail_text;
    char *fail_message;
    bool fail_at_once;
    bool fail_by_host;
    unsigned overlaps;
    char *fail_remove;
    char *fail_adopt;
};

/* Aborts when memory is gone: the test has failed. */
void *fake_grow(void *items, size_t count, size_t item_size);
/* Takes the lock; executor is the fake itself or its struct executor. */
struct fake_executor *fake_lock(const void *executor);
void fake_unlock(struct fake_executor *fake);
/* A line for fake_executor_line. */
void fake_record(struct fake_executor *fake, const char *format, ...) PRINTF_LIKE(2, 3);
/* False: the server died before this command. */
bool fake_command(struct fake_executor *fake);
struct fake_execution *fake_find(const struct fake_executor *fake, const char *text);
void fake_key_text(const struct execution_key *key, char text[EXECUTION_KEY_BYTES]);
struct fake_execution *fake_find_or_add(struct fake_executor *fake, const struct execution_key *key);
/* Something that comes with the next settle. */
void fake_add_due(struct fake_executor *fake, enum fake_due_kind kind, const struct fake_execution *execution,
                  uint64_t job_id, const char *message);
void fake_set_files(struct fake_executor *fake, uint64_t job_id, bool present);
bool fake_files_present(const struct fake_executor *fake, uint64_t job_id);

C_DECLS_END

#endif /* TESTS_LIB_FAKE_WORLD_H_ */
