#include "job/machine_type.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "job/api.h"
#include "job/yaml_keys.h"

struct model {
    int32_t accelerator_type;
    const char *words;
};

struct machine_types {
    struct yaml_source source;
    struct machine_type types[MACHINE_TYPES_MAX];
    size_t type_count;
    struct model models[MACHINE_TYPES_MAX];
    size_t model_count;
};

/* By name. */
static const struct machine_type built_in[] = {
#define MACHINE_TYPE(name, cpus, memory_mib, accelerator, count) {name, cpus, memory_mib, API(accelerator), count},
#include "job/machine_types.def"
};

static const struct model built_in_models[] = {
#define ACCELERATOR_MODEL(type, words) {API(type), words},
#include "job/accelerator_models.def"
};

#define NAME(name) [API(name)] = #name
static const char *const accelerator_names[] = {
    NAME(ACCELERATOR_TYPE_UNSPECIFIED),
    NAME(NVIDIA_TESLA_K80),
    NAME(NVIDIA_TESLA_P100),
    NAME(NVIDIA_TESLA_V100),
    NAME(NVIDIA_TESLA_P4),
    NAME(NVIDIA_TESLA_T4),
    NAME(TPU_V2),
    NAME(TPU_V3),
    NAME(NVIDIA_TESLA_A100),
    NAME(NVIDIA_A100_80GB),
    NAME(TPU_V4_POD),
    NAME(NVIDIA_L4),
    NAME(TPU_V5_LITEPOD),
    NAME(NVIDIA_H100_80GB),
    NAME(NVIDIA_H100_MEGA_80GB),
    NAME(NVIDIA_H200_141GB),
    NAME(NVIDIA_B200),
    NAME(NVIDIA_GB200),
    NAME(NVIDIA_RTX_PRO_6000),
};
#undef NAME
#define ACCELERATORS (sizeof accelerator_names / sizeof accelerator_names[0])

const char *accelerator_type_name(int32_t accelerator_type)
{
    return accelerator_type >= 0 && (size_t)accelerator_type < ACCELERATORS ? accelerator_names[accelerator_type]
                                                                            : "an unknown accelerator";
}

bool accelerator_type_is_tpu(int32_t accelerator_type)
{
    return strncmp(accelerator_type_name(accelerator_type), "TPU_", strlen("TPU_")) == 0;
}

/* ---- the operator's file ---- */

static int take_accelerator(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                            struct err *err)
{
    const char *text;

    if (yaml_take_text(source, value, key, &text, err)) {
        return -1;
    }
    for (size_t i = 1; i < ACCELERATORS; i++) {
        if (strcmp(accelerator_names[i], text) == 0) {
            *(int32_t *)target = (int32_t)i;
            return 0;
        }
    }
    return yaml_fault(source, value, err, "%s: '%.100s' is no AcceleratorType, such as NVIDIA_L4", key, text);
}

#define OF_TYPE(member) offsetof(struct machine_type, member)

static int take_type(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                     struct err *err)
{
    static const struct yaml_key keys[] = {{"name", yaml_take_text, OF_TYPE(name)},
                                           {"cpus", yaml_take_count, OF_TYPE(cpus)},
                                           {"memory_mib", yaml_take_count, OF_TYPE(memory_mib)},
                                           {"accelerator_type", take_accelerator, OF_TYPE(accelerator_type)},
                                           {"accelerator_count", yaml_take_count, OF_TYPE(accelerator_count)},
                                           {NULL, NULL, 0}};
    struct machine_type *type = target;

    if (yaml_take_keys(source, value, key, keys, type, err)) {
        return -1;
    }
    if (!type->name || type->cpus < 1 || type->cpus > UINT32_MAX || type->memory_mib > UINT32_MAX) {
        return yaml_fault(source, value, err, "a machine type has a name, cpus of 1 or more, and memory_mib");
    }
    if ((type->accelerator_type == 0) != (type->accelerator_count == 0) || type->accelerator_count > INT32_MAX) {
        return yaml_fault(source, value, err, "accelerator_type and accelerator_count stand together or not at all");
    }
    return 0;
}

static int take_types(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                      struct err *err)
{
    struct machine_types *types = target;

    return yaml_take_items(source, value, key, take_type, types->types, sizeof types->types[0], MACHINE_TYPES_MAX,
                           &types->type_count, err);
}

static int take_model(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                      struct err *err)
{
    static const struct yaml_key keys[] = {
        {"accelerator_type", take_accelerator, offsetof(struct model, accelerator_type)},
        {"model", yaml_take_text, offsetof(struct model, words)},
        {NULL, NULL, 0}};
    struct model *model = target;

    if (yaml_take_keys(source, value, key, keys, model, err)) {
        return -1;
    }
    if (model->accelerator_type == 0 || !model->words || !model->words[0]) {
        return yaml_fault(source, value, err, "an accelerator has an accelerator_type and a model");
    }
    return 0;
}

static int take_models(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                       struct err *err)
{
    struct machine_types *types = target;

    return yaml_take_items(source, value, key, take_model, types->models, sizeof types->models[0], MACHINE_TYPES_MAX,
                           &types->model_count, err);
}

static int read_file(struct machine_types *types, const char *path, struct err *err)
{
    static const struct yaml_key keys[] = {
        {"machine_types", take_types, 0}, {"accelerators", take_models, 0}, {NULL, NULL, 0}};
    const yaml_node_t *root;

    if (yaml_source_open("file of machine types", path, MACHINE_TYPES_FILE_BYTES_MAX, &types->source, err)) {
        return -1;
    }
    root = yaml_document_get_root_node(&types->source.document);
    return root ? yaml_take_keys(&types->source, root, "a file of machine types", keys, types, err) : 0;
}

int machine_types_open(const char *path, struct machine_types **ret_types, struct err *err)
{
    struct machine_types *types = calloc(1, sizeof *types);

    if (!types) {
        return err_set(err, ERR_EXHAUSTED, "no memory for machine types");
    }
    if (path && read_file(types, path, err)) {
        machine_types_close(types);
        return -1;
    }
    *ret_types = types;
    return 0;
}

void machine_types_close(struct machine_types *types)
{
    if (types) {
        yaml_source_close(&types->source);
        free(types);
    }
}

/* ---- finding ---- */

static const struct machine_type *find(const struct machine_type *types, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(name, types[i].name)) {
            return &types[i];
        }
    }
    return NULL;
}

const struct machine_type *machine_types_find(const struct machine_types *types, struct span name)
{
    const struct machine_type *type = find(types->types, types->type_count, name);

    return type ? type : find(built_in, sizeof built_in / sizeof built_in[0], name);
}

/* Whole: what stands around it is neither letter nor digit. */
static bool has_word(const char *text, const char *word, size_t size)
{
    size_t length = strlen(text);

    for (size_t at = 0; at + size <= length; at++) {
        if (strncasecmp(text + at, word, size) == 0 && (at == 0 || !isalnum((unsigned char)text[at - 1])) &&
            !isalnum((unsigned char)text[at + size])) {
            return true;
        }
    }
    return false;
}

static bool is_model(const struct model *row, const char *model)
{
    for (const char *words = row->words; *words;) {
        size_t size = strcspn(words, " ");
        bool is_excluded = words[0] == '-';

        if (has_word(model, words + is_excluded, size - is_excluded) == is_excluded) {
            return false;
        }
        words += size + strspn(words + size, " ");
    }
    return true;
}

static bool find_model(const struct model *rows, size_t count, int32_t accelerator_type, const char *model)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].accelerator_type == accelerator_type && is_model(&rows[i], model)) {
            return true;
        }
    }
    return false;
}

bool machine_types_is_model(const struct machine_types *types, int32_t accelerator_type, const char *model)
{
    return find_model(types->models, types->model_count, accelerator_type, model) ||
           find_model(built_in_models, sizeof built_in_models / sizeof built_in_models[0], accelerator_type, model);
}
