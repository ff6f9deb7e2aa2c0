#include "storage/reclaim.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <urcu/urcu-memb.h>

#include "base/clock.h"
#include "base/thread_check.h"
#include "storage/worker.h"

/* A grace period costs a few membarrier calls: worth it for this many objects, or when reclaim_flush says so. */
#define BAG_OBJECTS 512
/* Bags waiting at most; with more the writer waits too, so that a stalled reader cannot eat the memory. */
#define BAGS_MAX 64
#define BAG_AGE_MAX_NS (20 * CLOCK_NS_PER_MS)

struct deferred {
    void *object;
    void (*release)(void *object);
};

struct bag {
    struct worker_job job; /* first */
    struct reclaim *reclaim;
    size_t count;
    struct deferred objects[BAG_OBJECTS];
};

struct reclaim {
    struct worker *worker;
    struct bag *bag;     /* being filled; NULL: none */
    int64_t due_mono_ns; /* of the bag, once it was tended; else 0 */
    pthread_mutex_t mutex;
    size_t bags_waiting; /* under mutex */
};

static _Thread_local unsigned registrations;
/* Where ThreadSanitizer is told that a grace period lies between the sections left and what is released after. */
static char grace_period;

static void wait_for_readers(void)
{
    urcu_memb_synchronize_rcu();
    THREAD_HANDOVER_ACQUIRE(&grace_period);
}

static void bag_release(struct bag *bag)
{
    for (size_t i = 0; i < bag->count; i++) {
        bag->objects[i].release(bag->objects[i].object);
    }
    free(bag);
}

static void bag_run(struct worker_job *job)
{
    struct bag *bag = (struct bag *)job;
    struct reclaim *reclaim = bag->reclaim;

    wait_for_readers();
    bag_release(bag);
    pthread_mutex_lock(&reclaim->mutex);
    reclaim->bags_waiting--;
    pthread_mutex_unlock(&reclaim->mutex);
}

int reclaim_create(struct reclaim **ret_reclaim, struct err *err)
{
    struct reclaim *reclaim = calloc(1, sizeof *reclaim);

    if (!reclaim) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the store");
    }
    if (worker_create("store-reclaim", &reclaim->worker, err) != 0) {
        free(reclaim);
        return -1;
    }
    pthread_mutex_init(&reclaim->mutex, NULL);
    *ret_reclaim = reclaim;
    return 0;
}

void reclaim_destroy(struct reclaim *reclaim)
{
    if (!reclaim) {
        return;
    }
    reclaim_flush(reclaim);
    worker_destroy(reclaim->worker);
    pthread_mutex_destroy(&reclaim->mutex);
    free(reclaim);
}

void reclaim_flush(struct reclaim *reclaim)
{
    struct bag *bag = reclaim->bag;
    bool full;

    if (!bag) {
        return;
    }
    reclaim->bag = NULL;
    reclaim->due_mono_ns = 0;
    pthread_mutex_lock(&reclaim->mutex);
    full = reclaim->bags_waiting >= BAGS_MAX;
    reclaim->bags_waiting += full ? 0 : 1;
    pthread_mutex_unlock(&reclaim->mutex);
    if (full) {
        wait_for_readers();
        bag_release(bag);
    } else {
        worker_post(reclaim->worker, &bag->job);
    }
}

int64_t reclaim_tend(struct reclaim *reclaim, int64_t now_mono_ns)
{
    if (reclaim->bag && reclaim->due_mono_ns == 0) {
        reclaim->due_mono_ns = now_mono_ns + BAG_AGE_MAX_NS;
    }
    if (reclaim->bag && now_mono_ns >= reclaim->due_mono_ns) {
        reclaim_flush(reclaim);
    }
    return reclaim->bag ? reclaim->due_mono_ns - now_mono_ns : INT64_MAX;
}

void reclaim_defer(struct reclaim *reclaim, void *object, void (*release)(void *object))
{
    struct bag *bag = reclaim->bag;

    if (!bag) {
        bag = malloc(sizeof *bag);
        if (!bag) {
            wait_for_readers();
            release(object);
            return;
        }
        bag->job.run = bag_run;
        bag->reclaim = reclaim;
        bag->count = 0;
        reclaim->bag = bag;
    }
    bag->objects[bag->count].object = object;
    bag->objects[bag->count].release = release;
    if (++bag->count == BAG_OBJECTS) {
        reclaim_flush(reclaim);
    }
}

void reclaim_register_reader(void)
{
    if (registrations++ == 0) {
        urcu_memb_register_thread();
    }
}

void reclaim_unregister_reader(void)
{
    if (--registrations == 0) {
        urcu_memb_unregister_thread();
    }
}

bool reclaim_is_reader(void)
{
    return registrations > 0;
}

void reclaim_enter(void)
{
    if (registrations > 0) {
        urcu_memb_read_lock();
    }
}

void reclaim_leave(void)
{
    if (registrations > 0) {
        THREAD_HANDOVER_RELEASE(&grace_period);
        urcu_memb_read_unlock();
    }
}
