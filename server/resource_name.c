#include "server/resource_name.h"

#include "base/limits.h"
#include "server/excerpt.h"

#define SEGMENTS_MAX 4

enum { SEGMENT_PROJECT, SEGMENT_LOCATION, SEGMENT_JOB, SEGMENT_OPERATION };

struct segment {
    int id; /* SEGMENT_… */
    const char *collection;
    const char *word;
};

struct pattern {
    const char *resource;
    const char *text;
    int count;
    struct segment segments[SEGMENTS_MAX];
};

#define PROJECT                                \
    {                                          \
        SEGMENT_PROJECT, "projects", "project" \
    }
#define LOCATION                                  \
    {                                             \
        SEGMENT_LOCATION, "locations", "location" \
    }
#define JOB                                     \
    {                                           \
        SEGMENT_JOB, "customJobs", "custom job" \
    }
#define OPERATION                                    \
    {                                                \
        SEGMENT_OPERATION, "operations", "operation" \
    }

static const struct pattern project_pattern = {"project", "projects/{project}", 1, {PROJECT}};
static const struct pattern location_pattern = {
    "location", "projects/{project}/locations/{location}", 2, {PROJECT, LOCATION}};
static const struct pattern job_pattern = {
    "CustomJob", "projects/{project}/locations/{location}/customJobs/{custom_job}", 3, {PROJECT, LOCATION, JOB}};
static const struct pattern operation_pattern = {
    "Operation", "projects/{project}/locations/{location}/operations/{operation}", 3, {PROJECT, LOCATION, OPERATION}};
static const struct pattern job_operation_pattern = {
    "Operation",
    "projects/{project}/locations/{location}/customJobs/{custom_job}/operations/{operation}",
    4,
    {PROJECT, LOCATION, JOB, OPERATION}};

/* Up to the next slash, which is taken too. False: there was nothing left. */
static bool take_part(struct span *rest, bool *more, struct span *ret_part)
{
    const char *slash;

    if (!*more) {
        return false;
    }
    slash = rest->size > 0 ? memchr(rest->data, '/', rest->size) : NULL;
    *ret_part = span_make(rest->data, slash ? (size_t)(slash - rest->data) : rest->size);
    *rest = span_skip(*rest, ret_part->size + (slash ? 1 : 0));
    *more = slash != NULL;
    return true;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_id_char(char c, int segment)
{
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' ||
           (c == ':' && segment == SEGMENT_PROJECT);
}

static int check_id(struct span id, const struct segment *segment, struct err *err)
{
    if (id.size == 0) {
        return err_set(err, ERR_INVALID, "the %s is missing", segment->word);
    }
    if (id.size > LIMIT_NAME_ID_CHARS) {
        return err_set(err, ERR_INVALID, "the %s has %zu characters, the limit is %d", segment->word, id.size,
                       LIMIT_NAME_ID_CHARS);
    }
    if (span_equal_text(id, "-")) {
        return err_set(err, ERR_INVALID, "\"-\" for any %s is not supported", segment->word);
    }
    if (!is_alphanumeric(id.data[0])) {
        return err_set(err, ERR_INVALID, "the %s does not begin with a letter or digit", segment->word);
    }
    for (size_t i = 0; i < id.size; i++) {
        if (!is_id_char(id.data[i], segment->id)) {
            return err_set(err, ERR_INVALID, "the %s has a character that is no letter, no digit and none of -._~",
                           segment->word);
        }
    }
    return 0;
}

static int match(struct span name, const struct pattern *pattern, struct span values[SEGMENTS_MAX], struct err *err)
{
    struct span rest = name;
    bool more = name.size > 0;
    struct span part;

    for (int i = 0; i < pattern->count; i++) {
        const struct segment *segment = &pattern->segments[i];

        if (!take_part(&rest, &more, &part) || !span_equal_text(part, segment->collection)) {
            return err_set(err, ERR_INVALID, "\"%s/\" is expected where it has \"%.*s\"", segment->collection,
                           SPAN_FORMAT(excerpt(part)));
        }
        if (!take_part(&rest, &more, &part)) {
            return err_set(err, ERR_INVALID, "the %s is missing", segment->word);
        }
        if (check_id(part, segment, err)) {
            return -1;
        }
        values[segment->id] = part;
    }
    return more ? err_set(err, ERR_INVALID, "it has more after the %s", pattern->segments[pattern->count - 1].word) : 0;
}

static int parse(struct span name, const struct pattern *pattern, struct resource_name *ret_name, struct err *err)
{
    struct span values[SEGMENTS_MAX] = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct span location;

    if (name.size == 0) {
        return err_set(err, ERR_INVALID, "Required field is not set. It must be %s.", pattern->text);
    }
    if (match(name, pattern, values, err)) {
        struct err why = *err;

        return err_set(err, ERR_INVALID, "\"%.*s\" is not the name of a %s: %s. It must be %s.",
                       SPAN_FORMAT(excerpt(name)), pattern->resource, why.text, pattern->text);
    }
    location = values[SEGMENT_LOCATION];
    *ret_name = (struct resource_name){
        .project = values[SEGMENT_PROJECT],
        .location = location,
        .parent = span_make(name.data, location.data ? (size_t)(location.data + location.size - name.data) : 0),
        .job = values[SEGMENT_JOB],
        .operation = values[SEGMENT_OPERATION]};
    return 0;
}

int resource_name_parse_project(struct span name, struct resource_name *ret_name, struct err *err)
{
    return parse(name, &project_pattern, ret_name, err);
}

int resource_name_parse_location(struct span name, struct resource_name *ret_name, struct err *err)
{
    return parse(name, &location_pattern, ret_name, err);
}

int resource_name_parse_job(struct span name, struct resource_name *ret_name, struct err *err)
{
    return parse(name, &job_pattern, ret_name, err);
}

int resource_name_parse_operation(struct span name, struct resource_name *ret_name, struct err *err)
{
    struct err ignored = ERR_INIT;

    if (parse(name, &job_operation_pattern, ret_name, &ignored) == 0) {
        return 0;
    }
    return parse(name, &operation_pattern, ret_name, err);
}
