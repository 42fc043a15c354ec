"""From a comparison as written to a check: what each kind of field can be compared with, and how."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from antiphon_server.domain.filter_tree import Check, Comparison, FilterField, Kind

_ORDERED = {
    "=": Check.EQUAL,
    "!=": Check.EQUAL,
    ":": Check.EQUAL,
    "<": Check.LESS,
    "<=": Check.LESS_OR_EQUAL,
    ">": Check.GREATER,
    ">=": Check.GREATER_OR_EQUAL,
}
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_START = re.compile(r"[0-9a-f][0-9a-f-]{0,34}")
_INT = re.compile(r"-?[0-9]{1,19}")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unfit(Exception):
    """The comparison makes no sense for the field; says why, to follow the offending token in a sentence.

    `sign` says that the comparison sign is at fault and not the value.
    """

    def __init__(self, problem: str, *, sign: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.sign = sign


def interpret(field: FilterField, sign: str, parts: tuple[str, ...], negated: bool) -> Comparison:
    """The check that `field sign value` means, `value` being cut at its wildcards into `parts`. Raises Unfit."""
    negated = negated is not (sign == "!=")
    if sign == ":" and not any(parts) and len(parts) > 1:
        return Comparison(field.column, field.kind, Check.PRESENT, "", negated)
    check: Check
    value: str | int
    match field.kind:
        case Kind.STRING:
            check, value = _text(sign, parts)
        case Kind.TAGS:
            check, value = _tag(sign, parts)
        case Kind.UUID:
            check, value = _uuid_check(sign, parts)
        case Kind.ENUM:
            check, value = _equality(sign), _enum("*".join(parts), field.words)
        case Kind.INT:
            check, value = _ORDERED[sign], _int("*".join(parts))
        case Kind.TIME:
            check, value = _ORDERED[sign], parse_time("*".join(parts))
    return Comparison(field.column, field.kind, check, value, negated)


def _text(sign: str, parts: tuple[str, ...]) -> tuple[Check, str]:
    if sign in ("=", "!="):
        return _pattern(parts)
    if sign == ":":
        return Check.CONTAINS, _pattern(parts)[1]
    if len(parts) > 1:
        raise Unfit('holds a *, which means something with =, != and : only; write "\\*" for the character itself')
    return _ORDERED[sign], parts[0]


def _tag(sign: str, parts: tuple[str, ...]) -> tuple[Check, str]:
    if sign != ":":
        raise Unfit('cannot be asked of a list; write field:"word" for `has the word`', sign=True)
    return _pattern(parts)


def _pattern(parts: tuple[str, ...]) -> tuple[Check, str]:
    """Texts with a wildcard at the start, at the end or at both."""
    open_start = len(parts) > 1 and not parts[0]
    open_end = len(parts) > 1 and not parts[-1]
    body = list(parts)
    while len(body) > 1 and not body[0]:
        body.pop(0)
    while len(body) > 1 and not body[-1]:
        body.pop()
    if len(body) > 1:
        raise Unfit('has a * inside; a wildcard may stand at the start and at the end only, and "\\*" is a plain *')
    if open_start:
        return (Check.CONTAINS if open_end else Check.ENDS), body[0]
    return (Check.STARTS if open_end else Check.EQUAL), body[0]


def _equality(sign: str) -> Check:
    if sign in ("=", "!=", ":"):
        return Check.EQUAL
    raise Unfit("cannot be asked of this field; use =, != or :", sign=True)


def _uuid_check(sign: str, parts: tuple[str, ...]) -> tuple[Check, str]:
    """A whole id, or its first characters and `*`: what people copy from a table."""
    equal, start = _equality(sign), parts[0].lower()
    if len(parts) == 2 and not parts[1] and _UUID_START.fullmatch(start):
        return Check.STARTS, start
    return equal, _uuid("*".join(parts))


def _uuid(text: str) -> str:
    if not UUID_TEXT.fullmatch(text.lower()):
        raise Unfit("is not a UUID of 36 characters such as 01890a5d-ac96-774b-bcce-b302099a8057")
    return text.lower()


def _enum(text: str, words: Mapping[str, int]) -> int:
    if text not in words:
        names: dict[int, str] = {}
        for word, number in words.items():
            names.setdefault(number, word)
        raise Unfit(f"is not one of the words of this field: {', '.join(names.values())}")
    return words[text]


def _int(text: str) -> int:
    if not _INT.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise Unfit("is not a whole number of at most 64 bits")
    return int(text)


def parse_time(text: str) -> int:
    """Microseconds since the epoch of an RFC 3339 time; finer digits are cut off. Raises Unfit."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Unfit("is not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    if match["zone"] is None:
        raise Unfit("says no time zone; end it with Z or an offset such as +01:00")
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise Unfit("is not a day or an hour that exists") from None
    micros = (local - _EPOCH) // timedelta(microseconds=1) + int((match[7] or "").ljust(6, "0")[:6])
    offset = 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)
    return micros - (-1 if match["sign"] == "-" else 1) * offset * 60_000_000
