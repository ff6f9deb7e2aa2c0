#include "seal/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONCE_BYTES 12
#define FILE_WRAPPED_BYTES (NONCE_BYTES + SEAL_KEY_BYTES + SEAL_TAG_BYTES)
/* base64 of 32 bytes: 43 characters and one "=". */
#define KEY_CHARS 44

struct file_key {
    char *name;
    char version[KEY_VERSION_BYTES];
    bool primary;
    uint8_t *secret;
};

struct key_file {
    struct key_source source; /* first */
    struct file_key *keys;
    size_t count, capacity;
    struct key_info *infos;
    size_t info_count;
};

static struct key_file *self_of(struct key_source *source)
{
    return (struct key_file *)source;
}

static void destroy(struct key_source *source)
{
    struct key_file *self = self_of(source);

    for (size_t i = 0; i < self->count; i++) {
        free(self->keys[i].name);
        seal_secret_free(self->keys[i].secret);
    }
    free(self->keys);
    free(self->infos);
    free(self);
}

/* ---- wrapping ---- */

/* version NULL: the primary one. */
static const struct file_key *find(const struct key_file *self, const char *name, const char *version)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct file_key *key = &self->keys[i];

        if (strcmp(key->name, name) == 0 && (version ? strcmp(key->version, version) == 0 : key->primary)) {
            return key;
        }
    }
    return NULL;
}

/* The random nonce is spent on a key of its own, so that its 96 bits need not do for all wraps there will ever be. */
static int make_box(const struct file_key *key, const uint8_t *nonce, struct seal_box **ret_box, struct err *err)
{
    char purpose[KEY_NAME_BYTES + KEY_VERSION_BYTES + 32];
    uint8_t *derived;
    int result;

    (void)snprintf(purpose, sizeof purpose, "customjobd wrap 1 %s %s", key->name, key->version);
    if (seal_secret_alloc(&derived, err) != 0) {
        return -1;
    }
    result = seal_derive(key->secret, span_make(nonce, NONCE_BYTES), purpose, derived, SEAL_KEY_BYTES, err);
    if (result == 0) {
        result = seal_box_create(derived, ret_box, err);
    }
    seal_secret_free(derived);
    return result;
}

static int wrap(struct key_source *source, const char *name, const uint8_t *data_key, struct wrapped_key *ret_wrapped,
                struct err *err)
{
    const struct file_key *key = find(self_of(source), name, NULL);
    struct wrapped_key wrapped = {.size = FILE_WRAPPED_BYTES};
    struct seal_box *box;
    int result;

    if (!key) {
        return err_set(err, ERR_NOT_FOUND, "the key file has no key \"%s\"", name);
    }
    if (seal_random(wrapped.bytes, NONCE_BYTES, err) != 0 || make_box(key, wrapped.bytes, &box, err) != 0) {
        return -1;
    }
    result = seal_box_seal(box, 0, span_make(NULL, 0), span_make(data_key, SEAL_KEY_BYTES), wrapped.bytes + NONCE_BYTES,
                           err);
    seal_box_destroy(box);
    if (result != 0) {
        return -1;
    }
    memcpy(wrapped.version, key->version, sizeof wrapped.version);
    *ret_wrapped = wrapped;
    return 0;
}

static int unwrap(struct key_source *source, const char *name, const struct wrapped_key *wrapped, uint8_t *data_key,
                  struct err *err)
{
    const struct file_key *key = find(self_of(source), name, wrapped->version);
    struct seal_box *box;
    int result;

    if (!key) {
        return err_set(err, ERR_NOT_FOUND, "the key file has no version %s of the key \"%s\"", wrapped->version, name);
    }
    if (wrapped->size != FILE_WRAPPED_BYTES) {
        return err_set(err, ERR_DENIED, "the key \"%s\" did not wrap %u bytes; a key file was not what wrapped them",
                       name, wrapped->size);
    }
    if (make_box(key, wrapped->bytes, &box, err) != 0) {
        return -1;
    }
    result = seal_box_open(box, 0, span_make(NULL, 0),
                           span_make(wrapped->bytes + NONCE_BYTES, FILE_WRAPPED_BYTES - NONCE_BYTES), data_key, err);
    seal_box_destroy(box);
    if (result != 0 && err->code == ERR_DENIED) {
        return err_set(err, ERR_DENIED, "version %s of the key \"%s\" is not the key that it was", wrapped->version,
                       name);
    }
    return result;
}

static const struct key_info *list(struct key_source *source, size_t *ret_count)
{
    *ret_count = self_of(source)->info_count;
    return self_of(source)->infos;
}

/* ---- reading ---- */

/* The next word of the line, NUL terminated in place; NULL at its end. */
static char *take_word(char **line)
{
    char *word = *line + strspn(*line, " \t\r");
    size_t size = strcspn(word, " \t\r");

    if (size == 0) {
        return NULL;
    }
    *line = word + size;
    if (**line) {
        *(*line)++ = '\0';
    }
    return word;
}

static bool decode_key(const char *text, uint8_t *secret)
{
    uint8_t bytes[KEY_CHARS / 4 * 3];
    bool is_key = strlen(text) == KEY_CHARS && text[KEY_CHARS - 1] == '=' && text[KEY_CHARS - 2] != '=' &&
                  EVP_DecodeBlock(bytes, (const uint8_t *)text, KEY_CHARS) == (int)sizeof bytes;

    if (is_key) {
        memcpy(secret, bytes, SEAL_KEY_BYTES);
    }
    seal_wipe(bytes, sizeof bytes);
    return is_key;
}

static int add_key(struct key_file *self, const char *name, const char *version, const char *text, bool primary,
                   struct err *err)
{
    struct file_key *key;

    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 16;
        struct file_key *keys = realloc(self->keys, capacity * sizeof *keys);

        if (!keys) {
            return err_set(err, ERR_EXHAUSTED, "no memory for keys");
        }
        self->keys = keys;
        self->capacity = capacity;
    }
    key = &self->keys[self->count];
    *key = (struct file_key){.name = strdup(name), .primary = primary};
    (void)snprintf(key->version, sizeof key->version, "%s", version);
    self->count++;
    if (!key->name || seal_secret_alloc(&key->secret, err) != 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    return decode_key(text, key->secret)
               ? 0
               : err_set(err, ERR_INVALID, "the key is not 32 bytes in base64 (`openssl rand -base64 32` makes one)");
}

/* Never says a word of the line: it may hold a key. */
static int read_line(struct key_file *self, char *line, struct err *err)
{
    const char *name = take_word(&line), *version, *text, *mark;
    const char *fault;

    if (!name || name[0] == '#') {
        return 0;
    }
    version = take_word(&line);
    text = version ? take_word(&line) : NULL;
    mark = text ? take_word(&line) : NULL;
    if (!text || (mark && (strcmp(mark, "primary") != 0 || take_word(&line)))) {
        return err_set(err, ERR_INVALID, "a line is NAME VERSION KEY, and \"primary\" behind one of a key's versions");
    }
    fault = key_name_fault(span_of(name));
    if (fault) {
        return err_set(err, ERR_INVALID, "the key's name %s", fault);
    }
    if (strlen(version) >= KEY_VERSION_BYTES) {
        return err_set(err, ERR_INVALID, "a version has at most %d characters", KEY_VERSION_BYTES - 1);
    }
    if (find(self, name, version)) {
        return err_set(err, ERR_INVALID, "version %s of \"%s\" is there twice", version, name);
    }
    if (mark && find(self, name, NULL)) {
        return err_set(err, ERR_INVALID, "\"%s\" has two primary versions", name);
    }
    return add_key(self, name, version, text, mark != NULL, err);
}

static int read_lines(struct key_file *self, char *text, struct err *err)
{
    size_t number = 1;

    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        if (read_line(self, line, err) != 0) {
            return err_wrap(err, "line %zu", number);
        }
    }
    return 0;
}

/* A name with one version needs no word to tell its primary one. */
static int choose_primaries(struct key_file *self, struct err *err)
{
    self->infos = calloc(self->count + 1, sizeof *self->infos);
    if (!self->infos) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    for (size_t i = 0; i < self->count; i++) {
        struct file_key *key = &self->keys[i];

        if (!find(self, key->name, NULL)) {
            for (size_t j = i + 1; j < self->count; j++) {
                if (strcmp(self->keys[j].name, key->name) == 0) {
                    return err_set(err, ERR_INVALID, "none of the versions of \"%s\" is primary", key->name);
                }
            }
            key->primary = true;
        }
        if (key->primary) {
            self->infos[self->info_count++] = (struct key_info){key->name, key->version};
        }
    }
    if (self->info_count == 0) {
        return err_set(err, ERR_INVALID, "there is no key in it");
    }
    qsort(self->infos, self->info_count, sizeof *self->infos, key_info_compare);
    return 0;
}

static int check_status(int fd, off_t *ret_size, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return err_set_errno(err, errno, "cannot look at it");
    }
    if (!S_ISREG(status.st_mode) || status.st_size > KEY_FILE_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "it is no file of at most %d bytes", KEY_FILE_BYTES_MAX);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 || (status.st_uid != geteuid() && status.st_uid != 0)) {
        return err_set(err, ERR_DENIED, "others can read or write it; make it this user's own, mode 0600");
    }
    *ret_size = status.st_size;
    return 0;
}

static int read_file(struct key_file *self, int fd, struct err *err)
{
    off_t size = 0;
    size_t used = 0;
    ssize_t got = 1;
    char *text;
    int result;

    if (check_status(fd, &size, err) != 0) {
        return -1;
    }
    text = malloc((size_t)size + 1);
    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    while (used < (size_t)size && got > 0) {
        got = read(fd, text + used, (size_t)size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    text[used] = '\0';
    result = got < 0                       ? err_set_errno(err, errno, "cannot read it")
             : memchr(text, '\0', used)    ? err_set(err, ERR_INVALID, "it is no text")
             : read_lines(self, text, err) ? -1
                                           : choose_primaries(self, err);
    seal_wipe(text, used);
    free(text);
    return result;
}

int key_file_open(const char *path, struct key_source **ret_source, struct err *err)
{
    struct key_file *self = calloc(1, sizeof *self);
    int fd, result;

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    self->source = (struct key_source){.list = list, .wrap = wrap, .unwrap = unwrap, .destroy = destroy};
    fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    result = fd < 0 ? err_set(err, ERR_INVALID, "%s", strerror(errno)) : read_file(self, fd, err);
    if (fd >= 0) {
        close(fd);
    }
    if (result != 0) {
        destroy(&self->source);
        return err_wrap(err, "the key file %s", path);
    }
    *ret_source = &self->source;
    return 0;
}
