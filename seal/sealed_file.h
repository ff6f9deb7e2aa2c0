/* sealed_file: a whole file, sealed: written once, read at any place.
 *
 * Used by   executor/attempt_sealer.c (writes), log_source.c (reads).
 * Shape     head, 4096 bytes: two slots of 2048, of which the valid one with the higher count holds
 *             0 "CJSEALF1"   8 crc32c u32 of the slot with it as zero   12 version u32 = 1   16 count u64
 *            24 file id [16], random                                    40 data key id [16]
 *            56 bytes of name u16, of version u16, of wrapped u16       62 zero u16
 *            64 name, version, wrapped key; zeros
 *           then chunks: 65536 bytes sealed and a tag of 16; the last has fewer, perhaps none, and its tag.
 *           file key = HKDF-SHA256(data key, salt file id, "customjobd file 1"); nonce = number of the chunk from 0; bound
 *           are "CJF1", 1 for the last chunk or 0, and the role: what the file is and of what, so that one cannot be put in
 *           the place of another. A chunk that is missing at the end leaves one that is last and is not sealed as such.
 *           Little endian.
 * Valid iff a slot is valid and every chunk's tag holds.
 * Owns      a reader its descriptor and one chunk.
 * Thread    one per file.      Blocks    on the disk; on a slow source of keys once for each data key.
 * Errors    ERR_CORRUPT: damaged, or changed by somebody. ERR_PRECONDITION: its key is not here; which, is in the sentence.
 */
#ifndef SEAL_SEALED_FILE_H_
#define SEAL_SEALED_FILE_H_

#include <stdbool.h>

#include "seal/keyring.h"

C_DECLS_BEGIN

#define SEALED_FILE_HEAD_BYTES 4096
#define SEALED_FILE_CHUNK_BYTES 65536

/* Seals all of from_fd into to_fd, an empty file; nothing is synced. */
MUST_USE int sealed_file_write(struct keyring *ring, struct span key_name, struct span role, int from_fd, int to_fd,
                               struct err *err);
/* Wraps the file's data key again when a version wrapped it that is not primary any more; durable on return. */
MUST_USE int sealed_file_rewrap(struct keyring *ring, int fd, bool *ret_changed, struct err *err);

struct sealed_reader;

/* Takes over fd, also on failure. */
MUST_USE int sealed_reader_open(struct keyring *ring, struct span role, int fd, struct sealed_reader **ret_reader,
                                struct err *err);
/* NULL is allowed. */
void sealed_reader_close(struct sealed_reader *reader);
/* Of what was sealed. */
uint64_t sealed_reader_size(const struct sealed_reader *reader);
/* Up to size bytes at offset; *ret_got is less only at the end. */
MUST_USE int sealed_reader_read(struct sealed_reader *reader, uint64_t offset, void *bytes, size_t size,
                                size_t *ret_got, struct err *err);

C_DECLS_END

#endif /* SEAL_SEALED_FILE_H_ */
