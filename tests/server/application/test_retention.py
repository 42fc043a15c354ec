"""Old runs and logs go, and nothing else does."""

from typing import Any

import pytest
from sqlalchemy import event

from antiphon_server.application import retention
from antiphon_server.application.logs import CreateLogs
from antiphon_server.application.retention import DeleteOldLogs, DeleteOldRuns
from antiphon_server.domain.states import COMPLETED, FAILED, RUNNING
from antiphon_server.storage import tables
from stores import only_sqlite
from writing import FLOW_RUN, SECOND, TASK_RUN, Writing, new_id

DAY = 24 * 3600 * SECOND


def ids(writing: Writing, table: Any) -> set[str]:
    return {row.id for row in writing.rows(table)}


def test_what_ended_long_ago_goes_with_all_that_is_in_it(writing: Writing) -> None:
    old, failed, young, running, long = (writing.flow_run() for _ in range(5))
    inside, apart = writing.task_run(old), writing.task_run(None)
    for run in (old, failed, young, running, long):
        writing.propose(run, RUNNING)
    for task in (inside, apart):
        writing.propose(task, RUNNING, TASK_RUN)
        writing.propose(task, COMPLETED, TASK_RUN)
    writing.propose(old, COMPLETED)
    writing.propose(failed, FAILED)
    writing.now += 2 * DAY
    writing.propose(young, COMPLETED)
    writing.propose(long, COMPLETED)
    late = writing.flow_run()
    writing.propose(late, RUNNING)
    writing.propose(late, COMPLETED)
    assert writing.do(DeleteOldRuns(DAY)) is False
    assert ids(writing, tables.flow_runs) == {young, running, long, late}
    assert ids(writing, tables.task_runs) == set()
    assert {row.run_id for row in writing.rows(tables.transitions)} == {young, running, long, late}
    writing.now += 2 * DAY
    writing.do(DeleteOldRuns(DAY))
    assert ids(writing, tables.flow_runs) == {running}


def test_they_go_a_few_at_a_time(writing: Writing) -> None:
    runs = [writing.flow_run() for _ in range(retention.MOST + 1)]
    for run in runs:
        writing.propose(run, COMPLETED, FLOW_RUN)
    writing.now += DAY
    assert writing.do(DeleteOldRuns(DAY // 2)) is True
    assert ids(writing, tables.flow_runs) == {runs[-1]}
    assert writing.do(DeleteOldRuns(DAY // 2)) is False
    assert ids(writing, tables.flow_runs) == set()


def test_what_is_in_them_goes_first_and_a_little_at_a_time(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_INSIDE", 2)
    run = writing.flow_run()
    for _ in range(5):
        writing.task_run(run)
    writing.propose(run, COMPLETED)
    writing.now += DAY
    left = []
    while writing.do(DeleteOldRuns(DAY // 2)):
        left.append(len(writing.rows(tables.task_runs)))
        assert ids(writing, tables.flow_runs) == {run}
    assert left == [3, 1]
    assert ids(writing, tables.flow_runs) == ids(writing, tables.task_runs) == set()


def test_old_lines_go_though_their_run_stays(writing: Writing) -> None:
    run = writing.flow_run()
    line = {"flow_run_id": run, "task_run_id": None, "logger": "l", "level": 20}
    rows = [{**line, "id": new_id(), "message": str(age), "create_time": writing.now - age * DAY} for age in (0, 1, 3)]
    writing.do(CreateLogs(rows))
    assert writing.do(DeleteOldLogs(2 * DAY)) is False
    assert sorted(row.message for row in writing.rows(tables.logs)) == ["0", "1"]
    assert ids(writing, tables.flow_runs) == {run}


@only_sqlite
def test_a_look_at_old_runs_ends_at_the_first_ones(writing: Writing) -> None:
    """However many are old: it goes along an index and sorts nothing."""
    run = writing.flow_run()
    for place in (run, None):
        task = writing.task_run(place)
        writing.propose(task, RUNNING, TASK_RUN)
        writing.propose(task, COMPLETED, TASK_RUN)
    writing.propose(run, COMPLETED)
    writing.now += DAY
    asked: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "LIMIT" in statement:
            asked.append((statement, parameters))

    event.listen(writing.engine, "before_cursor_execute", hear)
    writing.do(DeleteOldRuns(DAY // 2))
    event.remove(writing.engine, "before_cursor_execute", hear)
    with writing.engine.connect() as connection:
        plans = [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked
        ]
    assert plans == [
        ["SEARCH flow_runs USING INDEX ix_flow_runs_create_time_id (create_time<?)"],
        ["SEARCH task_runs USING COVERING INDEX ix_task_runs_flow_run_id_create_time_id (flow_run_id=?)"],
        ["SEARCH task_runs USING INDEX ix_task_runs_flow_run_id_create_time_id (flow_run_id=? AND create_time<?)"],
    ]
