"""What is multiplied is as if it had been run, and looks at all of a table are noticed."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from antiphon_server.storage import tables
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.schema import prepare
from scale.__main__ import main, real_run
from scale.multiplying import GROWING, drop_pattern, keep_pattern, multiply
from scale.plans import Listener
from scale.sizes import sizes_of, whole_size
from stores import only_sqlite, place_for

RUNS, TASKS, COPIES = 2, 8, 5
#: Rows that name another row which is not there.
ORPHANS = (
    "SELECT count(*) FROM task_runs r WHERE NOT EXISTS (SELECT 1 FROM flow_runs f WHERE f.id = r.flow_run_id)",
    "SELECT count(*) FROM task_runs r WHERE NOT EXISTS (SELECT 1 FROM transitions t WHERE t.id = r.state_id)",
    "SELECT count(*) FROM logs l WHERE NOT EXISTS (SELECT 1 FROM flow_runs f WHERE f.id = l.flow_run_id)",
    "SELECT count(*) FROM transitions t WHERE NOT EXISTS (SELECT 1 FROM task_runs r WHERE r.id = t.run_id)"
    " AND NOT EXISTS (SELECT 1 FROM flow_runs r WHERE r.id = t.run_id)",
    "SELECT count(*) FROM task_runs WHERE end_time < start_time OR start_time < create_time",
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A database with a real run, multiplied."""
    place = place_for(tmp_path / "scale.db", bare=True)
    engine = database_at(place).writer_engine()
    prepare(engine)
    real_run(place, tmp_path, RUNS, TASKS)
    keep_pattern(engine)
    multiply(engine, 1, COPIES)
    drop_pattern(engine)
    return engine


def test_copies_are_as_if_they_had_been_run(engine: Engine) -> None:
    with engine.connect() as connection:
        counts = {t.name: connection.execute(text(f"SELECT count(*) FROM {t.name}")).scalar_one() for t in GROWING}
        assert (counts["flow_runs"], counts["task_runs"]) == (RUNS * COPIES, RUNS * TASKS * COPIES)
        assert counts["transitions"] >= 3 * counts["task_runs"]
        assert counts["logs"] >= counts["task_runs"]
        for orphans in ORPHANS:
            assert connection.execute(text(orphans)).scalar_one() == 0, orphans
        rows = connection.execute(select(tables.task_runs.c.id, tables.task_runs.c.create_time)).all()
        assert {id[14] for id, _ in rows} == {"7"}
        # In the order of their ids as in that of time, copy by copy.
        by_id = [created // 60_000_000 for _, created in sorted(rows)]
        assert by_id == sorted(by_id)
    sizes = sizes_of(engine)
    assert sizes["task_runs", ""] > 0
    assert sizes["transitions", "ix_transitions_run_id_create_time"] > 0
    assert sum(sizes.values()) <= whole_size(engine)
    engine.dispose()


@only_sqlite  # On PostgreSQL it depends on how many rows there are.
def test_a_look_at_all_of_a_table_is_noticed(engine: Engine) -> None:
    heard = Listener()
    runs = tables.task_runs.c
    with engine.connect() as connection, heard.listening():
        connection.execute(select(runs.id).where(runs.name == "nobody"))
        connection.execute(select(runs.id).where(runs.id == "nobody"))
        connection.rollback()
    assert len(heard.heard) == 2
    ((statement, line),) = heard.looks_at_all(engine, ["task_runs"])
    assert "task_runs.name = " in statement
    assert line == "SCAN task_runs"
    engine.dispose()


@only_sqlite
def test_a_little_run_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scale.operations.CALLS", 3)
    monkeypatch.setattr("scale.operations.DELETING", 0.1)
    out = tmp_path / "figures.json"
    assert main([str(tmp_path / "scale.db"), "--sizes", "2000,3000", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["rows of a task run"]["task_runs"] == 1
    assert {"2000", "3000", "retention"} <= set(found)
    assert found["3000"]["bytes"] > found["2000"]["bytes"] > 0
    assert {"RUNNING", "newest task runs, first page", "sweep: deadlines"} <= set(
        found["3000"]["milliseconds, p50 p99 of"]
    )
