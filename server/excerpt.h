/* excerpt: as much of a request's text as an error sentence can show.
 *
 * Used by   whoever names a value of the client in an error.
 * Shape     cut between characters, so that the sentence stays valid UTF-8 when the text is.
 * Thread    any; pure.
 */
#ifndef SERVER_EXCERPT_H_
#define SERVER_EXCERPT_H_

#include "base/span.h"

#define EXCERPT_BYTES 100

static inline struct span excerpt(struct span text)
{
    size_t size = text.size < EXCERPT_BYTES ? text.size : EXCERPT_BYTES;

    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return span_make(text.data, size);
}

#endif /* SERVER_EXCERPT_H_ */
