#include "job/plan_cluster.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "job/plan_env.h"

/* Real jobs find this port there; nothing of ours listens on it. */
#define OPEN_PORT 3333
#define EVALUATOR_POOL 3

struct plan_cluster {
    json_t *by_pool; /* {"workerpool0": ["host:port"], …} */
    json_t *by_task; /* {"chief": …, "worker": …, "ps": …} */
};

static const char *task_type(uint32_t pool_index)
{
    static const char *const types[] = {"chief", "worker", "ps", "evaluator"};

    return pool_index < sizeof types / sizeof types[0] ? types[pool_index] : "worker";
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for a cluster description");
}

void plan_cluster_destroy(struct plan_cluster *cluster)
{
    if (cluster) {
        json_decref(cluster->by_pool);
        json_decref(cluster->by_task);
        free(cluster);
    }
}

/* NULL when memory is gone. */
static json_t *address_list(const struct job_plan_address *addresses, uint32_t count)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++) {
        if (json_array_append_new(list, json_sprintf("%s:%u", addresses[i].host, addresses[i].port))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int plan_cluster_create(const struct job_shape *shape, const struct job_plan_address *addresses,
                        struct plan_cluster **ret_cluster, struct err *err)
{
    struct plan_cluster *cluster = calloc(1, sizeof *cluster);

    if (!cluster) {
        return no_memory(err);
    }
    cluster->by_pool = json_object();
    cluster->by_task = json_object();
    for (uint32_t pool = 0; pool < shape->pool_count; pool++) {
        uint32_t count = shape->pool_replicas[pool];
        json_t *list = address_list(addresses, count);
        char name[32];

        snprintf(name, sizeof name, "workerpool%u", pool);
        if (count > 0 && (json_object_set(cluster->by_pool, name, list) ||
                          (pool != EVALUATOR_POOL && json_object_set(cluster->by_task, task_type(pool), list)))) {
            json_decref(list);
            plan_cluster_destroy(cluster);
            return no_memory(err);
        }
        json_decref(list);
        addresses += count;
    }
    *ret_cluster = cluster;
    return 0;
}

/* Takes over value, which may be NULL when memory is gone. */
static int dump(const char *what, json_t *value, struct upb_Arena *arena, const char **ret_text, struct err *err)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    int result;

    json_decref(value);
    if (!text) {
        return no_memory(err);
    }
    result = plan_text(arena, what, span_of(text), ret_text, err);
    free(text);
    return result;
}

int plan_cluster_spec(const struct plan_cluster *cluster, uint32_t pool_index, uint32_t replica_index,
                      const char *program, struct upb_Arena *arena, const char **ret_text, struct err *err)
{
    char type[32];
    json_t *value;

    snprintf(type, sizeof type, "workerpool%u", pool_index);
    value =
        json_pack("{s:O, s:s, s:{s:s, s:I}, s:s, s:[i]}", "cluster", cluster->by_pool, "environment", "cloud", "task",
                  "type", type, "index", (json_int_t)replica_index, "job", program, "open_ports", OPEN_PORT);
    return dump("CLUSTER_SPEC", value, arena, ret_text, err);
}

int plan_tf_config(const struct plan_cluster *cluster, uint32_t pool_index, uint32_t replica_index, const char *job_id,
                   const char *program, struct upb_Arena *arena, const char **ret_text, struct err *err)
{
    json_t *value =
        json_pack("{s:O, s:s, s:{s:s, s:I, s:s}, s:s}", "cluster", cluster->by_task, "environment", "cloud", "task",
                  "type", task_type(pool_index), "index", (json_int_t)replica_index, "cloud", job_id, "job", program);

    return dump("TF_CONFIG", value, arena, ret_text, err);
}
