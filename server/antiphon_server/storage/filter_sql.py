"""A filter's tree to SQL.

Every check is true or false as the tree wants it: on a NULL a plain one yields NULL, which WHERE takes as false and
which AND and OR pass on as such; a negated one asks for the NULL by name.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, and_, exists, func, literal, not_, or_, select

from antiphon_server.domain.filter_tree import AllOf, AnyOf, Check, Comparison, FilterNode, Kind
from antiphon_server.storage.sql_functions import json_texts, text_end, text_position

#: Columns by the name that orders and the trees of filters have for them.
Columns: TypeAlias = Mapping[str, ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A column of another table, of the row there whose id is `key`; NULL where there is none."""

    key: ColumnElement[Any]
    column: Column[Any]


#: What a filter may ask of, by the name that its tree has for it.
Asked: TypeAlias = Mapping[str, ColumnElement[Any] | LookedUp]

_CHECKS: Mapping[Check, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Check.EQUAL: eq,
    Check.LESS: lt,
    Check.LESS_OR_EQUAL: le,
    Check.GREATER: gt,
    Check.GREATER_OR_EQUAL: ge,
    Check.STARTS: lambda column, value: func.substr(column, 1, len(value)) == value,
    Check.ENDS: lambda column, value: text_end(column, literal(len(value))) == value,
    Check.CONTAINS: lambda column, value: text_position(column, literal(value)) > 0,
}


def filter_clause(node: FilterNode, columns: Asked) -> ColumnElement[bool]:
    """The condition that `node` puts on rows with `columns`."""
    return _compile(node, columns)[0]


def _compile(node: FilterNode, columns: Asked) -> tuple[ColumnElement[bool], int]:
    """The condition, and how much of the SQL parser's stack it needs.

    SQLite's parser fails beyond 100 entries. A term that comes first needs one more than it does alone (the
    parenthesis), a later one three more, so the deepest term goes first: with the limits that filters have, the stack
    cannot grow to more than their depth and three times the binary logarithm of their terms.
    """
    if isinstance(node, Comparison):
        column = columns[node.column]
        return _elsewhere(node, column) if isinstance(column, LookedUp) else _comparison(node, column), 0
    compiled = sorted((_compile(term, columns) for term in node.terms), key=lambda each: each[1], reverse=True)
    need = max(compiled[0][1] + 1, compiled[1][1] + 3)
    clauses = [clause for clause, _ in compiled]
    match node:
        case AllOf():
            return and_(*clauses), need
        case AnyOf():
            return or_(*clauses), need


def _comparison(node: Comparison, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if node.kind is Kind.TAGS:
        return _tags(node, column)
    if node.check is Check.PRESENT:
        return _presence(node, column)
    condition = _CHECKS[node.check](column, _value(node.value, column))
    if not node.negated:
        return condition
    return or_(column.is_(None), not_(condition))


def _value(value: str | int, column: ColumnElement[Any]) -> Any:
    """As the column's type takes it. Numbers may be larger than those that a column holds."""
    if isinstance(value, str):
        return value
    return bool(value) if isinstance(column.type, Boolean) else literal(value, BigInteger())


def _elsewhere(node: Comparison, looked_up: LookedUp) -> ColumnElement[bool]:
    """The other table is asked first, so that an index of the key answers."""
    key, column = looked_up.key, looked_up.column
    other, fits = column.table.c.id, _comparison(replace(node, negated=False), column)
    if node.check is Check.PRESENT and column.nullable:
        # Of too many rows to ask for them first.
        found: ColumnElement[bool] = and_(key.is_not(None), exists().where(other == key, fits))
    elif node.check is Check.EQUAL and column.unique and not node.negated:
        return key == select(other).where(fits).scalar_subquery()
    else:
        found = key.in_(select(other).where(fits))
    return or_(key.is_(None), not_(found)) if node.negated else found


def _presence(node: Comparison, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if node.kind is Kind.STRING:
        return or_(column.is_(None), column == "") if node.negated else column != ""
    return column.is_(None) if node.negated else column.is_not(None)


def _tags(node: Comparison, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether any word of the JSON list passes the check."""
    if node.check is Check.PRESENT:
        return column == "[]" if node.negated else column != "[]"
    # As `json.dumps` writes the list. A quote that is part of a word has a backslash before it there, so one behind a
    # bracket or a comma is where a word begins; or where one ends that ends so, and then `, ` and a quote follow.
    word = json.dumps(node.value)
    if node.check is Check.EQUAL and node.value != ", ":
        query = or_(*(text_position(column, literal(before + word)) > 0 for before in ("[", ", ")))
    else:
        words = json_texts(column).table_valued("value")
        passes = exists().select_from(words).where(_CHECKS[node.check](words.c.value, node.value))
        # Only where the letters stand in the text are the words looked at one by one.
        query = and_(text_position(column, literal(word[1:-1])) > 0, passes)
    return not_(query) if node.negated else query
