/* port_pool: ports of this host for replicas, each one replica's while its job lives.
 *
 * Used by   executors whose replicas are processes of this host.
 * Shape     a range outside the ephemeral one; a port is tried by binding it before it is given, and the next one
 *           asked for is another, so that one just freed rests.
 * Thread    one (the controller).      Blocks    never.
 * Errors    ERR_EXHAUSTED when every port is held or taken by others, ERR_INVALID when the job holds them all itself.
 */
#ifndef EXECUTOR_PORT_POOL_H_
#define EXECUTOR_PORT_POOL_H_

#include <stdint.h>

#include "executor/executor.h"

C_DECLS_BEGIN

struct port_pool;

MUST_USE int port_pool_create(uint16_t first, uint16_t last, struct port_pool **ret_pool, struct err *err);
void port_pool_destroy(struct port_pool *pool);

/* The port of this replica; asked again within one job attempt, the same. */
MUST_USE int port_pool_assign(struct port_pool *pool, const struct execution_key *key, uint16_t *ret_port,
                              struct err *err);
/* Marks a port that was given in an earlier life. One outside the range needs no mark. */
void port_pool_claim(struct port_pool *pool, const struct execution_key *key, uint16_t port);
void port_pool_release(struct port_pool *pool, uint64_t job_id);

C_DECLS_END

#endif /* EXECUTOR_PORT_POOL_H_ */
