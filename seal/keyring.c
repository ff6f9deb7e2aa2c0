#include "seal/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "seal/key_book.h"

#define RETRY_S 5

struct keyring {
    struct key_source *source; /* NULL: none */
    pthread_mutex_t asking;    /* one call of the source at a time; taken before mutex */
    struct key_book book;
    pthread_mutex_t mutex;
    pthread_cond_t quitting;
    bool has_aged; /* below: under mutex */
    bool quits;
    struct err last_failure; /* of the background */
    pthread_t thread;
    bool has_thread;
};

int keyring_create(struct key_source *source, struct keyring **ret_ring, struct err *err)
{
    struct keyring *ring = calloc(1, sizeof *ring);
    pthread_condattr_t attributes;

    if (!ring) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    ring->source = source;
    pthread_mutex_init(&ring->asking, NULL);
    key_book_init(&ring->book);
    pthread_mutex_init(&ring->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->quitting, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret_ring = ring;
    return 0;
}

void keyring_destroy(struct keyring *ring)
{
    if (!ring) {
        return;
    }
    if (ring->has_thread) {
        pthread_mutex_lock(&ring->mutex);
        ring->quits = true;
        pthread_cond_signal(&ring->quitting);
        pthread_mutex_unlock(&ring->mutex);
        pthread_join(ring->thread, NULL);
    }
    key_book_deinit(&ring->book);
    if (ring->source) {
        ring->source->destroy(ring->source);
    }
    pthread_cond_destroy(&ring->quitting);
    pthread_mutex_destroy(&ring->mutex);
    pthread_mutex_destroy(&ring->asking);
    free(ring);
}

const struct key_info *keyring_names(const struct keyring *ring, size_t *ret_count)
{
    *ret_count = 0;
    return ring->source ? ring->source->list(ring->source, ret_count) : NULL;
}

static const struct key_info *find_info(const struct keyring *ring, const char *name)
{
    struct key_info wanted = {name, NULL};
    size_t count;
    const struct key_info *infos = keyring_names(ring, &count);

    return count > 0 ? bsearch(&wanted, infos, count, sizeof wanted, key_info_compare) : NULL;
}

static int make_id(const uint8_t *secret, uint8_t id[SEAL_ID_BYTES], struct err *err)
{
    return seal_derive(secret, span_make(NULL, 0), "customjobd data key id 1", id, SEAL_ID_BYTES, err);
}

/* ---- making ---- */

/* What cannot be unwrapped again would be lost with the next start: a source that wraps it wrong is found out now. */
static int wrap_and_try(struct keyring *ring, const char *name, const uint8_t *secret, struct wrapped_key *ret_wrapped,
                        struct err *err)
{
    struct wrapped_key wrapped = {.size = 0};
    uint8_t *again;
    int result;

    if (seal_secret_alloc(&again, err) != 0) {
        return -1;
    }
    result = ring->source->wrap(ring->source, name, secret, &wrapped, err);
    if (result == 0) {
        result = ring->source->unwrap(ring->source, name, &wrapped, again, err);
    }
    if (result == 0 && memcmp(secret, again, SEAL_KEY_BYTES) != 0) {
        result = err_set(err, ERR_UNAVAILABLE, "version %s of the key \"%s\" does not give back what it wrapped",
                         wrapped.version, name);
    }
    seal_secret_free(again);
    if (result == 0) {
        *ret_wrapped = wrapped;
    }
    return result;
}

static int make_data_key(struct keyring *ring, const char *name, struct key_entry *entry, struct err *err)
{
    if (seal_secret_alloc(&entry->secret, err) != 0 || seal_random(entry->secret, SEAL_KEY_BYTES, err) != 0 ||
        make_id(entry->secret, entry->key.id, err) != 0) {
        return -1;
    }
    entry->key.secret = entry->secret;
    return wrap_and_try(ring, name, entry->secret, &entry->key.wrapped, err);
}

static int make_current(struct keyring *ring, const char *name, struct err *err)
{
    struct key_entry *entry;
    int result;

    pthread_mutex_lock(&ring->asking);
    if (key_book_current(&ring->book, name)) {
        pthread_mutex_unlock(&ring->asking);
        return 0;
    }
    result = key_entry_make(name, &entry, err);
    if (result == 0) {
        result = make_data_key(ring, name, entry, err);
        if (result == 0) {
            key_book_add(&ring->book, entry, true);
        } else {
            key_entry_drop(entry);
        }
    }
    pthread_mutex_unlock(&ring->asking);
    return result;
}

static int current(struct keyring *ring, struct span name_span, bool may_block, const struct data_key **ret_key,
                   struct err *err)
{
    char name[KEY_NAME_BYTES];
    const struct data_key *key;

    if (name_span.size < sizeof name) {
        memcpy(name, name_span.data, name_span.size);
        name[name_span.size] = '\0';
    }
    if (name_span.size >= sizeof name || !find_info(ring, name)) {
        return err_set(err, ERR_NOT_FOUND, "there is no key \"%.*s\"", SPAN_FORMAT(name_span));
    }
    key = key_book_current(&ring->book, name);
    if (!key && ring->source->is_slow && !may_block) {
        pthread_mutex_lock(&ring->mutex);
        err_set(err, ERR_UNAVAILABLE, "the key \"%s\" has not been heard of yet%s%s", name,
                ring->last_failure.code != ERR_NONE ? ": " : "", ring->last_failure.text);
        pthread_mutex_unlock(&ring->mutex);
        return -1;
    }
    if (!key) {
        if (make_current(ring, name, err) != 0) {
            return -1;
        }
        key = key_book_current(&ring->book, name);
    }
    *ret_key = key;
    return 0;
}

int keyring_current(struct keyring *ring, struct span name, const struct data_key **ret_key, struct err *err)
{
    return current(ring, name, false, ret_key, err);
}

int keyring_make(struct keyring *ring, struct span name, const struct data_key **ret_key, struct err *err)
{
    return current(ring, name, true, ret_key, err);
}

/* ---- meeting ---- */

static int unwrap(struct keyring *ring, struct key_entry *entry, struct err *err)
{
    uint8_t id[SEAL_ID_BYTES];

    if (!ring->source || !find_info(ring, entry->key.name)) {
        return err_set(err, ERR_NOT_FOUND, "there is no key \"%s\"", entry->key.name);
    }
    if (ring->source->unwrap(ring->source, entry->key.name, &entry->key.wrapped, entry->secret, err) != 0 ||
        make_id(entry->secret, id, err) != 0) {
        return -1;
    }
    if (memcmp(id, entry->key.id, sizeof id) != 0) {
        return err_set(err, ERR_DENIED, "version %s of the key \"%s\" is not the key that it was",
                       entry->key.wrapped.version, entry->key.name);
    }
    return 0;
}

/* Also of one that is open already: which wrapping several readers meet first is chance. */
static void note_age(struct keyring *ring, const struct data_key *key, const struct wrapped_key *wrapped)
{
    const struct key_info *info = key->secret ? find_info(ring, key->name) : NULL;

    if (info && strcmp(wrapped->version, info->primary) != 0) {
        pthread_mutex_lock(&ring->mutex);
        ring->has_aged = true;
        pthread_mutex_unlock(&ring->mutex);
    }
}

/* Takes up a data key of an earlier start; one that has aged is wrapped by the primary version from now on. */
static void take_up(struct keyring *ring, struct key_entry *entry)
{
    const char *primary = find_info(ring, entry->key.name)->primary;
    bool is_first = !key_book_current(&ring->book, entry->key.name);
    struct err ignored = ERR_INIT;
    struct key_entry *again;

    if (strcmp(entry->key.wrapped.version, primary) == 0) {
        key_book_add(&ring->book, entry, is_first);
        return;
    }
    note_age(ring, &entry->key, &entry->key.wrapped);
    if (!is_first || key_entry_make(entry->key.name, &again, &ignored) != 0) {
        key_book_add(&ring->book, entry, false);
        return;
    }
    again->key = entry->key;
    if (wrap_and_try(ring, entry->key.name, entry->secret, &again->key.wrapped, &ignored) != 0) {
        /* The old version still opens it: that does until the next start. */
        key_entry_drop(again);
        key_book_add(&ring->book, entry, true);
        return;
    }
    key_book_add(&ring->book, entry, false);
    key_book_add(&ring->book, again, true);
}

static int meet(struct keyring *ring, const uint8_t *id, const char *name, const struct wrapped_key *wrapped,
                const struct data_key **ret_key, struct err *err)
{
    struct err why = ERR_INIT;
    struct key_entry *entry;

    *ret_key = key_book_met(&ring->book, id, wrapped);
    if (*ret_key) {
        note_age(ring, *ret_key, wrapped);
        return 0;
    }
    if (key_entry_make(name, &entry, err) != 0) {
        return -1;
    }
    memcpy(entry->key.id, id, sizeof entry->key.id);
    entry->key.wrapped = *wrapped;
    if (seal_secret_alloc(&entry->secret, err) != 0) {
        key_entry_drop(entry);
        return -1;
    }
    *ret_key = &entry->key;
    if (unwrap(ring, entry, &why) == 0) {
        entry->key.secret = entry->secret;
        take_up(ring, entry);
    } else {
        entry->key.why_locked = why;
        key_book_add(&ring->book, entry, false);
    }
    return 0;
}

int keyring_meet(struct keyring *ring, const uint8_t *id, struct span name, const struct wrapped_key *wrapped,
                 const struct data_key **ret_key, struct err *err)
{
    char text[KEY_NAME_BYTES];
    const struct data_key *key = NULL;
    int result;

    if (name.size >= sizeof text) {
        return err_set(err, ERR_CORRUPT, "a key's name has %zu bytes", name.size);
    }
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    pthread_mutex_lock(&ring->asking);
    result = meet(ring, id, text, wrapped, &key, err);
    pthread_mutex_unlock(&ring->asking);
    if (result == 0) {
        *ret_key = key;
    }
    return result;
}

int keyring_wrap(struct keyring *ring, const struct data_key *key, struct wrapped_key *ret_wrapped, struct err *err)
{
    int result;

    pthread_mutex_lock(&ring->asking);
    result = wrap_and_try(ring, key->name, key->secret, ret_wrapped, err);
    pthread_mutex_unlock(&ring->asking);
    return result;
}

bool keyring_has_aged(struct keyring *ring)
{
    bool has_aged;

    pthread_mutex_lock(&ring->mutex);
    has_aged = ring->has_aged;
    pthread_mutex_unlock(&ring->mutex);
    return has_aged;
}

/* ---- the background ---- */

/* One round over all names. False: some are missing. */
static bool make_all(struct keyring *ring)
{
    size_t count;
    const struct key_info *infos = keyring_names(ring, &count);
    struct err failure = ERR_INIT;
    bool quits = false;

    for (size_t i = 0; i < count && !quits; i++) {
        struct err err = ERR_INIT;

        if (make_current(ring, infos[i].name, &err) != 0) {
            failure = err;
        }
        pthread_mutex_lock(&ring->mutex);
        quits = ring->quits;
        pthread_mutex_unlock(&ring->mutex);
    }
    pthread_mutex_lock(&ring->mutex);
    ring->last_failure = failure;
    pthread_mutex_unlock(&ring->mutex);
    return failure.code == ERR_NONE;
}

static void *run(void *context)
{
    struct keyring *ring = context;

    pthread_setname_np(pthread_self(), "keys");
    while (!make_all(ring)) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += RETRY_S;
        pthread_mutex_lock(&ring->mutex);
        while (!ring->quits && pthread_cond_timedwait(&ring->quitting, &ring->mutex, &until) == 0) {
        }
        if (ring->quits) {
            pthread_mutex_unlock(&ring->mutex);
            break;
        }
        pthread_mutex_unlock(&ring->mutex);
    }
    return NULL;
}

int keyring_start(struct keyring *ring, struct err *err)
{
    int result;

    if (!ring->source || !ring->source->is_slow) {
        return 0;
    }
    result = pthread_create(&ring->thread, NULL, run, ring);
    if (result != 0) {
        return err_set_errno(err, result, "cannot make the thread that asks for keys");
    }
    ring->has_thread = true;
    return 0;
}
