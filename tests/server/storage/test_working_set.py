"""The facts of one batch: what is loaded, what a later operation sees, and what is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from antiphon_server.domain.model import Run, RunKind
from antiphon_server.domain.states import PENDING, RUNNING, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.statements import MAX_KEYS
from antiphon_server.storage.working_set import Needs, WorkingSet
from stores import POSTGRESQL
from writing import FLOW_RUN, RETRY_ONCE, START, TASK_RUN, Writing, flow_run, new_id, propose, task_run

Uuid = Callable[[int], str]


@contextmanager
def working_set(engine: Engine, now: int = START) -> Iterator[WorkingSet]:
    with engine.begin() as connection:
        yield WorkingSet(connection, now)


def test_runs_come_as_they_were_written(writing: Writing) -> None:
    run = writing.flow_run(retry_policy=RETRY_ONCE, session_id="holder", priority=3)
    task = writing.task_run(run, retry_policy=RETRY_ONCE, session_id="holder", priority=3, tags=["a", "b"])
    writing.propose(run, RUNNING, session_id="holder")
    writing.propose(task, RUNNING, TASK_RUN, session_id="holder", data=b"x")
    with working_set(writing.engine) as loaded:
        loaded.load(Needs(flow_runs={run}, task_runs={task}))
        of_flow, of_task = loaded.run(FLOW_RUN, run), loaded.run(TASK_RUN, task)
    assert of_flow is not None
    assert of_task is not None
    for found, kind, table in ((of_flow, FLOW_RUN, tables.flow_runs), (of_task, TASK_RUN, tables.task_runs)):
        stored = writing.row(table, id=found.id)
        assert (found.kind, found.retry_policy, found.session_id) == (kind, RETRY_ONCE, "holder")
        shared = {field for field in Run.__slots__ if field in table.c} - {"retry_policy", "tags", "pause_keys"}
        assert {field: getattr(found, field) for field in shared} == {field: stored._mapping[field] for field in shared}
        assert found.priority == 3
    assert (of_task.flow_run_id, of_task.flow_run_run_count, of_task.state_has_data) == (run, 1, True)
    assert of_task.tags == ("a", "b")


def test_what_rules_and_effects_look_at_comes_along(writing: Writing) -> None:
    around = writing.flow_run()
    stand_in = writing.task_run(around)
    child = writing.flow_run(parent_task_run_id=stand_in)
    with working_set(writing.engine) as loaded:
        loaded.load(Needs(task_runs={stand_in}))
        assert loaded.run(FLOW_RUN, around) is not None
        assert loaded.run(FLOW_RUN, child) is None
    with working_set(writing.engine) as loaded:
        loaded.load(Needs(flow_runs={child}))
        assert loaded.run(TASK_RUN, stand_in) is not None
        assert loaded.run(FLOW_RUN, around) is not None


def test_many_rows_come_in_few_statements(writing: Writing, statements: list[str]) -> None:
    ids = [new_id() for _ in range(2 * MAX_KEYS + 3)]
    wanted = set(ids[::2])
    for start in range(0, len(ids), 256):
        writing.together(*(flow_run(id) for id in ids[start : start + 256]))
    statements.clear()
    with working_set(writing.engine) as loaded:
        loaded.load(Needs(flow_runs={*wanted, *(new_id() for _ in range(MAX_KEYS))}))
        assert {id for id in ids if loaded.run(FLOW_RUN, id) is not None} == wanted
        loads = [each for each in statements if each.startswith("SELECT")]
        # Of 1,026 and 1,024 keys; PostgreSQL takes any number of them at once.
        assert len(loads) == (1 if POSTGRESQL else 3)
        loaded.load(Needs(flow_runs=wanted))
        assert [each for each in statements if each.startswith("SELECT")] == loads


def test_nothing_is_written_before_flush_and_nothing_twice(writing: Writing) -> None:
    with working_set(writing.engine) as batch:
        batch.add_flow({"id": "f", "name": "f", "tags": "[]", "create_time": 1, "update_time": 1, "version": 1})
        assert batch.flow_ids == {"f": "f"}
        assert batch.connection.execute(tables.flows.select()).fetchall() == []
        batch.flush()
        batch.flush()
        assert len(batch.connection.execute(tables.flows.select()).fetchall()) == 1


def test_a_run_that_is_new_and_moves_is_written_once_as_it_ends(writing: Writing, statements: list[str]) -> None:
    id = new_id()
    writing.together(flow_run(id))
    statements.clear()
    other = new_id()
    writing.together(flow_run(other), propose(other, SCHEDULED), propose(other, RUNNING), propose(id, RUNNING))
    writes = [each.split()[0:3] for each in statements if each.startswith(("INSERT", "UPDATE"))]
    assert [words for words in writes if "flow_runs" in words] == [
        ["INSERT", "INTO", "flow_runs"],
        ["UPDATE", "flow_runs", "SET"],
    ]
    assert writing.row(tables.flow_runs, id=other).version == 3


def test_runs_of_both_families_with_one_id_are_both_written(database: Any, writing: Writing, uuid: Uuid) -> None:
    for table in (tables.flow_runs, tables.task_runs):
        database.add(table, {"id": uuid(1)})
    writing.together(propose(uuid(1), RUNNING), propose(uuid(1), RUNNING, TASK_RUN))
    assert [writing.row(table).state_name for table in (tables.flow_runs, tables.task_runs)] == ["Running"] * 2


def test_later_operations_of_a_batch_see_what_earlier_ones_did(writing: Writing) -> None:
    run, task = new_id(), new_id()
    verdicts = writing.together(
        flow_run(run), task_run(run, task), propose(run, RUNNING), propose(task, RUNNING, TASK_RUN)
    )[2:]
    assert [verdict.run_count for verdict in verdicts] == [1, 1]
    assert writing.row(tables.task_runs, id=task).flow_run_run_count == 1


def test_runs_that_statements_changed_are_read_again(writing: Writing) -> None:
    kept, gone = writing.flow_run(), writing.flow_run()
    with working_set(writing.engine) as batch:
        batch.load(Needs(flow_runs={kept, gone}))
        runs = tables.flow_runs
        batch.connection.execute(runs.update().where(runs.c.id == kept).values(version=7))
        batch.connection.execute(runs.delete().where(runs.c.id == gone))
        batch.reload(FLOW_RUN, [kept, gone, new_id()])
        again = batch.run(FLOW_RUN, kept)
        assert again is not None
        assert again.version == 7
        assert batch.run(FLOW_RUN, gone) is None


def test_changes_name_each_run_once_in_order(writing: Writing) -> None:
    run, task = writing.flow_run(), writing.task_run(None)
    inner = writing.task_run(run)
    writing.together(
        propose(inner, PENDING, TASK_RUN),
        propose(run, SCHEDULED),
        propose(run, RUNNING),
        propose(task, RUNNING, TASK_RUN),
    )
    assert writing.changes is not None
    assert list(writing.changes.runs.items()) == [
        ((RunKind.TASK_RUN, inner), run),
        ((RunKind.FLOW_RUN, run), run),
        ((RunKind.TASK_RUN, task), None),
    ]


def test_a_wait_that_is_put_again_replaces_itself(writing: Writing, uuid: Uuid) -> None:
    row = {"transition_id": uuid(1), "run_id": uuid(2), "session_id": uuid(3), "sequence": 1, "proposal": b""}
    with working_set(writing.engine) as batch:
        run = Run(uuid(2))
        batch.waiting.put({**row, "until_time": 5}, run, ())
        batch.waiting.put({**row, "until_time": 6}, run, ())
        assert [each["until_time"] for each in batch.changes.waits] == [5, 6]
    assert writing.row(tables.waits).until_time == 6


def test_a_verdict_of_long_ago_is_fetched(writing: Writing) -> None:
    run = writing.flow_run()
    old = writing.propose(run, SCHEDULED).transition_id
    with working_set(writing.engine) as batch:
        assert batch.transition(old) is None
        found = batch.fetch_transition(old)
        assert found is not None
        assert found.state is not None
        assert (found.state.type, found.run_id) == (SCHEDULED, run)
        assert batch.fetch_transition(new_id()) is None
