#include "job/job_spec_text.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

/* The first byte tells how many follow; the smallest value of each length refuses overlong forms. */
static size_t followers(unsigned char lead, uint32_t *ret_bits, uint32_t *ret_smallest)
{
    if (lead < 0x80) {
        *ret_bits = lead;
        *ret_smallest = 0;
        return 0;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        *ret_bits = lead & 0x1f;
        *ret_smallest = 0x80;
        return 1;
    }
    if (lead >= 0xe0 && lead < 0xf0) {
        *ret_bits = lead & 0x0f;
        *ret_smallest = 0x800;
        return 2;
    }
    if (lead >= 0xf0 && lead < 0xf5) {
        *ret_bits = lead & 0x07;
        *ret_smallest = 0x10000;
        return 3;
    }
    return SIZE_MAX;
}

bool text_next(struct span *rest, uint32_t *ret_character)
{
    uint32_t character = 0, smallest = 0;
    size_t count;

    if (rest->size == 0) {
        return false;
    }
    count = followers((unsigned char)rest->data[0], &character, &smallest);
    if (count >= rest->size) {
        return false;
    }
    for (size_t i = 1; i <= count; i++) {
        unsigned char byte = (unsigned char)rest->data[i];

        if ((byte & 0xc0) != 0x80) {
            return false;
        }
        character = character << 6 | (byte & 0x3f);
    }
    if (character < smallest || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) {
        return false;
    }
    *rest = span_skip(*rest, count + 1);
    *ret_character = character;
    return true;
}

size_t text_utf8_bytes(struct span text)
{
    struct span rest = text;
    uint32_t character;

    while (text_next(&rest, &character)) {
    }
    return text.size - rest.size;
}

size_t text_chars(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static locale_t unicode;
static wctype_t combining;
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;

static void open_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    combining = unicode ? wctype_l("combining", unicode) : 0;
}

bool text_is_lower_or_digit(uint32_t character)
{
    if (character < 0x80) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
    }
    pthread_once(&unicode_once, open_unicode);
    /* A system without C.UTF-8 cannot tell letters apart; what is not ASCII is taken there. */
    if (!unicode || iswctype_l((wint_t)character, combining, unicode)) {
        return true;
    }
    return iswalnum_l((wint_t)character, unicode) && !iswupper_l((wint_t)character, unicode);
}

bool text_is_identifier(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return text.size > 0;
}

bool text_has_nul(struct span text)
{
    return text.size > 0 && memchr(text.data, 0, text.size) != NULL;
}

bool text_leads_out(struct span path)
{
    size_t start = 0;

    for (size_t i = 0; i <= path.size; i++) {
        if (i < path.size && path.data[i] != '/') {
            continue;
        }
        if (i - start == 2 && path.data[start] == '.' && path.data[start + 1] == '.') {
            return true;
        }
        start = i + 1;
    }
    return false;
}
