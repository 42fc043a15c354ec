"""Changing and deleting."""

from typing import Any

import pytest

from antiphon_server.application.edits import Delete, Edit
from antiphon_server.application.logs import CreateLogs
from antiphon_server.application.operations import ProposeOnSession
from antiphon_server.domain.decision import Tell
from antiphon_server.domain.errors import Aborted, AntiphonError, NotFound
from antiphon_server.domain.states import RUNNING, SCHEDULED
from antiphon_server.storage import tables
from writing import FLOW_RUN, SECOND, TASK_RUN, Writing, flow_run, new_id, proposal, propose, task_run

TABLES = {"flow": tables.flows, "flow run": tables.flow_runs, "task run": tables.task_runs}


@pytest.fixture(params=["flow", "flow run", "task run"])
def thing(request: pytest.FixtureRequest, writing: Writing) -> tuple[str, str]:
    """One thing of each kind that can be edited: its kind and its id."""
    run = writing.flow_run()
    task = writing.task_run(run)
    return request.param, {"flow": writing.row(tables.flows).id, "flow run": run, "task run": task}[request.param]


def test_an_edit_changes_what_it_names_and_no_more(writing: Writing, thing: tuple[str, str]) -> None:
    what, id = thing
    before = dict(writing.row(TABLES[what], id=id)._mapping)
    writing.now += SECOND
    writing.do(Edit(what, id, "", {"tags": '["x"]'}))
    after = dict(writing.row(TABLES[what], id=id)._mapping)
    assert after == {**before, "tags": '["x"]', "update_time": writing.now, "version": before["version"] + 1}


@pytest.mark.parametrize("make", [lambda *a: Edit(*a, {"tags": "[]"}), Delete])
def test_a_stale_etag_is_refused(writing: Writing, thing: tuple[str, str], make: Any) -> None:
    what, id = thing
    writing.do(Edit(what, id, "1", {"tags": '["x"]'}))
    before = writing.everything()
    with pytest.raises(Aborted) as refused:
        writing.do(make(what, id, "1"))
    assert refused.value.reason == "ETAG_MISMATCH"
    assert "its etag is 2, not 1" in refused.value.message
    assert writing.everything() == before
    writing.do(make(what, id, "2"))


@pytest.mark.parametrize("make", [lambda *a: Edit(*a, {"tags": "[]"}), Delete])
@pytest.mark.parametrize("what", TABLES)
def test_what_is_not_there(writing: Writing, what: str, make: Any) -> None:
    with pytest.raises(NotFound) as refused:
        writing.do(make(what, new_id(), ""))
    assert refused.value.reason == f"{what.replace(' ', '_').upper()}_NOT_FOUND"


def test_of_two_edits_with_one_etag_the_second_is_refused(writing: Writing, thing: tuple[str, str]) -> None:
    edits = [Edit(*thing, "1", {"tags": '["x"]'}), Edit(*thing, "1", {"tags": '["y"]'})]
    first, second = writing.together(*edits)
    assert first is None
    assert isinstance(second, Aborted)


def test_an_edit_and_the_moves_around_it_in_one_batch(writing: Writing) -> None:
    run = new_id()
    create, scheduled, edited, running = (
        flow_run(run),
        propose(run, SCHEDULED),
        Edit("flow run", run, "2", {"name": "new"}),
        propose(run, RUNNING),
    )
    answers = writing.together(create, scheduled, edited, running)
    assert not any(isinstance(answer, Exception) for answer in answers)
    row = writing.row(tables.flow_runs)
    assert (row.name, row.state_name, row.run_count, row.version) == ("new", "Running", 1, 4)
    assert writing.changes is not None
    assert list(writing.changes.runs) == [(FLOW_RUN, run)]


def test_a_state_changes_the_etag(writing: Writing) -> None:
    run = writing.flow_run()
    writing.propose(run, RUNNING)
    with pytest.raises(Aborted):
        writing.do(Edit("flow run", run, "1", {"name": "new"}))


def log(**of: str) -> dict[str, Any]:
    ids = {"flow_run_id": None, "task_run_id": None, **of}
    return {"id": new_id(), "logger": "l", "level": 20, "message": "", "create_time": 1, **ids}


def test_deleting_a_flow_run_takes_all_that_belongs_to_it_and_nothing_else(writing: Writing) -> None:
    run, other = writing.flow_run(), writing.flow_run()
    for each in (run, other):
        writing.propose(each, SCHEDULED, due=writing.now + SECOND)
        writing.do(ProposeOnSession(proposal(each, RUNNING, session_id="s"), 1, b""))
        task = writing.task_run(each)
        writing.propose(task, RUNNING, TASK_RUN)
        writing.do(CreateLogs([log(flow_run_id=each), log(task_run_id=task)]))
    before = {name: len(rows) for name, rows in writing.everything().items()}
    writing.do(Delete("flow run", run, ""))
    assert writing.changes is not None
    assert (FLOW_RUN, run) in writing.changes.runs
    halves = ("flow_runs", "task_runs", "transitions", "waits", "logs")
    after = {name: len(rows) for name, rows in writing.everything().items()}
    assert after == {**before, **{name: before[name] // 2 for name in halves}}
    assert all(before[name] % 2 == 0 for name in halves)
    assert writing.row(tables.flow_runs).id == other
    assert writing.row(tables.task_runs).flow_run_id == other


def test_many_runs_are_deleted_in_few_statements(
    writing: Writing, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleting(runs: int, inner: int) -> int:
        ids = [writing.flow_run(flow_name="many") for _ in range(runs)]
        writing.together(*(task_run(id) for id in ids for _ in range(inner)))
        writing.together(*(propose(id, RUNNING) for id in ids))
        statements.clear()
        writing.do(Delete("flow", writing.row(tables.flows).id, ""))
        assert not any(rows for rows in writing.everything().values())
        return sum(each.startswith(("SELECT", "DELETE")) for each in statements)

    assert deleting(1, 1) == deleting(20, 5)
    monkeypatch.setattr("antiphon_server.storage.statements.MAX_KEYS", 7)
    deleting(20, 5)


def test_deleting_a_flow_takes_its_runs(writing: Writing) -> None:
    run = writing.flow_run(flow_name="gone")
    writing.task_run(run)
    kept = writing.flow_run(flow_name="kept")
    flow = writing.row(tables.flows, name="gone").id
    _, again = writing.together(Delete("flow", flow, ""), flow_run(flow_name="gone"))
    assert {row.id for row in writing.rows(tables.flow_runs)} == {kept, again}
    assert writing.rows(tables.task_runs) == []
    assert writing.row(tables.flows, name="gone").id != flow, "the name is free again, in the very same batch"


def test_deleting_a_task_run_leaves_its_flow_run(writing: Writing) -> None:
    run = writing.flow_run()
    task, other = writing.task_run(run), writing.task_run(run)
    writing.do(Delete("task run", task, ""))
    assert writing.row(tables.task_runs).id == other
    assert writing.row(tables.flow_runs).id == run


def test_who_holds_what_is_deleted_is_told_to_let_go(writing: Writing) -> None:
    run = writing.flow_run(session_id="of the flow")
    task = writing.task_run(run, session_id="of the task")
    writing.task_run(run)
    writing.do(Delete("flow run", run, ""))
    told = {row.session_id: (row.kind, row.flow_run_id, row.task_run_id) for row in writing.rows(tables.commands)}
    revoke = Tell.REVOKE.value
    assert told == {"of the flow": (revoke, run, None), "of the task": (revoke, None, task)}
    assert writing.changes is not None
    assert {row["session_id"] for row in writing.changes.commands} == set(told)


def test_later_operations_of_the_batch_find_it_gone(writing: Writing) -> None:
    run = writing.flow_run()
    task = writing.task_run(run)
    answers = writing.together(
        propose(run, RUNNING),
        Delete("flow run", run, ""),
        propose(run, RUNNING),
        propose(task, RUNNING, TASK_RUN),
        task_run(run),
        Delete("flow run", run, ""),
    )
    reasons = [answer.reason for answer in answers[2:] if isinstance(answer, AntiphonError)]
    assert reasons == ["FLOW_RUN_NOT_FOUND", "TASK_RUN_NOT_FOUND", "FLOW_RUN_NOT_FOUND", "FLOW_RUN_NOT_FOUND"]
    assert writing.rows(tables.transitions) == []


def test_an_id_may_be_used_again_once_it_is_free(writing: Writing) -> None:
    run = writing.flow_run()
    deleted, again = writing.together(Delete("flow run", run, ""), flow_run(run, name="another"))
    assert (deleted, again) == (None, run)
    assert writing.row(tables.flow_runs).name == "another"
