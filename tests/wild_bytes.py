"""Bytes that are almost messages: right tags with the wrong contents, cut, nested, repeated without end."""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

_VARINT, _FIXED64, _LENGTH, _START, _END, _FIXED32 = range(6)
#: Varints at the edges of what they stand for: enums, int32, int64, and one that is longer than any number.
_EDGES = [0, 1, 99, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**69]
#: Doubles as they lie on the line: NaN, infinities, the smallest.
_DOUBLES = [b"\0\0\0\0\0\0\xf8\x7f", b"\0\0\0\0\0\0\xf0\x7f", b"\0\0\0\0\0\0\xf0\xff", b"\1" + b"\0" * 7]
#: Texts that are none, or hardly: no UTF-8, half a surrogate, too long a form of NUL, NUL, a mark of order.
_TEXTS = [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\0", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"a" * 70_000, b""]
_MEMBERS = {
    FieldDescriptor.TYPE_STRING: _LENGTH,
    FieldDescriptor.TYPE_BYTES: _LENGTH,
    FieldDescriptor.TYPE_DOUBLE: _FIXED64,
}


def varint(number: int) -> bytes:
    said = bytearray()
    while number > 127:
        said.append(number & 127 | 128)
        number >>= 7
    return bytes((*said, number))


def tagged(number: int, wire: int, contents: bytes) -> bytes:
    """A field as it travels."""
    length = varint(len(contents)) if wire == _LENGTH else b""
    return varint(number << 3 | wire) + length + contents


def _contents(wire: int) -> st.SearchStrategy[bytes]:
    return {
        _VARINT: st.sampled_from(_EDGES).map(varint),
        _FIXED64: st.sampled_from(_DOUBLES),
        _LENGTH: st.sampled_from(_TEXTS) | st.binary(max_size=12),
        _FIXED32: st.binary(min_size=4, max_size=4),
    }.get(wire, st.binary(max_size=4))


@st.composite
def _stray(draw: st.DrawFn, descriptor: Descriptor) -> bytes:
    """A field that the message does not know, or one that it knows with another kind of contents."""
    numbers = [field.number for field in descriptor.fields]
    number = draw(st.sampled_from([*numbers, 0, 19_000, 2**29 - 1]))
    wire = draw(st.integers(0, 7))
    return tagged(number, wire, draw(_contents(wire)))


def wild(descriptor: Descriptor, depth: int = 5) -> st.SearchStrategy[bytes]:
    """A message of this kind as bytes: mostly fields that it has, with contents from the edges."""

    @st.composite
    def message(draw: st.DrawFn) -> bytes:
        said = []
        for field in draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=4)) if descriptor.fields else []:
            if field.message_type is not None:
                inner = wild(field.message_type, depth - 1) if depth else st.just(b"")
                said.append(tagged(field.number, _LENGTH, draw(inner)))
            else:
                wire = _MEMBERS.get(field.type, _VARINT)
                said.append(tagged(field.number, wire, draw(_contents(wire))))
        if draw(st.integers(0, 5)) == 0:
            said.append(draw(_stray(descriptor)))
        return b"".join(said)

    return message()


def _cut(whole: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(whole)).map(lambda at: whole[:at])


def _flipped(whole: bytes) -> st.SearchStrategy[bytes]:
    def flip(at: int) -> bytes:
        return whole[: at // 8] + bytes([whole[at // 8] ^ 1 << at % 8]) + whole[at // 8 + 1 :]

    return st.integers(0, 8 * len(whole) - 1).map(flip) if whole else st.just(b"")


def spoiled(whole: bytes) -> st.SearchStrategy[bytes]:
    """A message that lost its end, or in which a bit was turned over."""
    return _cut(whole) | _flipped(whole)


#: Whatever the message: each is refused, or read as one with nothing in it that is known.
HOPELESS: dict[str, Callable[[], bytes]] = {
    "groups without end": lambda: b"\x0b" * 100_000,
    "messages in messages": lambda: _nested(2_000),
    "the promise of two gigabytes": lambda: b"\x0a" + varint(2**31 - 1) + b"x",
    "the promise of more than there are": lambda: b"\x0a" + varint(2**63),
    "eight million of nothing": lambda: b"\x0a\x00" * 8_000_000,
    "five million of the second field": lambda: b"\x12\x00" * 5_000_000,
    "a field that nobody knows, of ten megabytes": lambda: tagged(2**29 - 1, _LENGTH, b"x" * 10_000_000),
    "a number that does not end": lambda: b"\x08" + b"\xff" * 1_000,
    "a field without a number in a group that nobody knows": lambda: b"\x9b\x06\x00\x00\x9c\x06",
    "no tag at all": lambda: b"\x00\x00\x00",
    "more than is taken": lambda: b"\x0a" + varint(17 * 1024 * 1024) + b"x" * (17 * 1024 * 1024),
}


def _nested(depth: int) -> bytes:
    said = b""
    for _ in range(depth):
        said = tagged(1, _LENGTH, said)
    return said
