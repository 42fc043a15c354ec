"""Creating flows and runs: replays, clashes, keys, and what they hang on."""

import json
from typing import Any

import pytest

from antiphon_server.application.creation import CreateFlow
from antiphon_server.domain.errors import AlreadyExists, AntiphonError, NotFound
from antiphon_server.domain.states import RUNNING
from antiphon_server.storage import tables
from writing import RETRY_ONCE, START, Writing, flow_run, new_id, propose, task_run


def reason(answer: Any) -> str:
    assert isinstance(answer, AntiphonError), answer
    return answer.reason


def test_a_flow_run_is_stored_as_asked(writing: Writing) -> None:
    id = writing.flow_run(name="one", tags=["a", "b"], retry_policy=RETRY_ONCE, session_id="holder", flow_name="etl")
    run = writing.row(tables.flow_runs)
    assert (run.id, run.name, run.tags, run.session_id) == (id, "one", '["a", "b"]', "holder")
    assert json.loads(run.retry_policy) == {"max_retries": 1, "delays": [10_000_000], "jitter_factor": 0.0}
    assert (run.create_time, run.update_time, run.version, run.run_count) == (START, START, 1, 0)
    assert (run.state_id, run.state_type, run.start_time, run.end_time) == (None, None, None, None)
    assert writing.row(tables.flows).name == "etl"
    assert run.flow_id == writing.row(tables.flows).id


def test_a_task_run_is_stored_as_asked(writing: Writing) -> None:
    around = writing.flow_run()
    id = writing.task_run(around, task_key="clean", dynamic_key="3", session_id="holder")
    run = writing.row(tables.task_runs)
    assert (run.id, run.flow_run_id, run.task_key, run.dynamic_key) == (id, around, "clean", "3")
    assert (run.name, run.session_id, run.version, run.upstream_task_run_ids) == ("clean-3", "holder", 1, "[]")


def test_a_run_without_a_name_gets_one(writing: Writing) -> None:
    run = writing.flow_run(flow_name="etl")
    assert writing.row(tables.flow_runs).name == f"etl-{run[-6:]}"
    writing.task_run(None, task_key="clean")
    assert writing.row(tables.task_runs).name == "clean"


@pytest.mark.parametrize("make", [lambda id: flow_run(id, name="x"), lambda id: task_run(None, id, name="x")])
def test_a_replay_is_answered_and_writes_nothing(writing: Writing, make: Any) -> None:
    id = new_id()
    assert writing.together(make(id), make(id)) == [id, id]
    before = writing.everything()
    writing.now += 1
    assert writing.do(make(id)) == id
    assert writing.everything() == before


def test_a_replay_does_not_take_a_run_back_to_its_start(writing: Writing) -> None:
    id = new_id()
    create = flow_run(id)
    writing.together(create, propose(id, RUNNING))
    assert writing.do(flow_run(id)) == id
    assert writing.row(tables.flow_runs).run_count == 1


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda id, name: flow_run(id, name=name), "FLOW_RUN_EXISTS"),
        (lambda id, name: task_run(None, id, name=name), "TASK_RUN_EXISTS"),
    ],
)
def test_an_id_with_another_body_is_refused(writing: Writing, make: Any, expected: str) -> None:
    id = new_id()
    first, second = writing.together(make(id, "a"), make(id, "b"))
    assert (first, reason(second)) == (id, expected)
    with pytest.raises(AlreadyExists, match=id) as refused:
        writing.do(make(id, "b"))
    assert refused.value.reason == expected


def test_runs_of_both_families_do_not_share_an_id(writing: Writing) -> None:
    for creations, expected in (
        ([lambda id: flow_run(id), lambda id: task_run(id, id)], "FLOW_RUN_EXISTS"),
        ([lambda id: task_run(None, id), lambda id: flow_run(id)], "TASK_RUN_EXISTS"),
    ):
        id = new_id()
        first, second = writing.together(*(make(id) for make in creations))
        assert (first, reason(second)) == (id, expected)
        assert writing.do(creations[0](id)) == id, "it is there, and a replay finds it"
        with pytest.raises(AlreadyExists, match=f"there is a (flow|task) run {id} already") as refused:
            writing.do(creations[1](id))
        assert refused.value.reason == expected
    assert (len(writing.rows(tables.flow_runs)), len(writing.rows(tables.task_runs))) == (1, 1)


def test_a_flow_is_registered_once_for_all_its_runs(writing: Writing) -> None:
    writing.together(flow_run(flow_name="a"), flow_run(flow_name="b"), flow_run(flow_name="a"))
    writing.flow_run(flow_name="a")
    assert sorted(flow.name for flow in writing.rows(tables.flows)) == ["a", "b"]
    assert len({run.flow_id for run in writing.rows(tables.flow_runs)}) == 2


def test_a_run_of_a_flow_that_the_same_batch_registers(writing: Writing) -> None:
    first = writing.flow_run(flow_name="known")
    flow = writing.row(tables.flow_runs, id=first).flow_id
    (answer,) = writing.together(flow_run(flow_id=flow))
    assert writing.row(tables.flow_runs, id=answer).name.startswith("known-")
    created = CreateFlow("fresh", ["x"])
    id, run = writing.together(created, flow_run(flow_name="fresh"))
    assert writing.row(tables.flow_runs, id=run).flow_id == id


def test_a_key_leads_to_the_run_that_has_it(writing: Writing) -> None:
    first = writing.flow_run(idempotency_key="today")
    assert writing.flow_run(idempotency_key="today") == first
    assert writing.flow_run(idempotency_key="tomorrow") != first
    assert writing.flow_run(idempotency_key="today", flow_name="another") != first
    assert writing.flow_run() != writing.flow_run()
    one, other = writing.together(flow_run(idempotency_key="both"), flow_run(idempotency_key="both"))
    assert one == other


@pytest.mark.parametrize("together", [True, False])
def test_a_session_learns_that_a_key_is_used_and_by_which_run(writing: Writing, together: bool) -> None:
    first = flow_run(idempotency_key="today", session_id="s")
    second = flow_run(idempotency_key="today", session_id="s")
    answers = writing.together(first, second) if together else [writing.together(each)[0] for each in (first, second)]
    assert (answers[0], reason(answers[1])) == (first.new.id, "IDEMPOTENCY_KEY_USED")
    assert answers[1].metadata == {"flow_run_id": first.new.id}
    assert first.new.id in answers[1].message
    assert writing.row(tables.flow_runs).id == first.new.id
    assert writing.do(first) == first.new.id, "a replay is no second run"


def test_a_name_that_is_taken_is_refused(writing: Writing) -> None:
    writing.flow_run(flow_name="taken")
    with pytest.raises(AlreadyExists) as refused:
        writing.do(CreateFlow("taken"))
    assert refused.value.reason == "FLOW_EXISTS"
    first, second = writing.together(CreateFlow("new", ["a"]), CreateFlow("new"))
    assert (first, reason(second)) == (writing.row(tables.flows, name="new").id, "FLOW_EXISTS")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (flow_run(flow_id=new_id()), "FLOW_NOT_FOUND"),
        (flow_run(parent_task_run_id=new_id()), "TASK_RUN_NOT_FOUND"),
        (flow_run(parent_task_run_id=new_id(), idempotency_key="k"), "TASK_RUN_NOT_FOUND"),
        (task_run(new_id()), "FLOW_RUN_NOT_FOUND"),
    ],
)
def test_what_a_run_hangs_on_must_be_there(writing: Writing, operation: Any, expected: str) -> None:
    before = writing.everything()
    with pytest.raises(NotFound) as refused:
        writing.do(operation)
    assert refused.value.reason == expected
    assert writing.everything() == before, "a refused operation writes nothing, not even the flow of the run"
