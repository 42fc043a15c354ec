"""Comparisons with the domain's enumerations, which SQLAlchemy must not have to ask about."""

from enum import Enum, IntEnum
from typing import Any

import pytest
from sqlalchemy import Column, inspection
from sqlalchemy.dialects import sqlite

from antiphon_server.storage import all_tables
from antiphon_server.storage.enumerations import Enumerated


class Colour(IntEnum):
    RED = 3


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a part of SQLAlchemy is being loaded, to ask what a value is fails."""
    ask = inspection.inspect

    def refuse(subject: Any, *args: Any, **options: Any) -> Any:
        assert not isinstance(subject, Enum), subject
        return ask(subject, *args, **options)

    monkeypatch.setattr(inspection, "inspect", refuse)


@pytest.mark.usefixtures("unasked")
def test_an_enumeration_is_a_number_and_nobody_is_asked() -> None:
    column = Column("colour", Enumerated)
    for condition in (column == Colour.RED, column != Colour.RED, column.in_([Colour.RED])):
        compiled = condition.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
        assert str(compiled).endswith(("= 3", "IN (3)"))
    assert str((column == 3).compile(compile_kwargs={"literal_binds": True})) == "colour = 3"


@pytest.mark.usefixtures("unasked")
def test_the_test_can_fail() -> None:
    other = all_tables.metadata.tables["flow_runs"].c.run_count
    with pytest.raises(AssertionError):
        assert other == Colour.RED
