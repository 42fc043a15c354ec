"""A filter's tree to SQL.

Every check is true or false as the tree wants it: on a NULL a plain one yields NULL, which WHERE takes as false and
which AND and OR pass on as such; a negated one asks for the NULL by name.
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, func, literal, not_, or_

from antiphon_server.domain.filter_tree import AllOf, AnyOf, Check, Comparison, FilterNode, Kind
from antiphon_server.storage.sql_functions import json_texts, text_end, text_position

#: The columns that a filter may ask of, by the name that its tree has for them.
Columns: TypeAlias = Mapping[str, ColumnElement[Any]]

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


def filter_clause(node: FilterNode, columns: Columns) -> ColumnElement[bool]:
    """The condition that `node` puts on rows with `columns`."""
    return _compile(node, columns)[0]


def _compile(node: FilterNode, columns: Columns) -> tuple[ColumnElement[bool], int]:
    """The condition, and how much of the SQL parser's stack it needs.

    SQLite's parser fails beyond 100 entries. A term that comes first needs one more than it does alone (the
    parenthesis), a later one three more, so the deepest term goes first: with the limits that filters have, the stack
    cannot grow to more than their depth and three times the binary logarithm of their terms.
    """
    if isinstance(node, Comparison):
        return _comparison(node, columns[node.column]), 0
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
    condition = _CHECKS[node.check](column, node.value)
    if not node.negated:
        return condition
    return or_(column.is_(None), not_(condition))


def _presence(node: Comparison, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if node.kind is Kind.STRING:
        return or_(column.is_(None), column == "") if node.negated else column != ""
    return column.is_(None) if node.negated else column.is_not(None)


def _tags(node: Comparison, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether any word of the JSON list passes the check."""
    words = json_texts(column).table_valued("value")
    query = exists().select_from(words)
    if node.check is not Check.PRESENT:
        query = query.where(_CHECKS[node.check](words.c.value, node.value))
    return not_(query) if node.negated else query
