/* wal_tail: what stands behind the last valid batch of the log: nothing, a tear, or the proof of damage.
 *
 * Used by   wal_reader.
 * Shape     one batch is in flight at a time, and each tells the last that was durable before it was written. So behind a
 *           batch k that is not valid nothing later may stand: what does, proves that k was whole and acknowledged once.
 * Thread    the reader's.      Blocks    on the disk.
 * Errors    ERR_CORRUPT: proof; the sentence tells which batch and where the proof stands.
 */
#ifndef STORAGE_WAL_TAIL_H_
#define STORAGE_WAL_TAIL_H_

#include <stdint.h>

#include "base/err.h"
#include "storage/wal_format.h"
#include "storage/wal_window.h"
#include "storage/wal_writer.h"

C_DECLS_BEGIN

/* Judges from position (of the batch that is not valid) to the end of the segment, the log's last. *torn: in, the bytes
 * of a batch whose header is valid there, 0 if none; out, those found written behind the end. */
MUST_USE int wal_tail_judge(struct wal_window *window, const struct wal_segment_header *segment,
                            const struct wal_position *position, uint64_t *torn, struct err *err);

C_DECLS_END

#endif /* STORAGE_WAL_TAIL_H_ */
