/* thread_check: "one owner per datum", as an assertion at the entry of the owner's functions.
 *
 * Used by   rooms whose data belong to one thread: bind once in that thread, assert at each entry.
 * Errors    a wrong thread is a mistake of ours: it aborts with both names, also in release builds.
 *
 * Also here: annotations for ThreadSanitizer at hand-overs made by libraries it cannot see into
 * (a gRPC completion queue, RCU). They cost nothing in other builds.
 */
#ifndef BASE_THREAD_CHECK_H_
#define BASE_THREAD_CHECK_H_

#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct thread_check {
    const char *owner; /* such as "controller"; NULL while unbound */
    uint64_t thread;   /* the owner's kernel thread id */
};

/* Makes the calling thread the owner. */
void thread_check_bind(struct thread_check *check, const char *owner);
/* Aborts with a sentence when bound and the caller is not the owner. */
void thread_check_assert(const struct thread_check *check, const char *function);

#define THREAD_CHECK(check) thread_check_assert((check), __func__)

#if defined(__SANITIZE_THREAD__)
#define THREAD_ANNOTATE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_ANNOTATE 1
#endif
#endif

#ifdef THREAD_ANNOTATE
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define THREAD_HANDOVER_RELEASE(address) __tsan_release((void *)(address))
#define THREAD_HANDOVER_ACQUIRE(address) __tsan_acquire((void *)(address))
#else
#define THREAD_HANDOVER_RELEASE(address) ((void)(address))
#define THREAD_HANDOVER_ACQUIRE(address) ((void)(address))
#endif

C_DECLS_END

#endif /* BASE_THREAD_CHECK_H_ */
