#include "server/gcs_route.h"

#include <string.h>

#include "server/excerpt.h"
#include "server/rest_query.h"

#define API "/storage/v1/b"
#define UPLOAD "/upload/storage/v1/b/"
#define RESUMABLE "/resumable/upload/storage/v1/b/"
#define DOWNLOAD "/download/storage/v1/b/"
/* The longest is b/B/o/O/rewriteTo/b/B/o/O. */
#define SEGMENTS_MAX 8

struct segments {
    struct span items[SEGMENTS_MAX];
    size_t count;
};

static bool is_below(struct span path, const char *prefix)
{
    return span_starts_with(path, span_of(prefix));
}

bool gcs_route_is_upload(struct span path)
{
    return is_below(path, UPLOAD) || is_below(path, RESUMABLE);
}

bool gcs_route_is_ours(struct span path)
{
    return is_below(path, "/storage/") || is_below(path, DOWNLOAD) || gcs_route_is_upload(path) ||
           is_below(path, "/batch/storage/");
}

/* False: more than any path has. */
static bool split(struct span rest, struct segments *segments)
{
    segments->count = 0;
    while (rest.size > 0) {
        const char *slash = memchr(rest.data, '/', rest.size);
        struct span segment = span_make(rest.data, slash ? (size_t)(slash - rest.data) : rest.size);

        if (segments->count == SEGMENTS_MAX) {
            return false;
        }
        segments->items[segments->count++] = segment;
        rest = span_skip(rest, segment.size + (slash ? 1 : 0));
    }
    return true;
}

static int read_bucket(struct span raw, struct upb_Arena *arena, struct bucket_name *ret_name, struct err *err)
{
    struct span text;

    return rest_decode_segment(raw, arena, &text, err) == 0 ? bucket_name_read(text, ret_name, err) : -1;
}

static int read_object(struct span raw, struct upb_Arena *arena, struct object_name *ret_name, struct err *err)
{
    struct span text;

    return rest_decode_segment(raw, arena, &text, err) == 0 ? object_name_read(text, ret_name, err) : -1;
}

static bool is_text(const struct segments *segments, size_t index, const char *text)
{
    return index < segments->count && span_equal_text(segments->items[index], text);
}

/* The method of a verb in a list "GET" → method, …; false when it is not there. */
struct verb_method {
    const char *verb;
    enum gcs_method method;
};

static bool find_verb(struct span verb, const struct verb_method *methods, size_t count, enum gcs_method *ret_method)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(verb, methods[i].verb)) {
            *ret_method = methods[i].method;
            return true;
        }
    }
    return false;
}

#define FIND_VERB(verb, methods, ret_method) \
    find_verb(verb, methods, sizeof(methods) / sizeof((methods)[0]), ret_method)

static int not_served(struct span verb, struct span path, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "%.*s %.*s is not served: of Cloud Storage's JSON API this server has what docs/buckets.md lists.",
                   SPAN_FORMAT(excerpt(verb)), SPAN_FORMAT(excerpt(path)));
}

/* b, b/B and b/B/iam/testPermissions. False: something else. */
static bool find_bucket_method(struct span verb, const struct segments *segments, enum gcs_method *ret_method)
{
    static const struct verb_method of_all[] = {{"GET", GCS_LIST_BUCKETS}, {"POST", GCS_INSERT_BUCKET}};
    static const struct verb_method of_one[] = {{"GET", GCS_GET_BUCKET}, {"DELETE", GCS_DELETE_BUCKET}};

    if (segments->count == 0) {
        return FIND_VERB(verb, of_all, ret_method);
    }
    if (segments->count == 1) {
        return FIND_VERB(verb, of_one, ret_method);
    }
    if (segments->count == 3 && is_text(segments, 1, "iam") && is_text(segments, 2, "testPermissions")) {
        *ret_method = GCS_TEST_PERMISSIONS;
        return span_equal_text(verb, "GET");
    }
    return false;
}

/* B/o, B/o/O, B/o/O/compose, B/o/O/moveTo/o/O and B/o/O/rewriteTo/b/B/o/O. */
static bool find_object_method(struct span verb, const struct segments *segments, enum gcs_method *ret_method)
{
    static const struct verb_method of_all[] = {{"GET", GCS_LIST_OBJECTS}};
    static const struct verb_method of_one[] = {{"GET", GCS_GET_OBJECT},
                                                {"PATCH", GCS_PATCH_OBJECT},
                                                {"PUT", GCS_UPDATE_OBJECT},
                                                {"DELETE", GCS_DELETE_OBJECT}};
    static const struct verb_method compose[] = {{"POST", GCS_COMPOSE_OBJECT}};

    if (!is_text(segments, 1, "o")) {
        return false;
    }
    if (segments->count == 2) {
        return FIND_VERB(verb, of_all, ret_method);
    }
    if (segments->count == 3) {
        return FIND_VERB(verb, of_one, ret_method);
    }
    if (segments->count == 4 && is_text(segments, 3, "compose")) {
        return FIND_VERB(verb, compose, ret_method);
    }
    if (segments->count == 6 && is_text(segments, 3, "moveTo") && is_text(segments, 4, "o")) {
        *ret_method = GCS_MOVE_OBJECT;
        return span_equal_text(verb, "POST");
    }
    if (segments->count == 8 && is_text(segments, 4, "b") && is_text(segments, 6, "o")) {
        *ret_method = is_text(segments, 3, "copyTo") ? GCS_COPY_OBJECT : GCS_REWRITE_OBJECT;
        return span_equal_text(verb, "POST") && (is_text(segments, 3, "copyTo") || is_text(segments, 3, "rewriteTo"));
    }
    return false;
}

static bool find_upload_method(struct span verb, const struct segments *segments, enum gcs_method *ret_method)
{
    static const struct verb_method methods[] = {
        {"POST", GCS_INSERT_OBJECT}, {"PUT", GCS_CONTINUE_UPLOAD}, {"DELETE", GCS_CANCEL_UPLOAD}};

    return segments->count == 2 && is_text(segments, 1, "o") && FIND_VERB(verb, methods, ret_method);
}

static bool find_method(struct span verb, struct span path, struct segments *segments, enum gcs_method *ret_method)
{
    if (span_equal_text(verb, "HEAD")) {
        verb = span_of("GET");
    }
    if (gcs_route_is_upload(path)) {
        size_t prefix = is_below(path, UPLOAD) ? strlen(UPLOAD) : strlen(RESUMABLE);

        return split(span_skip(path, prefix), segments) && find_upload_method(verb, segments, ret_method);
    }
    if (is_below(path, DOWNLOAD)) {
        *ret_method = GCS_DOWNLOAD_OBJECT;
        return split(span_skip(path, strlen(DOWNLOAD)), segments) && segments->count == 3 &&
               is_text(segments, 1, "o") && span_equal_text(verb, "GET");
    }
    if (span_equal_text(path, API) || is_below(path, API "/")) {
        path = span_skip(path, strlen(API));
        path = path.size > 0 ? span_skip(path, 1) : path;
        return split(path, segments) &&
               (find_bucket_method(verb, segments, ret_method) || find_object_method(verb, segments, ret_method));
    }
    return false;
}

int gcs_route_find(struct span verb, struct span path, struct upb_Arena *arena, struct gcs_route *ret_route,
                   struct err *err)
{
    struct gcs_route route = {.method = GCS_LIST_BUCKETS};
    struct segments segments;

    if (!find_method(verb, path, &segments, &route.method)) {
        return not_served(verb, path, err);
    }
    if ((segments.count > 0 && read_bucket(segments.items[0], arena, &route.bucket, err) != 0) ||
        (segments.count > 2 && is_text(&segments, 1, "o") &&
         read_object(segments.items[2], arena, &route.object, err) != 0) ||
        (segments.count > 7 && (read_bucket(segments.items[5], arena, &route.to_bucket, err) != 0 ||
                                read_object(segments.items[7], arena, &route.to_object, err) != 0)) ||
        (route.method == GCS_MOVE_OBJECT && read_object(segments.items[5], arena, &route.to_object, err) != 0)) {
        return -1;
    }
    if (route.method == GCS_MOVE_OBJECT) {
        route.to_bucket = route.bucket;
    }
    *ret_route = route;
    return 0;
}
