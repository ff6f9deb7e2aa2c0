/* mailbox: a bounded queue from many threads to one, with a file descriptor to wait on.
 *
 * Used by   whoever hands work to the controller or to an executor thread.
 * Shape     intrusive: put a struct mail into your message, first member. First in, first out per sender.
 * Owns      no message: pushing hands the message's ownership to the receiver, a refused push does not.
 * Thread    mailbox_push from any thread; everything else from the one receiver.
 * Blocks    never. The fd (an eventfd) is readable while there may be mail; mailbox_drain clears it.
 * Errors    a full or closed mailbox refuses: MAILBOX_FULL, MAILBOX_CLOSED.
 */
#ifndef BASE_MAILBOX_H_
#define BASE_MAILBOX_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

C_DECLS_BEGIN

struct mail {
    struct mail *next; /* the mailbox's while queued */
};

enum mailbox_push_result { MAILBOX_PUSHED, MAILBOX_FULL, MAILBOX_CLOSED };

struct mailbox;

/* capacity: messages held at most; above it pushes are refused. */
MUST_USE int mailbox_create(size_t capacity, struct mailbox **ret_mailbox, struct err *err);
/* The mailbox must be empty or its messages be nobody's. */
void mailbox_destroy(struct mailbox *mailbox);

MUST_USE enum mailbox_push_result mailbox_push(struct mailbox *mailbox, struct mail *mail);

/* Takes everything queued, oldest first, as a list linked by next; NULL when empty. */
struct mail *mailbox_drain(struct mailbox *mailbox);
/* True when a drain would find something. */
bool mailbox_has_mail(struct mailbox *mailbox);
/* From now on pushes are refused; what is queued can still be drained. Any thread. */
void mailbox_close(struct mailbox *mailbox);
int mailbox_fd(const struct mailbox *mailbox);

C_DECLS_END

#endif /* BASE_MAILBOX_H_ */
