#include "server/field_mask.h"

#include <pthread.h>

#include "base/limits.h"
#include "google/cloud/aiplatform/v1/custom_job.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/custom_job.upbdefs.h"
#include "job/wire.h"
#include "server/excerpt.h"
#include "upb/def.h"

#define MAP_ENTRY_KEY 1

struct node {
    uint32_t number; /* of the field; 0 for a map's key */
    struct span key; /* below a map */
    bool whole;
    bool is_map;
    struct node *children;
    struct node *next;
};

struct field_mask {
    upb_Arena *arena;
    const upb_MessageDef *root;
    size_t path_count;
    struct node all;
};

/* ---- the names ---- */

static pthread_once_t names_once = PTHREAD_ONCE_INIT;
static const upb_MessageDef *names_v1;
static const upb_MessageDef *names_v1beta1;

static void read_names(void)
{
    upb_DefPool *pool = upb_DefPool_New();

    if (pool) {
        names_v1 = google_cloud_aiplatform_v1_CustomJob_getmsgdef(pool);
        names_v1beta1 = google_cloud_aiplatform_v1beta1_CustomJob_getmsgdef(pool);
    }
}

static const upb_FieldDef *find_field(const upb_MessageDef *message, struct span name)
{
    const upb_FieldDef *field = upb_MessageDef_FindFieldByNameWithSize(message, name.data, name.size);

    return field ? field : upb_MessageDef_FindByJsonNameWithSize(message, name.data, name.size);
}

/* ---- building ---- */

int field_mask_create(enum api_version version, upb_Arena *arena, struct field_mask **ret_mask, struct err *err)
{
    struct field_mask *mask = upb_Arena_Malloc(arena, sizeof *mask);

    pthread_once(&names_once, read_names);
    if (!mask || !names_v1 || !names_v1beta1) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a read mask");
    }
    *mask = (struct field_mask){.arena = arena, .root = version == API_V1 ? names_v1 : names_v1beta1};
    *ret_mask = mask;
    return 0;
}

bool field_mask_is_all(const struct field_mask *mask)
{
    return mask->all.whole;
}

/* The path's parts as fields and keys, before the mask is touched. */
struct step {
    const upb_FieldDef *field; /* NULL: a map's key */
    struct span key;
};

#define STEPS_MAX 16

struct walk {
    struct span path;
    struct span rest;
    const upb_MessageDef *message; /* what the next part is a field of; NULL: nothing has fields here */
    const upb_FieldDef *last;
    struct step steps[STEPS_MAX];
    size_t count;
    struct err *err;
};

static bool take_part(struct walk *walk, struct span *ret_part)
{
    const char *dot;

    if (!walk->rest.data) {
        return false;
    }
    dot = walk->rest.size > 0 ? memchr(walk->rest.data, '.', walk->rest.size) : NULL;
    *ret_part = span_make(walk->rest.data, dot ? (size_t)(dot - walk->rest.data) : walk->rest.size);
    walk->rest = dot ? span_skip(walk->rest, ret_part->size + 1) : span_make(NULL, 0);
    return true;
}

static int refuse(const struct walk *walk, const char *what, struct span part)
{
    return err_set(walk->err, ERR_INVALID, "\"%.*s\" names no field of a CustomJob: %s \"%.*s\"",
                   SPAN_FORMAT(excerpt(walk->path)), what, SPAN_FORMAT(excerpt(part)));
}

static int add_step(struct walk *walk, struct step step)
{
    if (walk->count == STEPS_MAX) {
        return err_set(walk->err, ERR_INVALID, "\"%.*s\" has more than %d parts", SPAN_FORMAT(excerpt(walk->path)),
                       STEPS_MAX);
    }
    walk->steps[walk->count++] = step;
    return 0;
}

/* What follows a list: "*", and then the fields of what is in it. */
static int step_into_list(struct walk *walk, struct span part)
{
    if (!span_equal_text(part, "*")) {
        return err_set(walk->err, ERR_INVALID, "\"%.*s\" goes into the list %s: write \"*\" between it and \"%.*s\"",
                       SPAN_FORMAT(excerpt(walk->path)), upb_FieldDef_Name(walk->last), SPAN_FORMAT(excerpt(part)));
    }
    walk->message = upb_FieldDef_IsSubMessage(walk->last) ? upb_FieldDef_MessageSubDef(walk->last) : NULL;
    walk->last = NULL;
    return 0;
}

/* What follows a map: a key, or "*" for all of it; values have no fields. */
static int step_into_map(struct walk *walk, struct span part)
{
    bool any = span_equal_text(part, "*");

    walk->message = NULL;
    walk->last = NULL;
    return any ? 0 : add_step(walk, (struct step){.key = part});
}

static int step_into_message(struct walk *walk, struct span part)
{
    const upb_FieldDef *field;

    if (!walk->message) {
        return refuse(walk, "there are no fields where it has", part);
    }
    if (walk->count > 0 && span_equal_text(part, "*")) {
        walk->message = NULL; /* "scheduling.*" is "scheduling" */
        return 0;
    }
    field = find_field(walk->message, part);
    if (!field) {
        return refuse(walk, "there is no", part);
    }
    walk->last = upb_FieldDef_IsRepeated(field) ? field : NULL;
    walk->message = upb_FieldDef_IsSubMessage(field) ? upb_FieldDef_MessageSubDef(field) : NULL;
    return add_step(walk, (struct step){.field = field});
}

static int take_path(struct walk *walk)
{
    struct span part;

    while (take_part(walk, &part)) {
        int result;

        if (part.size == 0) {
            return refuse(walk, "a part is empty,", part);
        }
        if (walk->last && upb_FieldDef_IsMap(walk->last)) {
            result = step_into_map(walk, part);
        } else if (walk->last) {
            result = step_into_list(walk, part);
        } else {
            result = step_into_message(walk, part);
        }
        if (result) {
            return -1;
        }
    }
    return 0;
}

/* The child for a step, made when absent; NULL when memory is gone. */
static struct node *child_of(struct field_mask *mask, struct node *parent, const struct step *step)
{
    uint32_t number = step->field ? upb_FieldDef_Number(step->field) : 0;
    struct node *node;

    for (node = parent->children; node; node = node->next) {
        if (node->number == number && span_equal(node->key, step->key)) {
            return node;
        }
    }
    node = upb_Arena_Malloc(mask->arena, sizeof *node);
    if (node) {
        *node = (struct node){.number = number,
                              .key = step->key,
                              .is_map = step->field && upb_FieldDef_IsMap(step->field),
                              .next = parent->children};
        parent->children = node;
    }
    return node;
}

static int check_size(const struct field_mask *mask, struct span path, struct err *err)
{
    if (mask->path_count == LIMIT_MASK_PATHS) {
        return err_set(err, ERR_INVALID, "the mask has more than %d paths", LIMIT_MASK_PATHS);
    }
    if (path.size > LIMIT_MASK_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "the path has %zu bytes, the limit is %d", path.size, LIMIT_MASK_PATH_BYTES);
    }
    return path.size == 0 ? err_set(err, ERR_INVALID, "an empty path names no field") : 0;
}

int field_mask_add(struct field_mask *mask, struct span path, struct err *err)
{
    struct walk walk = {.path = path, .rest = path, .message = mask->root, .err = err};
    struct node *node = &mask->all;

    if (check_size(mask, path, err) || (!span_equal_text(path, "*") && take_path(&walk))) {
        return -1;
    }
    for (size_t i = 0; i < walk.count; i++) {
        node = child_of(mask, node, &walk.steps[i]);
        if (!node) {
            return err_set(err, ERR_EXHAUSTED, "no memory for a read mask");
        }
    }
    node->whole = true;
    mask->path_count++;
    return 0;
}

/* ---- cutting ---- */

static bool read_map_key(struct span entry, struct span *ret_key)
{
    struct wire_reader reader = {entry};
    struct wire_field field;
    enum wire_result result;

    *ret_key = span_make("", 0);
    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.number == MAP_ENTRY_KEY && field.type == WIRE_BYTES) {
            *ret_key = field.bytes;
        }
    }
    return result == WIRE_END;
}

static bool has_key(const struct node *map, struct span entry)
{
    struct span key;

    if (!read_map_key(entry, &key)) {
        return false;
    }
    for (const struct node *node = map->children; node; node = node->next) {
        if (span_equal(node->key, key)) {
            return true;
        }
    }
    return false;
}

static const struct node *node_of(const struct node *parent, uint32_t number)
{
    const struct node *node = parent->children;

    while (node && node->number != number) {
        node = node->next;
    }
    return node;
}

/* What stays of a message: its size, and its bytes when at is not NULL. False: bad bytes. */
static bool cut(const struct node *node, struct span wire, char *at, size_t *ret_size)
{
    struct wire_reader reader = {wire};
    struct wire_field field;
    enum wire_result result;
    size_t size = 0;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        const struct node *child = node_of(node, field.number);
        size_t inner = 0;

        if (!child || (!child->whole && field.type != WIRE_BYTES)) {
            continue;
        }
        if (child->whole || (child->is_map && has_key(child, field.bytes))) {
            size_t whole = (size_t)(reader.rest.data - field.start);

            if (at) {
                memcpy(at + size, field.start, whole);
            }
            size += whole;
        } else if (!child->is_map) {
            if (!cut(child, field.bytes, NULL, &inner)) {
                return false;
            }
            if (at) {
                char *content = wire_put_head(at + size, field.number, inner);

                (void)cut(child, field.bytes, content, &inner);
            }
            size += wire_varint_size((uint64_t)field.number << 3) + wire_varint_size(inner) + inner;
        }
    }
    *ret_size = size;
    return result == WIRE_END;
}

int field_mask_apply(const struct field_mask *mask, struct span custom_job_wire, upb_Arena *arena,
                     struct span *ret_wire, struct err *err)
{
    size_t size;
    char *bytes;

    if (field_mask_is_all(mask)) {
        *ret_wire = custom_job_wire;
        return 0;
    }
    if (!cut(&mask->all, custom_job_wire, NULL, &size)) {
        return err_set(err, ERR_CORRUPT, "a stored CustomJob of %zu bytes cannot be read", custom_job_wire.size);
    }
    bytes = upb_Arena_Malloc(arena, size + 1);
    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu bytes of a CustomJob", size);
    }
    if (!cut(&mask->all, custom_job_wire, bytes, &size)) {
        return err_set(err, ERR_INTERNAL, "a stored CustomJob changed while it was read");
    }
    *ret_wire = span_make(bytes, size);
    return 0;
}
