#include "server/rpc_dispatch.h"

#include <stdint.h>
#include <stdlib.h>

struct slot {
    struct span path; /* size 0: free */
    const struct rpc_method *method;
};

struct rpc_dispatch {
    size_t mask;
    struct slot slots[];
};

/* Eight bytes a step; what is hashed comes from our own list, so nobody can choose collisions that matter. */
static size_t hash_path(struct span path)
{
    uint64_t hash = path.size * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = 0;
    uint64_t word;

    for (; at + 8 <= path.size; at += 8) {
        memcpy(&word, path.data + at, 8);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, path.data + at, path.size - at);
    hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(hash ^ hash >> 32);
}

static struct slot *slot_of(struct rpc_dispatch *dispatch, struct span path)
{
    size_t at = hash_path(path) & dispatch->mask;

    while (dispatch->slots[at].path.size != 0 && !span_equal(dispatch->slots[at].path, path)) {
        at = (at + 1) & dispatch->mask;
    }
    return &dispatch->slots[at];
}

int rpc_dispatch_create(const struct rpc_method *methods, size_t count, struct rpc_dispatch **ret_dispatch,
                        struct err *err)
{
    struct rpc_dispatch *dispatch;
    size_t size = 16;

    while (size < count * 4) {
        size *= 2;
    }
    dispatch = calloc(1, sizeof *dispatch + size * sizeof dispatch->slots[0]);
    if (!dispatch) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the table of methods");
    }
    dispatch->mask = size - 1;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = slot_of(dispatch, span_of(methods[i].path));

        if (slot->path.size != 0) {
            free(dispatch);
            return err_set(err, ERR_EXISTS, "the method %s is listed twice", methods[i].path);
        }
        slot->path = span_of(methods[i].path);
        slot->method = &methods[i];
    }
    *ret_dispatch = dispatch;
    return 0;
}

void rpc_dispatch_destroy(struct rpc_dispatch *dispatch)
{
    free(dispatch);
}

const struct rpc_method *rpc_dispatch_find(const struct rpc_dispatch *dispatch, struct span path)
{
    size_t at;

    if (path.size == 0) {
        return NULL;
    }
    at = hash_path(path) & dispatch->mask;
    while (dispatch->slots[at].path.size != 0) {
        if (span_equal(dispatch->slots[at].path, path)) {
            return dispatch->slots[at].method;
        }
        at = (at + 1) & dispatch->mask;
    }
    return NULL;
}
