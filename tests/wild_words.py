"""Filters, orders and tokens that are nearly right."""

from hypothesis import strategies as st

from antiphon_server.domain.filter_tree import FilterFields, Kind
from antiphon_server.domain.ordering import OrderFields

_SIGNS = ["=", "!=", "<", "<=", ">", ">=", ":", " = ", "==", "=!", ""]
#: Values that are right for a kind, or nearly.
_VALUES = {
    Kind.STRING: ["one", '"two words"', "''", "*", "**", "o*e", "*n*", r'"\*"', '"\\', "%", "_", "'; --", '"\0"', "😀"],
    Kind.TAGS: ["a", "*", "a*", '"[\\"a\\"]"', '"%"', '"\ud7ff"', '"\0"'],
    Kind.UUID: ["0190163d-8694-739b-aea5-966c26f8ad90", "0190163D-8694-739B-AEA5-966C26F8AD90", "*", "0", '""'],
    Kind.ENUM: ["FAILED", "STATE_TYPE_RUNNING", "true", "false", "failed", "0", "*", '"\0"'],
    Kind.INT: ["0", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e3", "٣", "0x1", "*"],
    Kind.TIME: [
        *("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60Z", "2026-02-30T00:00:00Z"),
        *("2026-01-01T00:00:00.9999999999999999999Z", "2026-01-01T24:00:00Z", "*", "2026-01-01", "2026-01-01T::"),
        "9999-12-31T23:59:59-23:59",
    ],
}
_ALPHABET = "()\"'\\*-:=<>!, \0\ud7ff\u2028aANDORTZ019😀"
_RAW = st.text(alphabet=_ALPHABET, max_size=30) | st.text(max_size=20)


@st.composite
def _comparison(draw: st.DrawFn, fields: FilterFields) -> str:
    name = draw(st.sampled_from([*fields, "nothing", "id.id", ""]))
    kind = fields[name].kind if name in fields and draw(st.integers(0, 5)) else draw(st.sampled_from(list(Kind)))
    return f"{name}{draw(st.sampled_from(_SIGNS))}{draw(st.sampled_from(_VALUES[kind]))}"


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    words = st.sampled_from([" AND ", " OR ", " and ", " ", " AND NOT ", " OR -"])
    both = st.tuples(inner, words, inner).map("".join)
    return both | inner.map(lambda text: f"({text})") | inner.map(lambda text: f"NOT {text}")


def filters(fields: FilterFields) -> st.SearchStrategy[str]:
    """Filters of these fields, spoiled now and then; now and then no filter at all, or one that is very long."""
    right = st.recursive(_comparison(fields), _joined, max_leaves=8)
    long = st.tuples(right, st.sampled_from([1, 60, 300])).map(
        lambda made: ("(" * made[1] + made[0] + ")" * made[1])[:8192]
    )
    many = st.tuples(right, st.integers(2, 400), st.sampled_from([" AND ", " OR "])).map(
        lambda made: made[2].join([made[0]] * made[1])[:8192]
    )
    return right | right | spoiled_text(right) | _RAW | long | many


def orders(fields: OrderFields) -> st.SearchStrategy[str]:
    entry = st.tuples(
        st.sampled_from([*fields.columns, *fields.columns, "nothing", ""]),
        st.sampled_from(["", "", " desc", " asc", " DESC", " desc desc", "\0"]),
    ).map("".join)
    right = st.lists(entry, max_size=4).map(",".join)
    return st.just("") | right | spoiled_text(right) | _RAW


@st.composite
def spoiled_text(draw: st.DrawFn, right: st.SearchStrategy[str]) -> str:
    """A text in which something was taken out, put in, or said twice."""
    text = draw(right)
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(len(text), begin + 8)))
    put = draw(st.sampled_from(["", text[begin:end] * 2]) | st.text(alphabet=_ALPHABET, max_size=3))
    return text[:begin] + put + text[end:]


@st.composite
def tampered(draw: st.DrawFn, token: str) -> str:
    """A token of which one character is another, or something is missing or too much."""
    if not token:
        return draw(st.text(max_size=8))
    at = draw(st.integers(0, len(token) - 1))
    put = draw(st.sampled_from(["", "A", "-", "_", "=", "\0", "٣", "0", ":", " ", token, "9" * 40]))
    return token[:at] + put + token[at + draw(st.integers(0, 1)) :]
