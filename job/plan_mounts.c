#include "job/plan_mounts.h"

#include <stdio.h>

#include "job/plan_env.h"
#include "upb/arena.h"

#define TARGET_BYTES 256

static int add(const struct mount_map *map, enum mount_kind kind, struct span server, struct span path,
               struct span mount_point, struct upb_Arena *arena, struct task_mount *ret_mount, struct err *err)
{
    const char *dir = mount_map_find(map, kind, server, path);
    char target[TARGET_BYTES];
    int size =
        snprintf(target, sizeof target, "/mnt/%s/%.*s", kind == MOUNT_NFS ? "nfs" : "lustre", SPAN_FORMAT(mount_point));

    if (!dir || !mount_point_is_name(mount_point) || size >= (int)sizeof target) {
        return err_set(err, ERR_INVALID, "no directory of this host stands for \"%.*s:%.*s\" any more",
                       SPAN_FORMAT(server), SPAN_FORMAT(path));
    }
    ret_mount->source = dir;
    return plan_text(arena, "a mount point", span_of(target), &ret_mount->target, err);
}

int plan_mounts(const struct mount_map *map, const API(WorkerPoolSpec) * pool, struct upb_Arena *arena,
                const struct task_mount **ret_mounts, size_t *ret_count, struct err *err)
{
    size_t nfs_count, lustre_count;
    const API(NfsMount) *const *nfs = API(WorkerPoolSpec_nfs_mounts)(pool, &nfs_count);
    const API(LustreMount) *const *lustre = API(WorkerPoolSpec_lustre_mounts)(pool, &lustre_count);
    struct task_mount *mounts = upb_Arena_Malloc(arena, (nfs_count + lustre_count + 1) * sizeof *mounts);

    if (!mounts) {
        return err_set(err, ERR_EXHAUSTED, "no memory for mounts");
    }
    for (size_t i = 0; i < nfs_count; i++) {
        if (add(map, MOUNT_NFS, api_span(API(NfsMount_server)(nfs[i])), api_span(API(NfsMount_path)(nfs[i])),
                api_span(API(NfsMount_mount_point)(nfs[i])), arena, &mounts[i], err)) {
            return -1;
        }
    }
    for (size_t i = 0; i < lustre_count; i++) {
        if (add(map, MOUNT_LUSTRE, api_span(API(LustreMount_instance_ip)(lustre[i])),
                api_span(API(LustreMount_filesystem)(lustre[i])), api_span(API(LustreMount_mount_point)(lustre[i])),
                arena, &mounts[nfs_count + i], err)) {
            return -1;
        }
    }
    *ret_mounts = mounts;
    *ret_count = nfs_count + lustre_count;
    return 0;
}
