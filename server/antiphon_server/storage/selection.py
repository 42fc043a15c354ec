"""Which rows a filter lets through, for readers and for the writer alike."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select

from antiphon_server.domain.filter_tree import Comparison, FilterNode
from antiphon_server.storage.filter_sql import filter_clause
from antiphon_server.storage.sources import Source


def narrowed(
    statement: Select[Any], source: Source, condition: FilterNode | None, selected: Collection[str] = ()
) -> Select[Any]:
    """`statement`, which selects columns of `source`, over the rows that count and that fit `condition`. `selected` are
    those of its columns that may be of another table."""
    if source.condition is not None:
        statement = statement.where(source.condition)
    asked = set(selected)
    if condition is not None:
        statement = statement.where(filter_clause(condition, source.asked))
        asked |= _columns(condition)
    if source.joined is not None and not asked - source.looked_up.keys() <= set(source.table.c.keys()):
        statement = statement.select_from(source.joined)
    return statement


def _columns(node: FilterNode) -> set[str]:
    """The names of all columns that a filter asks for."""
    if isinstance(node, Comparison):
        return {node.column}
    return set().union(*map(_columns, node.terms))
