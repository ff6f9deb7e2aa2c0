#include "buckets/tree_sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define SWEEP_NS (INT64_C(3600) * CLOCK_NS_PER_S)
#define UNFINISHED_AGE_S (24 * 3600)

void tree_random_name(char name[TREE_RANDOM_NAME_BYTES])
{
    unsigned char bytes[(TREE_RANDOM_NAME_BYTES - 1) / 2];

    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        abort(); /* OpenSSL has no randomness: nothing that is sealed or served over TLS is safe either */
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(name + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void sweep_directory(int dir_fd, int64_t age_s)
{
    int fd = tree_open_beneath(dir_fd, "", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (!dir) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    while ((entry = readdir(dir))) {
        struct stat status;

        if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
            status.st_mtim.tv_sec < time(NULL) - age_s) {
            (void)unlinkat(fd, entry->d_name, 0); /* the next sweep tries again */
        }
    }
    closedir(dir);
}

void tree_sweep(struct bucket_tree *tree)
{
    int64_t now = clock_mono_ns(clock_system());
    bool is_due;

    pthread_mutex_lock(&tree->lock);
    is_due = tree->swept_mono_ns == 0 || now - tree->swept_mono_ns >= SWEEP_NS;
    tree->swept_mono_ns = is_due ? now : tree->swept_mono_ns;
    pthread_mutex_unlock(&tree->lock);
    if (is_due) {
        sweep_directory(tree->unfinished_fd, UNFINISHED_AGE_S);
        sweep_directory(tree->uploads_fd, LIMIT_UPLOAD_AGE_S);
    }
}
