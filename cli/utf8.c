#include "cli/utf8.h"

/* Ranges that take two columns: Hangul, CJK, full-width forms and emoji. */
static const struct {
    uint32_t first;
    uint32_t last;
} wide[] = {
    {0x1100, 0x115F}, {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

size_t utf8_next(struct span text, uint32_t *ret_code_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead;
    uint32_t code_point;
    size_t size;

    if (text.size == 0) {
        return 0;
    }
    lead = (unsigned char)text.data[0];
    if (lead < 0x80) {
        *ret_code_point = lead;
        return 1;
    }
    size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size < size) {
        return 0;
    }
    code_point = lead & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if ((byte & 0xC0) != 0x80) {
            return 0;
        }
        code_point = (code_point << 6) | (byte & 0x3Fu);
    }
    if (code_point < least[size] || code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        return 0;
    }
    *ret_code_point = code_point;
    return size;
}

size_t utf8_valid_bytes(struct span text)
{
    size_t offset = 0;

    while (offset < text.size) {
        uint32_t code_point;
        size_t size = utf8_next(span_skip(text, offset), &code_point);

        if (size == 0) {
            break;
        }
        offset += size;
    }
    return offset;
}

void utf8_add(struct text *text, uint32_t code_point)
{
    char bytes[4];
    size_t size = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1;) {
        bytes[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    bytes[0] = (char)(size == 1 ? code_point : (0xF00u >> size & 0xF0u) | code_point);
    text_add(text, span_make(bytes, size));
}

static size_t columns_of(uint32_t code_point)
{
    if ((code_point >= 0x300 && code_point <= 0x36F) || (code_point >= 0x200B && code_point <= 0x200F) ||
        (code_point >= 0xFE00 && code_point <= 0xFE0F)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code_point >= wide[i].first && code_point <= wide[i].last) {
            return 2;
        }
    }
    return 1;
}

size_t utf8_columns(struct span text)
{
    size_t columns = 0;

    while (text.size > 0) {
        uint32_t code_point = 0xFFFD;
        size_t size = utf8_next(text, &code_point);

        columns += columns_of(code_point);
        text = span_skip(text, size ? size : 1);
    }
    return columns;
}

void utf8_add_printable(struct text *text, struct span foreign)
{
    while (foreign.size > 0) {
        uint32_t code_point = 0;
        size_t size = utf8_next(foreign, &code_point);

        if (size == 0) {
            utf8_add(text, 0xFFFD);
            size = 1;
        } else if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) {
            text_add_format(text, "\\x%02x", (unsigned)code_point);
        } else {
            text_add(text, span_make(foreign.data, size));
        }
        foreign = span_skip(foreign, size);
    }
}
