"""Keyset paging: the order of a list and the rows behind a given one, in which NULLs come last in both directions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, tuple_

from antiphon_server.domain.ordering import OrderKey
from antiphon_server.storage.filter_sql import Columns


def nullable(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", True))


def order_clauses(order: Sequence[OrderKey], columns: Columns) -> list[ColumnElement[Any]]:
    """What goes into ORDER BY. NULLS LAST is said only where there may be any, since it rules some indexes out."""
    clauses: list[ColumnElement[Any]] = []
    for key in order:
        column = columns[key.column]
        clause = column.desc() if key.descending else column.asc()
        clauses.append(clause.nulls_last() if nullable(column) else clause)
    return clauses


def after_clause(order: Sequence[OrderKey], columns: Columns, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition of coming after the row whose keys are `values` (as many as `order` has, None for NULL).

    The last key must be unique and never NULL.
    """
    ordered = [columns[key.column] for key in order]
    if len({key.descending for key in order}) == 1 and not any(map(nullable, ordered)):
        # A comparison of rows, which an index can answer.
        row, bound = tuple_(*ordered), tuple_(*values)
        return row < bound if order[0].descending else row > bound
    alternatives: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for key, column, value in zip(order, ordered, values, strict=True):
        alternatives.append(and_(*same, _beyond(column, value, key.descending)))
        same.append(column.is_(None) if value is None else column == value)
    return or_(*alternatives)


def _beyond(column: ColumnElement[Any], value: Any, descending: bool) -> ColumnElement[bool]:
    if value is None:
        return false()
    further = column < value if descending else column > value
    return or_(further, column.is_(None)) if nullable(column) else further
