#include "server/reflection_index.h"

#include <stdlib.h>
#include <string.h>

#include "customjobd/v1/logs.upbdefs.h"
#include "customjobd/v1/simulation.upbdefs.h"
#include "google/cloud/aiplatform/v1/job_service.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upbdefs.h"
#include "google/cloud/location/locations.upbdefs.h"
#include "google/logging/v2/logging.upbdefs.h"
#include "google/longrunning/operations.upbdefs.h"
#include "google/rpc/error_details.upbdefs.h"
#include "grpc/health/v1/health.upbdefs.h"
#include "grpc/reflection/v1/reflection.upbdefs.h"
#include "grpc/reflection/v1alpha/reflection.upbdefs.h"

#define FILES_MAX 128

/* Files of the services, and of what they send within an Any. What these import comes with them. */
static _upb_DefPool_Init *const roots[] = {
    &google_cloud_aiplatform_v1_job_service_proto_upbdefinit,
    &google_cloud_aiplatform_v1beta1_job_service_proto_upbdefinit,
    &google_longrunning_operations_proto_upbdefinit,
    &google_cloud_location_locations_proto_upbdefinit,
    &customjobd_v1_logs_proto_upbdefinit,
    &customjobd_v1_simulation_proto_upbdefinit,
    &grpc_health_v1_health_proto_upbdefinit,
    &google_logging_v2_logging_proto_upbdefinit,
    &grpc_reflection_v1_reflection_proto_upbdefinit,
    &grpc_reflection_v1alpha_reflection_proto_upbdefinit,
    &google_rpc_error_details_proto_upbdefinit,
};

struct symbol {
    const char *name; /* NULL: a free slot */
    const struct reflection_file *file;
    bool is_message;
};

struct extension {
    const char *type; /* what is extended */
    int32_t number;
    const struct reflection_file *file;
};

struct reflection_index {
    upb_DefPool *pool; /* owns most names */
    upb_Arena *arena;  /* the rest */
    const _upb_DefPool_Init *inits[FILES_MAX];
    struct reflection_file files[FILES_MAX];
    size_t file_count;
    struct symbol *slots; /* at most half of them taken */
    size_t slot_count;    /* a power of two */
    size_t symbol_count;
    struct extension *extensions;
    size_t extension_count;
    bool out_of_memory;
};

/* ---- files ---- */

static size_t find_init(const struct reflection_index *index, const _upb_DefPool_Init *init)
{
    size_t at = 0;

    while (at < index->file_count && index->inits[at] != init) {
        at++;
    }
    return at;
}

/* Breadth first: the list is also the queue. */
static int gather_files(struct reflection_index *index, struct err *err)
{
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        index->inits[index->file_count++] = roots[i];
    }
    for (size_t i = 0; i < index->file_count; i++) {
        for (_upb_DefPool_Init **deps = index->inits[i]->deps; *deps; deps++) {
            if (find_init(index, *deps) < index->file_count) {
                continue;
            }
            if (index->file_count == FILES_MAX) {
                return err_set(err, ERR_INTERNAL, "the contracts have more than %d files", FILES_MAX);
            }
            index->inits[index->file_count++] = *deps;
        }
    }
    return 0;
}

static int fill_file(struct reflection_index *index, size_t at, struct err *err)
{
    const _upb_DefPool_Init *init = index->inits[at];
    struct reflection_file *file = &index->files[at];
    const struct reflection_file *needed[FILES_MAX] = {file};
    const struct reflection_file **copy;
    bool is_needed[FILES_MAX] = {false};
    size_t count = 1;

    is_needed[at] = true;
    for (size_t i = 0; i < count; i++) {
        for (_upb_DefPool_Init **deps = index->inits[needed[i] - index->files]->deps; *deps; deps++) {
            size_t dep = find_init(index, *deps);

            if (!is_needed[dep]) {
                is_needed[dep] = true;
                needed[count++] = &index->files[dep];
            }
        }
    }
    copy = upb_Arena_Malloc(index->arena, count * sizeof *needed);
    if (!copy) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the index of names");
    }
    memcpy(copy, needed, count * sizeof *needed);
    *file = (struct reflection_file){span_of(init->filename), span_make(init->descriptor.data, init->descriptor.size),
                                     copy, count};
    return 0;
}

/* ---- names ---- */

static uint64_t hash_of(struct span name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: nobody but us fills the table */

    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The slot of the name, or the free one where it would stand. */
static struct symbol *find_slot(const struct reflection_index *index, struct span name)
{
    size_t at = (size_t)hash_of(name) & (index->slot_count - 1);

    while (index->slots[at].name && !span_equal_text(name, index->slots[at].name)) {
        at = (at + 1) & (index->slot_count - 1);
    }
    return &index->slots[at];
}

static bool make_room(struct reflection_index *index)
{
    struct reflection_index larger = {.slot_count = index->slot_count ? index->slot_count * 2 : 4096};

    if (index->symbol_count * 2 < index->slot_count) {
        return true;
    }
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots) {
        index->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < index->slot_count; i++) {
        if (index->slots[i].name) {
            *find_slot(&larger, span_of(index->slots[i].name)) = index->slots[i];
        }
    }
    free(index->slots);
    index->slots = larger.slots;
    index->slot_count = larger.slot_count;
    return true;
}

/* The first to declare a name keeps it. */
static void add_symbol(struct reflection_index *index, const struct reflection_file *file, const char *name,
                       bool is_message)
{
    struct symbol *slot;

    if (!name || !make_room(index)) {
        index->out_of_memory = true;
        return;
    }
    slot = find_slot(index, span_of(name));
    if (!slot->name) {
        *slot = (struct symbol){name, file, is_message};
        index->symbol_count++;
    }
}

/* "scope.name" in the arena; the name alone where the scope is empty. */
static const char *join(struct reflection_index *index, struct span scope, const char *name)
{
    size_t name_size = strlen(name) + 1;
    char *text = upb_Arena_Malloc(index->arena, scope.size + 1 + name_size);
    size_t at = scope.size;

    if (!text) {
        return NULL;
    }
    if (scope.size > 0) {
        memcpy(text, scope.data, scope.size);
        text[at++] = '.';
    }
    memcpy(text + at, name, name_size);
    return text;
}

static struct span scope_of(const char *full_name)
{
    const char *dot = strrchr(full_name, '.');

    return span_make(full_name, dot ? (size_t)(dot - full_name) : 0);
}

static void add_enum(struct reflection_index *index, const struct reflection_file *file, const upb_EnumDef *def)
{
    const char *full_name = upb_EnumDef_FullName(def);

    add_symbol(index, file, full_name, false);
    for (int i = 0; i < upb_EnumDef_ValueCount(def); i++) {
        const char *name = upb_EnumValueDef_Name(upb_EnumDef_Value(def, i));

        add_symbol(index, file, join(index, scope_of(full_name), name), false);
        add_symbol(index, file, join(index, span_of(full_name), name), false);
    }
}

static void add_extension(struct reflection_index *index, const struct reflection_file *file, const upb_FieldDef *def)
{
    struct extension *more =
        realloc(index->extensions, (index->extension_count + 1) * sizeof *more); /* there are a dozen */

    if (!more) {
        index->out_of_memory = true;
        return;
    }
    index->extensions = more;
    more[index->extension_count++] = (struct extension){upb_MessageDef_FullName(upb_FieldDef_ContainingType(def)),
                                                        (int32_t)upb_FieldDef_Number(def), file};
    add_symbol(index, file, upb_FieldDef_FullName(def), false);
}

static void add_message(struct reflection_index *index, const struct reflection_file *file, const upb_MessageDef *def)
{
    add_symbol(index, file, upb_MessageDef_FullName(def), true);
    for (int i = 0; i < upb_MessageDef_FieldCount(def); i++) {
        add_symbol(index, file, upb_FieldDef_FullName(upb_MessageDef_Field(def, i)), false);
    }
    for (int i = 0; i < upb_MessageDef_OneofCount(def); i++) {
        const char *name = upb_OneofDef_Name(upb_MessageDef_Oneof(def, i));

        add_symbol(index, file, join(index, span_of(upb_MessageDef_FullName(def)), name), false);
    }
    for (int i = 0; i < upb_MessageDef_NestedEnumCount(def); i++) {
        add_enum(index, file, upb_MessageDef_NestedEnum(def, i));
    }
    for (int i = 0; i < upb_MessageDef_NestedExtensionCount(def); i++) {
        add_extension(index, file, upb_MessageDef_NestedExtension(def, i));
    }
    for (int i = 0; i < upb_MessageDef_NestedMessageCount(def); i++) {
        add_message(index, file, upb_MessageDef_NestedMessage(def, i));
    }
}

static void add_service(struct reflection_index *index, const struct reflection_file *file, const upb_ServiceDef *def)
{
    add_symbol(index, file, upb_ServiceDef_FullName(def), false);
    for (int i = 0; i < upb_ServiceDef_MethodCount(def); i++) {
        add_symbol(index, file, upb_MethodDef_FullName(upb_ServiceDef_Method(def, i)), false);
    }
}

static int add_file(struct reflection_index *index, const struct reflection_file *file, struct err *err)
{
    const upb_FileDef *def = upb_DefPool_FindFileByName(index->pool, file->name.data);

    if (!def) {
        return err_set(err, ERR_INTERNAL, "the descriptor of %s does not load", file->name.data);
    }
    for (int i = 0; i < upb_FileDef_ServiceCount(def); i++) {
        add_service(index, file, upb_FileDef_Service(def, i));
    }
    for (int i = 0; i < upb_FileDef_TopLevelMessageCount(def); i++) {
        add_message(index, file, upb_FileDef_TopLevelMessage(def, i));
    }
    for (int i = 0; i < upb_FileDef_TopLevelEnumCount(def); i++) {
        add_enum(index, file, upb_FileDef_TopLevelEnum(def, i));
    }
    for (int i = 0; i < upb_FileDef_TopLevelExtensionCount(def); i++) {
        add_extension(index, file, upb_FileDef_TopLevelExtension(def, i));
    }
    return 0;
}

static int fill(struct reflection_index *index, struct err *err)
{
    index->pool = upb_DefPool_New();
    index->arena = upb_Arena_New();
    if (!index->pool || !index->arena) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the index of names");
    }
    if (gather_files(index, err)) {
        return -1;
    }
    for (size_t i = 0; i < index->file_count; i++) {
        if (!_upb_DefPool_LoadDefInit(index->pool, index->inits[i])) {
            return err_set(err, ERR_INTERNAL, "the descriptor of %s does not load", index->inits[i]->filename);
        }
        if (fill_file(index, i, err) || add_file(index, &index->files[i], err)) {
            return -1;
        }
    }
    return index->out_of_memory ? err_set(err, ERR_EXHAUSTED, "no memory for the index of names") : 0;
}

int reflection_index_create(struct reflection_index **ret_index, struct err *err)
{
    struct reflection_index *index = calloc(1, sizeof *index);

    if (!index) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the index of names");
    }
    if (fill(index, err)) {
        reflection_index_destroy(index);
        return -1;
    }
    *ret_index = index;
    return 0;
}

void reflection_index_destroy(struct reflection_index *index)
{
    if (!index) {
        return;
    }
    if (index->pool) {
        upb_DefPool_Free(index->pool);
    }
    if (index->arena) {
        upb_Arena_Free(index->arena);
    }
    free(index->slots);
    free(index->extensions);
    free(index);
}

/* ---- questions ---- */

const struct reflection_file *reflection_index_files(const struct reflection_index *index, size_t *ret_count)
{
    *ret_count = index->file_count;
    return index->files;
}

const struct reflection_file *reflection_find_file(const struct reflection_index *index, struct span name)
{
    for (size_t i = 0; i < index->file_count; i++) {
        if (span_equal(name, index->files[i].name)) {
            return &index->files[i];
        }
    }
    return NULL;
}

static struct span without_dot(struct span name)
{
    return name.size > 0 && name.data[0] == '.' ? span_skip(name, 1) : name;
}

const struct reflection_file *reflection_find_symbol(const struct reflection_index *index, struct span name)
{
    return find_slot(index, without_dot(name))->file;
}

const struct reflection_file *reflection_find_extension(const struct reflection_index *index, struct span type,
                                                        int32_t number)
{
    for (size_t i = 0; i < index->extension_count; i++) {
        if (index->extensions[i].number == number && span_equal_text(without_dot(type), index->extensions[i].type)) {
            return index->extensions[i].file;
        }
    }
    return NULL;
}

bool reflection_extension_numbers(const struct reflection_index *index, struct span type, int32_t *numbers,
                                  size_t numbers_max, size_t *ret_count)
{
    size_t count = 0;

    if (!find_slot(index, without_dot(type))->is_message) {
        return false;
    }
    for (size_t i = 0; i < index->extension_count && count < numbers_max; i++) {
        if (span_equal_text(without_dot(type), index->extensions[i].type)) {
            numbers[count++] = index->extensions[i].number;
        }
    }
    *ret_count = count;
    return true;
}
