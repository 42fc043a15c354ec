"""Filter text to tokens.

A word is a run of characters other than white space, quotes, parentheses, comparison signs, commas and backslashes, so
field names, numbers, enum words, UUIDs and simple texts need no quotes; an RFC 3339 time is a word too, colons and all.
Everything else is quoted, "so" or 'so', with the escapes backslash + one of `"`, `'`, `\\` and `*`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn, TypeAlias


class TokenKind(Enum):
    WORD = "a word"
    STRING = "a quoted text"
    COMPARATOR = "a comparison sign"
    OPEN = "("
    CLOSE = ")"
    MINUS = "-"
    END = "the end of the filter"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the filter's text from character `start` (0-based) up to `end`."""

    kind: TokenKind
    text: str
    start: int
    end: int
    #: For WORD and STRING: what it says, cut at each `*` that was not escaped.
    parts: tuple[str, ...] = ()


#: Raises for the text at a position: (position, the offending text, what is wrong).
Fail: TypeAlias = Callable[[int, str, str], NoReturn]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<COMPARATOR> != | <= | >= | = | < | > | : )
      | (?P<OPEN> \( )
      | (?P<CLOSE> \) )
      | (?P<STRING> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
      | (?P<TIME> [0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]*(?:[Zz]|[+-][0-9:]*)? )
      | (?P<MINUS> - )
      | (?P<WORD> [^\s"'()=<>!:,\\]+ )
      | (?P<END> \Z )
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPABLE = "\"'\\*"


def tokenize(text: str, fail: Fail) -> list[Token]:
    """The tokens of `text`, the last of kind END. Calls `fail` at what is no token."""
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            _fail_at(text, position, fail)
        name = match.lastgroup
        start, position = match.span(name)
        token = _token(name, match[name], start, position, fail)
        tokens.append(token)
        if token.kind is TokenKind.END:
            return tokens


def _token(name: str, text: str, start: int, end: int, fail: Fail) -> Token:
    if name == "STRING":
        return Token(TokenKind.STRING, text, start, end, _unescape(text, start, fail))
    if name in ("WORD", "TIME"):
        return Token(TokenKind.WORD, text, start, end, tuple(text.split("*")))
    return Token(TokenKind[name], text, start, end)


def _unescape(quoted: str, start: int, fail: Fail) -> tuple[str, ...]:
    parts = [""]
    characters = iter(range(1, len(quoted) - 1))
    for index in characters:
        character = quoted[index]
        if character == "\\":
            character = quoted[next(characters)]
            if character not in _ESCAPABLE:
                fail(
                    start + index,
                    "\\" + character,
                    "is no known escape; a backslash may stand before \", ', * and \\ only (write \\\\ for one)",
                )
            parts[-1] += character
        elif character == "*":
            parts.append("")
        else:
            parts[-1] += character
    return tuple(parts)


def _fail_at(text: str, position: int, fail: Fail) -> NoReturn:
    while text[position].isspace():
        position += 1
    rest = text[position:]
    if rest[0] in "\"'":
        fail(position, rest, f"is a text without its closing {rest[0]}")
    if rest[0] == "\\":
        fail(position, rest[:2], "stands outside of quotes; put the whole text in quotes")
    if rest[0] == "!":
        fail(position, "!", "is no comparison; write != for `is not`, and NOT or - to negate")
    fail(position, rest[0], "has no meaning here; put texts that hold it in quotes")
