#include "job/request_ids.h"

#include <stdlib.h>

#include "base/limits.h"
#include "customjobd/store/v1/execution.upb.h"
#include "job/pb_time.h"
#include "job/siphash.h"

#define STORE(name) customjobd_store_v1_##name
#define LIFE_NS (24 * 3600 * CLOCK_NS_PER_S)

struct entry {
    struct request_id content;
    struct entry *next_in_bucket;
    struct entry *next_younger;
};

struct request_ids {
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct entry *oldest;
    struct entry *youngest;
};

int request_ids_create(struct request_ids **ret_ids, struct err *err)
{
    struct request_ids *ids = calloc(1, sizeof *ids);

    if (ids) {
        ids->bucket_count = 64;
        ids->buckets = calloc(ids->bucket_count, sizeof(struct entry *));
    }
    if (!ids || !ids->buckets) {
        free(ids);
        return err_set(err, ERR_EXHAUSTED, "no memory for request ids");
    }
    *ret_ids = ids;
    return 0;
}

void request_ids_destroy(struct request_ids *ids)
{
    if (ids) {
        while (ids->oldest) {
            request_ids_drop_oldest(ids);
        }
        free(ids->buckets);
        free(ids);
    }
}

/* The key is no secret: digests stand in the store, and must come out the same after a restart. */
static const uint64_t digest_key[2] = {UINT64_C(0x63757374), UINT64_C(0x6f6d6a6f6264)};

struct request_id_digest request_id_key(struct span parent, struct span request_id)
{
    struct request_id_digest digest;
    struct siphash hash;

    siphash_begin(&hash, digest_key);
    siphash_add(&hash, parent.data, parent.size);
    siphash_add(&hash, "", 1);
    siphash_add(&hash, request_id.data, request_id.size);
    siphash_end(&hash, digest.words);
    return digest;
}

struct request_id_digest request_id_fingerprint(struct span request)
{
    struct request_id_digest digest;
    struct siphash hash;

    siphash_begin(&hash, digest_key);
    siphash_add(&hash, request.data, request.size);
    siphash_end(&hash, digest.words);
    return digest;
}

static struct entry **bucket_of(const struct request_ids *ids, struct request_id_digest key)
{
    return &ids->buckets[key.words[0] & (ids->bucket_count - 1)];
}

const struct request_id *request_ids_find(const struct request_ids *ids, struct request_id_digest key)
{
    for (const struct entry *entry = *bucket_of(ids, key); entry; entry = entry->next_in_bucket) {
        if (entry->content.key.words[0] == key.words[0] && entry->content.key.words[1] == key.words[1]) {
            return &entry->content;
        }
    }
    return NULL;
}

static int grow(struct request_ids *ids, struct err *err)
{
    size_t count = ids->bucket_count * 2;
    struct entry **buckets = calloc(count, sizeof(struct entry *));

    if (!buckets) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu request ids", count);
    }
    free(ids->buckets);
    ids->buckets = buckets;
    ids->bucket_count = count;
    for (struct entry *entry = ids->oldest; entry; entry = entry->next_younger) {
        struct entry **bucket = bucket_of(ids, entry->content.key);

        entry->next_in_bucket = *bucket;
        *bucket = entry;
    }
    return 0;
}

int request_ids_add(struct request_ids *ids, const struct request_id *content, struct err *err)
{
    struct entry **bucket;
    struct entry *entry;

    if (ids->count >= LIMIT_REQUEST_IDS) {
        return err_set(err, ERR_EXHAUSTED,
                       "more than %d calls with x-goog-request-id within a day; call without it, or later",
                       LIMIT_REQUEST_IDS);
    }
    if (ids->count == ids->bucket_count && grow(ids, err)) {
        return -1;
    }
    entry = malloc(sizeof *entry);
    if (!entry) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request id");
    }
    bucket = bucket_of(ids, content->key);
    *entry = (struct entry){*content, *bucket, NULL};
    *bucket = entry;
    if (ids->youngest) {
        ids->youngest->next_younger = entry;
    } else {
        ids->oldest = entry;
    }
    ids->youngest = entry;
    ids->count++;
    return 0;
}

const struct request_id *request_ids_expired(const struct request_ids *ids, int64_t now_unix_ns)
{
    return ids->oldest && ids->oldest->content.time_unix_ns <= now_unix_ns - LIFE_NS ? &ids->oldest->content : NULL;
}

void request_ids_drop_oldest(struct request_ids *ids)
{
    struct entry *entry = ids->oldest;
    struct entry **link = bucket_of(ids, entry->content.key);

    while (*link != entry) {
        link = &(*link)->next_in_bucket;
    }
    *link = entry->next_in_bucket;
    ids->oldest = entry->next_younger;
    if (!ids->oldest) {
        ids->youngest = NULL;
    }
    ids->count--;
    free(entry);
}

int64_t request_ids_next_ns(const struct request_ids *ids)
{
    return ids->oldest ? ids->oldest->content.time_unix_ns + LIFE_NS : INT64_MAX;
}

int request_id_encode(const struct request_id *entry, struct span parent, struct span request_id,
                      struct span kms_key_name, upb_Arena *arena, struct span *ret_bytes, struct err *err)
{
    STORE(RequestId) *msg = STORE(RequestId_new)(arena);
    google_protobuf_Timestamp *time = pb_time_make(arena, entry->time_unix_ns);
    size_t size;
    char *bytes;

    if (!msg || !time) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request id");
    }
    STORE(RequestId_set_parent)(msg, api_view(parent));
    STORE(RequestId_set_request_id)(msg, api_view(request_id));
    STORE(RequestId_set_job_id)(msg, entry->job_id);
    STORE(RequestId_set_kms_key_name)(msg, api_view(kms_key_name));
    STORE(RequestId_set_time)(msg, time);
    STORE(RequestId_set_fingerprint)
    (msg, upb_StringView_FromDataAndSize((const char *)entry->fingerprint.words, sizeof entry->fingerprint.words));
    bytes = STORE(RequestId_serialize)(msg, arena, &size);
    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a request id");
    }
    *ret_bytes = span_make(bytes, size);
    return 0;
}

int request_id_decode(uint64_t id, struct span bytes, struct request_id *ret_entry, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    STORE(RequestId) *msg = arena ? STORE(RequestId_parse)(bytes.data, bytes.size, arena) : NULL;
    struct span fingerprint = msg ? api_span(STORE(RequestId_fingerprint)(msg)) : span_make(NULL, 0);
    struct request_id entry = {.id = id};

    if (fingerprint.size != sizeof entry.fingerprint.words) {
        if (arena) {
            upb_Arena_Free(arena);
        }
        return err_set(err, ERR_CORRUPT, "the request id in row %llu does not decode", (unsigned long long)id);
    }
    memcpy(entry.fingerprint.words, fingerprint.data, fingerprint.size);
    entry.job_id = STORE(RequestId_job_id)(msg);
    entry.time_unix_ns = pb_time_read(STORE(RequestId_time)(msg));
    entry.key = request_id_key(api_span(STORE(RequestId_parent)(msg)), api_span(STORE(RequestId_request_id)(msg)));
    upb_Arena_Free(arena);
    *ret_entry = entry;
    return 0;
}
