#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
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
    uint64_t wakes;      /* written to the fd, or about to be; atomic */
    uint64_t wakes_seen; /* read from it; the receiver's */
    unsigned pushing;    /* pushes under way, which may still have to wake; atomic */
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

/* Its message may have been seen, and led to this, before the push that brought it is through. */
static void wait_for_pushes(const struct mailbox *mailbox)
{
    while (__atomic_load_n(&mailbox->pushing, __ATOMIC_ACQUIRE) > 0) {
        sched_yield();
    }
}

void mailbox_destroy(struct mailbox *mailbox)
{
    if (mailbox) {
        wait_for_pushes(mailbox);
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

    __atomic_add_fetch(&mailbox->pushing, 1, __ATOMIC_RELAXED);
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
        if (was_empty) {
            __atomic_add_fetch(&mailbox->wakes, 1, __ATOMIC_RELAXED);
        }
    }
    pthread_mutex_unlock(&mailbox->mutex);
    if (was_empty) { /* outside of the lock, which the receiver would wake up only to wait for */
        wake(mailbox);
    }
    __atomic_sub_fetch(&mailbox->pushing, 1, __ATOMIC_RELEASE);
    return result;
}

/* EAGAIN: the sender has not got so far; it will wake a receiver that finds nothing. */
static void clear_wakes(struct mailbox *mailbox)
{
    uint64_t count = 0;
    ssize_t got;

    do {
        got = read(mailbox->fd, &count, sizeof count);
    } while (got < 0 && errno == EINTR);
    mailbox->wakes_seen += got == (ssize_t)sizeof count ? count : 0;
}

struct mail *mailbox_drain(struct mailbox *mailbox)
{
    struct mail *first;

    /* Before the messages are taken: a wake that is cleared is of a message that is there. */
    if (__atomic_load_n(&mailbox->wakes, __ATOMIC_RELAXED) != mailbox->wakes_seen) {
        clear_wakes(mailbox);
    }
    pthread_mutex_lock(&mailbox->mutex);
    first = mailbox->first;
    if (first) {
        mailbox->first = NULL;
        mailbox->last_next = &mailbox->first;
        mailbox->count = 0;
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return first;
}

bool mailbox_has_mail(struct mailbox *mailbox)
{
    bool has_mail;

    pthread_mutex_lock(&mailbox->mutex);
    has_mail = mailbox->count > 0;
    pthread_mutex_unlock(&mailbox->mutex);
    return has_mail;
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
