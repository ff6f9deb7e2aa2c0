/* pace: holds a stream of writes to so many bytes a second, so that others who write to the same disk need not wait.
 *
 * Used by   snapshot_writer, file_out.
 * Units     bytes; real time, whatever clock the store has: it is a disk that is spared.
 * Thread    the caller's.      Blocks    pace_spend, for as long as the stream is ahead of its time.
 */
#ifndef STORAGE_PACE_H_
#define STORAGE_PACE_H_

#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

/* What a snapshot or a backup takes of the disk. Measured: at this the log's own writes keep their latency, with no
 * limit it is doubled; 1 GB takes 2.5 s. */
#define PACE_BYTES_PER_S (UINT64_C(400) * 1000 * 1000)

/* Zero it to begin with, but for the rate. */
struct pace {
    uint64_t bytes_per_s; /* 0: as fast as can be */
    int64_t due_mono_ns;  /* when what was spent so far would have been written at the rate */
};

/* After so many bytes were written. Time in which less was written is made up for by a few milliseconds at most. */
void pace_spend(struct pace *pace, uint64_t bytes);

C_DECLS_END

#endif /* STORAGE_PACE_H_ */
