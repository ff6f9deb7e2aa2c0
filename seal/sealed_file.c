#include "seal/sealed_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"

#define MAGIC "CJSEALF1"
#define VERSION 1
#define SLOT_BYTES (SEALED_FILE_HEAD_BYTES / 2)
#define SEALED_CHUNK_BYTES (SEALED_FILE_CHUNK_BYTES + SEAL_TAG_BYTES)
#define ROLE_BYTES_MAX 512

/* Offsets in a slot. */
enum { AT_CRC = 8, AT_VERSION = 12, AT_COUNT = 16, AT_FILE_ID = 24, AT_DATA_KEY_ID = 40, AT_SIZES = 56, AT_TEXTS = 64 };

struct head {
    uint64_t count;
    int slot;
    uint8_t file_id[SEAL_ID_BYTES];
    uint8_t data_key_id[SEAL_ID_BYTES];
    char name[KEY_NAME_BYTES];
    struct wrapped_key wrapped;
};

struct sealed_reader {
    int fd;
    uint64_t size;
    struct seal_box *box;
    char role[ROLE_BYTES_MAX];
    size_t role_bytes;
    uint64_t chunk; /* number of the one in memory, UINT64_MAX: none */
    size_t chunk_bytes;
    uint8_t sealed[SEALED_CHUNK_BYTES];
    uint8_t plain[SEALED_FILE_CHUNK_BYTES];
};

/* ---- bytes ---- */

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

static int read_at(int fd, void *bytes, size_t size, uint64_t offset, size_t *ret_got, struct err *err)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = pread(fd, (char *)bytes + used, size - used, (off_t)(offset + used));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, errno, "cannot read a file to be sealed or sealed");
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    *ret_got = used;
    return 0;
}

static int write_at(int fd, const void *bytes, size_t size, uint64_t offset, struct err *err)
{
    size_t used = 0;

    while (used < size) {
        ssize_t put_bytes = pwrite(fd, (const char *)bytes + used, size - used, (off_t)(offset + used));

        if (put_bytes < 0 && errno == EINTR) {
            continue;
        }
        if (put_bytes < 0) {
            return err_set_errno(err, errno, "cannot write a sealed file");
        }
        used += (size_t)put_bytes;
    }
    return 0;
}

/* ---- the head ---- */

static uint32_t slot_crc(const uint8_t *slot)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(slot, AT_CRC);

    crc = crc32c_extend(crc, zero, sizeof zero);
    return crc32c_extend(crc, slot + AT_VERSION, SLOT_BYTES - AT_VERSION);
}

static void encode_slot(const struct head *head, uint8_t slot[SLOT_BYTES])
{
    size_t name_bytes = strlen(head->name), version_bytes = strlen(head->wrapped.version);

    memset(slot, 0, SLOT_BYTES);
    memcpy(slot, MAGIC, 8);
    put(slot + AT_VERSION, VERSION, 4);
    put(slot + AT_COUNT, head->count, 8);
    memcpy(slot + AT_FILE_ID, head->file_id, SEAL_ID_BYTES);
    memcpy(slot + AT_DATA_KEY_ID, head->data_key_id, SEAL_ID_BYTES);
    put(slot + AT_SIZES, name_bytes, 2);
    put(slot + AT_SIZES + 2, version_bytes, 2);
    put(slot + AT_SIZES + 4, head->wrapped.size, 2);
    memcpy(slot + AT_TEXTS, head->name, name_bytes);
    memcpy(slot + AT_TEXTS + name_bytes, head->wrapped.version, version_bytes);
    memcpy(slot + AT_TEXTS + name_bytes + version_bytes, head->wrapped.bytes, head->wrapped.size);
    put(slot + AT_CRC, slot_crc(slot), 4);
}

static bool decode_slot(const uint8_t *slot, struct head *head)
{
    size_t name_bytes = get(slot + AT_SIZES, 2), version_bytes = get(slot + AT_SIZES + 2, 2);
    size_t wrapped_bytes = get(slot + AT_SIZES + 4, 2);

    if (memcmp(slot, MAGIC, 8) != 0 || get(slot + AT_CRC, 4) != slot_crc(slot) ||
        get(slot + AT_VERSION, 4) != VERSION || name_bytes >= KEY_NAME_BYTES || version_bytes >= KEY_VERSION_BYTES ||
        wrapped_bytes > WRAPPED_BYTES_MAX) {
        return false;
    }
    memset(head, 0, sizeof *head);
    head->count = get(slot + AT_COUNT, 8);
    memcpy(head->file_id, slot + AT_FILE_ID, SEAL_ID_BYTES);
    memcpy(head->data_key_id, slot + AT_DATA_KEY_ID, SEAL_ID_BYTES);
    memcpy(head->name, slot + AT_TEXTS, name_bytes);
    memcpy(head->wrapped.version, slot + AT_TEXTS + name_bytes, version_bytes);
    memcpy(head->wrapped.bytes, slot + AT_TEXTS + name_bytes + version_bytes, wrapped_bytes);
    head->wrapped.size = (uint16_t)wrapped_bytes;
    return true;
}

static int read_head(int fd, struct head *ret_head, struct err *err)
{
    uint8_t bytes[SEALED_FILE_HEAD_BYTES];
    struct head heads[2];
    bool are_valid[2];
    size_t got;
    int best;

    if (read_at(fd, bytes, sizeof bytes, 0, &got, err) != 0) {
        return -1;
    }
    if (got < sizeof bytes) {
        return err_set(err, ERR_CORRUPT, "the sealed file is cut off");
    }
    for (int i = 0; i < 2; i++) {
        are_valid[i] = decode_slot(bytes + (size_t)i * SLOT_BYTES, &heads[i]);
        heads[i].slot = i;
    }
    if (!are_valid[0] && !are_valid[1]) {
        return err_set(err, ERR_CORRUPT, "the head of the sealed file is damaged");
    }
    best = !are_valid[0] || (are_valid[1] && heads[1].count > heads[0].count) ? 1 : 0;
    *ret_head = heads[best];
    return 0;
}

/* Into the slot that is not the valid one. */
static int write_head(int fd, struct head *head, struct err *err)
{
    uint8_t slot[SLOT_BYTES];

    head->count++;
    head->slot = 1 - head->slot;
    encode_slot(head, slot);
    return write_at(fd, slot, sizeof slot, (uint64_t)head->slot * SLOT_BYTES, err);
}

/* ---- chunks ---- */

static int make_box(const struct data_key *key, const uint8_t *file_id, struct seal_box **ret_box, struct err *err)
{
    uint8_t *derived;
    int result;

    if (seal_secret_alloc(&derived, err) != 0) {
        return -1;
    }
    result =
        seal_derive(key->secret, span_make(file_id, SEAL_ID_BYTES), "customjobd file 1", derived, SEAL_KEY_BYTES, err);
    if (result == 0) {
        result = seal_box_create(derived, ret_box, err);
    }
    seal_secret_free(derived);
    return result;
}

static struct span bound_of(struct span role, bool is_last, char memory[ROLE_BYTES_MAX + 8])
{
    memcpy(memory, "CJF1", 4);
    put((uint8_t *)memory + 4, is_last, 4);
    memcpy(memory + 8, role.data, role.size);
    return span_make(memory, role.size + 8);
}

static int write_chunks(struct seal_box *box, struct span role, int from_fd, int to_fd, struct err *err)
{
    uint8_t *memory = malloc((size_t)SEALED_FILE_CHUNK_BYTES + 1 + SEALED_CHUNK_BYTES);
    uint8_t *sealed = memory ? memory + SEALED_FILE_CHUNK_BYTES + 1 : NULL;
    char bound[ROLE_BYTES_MAX + 8];
    bool is_last = false;
    int result = memory ? 0 : err_set(err, ERR_EXHAUSTED, "no memory to seal a file");

    for (uint64_t number = 0; result == 0 && !is_last; number++) {
        size_t got = 0;

        /* One byte more, to know whether anything follows. */
        result =
            read_at(from_fd, memory, (size_t)SEALED_FILE_CHUNK_BYTES + 1, number * SEALED_FILE_CHUNK_BYTES, &got, err);
        is_last = got <= SEALED_FILE_CHUNK_BYTES;
        got = is_last ? got : SEALED_FILE_CHUNK_BYTES;
        if (result == 0) {
            result = seal_box_seal(box, number, bound_of(role, is_last, bound), span_make(memory, got), sealed, err);
        }
        if (result == 0) {
            result = write_at(to_fd, sealed, got + SEAL_TAG_BYTES, SEALED_FILE_HEAD_BYTES + number * SEALED_CHUNK_BYTES,
                              err);
        }
    }
    free(memory);
    return result;
}

int sealed_file_write(struct keyring *ring, struct span key_name, struct span role, int from_fd, int to_fd,
                      struct err *err)
{
    const struct data_key *key;
    struct head head = {.slot = 1};
    struct seal_box *box;
    int result;

    if (role.size > ROLE_BYTES_MAX) {
        return err_set(err, ERR_INTERNAL, "a role of %zu bytes", role.size);
    }
    if (keyring_make(ring, key_name, &key, err) != 0 || seal_random(head.file_id, sizeof head.file_id, err) != 0 ||
        make_box(key, head.file_id, &box, err) != 0) {
        return -1;
    }
    memcpy(head.data_key_id, key->id, sizeof head.data_key_id);
    memcpy(head.name, key->name, sizeof head.name);
    head.wrapped = key->wrapped;
    result = write_chunks(box, role, from_fd, to_fd, err) == 0 ? write_head(to_fd, &head, err) : -1;
    seal_box_destroy(box);
    return result;
}

int sealed_file_rewrap(struct keyring *ring, int fd, bool *ret_changed, struct err *err)
{
    const struct data_key *key, *current;
    struct head head;

    *ret_changed = false;
    if (read_head(fd, &head, err) != 0 ||
        keyring_meet(ring, head.data_key_id, span_of(head.name), &head.wrapped, &key, err) != 0) {
        return -1;
    }
    if (!key->secret) {
        *err = key->why_locked;
        return -1;
    }
    if (keyring_make(ring, span_of(head.name), &current, err) != 0) {
        return -1;
    }
    if (strcmp(current->wrapped.version, head.wrapped.version) == 0) {
        return 0;
    }
    if (keyring_wrap(ring, key, &head.wrapped, err) != 0 || write_head(fd, &head, err) != 0) {
        return -1;
    }
    if (fdatasync(fd) != 0) {
        return err_set_errno(err, errno, "cannot write a sealed file");
    }
    *ret_changed = true;
    return 0;
}

/* ---- reading ---- */

static int open_reader(struct keyring *ring, struct sealed_reader *reader, struct err *err)
{
    const struct data_key *key;
    struct stat status;
    struct head head;
    uint64_t body, chunks;

    if (read_head(reader->fd, &head, err) != 0) {
        return -1;
    }
    if (fstat(reader->fd, &status) != 0) {
        return err_set_errno(err, errno, "cannot look at a sealed file");
    }
    if (!ring) {
        return err_set(err, ERR_PRECONDITION, "it is sealed with the key \"%s\", which this server does not have",
                       head.name);
    }
    if (keyring_meet(ring, head.data_key_id, span_of(head.name), &head.wrapped, &key, err) != 0) {
        return -1;
    }
    if (!key->secret) {
        return err_set(err, ERR_PRECONDITION, "it is sealed with the key \"%s\", which cannot be had: %s", head.name,
                       key->why_locked.text);
    }
    body = (uint64_t)status.st_size - SEALED_FILE_HEAD_BYTES;
    chunks = (body + SEALED_CHUNK_BYTES - 1) / SEALED_CHUNK_BYTES;
    if (body < SEAL_TAG_BYTES || body - (chunks - 1) * SEALED_CHUNK_BYTES < SEAL_TAG_BYTES) {
        return err_set(err, ERR_CORRUPT, "the sealed file is cut off");
    }
    reader->size = body - chunks * SEAL_TAG_BYTES;
    return make_box(key, head.file_id, &reader->box, err);
}

int sealed_reader_open(struct keyring *ring, struct span role, int fd, struct sealed_reader **ret_reader,
                       struct err *err)
{
    struct sealed_reader *reader = calloc(1, sizeof *reader);

    if (!reader || role.size > ROLE_BYTES_MAX) {
        free(reader);
        close(fd);
        return err_set(err, ERR_EXHAUSTED, "no memory to read a sealed file");
    }
    reader->fd = fd;
    reader->chunk = UINT64_MAX;
    memcpy(reader->role, role.data, role.size);
    reader->role_bytes = role.size;
    if (open_reader(ring, reader, err) != 0) {
        sealed_reader_close(reader);
        return -1;
    }
    *ret_reader = reader;
    return 0;
}

void sealed_reader_close(struct sealed_reader *reader)
{
    if (!reader) {
        return;
    }
    close(reader->fd);
    seal_box_destroy(reader->box);
    seal_wipe(reader->plain, sizeof reader->plain);
    free(reader);
}

uint64_t sealed_reader_size(const struct sealed_reader *reader)
{
    return reader->size;
}

static int load_chunk(struct sealed_reader *reader, uint64_t number, struct err *err)
{
    uint64_t first = number * SEALED_FILE_CHUNK_BYTES;
    bool is_last = reader->size - first <= SEALED_FILE_CHUNK_BYTES;
    size_t size = is_last ? (size_t)(reader->size - first) : SEALED_FILE_CHUNK_BYTES, got;
    char bound[ROLE_BYTES_MAX + 8];

    if (reader->chunk == number) {
        return 0;
    }
    reader->chunk = UINT64_MAX;
    if (read_at(reader->fd, reader->sealed, size + SEAL_TAG_BYTES, SEALED_FILE_HEAD_BYTES + number * SEALED_CHUNK_BYTES,
                &got, err) != 0) {
        return -1;
    }
    if (got < size + SEAL_TAG_BYTES ||
        seal_box_open(reader->box, number, bound_of(span_make(reader->role, reader->role_bytes), is_last, bound),
                      span_make(reader->sealed, got), reader->plain, err) != 0) {
        return err_set(err, ERR_CORRUPT, "the sealed file was changed by somebody, at byte %llu of what was sealed",
                       (unsigned long long)first);
    }
    reader->chunk = number;
    reader->chunk_bytes = size;
    return 0;
}

int sealed_reader_read(struct sealed_reader *reader, uint64_t offset, void *bytes, size_t size, size_t *ret_got,
                       struct err *err)
{
    size_t used = 0;

    /* Also of an empty file the one chunk is looked at, so that one that was cut down to it is not served. */
    if (reader->size == 0 && load_chunk(reader, 0, err) != 0) {
        return -1;
    }
    while (used < size && offset < reader->size) {
        size_t at = (size_t)(offset % SEALED_FILE_CHUNK_BYTES), take;

        if (load_chunk(reader, offset / SEALED_FILE_CHUNK_BYTES, err) != 0) {
            return -1;
        }
        take = reader->chunk_bytes - at < size - used ? reader->chunk_bytes - at : size - used;
        memcpy((char *)bytes + used, reader->plain + at, take);
        used += take;
        offset += take;
    }
    *ret_got = used;
    return 0;
}
