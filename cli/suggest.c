#include "cli/suggest.h"

#include <stdint.h>

#define SUGGEST_BYTES_MAX 64

static char folded(char character)
{
    if (character >= 'A' && character <= 'Z') {
        return (char)(character - 'A' + 'a');
    }
    return character == '-' ? '_' : character;
}

static size_t least(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* Both at most SUGGEST_BYTES_MAX bytes. */
static size_t distance(struct span left, struct span right)
{
    size_t rows[3][SUGGEST_BYTES_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= right.size; j++) {
        above[j] = j;
    }
    for (size_t i = 1; i <= left.size; i++) {
        size_t *spare;

        row[0] = i;
        for (size_t j = 1; j <= right.size; j++) {
            char l = folded(left.data[i - 1]), r = folded(right.data[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (l != r));
            if (i > 1 && j > 1 && l == folded(right.data[j - 2]) && folded(left.data[i - 2]) == r) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[right.size];
}

struct suggestion suggestion_start(struct span wrong)
{
    return (struct suggestion){.wrong = wrong, .best = NULL, .distance = SIZE_MAX};
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    struct span candidate = span_of(name);
    size_t allowed = (suggestion->wrong.size + 2) / 3;
    size_t found;

    if (candidate.size > SUGGEST_BYTES_MAX || suggestion->wrong.size > SUGGEST_BYTES_MAX ||
        suggestion->wrong.size == 0) {
        return;
    }
    found = distance(suggestion->wrong, candidate);
    if (found <= allowed && found < suggestion->distance && found < candidate.size) {
        suggestion->best = name;
        suggestion->distance = found;
    }
}
