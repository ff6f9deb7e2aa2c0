#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A mutex and not a lock-free list: it is held for a few instructions, pushes keep their order, and the bound is exact. */
struct mailbox {
    pthread_mutex_t mutex;
    struct mail *first;
    struct mail **last_next; /* where the next message is hung */
    size_t count;
    size_t capacity;
    bool closed;
    int fd;
};

int mailbox_create(size_t capacity, struct mailbox **ret_mailbox, struct err *err)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);

    if (!mailbox) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a mailbox");
    }
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        err_set_errno(err, errno, "cannot make an eventfd");
        free(mailbox);
        return -1;
    }
    pthread_mutex_init(&mailbox->mutex, NULL);
    mailbox->last_next = &mailbox->first;
    mailbox->capacity = capacity;
    *ret_mailbox = mailbox;
    return 0;
}

void mailbox_destroy(struct mailbox *mailbox)
{
    if (mailbox) {
        close(mailbox->fd);
        pthread_mutex_destroy(&mailbox->mutex);
        free(mailbox);
    }
}

static void wake(const struct mailbox *mailbox)
{
    uint64_t one = 1;
    ssize_t written;

    /* The only other outcome is EAGAIN of a counter at its top: then the fd is readable anyway. */
    do {
        written = write(mailbox->fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

enum mailbox_push_result mailbox_push(struct mailbox *mailbox, struct mail *mail)
{
    enum mailbox_push_result result = MAILBOX_PUSHED;
    bool was_empty = false;

    pthread_mutex_lock(&mailbox->mutex);
    if (mailbox->closed) {
        result = MAILBOX_CLOSED;
    } else if (mailbox->count >= mailbox->capacity) {
        result = MAILBOX_FULL;
    } else {
        was_empty = mailbox->count == 0;
        mail->next = NULL;
        *mailbox->last_next = mail;
        mailbox->last_next = &mail->next;
        mailbox->count++;
        /* Within the lock: the receiver may destroy the mailbox as soon as it has this message. */
        if (was_empty) {
            wake(mailbox);
        }
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return result;
}

struct mail *mailbox_drain(struct mailbox *mailbox)
{
    struct mail *first;

    pthread_mutex_lock(&mailbox->mutex);
    first = mailbox->first;
    if (first) {
        uint64_t count;

        mailbox->first = NULL;
        mailbox->last_next = &mailbox->first;
        mailbox->count = 0;
        /* EAGAIN only if somebody else read the fd, which nobody may. */
        while (read(mailbox->fd, &count, sizeof count) < 0 && errno == EINTR) {
        }
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return first;
}

void mailbox_close(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    pthread_mutex_unlock(&mailbox->mutex);
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}
