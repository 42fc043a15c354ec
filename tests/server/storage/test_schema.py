"""New and migrated databases are the same, and what cannot be used is refused with cause and next step."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from antiphon_server.application.deployment_versions import EMPTY
from antiphon_server.domain.errors import AntiphonError, FailedPrecondition, Unavailable
from antiphon_server.storage import all_tables, tables
from antiphon_server.storage.deployment_tables import deployment_versions
from antiphon_server.storage.migrations.upgrade import config, downgrade, upgrade
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from antiphon_server.storage.schema import HEAD, REVISIONS, VERSION_TABLE, prepare
from antiphon_server.storage.sources import DEPLOYMENTS
from stores import database_for, only_sqlite

MakeEngine = Callable[..., Engine]
#: Columns of runs that must be set.
NEEDED = (
    *("tags", "run_count", "state_has_data", "total_run_time", "create_time", "update_time", "version"),
    *("create_digest", "flow_version"),
)


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[MakeEngine]:
    """Engines of files in the test's folder, closed at the end."""
    made: list[Engine] = []

    def make(name: str = "antiphon.db") -> Engine:
        made.append(database_for(tmp_path / name, bare=True).writer_engine())
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def schema(engine: Engine) -> dict[str, Any]:
    """All that a database says of its tables, apart from the order of columns."""
    inspector = inspect(engine)
    found: dict[str, Any] = {}
    for name in inspector.get_table_names():
        columns = {
            column["name"]: (str(column["type"]), column["nullable"], column["default"], column.get("primary_key"))
            for column in inspector.get_columns(name)
        }
        indexes = {
            index["name"]: (index["column_names"], index["unique"], _only_where(index))
            for index in inspector.get_indexes(name)
        }
        unique = sorted((each["name"] or "", *each["column_names"]) for each in inspector.get_unique_constraints(name))
        found[name] = (columns, indexes, unique, inspector.get_pk_constraint(name)["constrained_columns"])
    with engine.begin() as connection:
        kinds = {name: tuple(kind) for name, *kind in connection.execute(text(_KINDS[engine.dialect.name]))}
    return {name: (*found[name], kinds[name]) for name in found}


#: What a database says of tables beyond columns and indexes.
_KINDS = {
    "sqlite": "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main'",
    "postgresql": """
        SELECT table_name, string_agg(concat(column_name, ' ', collation_name), ', ' ORDER BY column_name)
        FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name
    """,
}


def _only_where(index: Any) -> str:
    options = index.get("dialect_options", {})
    return str(options.get("sqlite_where", options.get("postgresql_where")))


def changes(engine: Engine) -> list[Any]:
    """What a migration would have to do to bring a database to the tables of this release."""
    with engine.begin() as connection:
        return compare_metadata(MigrationContext.configure(connection), all_tables.metadata)


def test_a_new_database_and_a_migrated_one_are_the_same(make_engine: MakeEngine) -> None:
    new, migrated = make_engine("new.db"), make_engine("migrated.db")
    prepare(new)
    upgrade(migrated, HEAD)
    assert schema(new) == schema(migrated)
    assert set(schema(new)) == {VERSION_TABLE, *all_tables.metadata.tables}
    assert changes(new) == changes(migrated) == []


def test_a_difference_would_be_seen(make_engine: MakeEngine) -> None:
    new, other = make_engine("new.db"), make_engine("other.db")
    for engine in (new, other):
        prepare(engine)
    with other.begin() as connection:
        connection.execute(text("DROP INDEX ix_flow_runs_create_time_id"))
    assert schema(new) != schema(other)
    assert changes(other) != []


def test_the_revisions_are_those_of_the_migrations(make_engine: MakeEngine) -> None:
    with make_engine().begin() as connection:
        scripts = ScriptDirectory.from_config(config(connection))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_every_revision_can_be_taken_back_and_made_again(make_engine: MakeEngine) -> None:
    engine = make_engine()
    upgrade(engine, HEAD)
    whole = schema(engine)
    for revision in (*reversed(REVISIONS[:-1]), "base"):
        downgrade(engine, revision)
    assert set(schema(engine)) == {VERSION_TABLE}
    for revision in REVISIONS:
        upgrade(engine, revision)
    assert schema(engine) == whole
    assert changes(engine) == []


def test_a_database_taken_back_to_the_start_is_migrated(make_engine: MakeEngine) -> None:
    engine = make_engine()
    upgrade(engine, HEAD)
    downgrade(engine, "base")
    prepare(engine)
    assert changes(engine) == []


def test_what_is_there_is_kept_and_its_tokens_hold(make_engine: MakeEngine) -> None:
    engine = make_engine()
    key = prepare(engine)
    assert len(key) == 32
    with engine.begin() as connection:
        row = {"id": "1", "name": "kept", "tags": "[]", "create_time": 1, "update_time": 1, "version": 1}
        connection.execute(tables.flows.insert(), row)
    again = make_engine()
    assert prepare(again) == key
    with again.begin() as connection:
        assert connection.execute(tables.flows.select()).one().name == "kept"
    assert prepare(make_engine("other.db")) != key


def refusal(engine: Engine, kind: type[AntiphonError]) -> AntiphonError:
    with pytest.raises(AntiphonError) as refused:
        prepare(engine)
    assert type(refused.value) is kind
    return refused.value


def test_a_database_of_a_newer_release_is_refused_and_left_alone(make_engine: MakeEngine) -> None:
    engine = make_engine()
    prepare(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    before = schema(engine)
    error = refusal(engine, FailedPrecondition)
    assert error.reason == "SCHEMA_UNKNOWN"
    assert "schema 9999" in error.message
    assert "Install that release" in error.message
    assert schema(engine) == before


def test_a_database_of_another_program_is_refused_and_left_alone(make_engine: MakeEngine) -> None:
    engine = make_engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    error = refusal(engine, FailedPrecondition)
    assert error.reason == "SCHEMA_UNKNOWN"
    assert "point the server to another database" in error.message
    assert set(schema(engine)) == {"theirs"}


@only_sqlite
def test_a_file_that_is_no_database_is_refused(make_engine: MakeEngine, tmp_path: Path) -> None:
    (tmp_path / "antiphon.db").write_bytes(b"This is a letter to my aunt.\n" * 1000)
    error = refusal(make_engine(), Unavailable)
    assert error.reason == "STORAGE_UNAVAILABLE"
    assert "SQLITE_NOTADB" in error.message


@only_sqlite
def test_a_database_with_broken_pages_is_refused(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine()
    prepare(engine)
    engine.dispose()
    path = tmp_path / "antiphon.db"
    whole = path.read_bytes()
    # The header stays, and with it the size of a page.
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    error = refusal(make_engine(), Unavailable)
    assert error.reason == "STORAGE_UNAVAILABLE"
    assert "SQLITE_CORRUPT" in error.message


@only_sqlite
def test_a_place_where_no_file_can_be_is_refused(make_engine: MakeEngine, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder", "missing/antiphon.db"):
        error = refusal(make_engine(name), Unavailable)
        assert error.reason == "STORAGE_UNAVAILABLE"
        assert "Check that its folder is there" in error.message


@only_sqlite
def test_a_database_that_may_only_be_read_is_refused(make_engine: MakeEngine) -> None:
    engine = make_engine()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    error = refusal(engine, Unavailable)
    assert error.reason == "STORAGE_UNAVAILABLE"
    assert "SQLITE_READONLY" in error.message


@only_sqlite
def test_a_database_that_another_process_holds_is_busy(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine()
    prepare(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(tmp_path / "antiphon.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert refusal(engine, Unavailable).reason == "STORAGE_BUSY"


def test_deployments_of_before_there_were_versions_get_their_first(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine()
    upgrade(engine, "0010")
    columns = "name, tags, create_time, update_time, version, id"
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO flows ({columns}) VALUES ('etl', '[]', 1, 1, 1, 'flow')"))
        for name, tags, created in [("nightly", '["a"]', 5), ("hourly", "[]", 7)]:
            connection.execute(
                text(
                    f"INSERT INTO deployments ({columns}, flow_id, paused, collision_strategy) "
                    f"VALUES ('{name}', '{tags}', {created}, 9, 4, '{name}', 'flow', true, 2)"
                )
            )
        run = {
            **dict.fromkeys(NEEDED, 0),
            "state_has_data": False,
            "create_digest": b"",
            "id": "run",
            "name": "n",
            "flow_id": "flow",
            "deployment_id": "nightly",
        }
        named = ", ".join(f":{name}" for name in run)
        connection.execute(text(f"INSERT INTO flow_runs ({', '.join(run)}) VALUES ({named})"), run)
    prepare(engine)
    with engine.begin() as connection:
        kept = connection.execute(tables.deployments.select().order_by(tables.deployments.c.create_time)).all()
        assert [(row.name, row.paused, row.version, row.version_number) for row in kept] == [
            ("nightly", True, 4, 1),
            ("hourly", True, 4, 1),
        ]
        versions = connection.execute(deployment_versions.select().order_by(deployment_versions.c.create_time)).all()
        assert [(row.deployment_id, row.number, row.tags, row.create_time) for row in versions] == [
            ("nightly", 1, '["a"]', 5),
            ("hourly", 1, "[]", 7),
        ]
        for version in versions:
            assert {name: getattr(version, name) for name in EMPTY} == EMPTY
        kept_run = connection.execute(tables.flow_runs.select()).one()
        assert (kept_run.deployment_id, kept_run.schedule_id, kept_run.deployment_version) == ("nightly", None, None)

    async def read() -> Any:
        readers = reader_engine(database_for(tmp_path / "antiphon.db"))
        try:
            return await Reader(lambda: readers).find(DEPLOYMENTS, flow_name="etl", name="nightly")
        finally:
            await readers.dispose()

    row = asyncio.run(read())
    assert (row.id, row.entrypoint, row.labels, row.tags) == ("nightly", "", "{}", '["a"]')
