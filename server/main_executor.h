/* main_executor: which executor runs the replicas, and the making of those that have supervisors.
 *
 * Used by   main_serve.c.
 * Thread    main.      Blocks    while an engine is asked whether it is there.
 * Errors    ERR_INVALID: wrong configuration; others as the executors'.
 */
#ifndef SERVER_MAIN_EXECUTOR_H_
#define SERVER_MAIN_EXECUTOR_H_

#include "executor/executor.h"
#include "server/config.h"

C_DECLS_BEGIN

struct main_executor_options {
    const struct config *config;
    uint64_t open_files; /* replicas' soft limit of descriptors; 0: the server's own */
    struct keyring *keys;
};

/* "process", "docker" or "simulate": what --executor auto comes to on this host now. */
const char *main_executor_choose(const struct config *config);

MUST_USE int main_executor_make(const struct main_executor_options *options, struct execution_sink sink,
                                struct executor **ret_executor, struct err *err);

C_DECLS_END

#endif /* SERVER_MAIN_EXECUTOR_H_ */
