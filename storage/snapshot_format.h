/* snapshot_format: the bytes of a snapshot file, told once for its writer and its reader.
 *
 * Shape     NNNNNNNNNNNNNNNN.snapshot (lsn, hexadecimal). Little endian; a block is 4096 bytes.
 *             block 0    0 "CJSNAPSH"  8 version u32 = 1  12 crc u32  16 incompat u32  20 ro_compat u32  24 compat u32
 *                       28 zero u32   32 store uuid [16]  48 snapshot id [16], random   64 lsn u64
 *                       72 last id given out, u64 for each of the tables 0 to 4          zero to the block's end
 *             chunks     0 "CJC1"      4 crc u32           8 index u32, from 0           12 flags u32 (1: footer)
 *                       16 record count u32               20 length u32                 24 zero
 *                       32 length bytes of records as in the log (wal_writer.c), then zeros to the end of the block
 *             footer     the last chunk; its 32 bytes are  0 records u64  8 chunks before it u64
 *                       16 end lsn u64                    24 crc32c over the crc fields of all chunks before it u32
 * Valid iff block 0's crc is the crc32c of it with the crc as zero; each chunk's crc is the crc32c, seeded with block
 *           0's, of the whole padded chunk with the crc as zero; indexes count up; the footer agrees and ends the file.
 * Means     every row as of lsn or later; none later than end lsn. The log's records after lsn, replayed in order over
 *           it, make it exact, since each is a full image; the log must reach end lsn at least.
 */
#ifndef STORAGE_SNAPSHOT_FORMAT_H_
#define STORAGE_SNAPSHOT_FORMAT_H_

#include <stdint.h>

#define SNAPSHOT_MAGIC "CJSNAPSH"
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_AT_VERSION 8
#define SNAPSHOT_AT_CRC 12
#define SNAPSHOT_AT_INCOMPAT 16
#define SNAPSHOT_AT_RO_COMPAT 20
#define SNAPSHOT_AT_STORE_UUID 32
#define SNAPSHOT_AT_ID 48
#define SNAPSHOT_AT_LSN 64
#define SNAPSHOT_AT_LAST_IDS 72

#define CHUNK_MAGIC "CJC1"
#define CHUNK_HEADER_BYTES 32
#define CHUNK_AT_CRC 4
#define CHUNK_AT_INDEX 8
#define CHUNK_AT_FLAGS 12
#define CHUNK_AT_RECORD_COUNT 16
#define CHUNK_AT_LENGTH 20
#define CHUNK_FLAG_FOOTER 1u

#define FOOTER_BYTES 32
#define FOOTER_AT_RECORDS 0
#define FOOTER_AT_CHUNKS 8
#define FOOTER_AT_END_LSN 16
#define FOOTER_AT_CHAIN 24

#endif /* STORAGE_SNAPSHOT_FORMAT_H_ */
