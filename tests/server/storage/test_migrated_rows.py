"""Rows outlive every migration, up and down, in the columns that both schemas have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text

from antiphon_server.storage.migrations.upgrade import downgrade, upgrade
from antiphon_server.storage.schema import HEAD, REVISIONS, VERSION_TABLE
from filled_tables import ROWS, fill, tables_of
from stores import database_for

Rows = dict[str, list[dict[str, Any]]]
#: What a later release makes of what is there, and a downgrade therefore takes away: tables that begin with rows.
MADE_BY_MIGRATIONS = {"deployment_versions"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = database_for(tmp_path / "antiphon.db", bare=True).writer_engine()
    yield made
    made.dispose()


def rows_in(engine: Engine) -> Rows:
    found: Rows = {}
    for table in tables_of(engine):
        with engine.begin() as connection:
            order = list(table.primary_key.columns)
            found[table.name] = [dict(row._mapping) for row in connection.execute(table.select().order_by(*order))]
    return found


def common(rows: Rows, other: Rows) -> Rows:
    """The rows, with the columns alone that the other ones have too."""
    return {
        table: [{name: row[name] for name in row.keys() & other[table][0].keys()} for row in rows[table]]
        for table in rows
        if other.get(table)
    }


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_rows_of_an_older_release_come_up_and_go_back(engine: Engine, revision: str) -> None:
    upgrade(engine, revision)
    fill(engine)
    old = rows_in(engine)
    assert all(len(rows) == ROWS for rows in old.values())
    upgrade(engine, HEAD)
    new = rows_in(engine)
    assert old.keys() <= new.keys()
    assert common(new, old) == common(old, new)
    assert {table for table in new.keys() - old.keys() if new[table]} <= MADE_BY_MIGRATIONS
    downgrade(engine, revision)
    assert rows_in(engine) == old


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_rows_of_this_release_go_down_and_come_back(engine: Engine, revision: str) -> None:
    upgrade(engine, HEAD)
    fill(engine)
    new = rows_in(engine)
    downgrade(engine, revision)
    old = rows_in(engine)
    if revision < "0003":
        # Waits always had an end then: such a one is over.
        new["waits"][-1]["until_time"] = 0
    kept = common(new, old)
    assert kept == common(old, new)
    upgrade(engine, HEAD)
    again = rows_in(engine)
    assert {table: common({table: again[table]}, old)[table] for table in kept} == kept
    assert again.keys() == new.keys()


def test_every_table_and_column_has_rows(engine: Engine) -> None:
    upgrade(engine, HEAD)
    fill(engine)
    with engine.begin() as connection:
        names = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    rows = rows_in(engine)
    assert rows.keys() == names
    for table, found in rows.items():
        assert all(any(row[column] is not None for row in found) for column in found[0]), table


def test_a_row_that_is_lost_would_be_seen(engine: Engine) -> None:
    upgrade(engine, REVISIONS[0])
    fill(engine)
    old = rows_in(engine)
    upgrade(engine, HEAD)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM flows WHERE version = 1"))
    new = rows_in(engine)
    assert common(new, old) != common(old, new)
