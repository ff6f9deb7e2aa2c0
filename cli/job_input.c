#include "cli/job_input.h"

#include "cli/doc_read.h"
#include "cli/doc_typed.h"
#include "cli/json_message.h"
#include "cli/pool_flags.h"
#include "google/cloud/aiplatform/v1/custom_job.upbdefs.h"

static bool has_field(const upb_MessageDef *type, struct span key)
{
    return upb_MessageDef_FindByJsonNameWithSize(type, key.data, key.size) != NULL;
}

/* Whether the keys are those of a CustomJobSpec rather than of a CustomJob; no name is in both. */
static bool is_spec(const struct doc *doc, upb_DefPool *pool)
{
    const upb_MessageDef *job = API(CustomJob_getmsgdef)(pool), *spec = API(CustomJobSpec_getmsgdef)(pool);
    size_t of_job = 0, of_spec = 0;

    for (const struct doc_item *item = doc->first; doc->kind == DOC_MAP && item; item = item->next) {
        of_job += has_field(job, item->key);
        of_spec += has_field(spec, item->key);
    }
    return of_spec > 0 && of_job == 0;
}

/* Puts the one pool that a mapping describes into a list. */
static int list_pools(struct doc *spec, upb_Arena *arena, struct err *err)
{
    for (struct doc_item *item = spec->first; spec->kind == DOC_MAP && item; item = item->next) {
        struct doc *list;

        if ((!span_equal_text(item->key, "workerPoolSpecs") && !span_equal_text(item->key, "worker_pool_specs")) ||
            item->value->kind != DOC_MAP) {
            continue;
        }
        list = doc_new(arena, DOC_LIST, item->line, err);
        if (!list || doc_append(arena, list, item->value, err)) {
            return -1;
        }
        item->value = list;
    }
    return 0;
}

static int decode(const struct doc *doc, const upb_MessageDef *type, const char *source, const char *path,
                  const upb_DefPool *pool, upb_Arena *arena, upb_Message **ret_message, struct err *err)
{
    struct text json = {.data = NULL};
    int failed = doc_typed_json(doc, type, source, path, &json, err);

    if (!failed && json_message_decode(text_span(&json), type, pool, arena, ret_message, err)) {
        failed = err_wrap(err, "%s", source);
    }
    text_deinit(&json);
    return failed;
}

/* "train" of "jobs/train.yaml". */
static struct span stem_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *start = slash ? slash + 1 : name;
    const char *dot = strrchr(start, '.');

    return span_make(start, dot && dot != start ? (size_t)(dot - start) : strlen(start));
}

static int read_file(const char *name, bool spec_only, upb_DefPool *pool, upb_Arena *arena, API(CustomJob) * *ret_job,
                     struct err *err)
{
    const char *source = doc_source_name(name);
    struct doc *doc;
    API(CustomJob) *job = API(CustomJob_new)(arena);
    upb_Message *message;

    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if (doc_read_file(name, arena, &doc, err)) {
        return -1;
    }
    if (spec_only || is_spec(doc, pool)) {
        if (list_pools(doc, arena, err) ||
            decode(doc, API(CustomJobSpec_getmsgdef)(pool), source, "job_spec", pool, arena, &message, err)) {
            return -1;
        }
        API(CustomJob_set_job_spec)(job, message);
        if (strcmp(name, "-") != 0) {
            API(CustomJob_set_display_name)(job, api_view(stem_of(name)));
        }
        *ret_job = job;
        return 0;
    }
    for (struct doc_item *item = doc->first; doc->kind == DOC_MAP && item; item = item->next) {
        if ((span_equal_text(item->key, "jobSpec") || span_equal_text(item->key, "job_spec")) &&
            list_pools(item->value, arena, err)) {
            return -1;
        }
    }
    if (decode(doc, API(CustomJob_getmsgdef)(pool), source, "", pool, arena, &message, err)) {
        return -1;
    }
    *ret_job = message;
    return 0;
}

static int apply_labels(const struct args *args, upb_Arena *arena, API(CustomJob) * job, struct err *err)
{
    struct doc *labels;

    if (pool_flags_labels(args, arena, &labels, err)) {
        return -1;
    }
    for (const struct doc_item *item = labels ? labels->first : NULL; item; item = item->next) {
        if (!API(CustomJob_labels_set)(job, api_view(item->key), api_view(item->value->text), arena)) {
            return err_set(err, ERR_EXHAUSTED, "out of memory");
        }
    }
    return 0;
}

/* Pools of options stand in place of the file's. */
static int apply_pools(const struct args *args, upb_DefPool *pool, upb_Arena *arena, API(CustomJob) * job,
                       struct err *err)
{
    API(CustomJobSpec) * spec;
    API(WorkerPoolSpec) * *list;
    struct doc *pools;
    size_t index = 0;

    if (pool_flags_read(args, arena, &pools, err)) {
        return -1;
    }
    if (!pools) {
        return 0;
    }
    spec = API(CustomJob_mutable_job_spec)(job, arena);
    list = spec ? API(CustomJobSpec_resize_worker_pool_specs)(spec, pools->count, arena) : NULL;
    if (!list) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    for (const struct doc_item *item = pools->first; item; item = item->next) {
        upb_Message *message;

        if (decode(item->value, API(WorkerPoolSpec_getmsgdef)(pool), args->rest ? "-- COMMAND" : "--worker-pool-spec",
                   "", pool, arena, &message, err)) {
            return -1;
        }
        list[index++] = message;
    }
    return 0;
}

/* One file, by name or by --config, or pools of options, or both. */
static int find_file(const struct args *args, const char **ret_name, struct err *err)
{
    const char *config = args_text(args, OPTION_CONFIG, NULL);
    const char *file = args->operand_count > 0 ? args->operands[0] : NULL;

    if (config && file) {
        return err_set(err, ERR_INVALID, "the file %s and --config=%s do not go together", file, config);
    }
    if (!config && !file && !args->rest && !args_has(args, OPTION_POOL)) {
        return err_set(err, ERR_INVALID, "customjob create wants a file, --config, --worker-pool-spec or -- COMMAND");
    }
    if ((args_has(args, OPTION_IMAGE) || args_has(args, OPTION_REPLICAS)) && !args->rest) {
        return err_set(err, ERR_INVALID, "--image and --replicas go with -- COMMAND only");
    }
    if (!args_has(args, OPTION_POOL) && !args->rest &&
        (args_has(args, OPTION_COMMAND_LIST) || args_has(args, OPTION_ARGS) || args_has(args, OPTION_PACKAGES) ||
         args_has(args, OPTION_ENV))) {
        return err_set(err, ERR_INVALID,
                       "--command, --args, --python-package-uris and --env go with --worker-pool-spec or -- COMMAND");
    }
    *ret_name = config ? config : file;
    return 0;
}

int job_input_read(const struct args *args, upb_DefPool *pool, upb_Arena *arena, API(CustomJob) * *ret_job,
                   struct err *err)
{
    const char *name = NULL;
    const char *display_name = args_text(args, OPTION_DISPLAY_NAME, NULL);
    API(CustomJob) * job;

    if (find_file(args, &name, err)) {
        return -1;
    }
    job = API(CustomJob_new)(arena);
    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if (name && read_file(name, args_has(args, OPTION_CONFIG), pool, arena, &job, err)) {
        return -1;
    }
    if (apply_pools(args, pool, arena, job, err) || apply_labels(args, arena, job, err)) {
        return -1;
    }
    if (!name && args->rest && args->rest_count > 0) {
        API(CustomJob_set_display_name)(job, api_view(stem_of(args->rest[0])));
    }
    if (display_name) {
        API(CustomJob_set_display_name)(job, api_view(span_of(display_name)));
    }
    *ret_job = job;
    return 0;
}
