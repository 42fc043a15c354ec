"""What a filter means: a frozen tree of checks, and the table of the fields that a filter may name.

The tree knows no negation but that of single checks: NOT is pushed down to them while the text is parsed (De Morgan).
A check is always true or false. On a field that is not set every check is false, and so its negation is true.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias


class Kind(Enum):
    """What a field holds, which says what it can be compared with."""

    STRING = "text"
    UUID = "a UUID"
    ENUM = "an enum word"
    INT = "a whole number"
    TIME = "a time"
    TAGS = "a list of words"


class Check(Enum):
    """What is asked of a field's value; of a TAGS field it is asked whether any of its words passes."""

    EQUAL = "="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    STARTS = "starts with"
    ENDS = "ends with"
    CONTAINS = "contains"
    #: Set and, where it is text or a list, not empty. Its value means nothing.
    PRESENT = "is present"


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field that filters may name."""

    kind: Kind
    #: The storage layer's name of it.
    column: str
    #: For ENUM: the words and the numbers that they stand for.
    words: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


#: By public name, such as `state.type`.
FilterFields: TypeAlias = Mapping[str, FilterField]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One check of one field. `value` is text, a lower-case UUID, an enum's number, an int or microseconds."""

    column: str
    kind: Kind
    check: Check
    value: str | int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where all terms are; at least two of them, none an AllOf."""

    terms: tuple["FilterNode", ...]
    #: Levels of AllOf and AnyOf from here down, this one counted.
    height: int


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one term is; at least two of them, none an AnyOf."""

    terms: tuple["FilterNode", ...]
    height: int


FilterNode: TypeAlias = AllOf | AnyOf | Comparison


def height(node: FilterNode) -> int:
    """Levels of AllOf and AnyOf in `node`."""
    return 0 if isinstance(node, Comparison) else node.height


def demanded(node: FilterNode | None, column: str) -> str | None:
    """The one value that a column of text must have for `node` to be true; None where there may be several."""
    terms = node.terms if isinstance(node, AllOf) else (node,)
    for term in terms:
        if isinstance(term, Comparison) and (term.column, term.check, term.negated) == (column, Check.EQUAL, False):
            return str(term.value)
    return None


def join(kind: type[AllOf] | type[AnyOf], terms: list[FilterNode]) -> FilterNode:
    """One node for `terms` (at least one); what is of the same kind already is taken in flat."""
    if len(terms) == 1:
        return terms[0]
    flat: list[FilterNode] = []
    for term in terms:
        if isinstance(term, kind):
            flat.extend(term.terms)
        else:
            flat.append(term)
    return kind(tuple(flat), 1 + max(height(term) for term in flat))
