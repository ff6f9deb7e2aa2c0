/* health_service: whether this server serves, for load balancers and probes, and all who watch it.
 *
 * Used by   main_serve.c sets it; handle_health_* in health_service.c answer from it.
 * Shape     one state for the server ("") and for each of its services, and one more for HEALTH_NEW_JOBS. A watcher gets the state and each change of it;
 *           of a name that is no service here it gets SERVICE_UNKNOWN, and waits on.
 * Owns      nothing of the calls: a watcher's place lies in its call's arena until the call ends.
 * Thread    any.      Blocks    never for long: its lock is held while watchers are told.
 * Errors    above LIMIT_HEALTH_WATCHES a Watch is RESOURCE_EXHAUSTED.
 * Source    grpc/health/v1/health.proto; the gRPC health checking protocol.
 */
#ifndef SERVER_HEALTH_SERVICE_H_
#define SERVER_HEALTH_SERVICE_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

/* A service that only health knows: not serving while the disk has no room for new jobs. The others then serve on. */
#define HEALTH_NEW_JOBS "customjobd.v1.NewJobs"

struct health;

/* Not serving, to begin with. */
MUST_USE int health_create(struct health **ret_health, struct err *err);
void health_set(struct health *health, bool is_serving);
bool health_is_serving(struct health *health);
/* Whether new jobs are taken, which HEALTH_NEW_JOBS tells; they are, to begin with. */
void health_set_taking_jobs(struct health *health, bool is_taking);
/* Not serving any more: watchers are told so, and their calls end. */
void health_stop(struct health *health);
/* No call may be left. NULL is allowed. */
void health_destroy(struct health *health);

C_DECLS_END

#endif /* SERVER_HEALTH_SERVICE_H_ */
