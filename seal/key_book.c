#include "seal/key_book.h"

#include <stdlib.h>
#include <string.h>

void key_book_init(struct key_book *book)
{
    book->entries = NULL;
    pthread_mutex_init(&book->mutex, NULL);
}

void key_book_deinit(struct key_book *book)
{
    while (book->entries) {
        struct key_entry *entry = book->entries;

        book->entries = entry->next;
        key_entry_drop(entry);
    }
    pthread_mutex_destroy(&book->mutex);
}

int key_entry_make(const char *name, struct key_entry **ret_entry, struct err *err)
{
    struct key_entry *entry = calloc(1, sizeof *entry);

    if (!entry) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    memcpy(entry->key.name, name, strlen(name) + 1);
    *ret_entry = entry;
    return 0;
}

void key_entry_drop(struct key_entry *entry)
{
    seal_secret_free(entry->secret);
    free(entry);
}

void key_book_add(struct key_book *book, struct key_entry *entry, bool is_current)
{
    pthread_mutex_lock(&book->mutex);
    entry->is_current = is_current;
    entry->next = book->entries;
    book->entries = entry;
    pthread_mutex_unlock(&book->mutex);
}

const struct data_key *key_book_current(struct key_book *book, const char *name)
{
    const struct data_key *key = NULL;

    pthread_mutex_lock(&book->mutex);
    for (const struct key_entry *entry = book->entries; entry && !key; entry = entry->next) {
        if (entry->is_current && strcmp(entry->key.name, name) == 0) {
            key = &entry->key;
        }
    }
    pthread_mutex_unlock(&book->mutex);
    return key;
}

const struct data_key *key_book_met(struct key_book *book, const uint8_t *id, const struct wrapped_key *wrapped)
{
    const struct data_key *found = NULL;

    pthread_mutex_lock(&book->mutex);
    for (const struct key_entry *entry = book->entries; entry; entry = entry->next) {
        const struct data_key *key = &entry->key;
        bool is_same = key->wrapped.size == wrapped->size && strcmp(key->wrapped.version, wrapped->version) == 0 &&
                       memcmp(key->wrapped.bytes, wrapped->bytes, wrapped->size) == 0;

        if (memcmp(key->id, id, SEAL_ID_BYTES) != 0) {
            continue;
        }
        if (key->secret) {
            found = key;
            break;
        }
        found = is_same ? key : found;
    }
    pthread_mutex_unlock(&book->mutex);
    return found;
}
