"""The filter language: a subset of AIP-160.

    filter      = [ all ]
    all         = any { "AND" any }
    any         = term { "OR" term }
    term        = [ "NOT" | "-" ] ( comparison | "(" all ")" )
    comparison  = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) value

As the standard has it, OR binds tighter than AND: `a = 1 AND b = 2 OR c = 3` means `a = 1 AND (b = 2 OR c = 3)`.
AND, OR and NOT are upper case. Left out of the standard: bare values without a field, sequences without AND, functions
and lists of values.

- Text: `=` and `!=` compare the whole of it, case counts; a `*` at the start or the end stands for anything. `:` means
  contains. `<` and the like compare by code point.
- Lists of words (tags): only `:`, has the word; here too `*` may stand at the start or the end.
- UUIDs and enum words: `=`, `!=`, and `:` for `=`. Whole numbers and RFC 3339 times: all signs, `:` for `=`.
- `field:*` is true where the field is set and not empty. Of a field that is not set every other comparison is false,
  thus `!=` and NOT are true.
"""

from typing import NoReturn

from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.filter_lexer import Token, TokenKind, tokenize
from antiphon_server.domain.filter_tree import AllOf, AnyOf, FilterFields, FilterNode, height, join
from antiphon_server.domain.filter_values import Unfit, interpret

MAX_DEPTH = 50
MAX_TERMS = 200
_KEYWORDS = ("AND", "OR", "NOT")
_SHOWN = 60


def parse_filter(text: str, fields: FilterFields) -> FilterNode | None:
    """The meaning of `text`, None if it is blank and so lets everything through.

    Raises InvalidArgument (FILTER_INVALID) that names the 1-based column, what stands there and the fields that exist;
    also for more than MAX_TERMS comparisons, and beyond MAX_DEPTH levels of parentheses or of alternating AND and OR.
    """
    return _Parser(text, fields).parse()


class _Parser:
    """Recursive descent over one text; MAX_DEPTH bounds the recursion."""

    def __init__(self, text: str, fields: FilterFields) -> None:
        self._text = text
        self._fields = fields
        self._tokens = tokenize(text, self._fail)
        self._next = 0
        self._depth = 0
        self._terms = 0

    def parse(self) -> FilterNode | None:
        if self._peek().kind is TokenKind.END:
            return None
        tree = self._all(negated=False)
        token = self._peek()
        if token.kind is TokenKind.CLOSE:
            self._fail_at(token, "closes nothing; remove it or open a parenthesis before")
        if token.kind is not TokenKind.END:
            self._fail_at(token, "stands where AND, OR or the end was expected" + _keyword_hint(token))
        return tree

    def _all(self, negated: bool) -> FilterNode:
        terms = [self._any(negated)]
        while self._take("AND"):
            terms.append(self._any(negated))
        return self._join(AnyOf if negated else AllOf, terms)

    def _any(self, negated: bool) -> FilterNode:
        terms = [self._term(negated)]
        while self._take("OR"):
            terms.append(self._term(negated))
        return self._join(AllOf if negated else AnyOf, terms)

    def _join(self, kind: type[AllOf] | type[AnyOf], terms: list[FilterNode]) -> FilterNode:
        node = join(kind, terms)
        if height(node) > MAX_DEPTH:
            self._fail_deep(self._tokens[self._next - 1])
        return node

    def _term(self, negated: bool) -> FilterNode:
        if self._take("NOT") or self._take("-"):
            negated = not negated
        token = self._peek()
        if token.kind is not TokenKind.OPEN:
            return self._comparison(negated)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail_deep(token)
        self._next += 1
        tree = self._all(negated)
        closing = self._peek()
        if closing.kind is not TokenKind.CLOSE:
            self._fail_at(
                closing,
                f"stands where the ) for the parenthesis of column {token.start + 1} was expected"
                + _keyword_hint(closing),
            )
        self._next += 1
        self._depth -= 1
        return tree

    def _comparison(self, negated: bool) -> FilterNode:
        name = self._advance()
        if name.kind is not TokenKind.WORD or name.text in _KEYWORDS:
            self._fail_at(name, "stands where the name of a field was expected")
        sign = self._advance()
        if sign.kind is TokenKind.OPEN:
            self._fail_at(name, "looks like a function, and there are none")
        if sign.kind is not TokenKind.COMPARATOR:
            self._fail_at(name, "needs a comparison behind it: =, !=, <, <=, >, >= or :")
        field = self._fields.get(name.text)
        if field is None:
            self._fail_at(name, "is not a field")
        self._terms += 1
        if self._terms > MAX_TERMS:
            self._fail_at(name, f"is comparison number {MAX_TERMS + 1}; a filter holds at most {MAX_TERMS}")
        value = self._value(sign)
        try:
            return interpret(field, sign.text, value.parts, negated)
        except Unfit as unfit:
            self._fail_at(sign if unfit.sign else value, f"{unfit.problem} ({name.text} holds {field.kind.value})")

    def _value(self, sign: Token) -> Token:
        token = self._advance()
        if token.kind is TokenKind.MINUS:
            token = self._glue(token)
        if token.kind is TokenKind.OPEN:
            self._fail_at(token, "opens a list, which no value can be; write one comparison for each, joined by OR")
        if token.kind not in (TokenKind.WORD, TokenKind.STRING):
            self._fail_at(token, f"stands where a value was expected after {sign.text}")
        if token.text in _KEYWORDS:
            self._fail_at(token, f"stands where a value was expected after {sign.text}; a text that says so is quoted")
        return token

    def _glue(self, minus: Token) -> Token:
        """A minus and the word right behind it are one value, such as -1."""
        word = self._peek()
        if word.kind is not TokenKind.WORD or word.start != minus.end:
            return minus
        self._next += 1
        return Token(TokenKind.WORD, "-" + word.text, minus.start, word.end, ("-" + word.parts[0], *word.parts[1:]))

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        """The next token, which END remains for ever."""
        token = self._tokens[self._next]
        if token.kind is not TokenKind.END:
            self._next += 1
        return token

    def _take(self, text: str) -> bool:
        """Whether the next token is the bare word or sign `text`, which is then passed."""
        taken = self._peek().text == text
        self._next += taken
        return taken

    def _fail_deep(self, token: Token) -> NoReturn:
        self._fail_at(token, f"nests deeper than {MAX_DEPTH} levels; flatten the filter or split it into several calls")

    def _fail_at(self, token: Token, problem: str) -> NoReturn:
        self._fail(token.start, token.text, problem)

    def _fail(self, position: int, text: str, problem: str) -> NoReturn:
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        subject = repr(shown) if text else "the end"
        raise InvalidArgument(
            "FILTER_INVALID",
            f"wrong filter at column {position + 1}: {subject} {problem}; fields: {', '.join(self._fields)}",
            field="filter",
        )


def _keyword_hint(token: Token) -> str:
    return f"; write {token.text.upper()} in capitals" if token.text.upper() in _KEYWORDS else ""
