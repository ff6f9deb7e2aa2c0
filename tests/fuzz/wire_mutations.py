"""Ways in which bytes on the wire go wrong: by accident, by a strange client, by malice."""

WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_GROUP, WIRE_END, WIRE_FIXED32 = range(6)

INVALID_UTF8 = (b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"ab\xc3")
HUGE = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64 - 2**31)
TEXTS = ("", "-", "a", "Team", "é" * 64, "é" * 65, "x" * 129, "a\0b", "$(A)$(RANK)", "gs://", "gs://b", "gs://b/../c",
         "..", "\t\n", "日本語", "\U0001f600", "NVIDIA", "projects/p", "projects/p/locations/l", "A=B", "1a")


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = 0
    for index in range(10):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    return None


def field(number, wire_type, content):
    """Content of WIRE_BYTES without its length."""
    if wire_type == WIRE_BYTES:
        content = varint(len(content)) + content
    return varint(number << 3 | wire_type) + content


def split(data):
    """[(number, wire type, content)] or None when the bytes are no fields; groups are none of ours."""
    fields, at = [], 0
    while at < len(data):
        tag = read_varint(data, at)
        if not tag or tag[0] < 8:
            return None
        number, wire_type, at = tag[0] >> 3, tag[0] & 7, tag[1]
        end = {WIRE_FIXED64: at + 8, WIRE_FIXED32: at + 4}.get(wire_type)
        if wire_type == WIRE_VARINT:
            value = read_varint(data, at)
            end = value and value[1]
        elif wire_type == WIRE_BYTES:
            size = read_varint(data, at)
            if size:
                at, end = size[1], size[1] + size[0]
        if not end or end > len(data):
            return None
        fields.append((number, wire_type, data[at:end]))
        at = end
    return fields


def join(fields):
    return b"".join(field(*each) for each in fields)


# ---- on bytes ----

def flip_bits(dice, data):
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def truncate(dice, data):
    return data[:dice.randint(0, len(data))]


def remove_piece(dice, data):
    at = dice.randint(0, len(data))
    return data[:at] + data[at + dice.randint(1, 16):]


def insert_piece(dice, data):
    at = dice.randint(0, len(data))
    return data[:at] + dice.randbytes(dice.randint(1, 16)) + data[at:]


def double_piece(dice, data):
    at = dice.randint(0, len(data))
    return data[:at] + data[at:at + dice.randint(1, 40)] + data[at:]


def garbage(dice, _data):
    return dice.randbytes(dice.choice((1, 2, 7, 40, 300)))


# ---- on fields: each takes and gives [(number, wire type, content)] ----

def duplicate_field(dice, fields):
    return fields + [dice.choice(fields)] if fields else fields


def reorder_fields(dice, fields):
    return dice.sample(fields, len(fields))


def drop_field(dice, fields):
    at = dice.randrange(len(fields) or 1)
    return fields[:at] + fields[at + 1:]


def replace_field(dice, fields, make):
    """One field, picked at random, becomes make(number, wire type, content), a list."""
    if not fields:
        return fields
    at = dice.randrange(len(fields))
    return fields[:at] + make(*fields[at]) + fields[at + 1:]


def wrong_type(dice, fields):
    content = {WIRE_VARINT: varint(dice.choice((0, 1, 300))), WIRE_FIXED64: b"12345678", WIRE_BYTES: b"text",
               WIRE_FIXED32: b"1234"}
    wire_type = dice.choice(list(content))
    return replace_field(dice, fields, lambda number, _type, _content: [(number, wire_type, content[wire_type])])


def wrong_number(dice, fields):
    return replace_field(dice, fields, lambda _number, *rest: [(dice.randint(1, 24), *rest)])


def unknown_field(dice, fields):
    number = dice.choice((15, 99, 1000, 19000, 2**29 - 1))
    added = dice.choice(((WIRE_VARINT, varint(dice.getrandbits(60))), (WIRE_FIXED64, b"\xff" * 8),
                         (WIRE_BYTES, dice.randbytes(dice.randint(0, 40))), (WIRE_FIXED32, b"\xff" * 4),
                         (WIRE_GROUP, b"\x08\x01\x12\x01x" + varint(number << 3 | WIRE_END))))
    at = dice.randint(0, len(fields))
    return fields[:at] + [(number, *added)] + fields[at:]


def huge_varint(dice, fields):
    numbers = [at for at, each in enumerate(fields) if each[1] == WIRE_VARINT]
    content = varint(dice.choice(HUGE)) if dice.random() < 0.9 else b"\xff" * 11
    if not numbers:
        return fields + [(dice.randint(1, 8), WIRE_VARINT, content)]
    at = dice.choice(numbers)
    return fields[:at] + [(fields[at][0], WIRE_VARINT, content)] + fields[at + 1:]


def in_strings(dice, fields, make):
    texts = [at for at, each in enumerate(fields) if each[1] == WIRE_BYTES]
    if not texts:
        return fields
    at = dice.choice(texts)
    return fields[:at] + [(fields[at][0], WIRE_BYTES, make(fields[at][2]))] + fields[at + 1:]


def invalid_utf8(dice, fields):
    return in_strings(dice, fields, lambda content: content + dice.choice(INVALID_UTF8))


def other_text(dice, fields):
    return in_strings(dice, fields, lambda _content: dice.choice(TEXTS).encode())


def oversize_text(dice, fields):
    size = dice.choice((129, 1253, 5000, 131070, 131071, 200000))
    return in_strings(dice, fields, lambda _content: b"x" * size)


ON_BYTES = (flip_bits, truncate, remove_piece, insert_piece, double_piece)
ON_FIELDS = (duplicate_field, reorder_fields, drop_field, wrong_type, wrong_number, unknown_field, huge_varint,
             invalid_utf8, other_text, oversize_text)


def nested(dice, data, mutation):
    """Applies a mutation of fields to the message itself or to one somewhere within."""
    fields = split(data)
    if fields is None:
        return flip_bits(dice, data)
    inner = [at for at, each in enumerate(fields) if each[1] == WIRE_BYTES and each[2] and split(each[2])]
    if inner and dice.random() < 0.75:
        at = dice.choice(inner)
        number, wire_type, content = fields[at]
        return join(fields[:at] + [(number, wire_type, nested(dice, content, mutation))] + fields[at + 1:])
    return join(mutation(dice, fields))


def too_deep(dice, data):
    """Groups in groups, beyond what any decoder follows here; refused wherever they stand."""
    depth = dice.choice((40, 64, 99, 500, 20000))
    group = varint(77 << 3 | WIRE_GROUP) * depth + varint(77 << 3 | WIRE_END) * depth
    return dice.choice((group + data, data + group))


def mutate(dice, data):
    """None to three of them."""
    for _ in range(dice.choice((0, 0, 1, 1, 1, 1, 2, 3))):
        if dice.random() < 0.25:
            data = dice.choice(ON_BYTES)(dice, data)
        else:
            data = nested(dice, data, dice.choice(ON_FIELDS))
    return garbage(dice, data) if dice.random() < 0.02 else data
