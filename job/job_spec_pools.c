#include <inttypes.h>

#include "base/limits.h"
#include "job/job_spec_check.h"
#include "job/mount_map.h"

#define POOL "job_spec.worker_pool_specs[%zu]"

/* One address in CLUSTER_SPEC, as this host gives them: "127.0.0.1:65535" with quotes and comma. */
#define ADDRESS_BYTES 18
#define REPLICAS_DESCRIBED_MAX (LIMIT_EXEC_STRING_BYTES / ADDRESS_BYTES)

/* `{}` skips a place. */
static bool is_empty(const API(WorkerPoolSpec) * pool)
{
    size_t nfs_count, lustre_count;

    API(WorkerPoolSpec_nfs_mounts)(pool, &nfs_count);
    API(WorkerPoolSpec_lustre_mounts)(pool, &lustre_count);
    return API(WorkerPoolSpec_task_case)(pool) == API(WorkerPoolSpec_task_NOT_SET) &&
           API(WorkerPoolSpec_replica_count)(pool) == 0 && !API(WorkerPoolSpec_has_machine_spec)(pool) &&
           !API(WorkerPoolSpec_has_disk_spec)(pool) && nfs_count == 0 && lustre_count == 0;
}

static void check_replicas(struct job_spec_check *check, size_t index, const API(WorkerPoolSpec) * pool)
{
    int64_t count = API(WorkerPoolSpec_replica_count)(pool);

    if (count < 0) {
        violations_add(check->violations, violations_field(check->violations, POOL ".replica_count", index),
                       "replica_count is %" PRId64 "; it must not be negative.", count);
    } else if (index == 0 && count > 1) {
        violations_add(check->violations, violations_field(check->violations, POOL ".replica_count", index),
                       "The first worker pool has the primary replica alone, so replica_count must be 1; it is %" PRId64
                       ".",
                       count);
    }
    /* Left out, it means one. */
    check->replica_count += count < 1 ? 1 : (uint64_t)count;
    if (check->replica_count > UINT32_MAX) {
        check->replica_count = UINT32_MAX;
    }
}

static void check_reservation(struct job_spec_check *check, size_t index, const API(ReservationAffinity) * affinity)
{
    static const char FIELD[] = POOL ".machine_spec.reservation_affinity.reservation_affinity_type";
    int32_t type = affinity ? API(ReservationAffinity_reservation_affinity_type)(affinity)
                            : API(ReservationAffinity_ANY_RESERVATION);

    if (type == API(ReservationAffinity_TYPE_UNSPECIFIED)) {
        violations_add(check->violations, violations_field(check->violations, FIELD, index), JOB_SPEC_REQUIRED);
    } else if (type < 0 || type > API(ReservationAffinity_SPECIFIC_RESERVATION)) {
        violations_add(check->violations, violations_field(check->violations, FIELD, index),
                       "There is no reservation affinity type %d; the last is SPECIFIC_RESERVATION (%d).", type,
                       API(ReservationAffinity_SPECIFIC_RESERVATION));
    }
}

static void check_machine(struct job_spec_check *check, size_t index, const API(MachineSpec) * machine)
{
    int32_t type = API(MachineSpec_accelerator_type)(machine);
    int32_t count = API(MachineSpec_accelerator_count)(machine);

    if (type < 0 || type > API(NVIDIA_RTX_PRO_6000)) {
        violations_add(
            check->violations, violations_field(check->violations, POOL ".machine_spec.accelerator_type", index),
            "There is no accelerator type %d; the last is NVIDIA_RTX_PRO_6000 (%d).", type, API(NVIDIA_RTX_PRO_6000));
    }
    if (count < 0) {
        violations_add(check->violations,
                       violations_field(check->violations, POOL ".machine_spec.accelerator_count", index),
                       "accelerator_count is %d; it must not be negative.", count);
    } else if ((type == API(ACCELERATOR_TYPE_UNSPECIFIED)) != (count == 0)) {
        violations_add(check->violations,
                       violations_field(check->violations, POOL ".machine_spec.accelerator_type", index),
                       "Both `accelerator_type` and `accelerator_count` should be specified or none.");
    }
    check_reservation(check, index, API(MachineSpec_reservation_affinity)(machine));
}

/* What a mount is called in a field's path, and on the command line. */
struct mount_words {
    const char *field;
    const char *flag;
};

static void check_mount(struct job_spec_check *check, size_t index, size_t number, const struct mount_words *words,
                        const char *dir, struct span server, struct span path, const struct span *mount_points)
{
    struct span mount_point = mount_points[number];

    for (size_t i = 0; i < number; i++) {
        if (span_equal(mount_points[i], mount_point)) {
            violations_add(
                check->violations,
                violations_field(check->violations, POOL ".%s[%zu].mount_point", index, words->field, number),
                "%s[%zu] is mounted at \"%.*s\" already.", words->field, i, SPAN_FORMAT(mount_point));
            return;
        }
    }
    if (!dir) {
        violations_add(check->violations,
                       violations_field(check->violations, POOL ".%s[%zu]", index, words->field, number),
                       "No directory of this host stands for \"%.*s:%.*s\"; the server's %s says which do.",
                       SPAN_FORMAT(server), SPAN_FORMAT(path), words->flag);
    }
    if (!mount_point_is_name(mount_point)) {
        violations_add(check->violations,
                       violations_field(check->violations, POOL ".%s[%zu].mount_point", index, words->field, number),
                       "\"%.*s\" is no name of a directory: letters, digits and ._- are, at most 128.",
                       SPAN_FORMAT(mount_point));
    }
}

static void check_mounts(struct job_spec_check *check, size_t index, const API(WorkerPoolSpec) * pool)
{
    static const struct mount_words nfs_words = {"nfs_mounts", "--nfs-map"};
    static const struct mount_words lustre_words = {"lustre_mounts", "--lustre-map"};
    const struct mount_map *map = check->rules->mounts;
    struct span mount_points[LIMIT_TASK_MOUNTS];
    size_t nfs_count, lustre_count;
    const API(NfsMount) *const *nfs = API(WorkerPoolSpec_nfs_mounts)(pool, &nfs_count);
    const API(LustreMount) *const *lustre = API(WorkerPoolSpec_lustre_mounts)(pool, &lustre_count);

    if (nfs_count + lustre_count > LIMIT_TASK_MOUNTS) {
        violations_add(check->violations, violations_field(check->violations, POOL, index),
                       "It has %zu nfs_mounts and lustre_mounts; the limit is %d.", nfs_count + lustre_count,
                       LIMIT_TASK_MOUNTS);
        return;
    }
    for (size_t i = 0; i < nfs_count; i++) {
        struct span server = api_span(API(NfsMount_server)(nfs[i])), path = api_span(API(NfsMount_path)(nfs[i]));

        mount_points[i] = api_span(API(NfsMount_mount_point)(nfs[i]));
        check_mount(check, index, i, &nfs_words, mount_map_find(map, MOUNT_NFS, server, path), server, path,
                    mount_points);
    }
    for (size_t i = 0; i < lustre_count; i++) {
        struct span server = api_span(API(LustreMount_instance_ip)(lustre[i]));
        struct span path = api_span(API(LustreMount_filesystem)(lustre[i]));

        mount_points[i] = api_span(API(LustreMount_mount_point)(lustre[i]));
        check_mount(check, index, i, &lustre_words, mount_map_find(map, MOUNT_LUSTRE, server, path), server, path,
                    mount_points);
    }
}

static void check_storage(struct job_spec_check *check, size_t index, const API(WorkerPoolSpec) * pool)
{
    const API(DiskSpec) *disk = API(WorkerPoolSpec_disk_spec)(pool);

    check_mounts(check, index, pool);
    if (disk && API(DiskSpec_boot_disk_size_gb)(disk) < 0) {
        violations_add(check->violations,
                       violations_field(check->violations, POOL ".disk_spec.boot_disk_size_gb", index),
                       "boot_disk_size_gb is %d; it must not be negative.", API(DiskSpec_boot_disk_size_gb)(disk));
    }
}

static void check_pool(struct job_spec_check *check, size_t index, const API(WorkerPoolSpec) * pool)
{
    if (is_empty(pool)) {
        if (index == 0) {
            violations_add(check->violations, violations_field(check->violations, POOL, index),
                           "The first worker pool has the primary replica and cannot be skipped.");
        }
        return;
    }
    check_replicas(check, index, pool);
    if (API(WorkerPoolSpec_has_container_spec)(pool)) {
        job_spec_check_container(check, index, API(WorkerPoolSpec_container_spec)(pool));
    } else if (API(WorkerPoolSpec_has_python_package_spec)(pool)) {
        job_spec_check_python(check, index, API(WorkerPoolSpec_python_package_spec)(pool));
    } else {
        violations_add(check->violations, violations_field(check->violations, POOL, index),
                       "Exactly one of `container_spec` and `python_package_spec` should be specified.");
    }
    if (API(WorkerPoolSpec_machine_spec)(pool)) {
        check_machine(check, index, API(WorkerPoolSpec_machine_spec)(pool));
    }
    check_storage(check, index, pool);
}

static void check_total(struct job_spec_check *check)
{
    unsigned long long total = check->replica_count;

    if (total > check->rules->replicas_max) {
        violations_add(check->violations, "job_spec.worker_pool_specs",
                       "The job has %llu replicas in all and could never start: this server runs at most %u at a time"
                       " (--max-replicas).",
                       total, check->rules->replicas_max);
    } else if (total > REPLICAS_DESCRIBED_MAX) {
        violations_add(check->violations, "job_spec.worker_pool_specs",
                       "The job has %llu replicas in all; the addresses of at most %d fit into CLUSTER_SPEC.", total,
                       REPLICAS_DESCRIBED_MAX);
    }
}

void job_spec_check_pools(struct job_spec_check *check, const API(CustomJobSpec) * spec)
{
    size_t count;
    const API(WorkerPoolSpec) *const *pools = API(CustomJobSpec_worker_pool_specs)(spec, &count);

    if (count == 0) {
        violations_add(check->violations, "job_spec.worker_pool_specs", JOB_SPEC_REQUIRED);
        return;
    }
    if (count > LIMIT_WORKER_POOLS) {
        violations_add(check->violations, "job_spec.worker_pool_specs",
                       "There are %zu worker pools; at most %d have a meaning: primary, workers, parameter servers,"
                       " evaluators.",
                       count, LIMIT_WORKER_POOLS);
    }
    for (size_t i = 0; i < count; i++) {
        check_pool(check, i, pools[i]);
    }
    check_total(check);
}
