/* key_book: the data keys that a server has made or met, open and locked.
 *
 * Used by   keyring.c, which makes and opens them.
 * Shape     entries are added and never change or go, until deinit.
 * Owns      its entries and their secrets.
 * Thread    any, but init and deinit.      Blocks    never.
 * Errors    ERR_EXHAUSTED: memory.
 */
#ifndef SEAL_KEY_BOOK_H_
#define SEAL_KEY_BOOK_H_

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "seal/keyring.h"

C_DECLS_BEGIN

struct key_entry {
    struct key_entry *next;
    struct data_key key;
    uint8_t *secret; /* of the entry that made it; those wrapped again borrow it */
    bool is_current;
};

struct key_book {
    pthread_mutex_t mutex;
    struct key_entry *entries; /* under mutex; the newest first */
};

/* Of that name, without a key; the caller's until it is added. */
MUST_USE int key_entry_make(const char *name, struct key_entry **ret_entry, struct err *err);
/* The secret too. */
void key_entry_drop(struct key_entry *entry);

void key_book_init(struct key_book *book);
void key_book_deinit(struct key_book *book);
/* is_current: what its name is sealed with from now on. */
void key_book_add(struct key_book *book, struct key_entry *entry, bool is_current);
/* What the name is sealed with; NULL: none yet. */
const struct data_key *key_book_current(struct key_book *book, const char *name);
/* An open one of that id does, however it was wrapped; a locked one is not asked for twice in the same wrapping. NULL:
 * none. */
const struct data_key *key_book_met(struct key_book *book, const uint8_t *id, const struct wrapped_key *wrapped);

C_DECLS_END

#endif /* SEAL_KEY_BOOK_H_ */
