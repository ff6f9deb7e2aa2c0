/* reclaim: who may look at published memory, and when what was taken out of it is given back.
 *
 * Used by   table, id_hash, id_slots (give back), store (readers).
 * Shape     RCU by liburcu, memb flavour: a reader's section costs two plain stores and no shared cache line; the price
 *           (membarrier) is paid by the background thread that waits for grace periods. qsbr would be cheaper still,
 *           but wants every reader to report quiescence, also those asleep in a completion queue; bp registers
 *           threads by itself, but unregisters them at thread exit behind our back.
 * Owns      what was deferred, until no section that could see it is left; then calls its release.
 * Thread    defer and flush: the one writer. Sections: any registered thread; the writer itself needs none.
 * Blocks    reclaim_defer only when BAGS_MAX bags wait, for a grace period; sections never.
 */
#ifndef STORAGE_RECLAIM_H_
#define STORAGE_RECLAIM_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct reclaim;

MUST_USE int reclaim_create(struct reclaim **ret_reclaim, struct err *err);
/* Gives everything back; no reader may be left. NULL is allowed. */
void reclaim_destroy(struct reclaim *reclaim);

/* release(object) once all sections entered before now are left. The object is unreachable for new ones already. */
void reclaim_defer(struct reclaim *reclaim, void *object, void (*release)(void *object));
/* Hands what was deferred to the background thread. */
void reclaim_flush(struct reclaim *reclaim);
/* The same once the oldest of it has waited for a while, so that a grace period serves many. Returns how long until it
 * wants to be called again; INT64_MAX: nothing waits. */
int64_t reclaim_tend(struct reclaim *reclaim, int64_t now_mono_ns);

/* A thread registers once per store that it reads; the registrations of a thread are counted. */
void reclaim_register_reader(void);
void reclaim_unregister_reader(void);
bool reclaim_is_reader(void);

/* Sections nest. On a thread that is not registered, the writer's, they are empty. */
void reclaim_enter(void);
void reclaim_leave(void);

C_DECLS_END

#endif /* STORAGE_RECLAIM_H_ */
