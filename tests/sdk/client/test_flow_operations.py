"""Flows and flow runs by the client."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from antiphon import flow
from antiphon.client.schemas.filters import FlowFilter, FlowFilterName
from antiphon.client.schemas.objects import Flow, FlowRun, FlowRunPolicy, StateType
from antiphon.client.schemas.responses import SetStateStatus, StateAbortDetails, StateRejectDetails, StateWaitDetails
from antiphon.client.schemas.sorting import FlowRunSort
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound, ObjectUnsupported, SerializationError
from antiphon.states import Cancelling, Completed, Paused, Pending, Running, Scheduled
from antiphon.v1.flow_run_service_pb2 import PauseFlowRunRequest
from stored import Stored


def named(name: str, **options: Any) -> Any:
    """A flow with a name of the test's own."""

    def body(x: int = 0) -> int:
        return x

    return flow(name=f"{name}-{uuid4().hex[:8]}", **options)(body)


def test_flows(api: Any) -> None:
    mine = named("mine")
    made = api.create_flow(mine)
    assert isinstance(made, UUID)
    assert api.create_flow(mine) == api.create_flow_from_name(mine.name) == made
    read = api.read_flow(made)
    assert isinstance(read, Flow)
    assert read == api.read_flow_by_name(mine.name) == api.read_flow(str(made))
    assert (read.id, read.name, read.tags) == (made, mine.name, [])
    assert read.created is not None and read.created.tzinfo is not None
    assert read in api.read_flows(limit=1000)
    api.delete_flow(made)
    with pytest.raises(ObjectNotFound):
        api.read_flow(made)
    with pytest.raises(ObjectNotFound, match=f"There is no flow '{mine.name}'"):
        api.read_flow_by_name(mine.name)


def test_a_run_that_was_run(api: Any, stored: Stored) -> None:
    @flow(name=f"ran-{uuid4().hex[:8]}", version="7", retries=2, retry_delay_seconds=3)
    def ran(x: int, when: str = "now") -> int:
        return x + 1

    before = datetime.now(UTC) - timedelta(seconds=1)
    ended = ran(4, return_state=True)
    run = api.read_flow_run(ended.state_details.flow_run_id)
    assert isinstance(run, FlowRun)
    assert run.flow_id == api.read_flow_by_name(ran.name).id
    assert (run.flow_version, run.parameters, run.run_count) == ("7", {"x": 4, "when": "now"}, 1)
    assert (run.state_type, run.state_name, run.state_id) == (StateType.COMPLETED, "Completed", UUID(run.state.id))
    assert run.state.result() == 5
    assert run.empirical_policy == FlowRunPolicy(max_retries=2, retries=2, retry_delay_seconds=3, retry_delay=3)
    assert before < run.expected_start_time <= run.start_time <= run.end_time <= datetime.now(UTC)
    assert run.total_run_time == run.estimated_run_time >= timedelta(0)
    assert run.estimated_start_time_delta < timedelta(seconds=30)
    assert [state.name for state in api.read_flow_run_states(run.id)] == ["Pending", "Running", "Completed"]
    assert run.model_dump(mode="json")["state"]["type"] == "COMPLETED"


def test_create_a_run(api: Any) -> None:
    mine = named("created", version="1", retries=1)
    run = api.create_flow_run(mine, name="by hand", parameters={"x": 3}, tags=["a", "b"])
    assert (run.name, run.parameters, run.tags, run.state_name) == ("by hand", {"x": 3}, ["a", "b"], "Pending")
    assert (run.flow_version, run.empirical_policy.retries) == ("1", 1)
    drawn = api.create_flow_run(mine, state=Scheduled(datetime.now(UTC) + timedelta(hours=1)))
    assert drawn.name and drawn.state.is_scheduled()
    assert drawn.next_scheduled_start_time == drawn.expected_start_time == drawn.state.state_details.scheduled_time
    api.delete_flow_run(run.id)
    with pytest.raises(ObjectNotFound):
        api.read_flow_run(run.id)


def test_what_the_server_does_not_keep_is_refused(api: Any) -> None:
    mine = named("refused")
    with pytest.raises(ObjectUnsupported, match="keeps no context, job_variables of a flow run"):
        api.create_flow_run(mine, context={"a": 1}, job_variables={"b": 2})
    run = api.create_flow_run(mine)
    with pytest.raises(ObjectUnsupported, match="keeps no infrastructure_pid"):
        api.update_flow_run(run.id, infrastructure_pid="1")
    with pytest.raises(SerializationError):
        api.create_flow_run(mine, parameters={"x": (each for each in ())})


def test_change_a_run(api: Any) -> None:
    run = api.create_flow_run(named("changed"), tags=["a"])
    api.update_flow_run(run.id, name="new", tags=["b", "c"])
    changed = api.read_flow_run(run.id)
    assert (changed.name, changed.tags) == ("new", ["b", "c"])
    api.set_flow_run_name(run.id, "newer")
    api.update_flow_run(run.id, tags=[])
    api.update_flow_run(run.id)
    changed = api.read_flow_run(run.id)
    assert (changed.name, changed.tags) == ("newer", [])
    with pytest.raises(ObjectNotFound):
        api.set_flow_run_name(uuid4(), "x")


def test_set_states(api: Any) -> None:
    run = api.create_flow_run(named("moved"))
    result = api.set_flow_run_state(run.id, Running())
    assert result.status is SetStateStatus.ACCEPT and result.state.is_running()
    assert result.state.state_details.flow_run_id == str(run.id)
    done = Completed(message="well done", data=3)
    result = api.set_flow_run_state(str(run.id), done)
    assert result.status is SetStateStatus.ACCEPT and result.details.type == "accept_details"
    assert (result.state.message, result.state.outcome()) == ("well done", 3)
    again = api.set_flow_run_state(run.id, Cancelling())
    assert again.status in (SetStateStatus.ABORT, SetStateStatus.REJECT) and again.details.reason
    assert api.set_flow_run_state(run.id, done, force=True).status is SetStateStatus.ACCEPT
    with pytest.raises(ObjectNotFound):
        api.set_flow_run_state(uuid4(), Running())


def test_a_state_that_must_wait(api: Any) -> None:
    run = api.create_flow_run(named("waits"), state=Scheduled(datetime.now(UTC) + timedelta(seconds=100)))
    result = api.set_flow_run_state(run.id, Pending())
    result = api.set_flow_run_state(run.id, Running()) if result.status is SetStateStatus.ACCEPT else result
    assert result.status is SetStateStatus.WAIT and isinstance(result.details, StateWaitDetails)
    assert 90 <= result.details.delay_seconds <= 100 and result.details.reason


def test_lists_with_limit_and_offset(api: Any) -> None:
    mine = named("listed")
    made = [api.create_flow_run(mine, name=f"n{each}").id for each in range(5)]

    of_mine = FlowFilter(name=FlowFilterName(any_=[mine.name]))
    assert [run.id for run in api.read_flow_runs(flow_filter=of_mine)] == made[::-1]
    page = api.read_flow_runs(flow_filter=of_mine, sort=FlowRunSort.NAME_ASC, limit=2, offset=1)
    assert [run.name for run in page] == ["n1", "n2"]
    assert len(api.read_flow_runs(flow_filter=of_mine, offset=4)) == 1
    assert api.read_flow_runs(flow_filter=of_mine, offset=5) == []
    assert api.read_flow_runs(flow_filter=of_mine, limit=0) == []
    assert api.count_flow_runs(flow_filter=of_mine) == 5 <= api.count_flow_runs()
    with pytest.raises(ValueError, match="limit is a number from 0 on, not -1"):
        api.read_flow_runs(limit=-1)


def test_resume(api: Any, stored: Stored) -> None:
    run = api.create_flow_run(named("resumed"))
    api.set_flow_run_state(run.id, Running())
    refused = api.resume_flow_run(run.id)
    assert refused.status is SetStateStatus.ABORT and isinstance(refused.details, StateAbortDetails)
    assert "not paused" in refused.details.reason.lower()
    paused = api.set_flow_run_state(run.id, Paused(timeout_seconds=100, pause_key="k"))
    assert paused.status is SetStateStatus.ACCEPT
    details = paused.state.state_details
    assert details.pause_key == "k" and not details.pause_reschedule
    assert timedelta(seconds=90) < details.pause_timeout - datetime.now(UTC) < timedelta(seconds=101)
    resumed = api.resume_flow_run(run.id, run_input={"answer": 42})
    assert resumed.status is SetStateStatus.ACCEPT and resumed.state.is_running()
    assert api.read_flow_run_input(run.id, "k") in ('{"answer":42}', '{"answer": 42}')
    (told,) = api.filter_flow_run_input(run.id, key_prefix="", limit=10, exclude_keys=set())
    assert (told.key, told.flow_run_id, told.decoded_value) == ("k", run.id, {"answer": 42})
    assert api.filter_flow_run_input(run.id, "x", 10, set()) == []
    assert api.filter_flow_run_input(run.id, "", 10, {"k"}) == []
    with pytest.raises(ObjectNotFound):
        api.read_flow_run_input(run.id, "other")


def test_inputs_are_made_and_forgotten(api: Any, stored: Stored) -> None:
    run = api.create_flow_run(named("told"))
    api.create_flow_run_input(run.id, "k", '{"a": [1]}', sender="somebody")
    (told,) = api.filter_flow_run_input(run.id, "k", 10)
    assert (told.decoded_value, told.sender) == ({"a": [1]}, "somebody")
    with pytest.raises(ObjectAlreadyExists):
        api.create_flow_run_input(run.id, "k", "1")
    api.delete_flow_run_input(run.id, "k")
    assert api.filter_flow_run_input(run.id, "k", 10) == []
    with pytest.raises(ObjectNotFound):
        api.delete_flow_run_input(run.id, "k")
    with pytest.raises(SerializationError, match=r"is JSON text, and 'bare words' is not: .* Use json\.dumps"):
        api.create_flow_run_input(run.id, "k", "bare words")


def test_input_that_does_not_fit(api: Any, stored: Stored) -> None:

    run = api.create_flow_run(named("asks"))
    api.set_flow_run_state(run.id, Running())
    request = PauseFlowRunRequest(id=str(run.id), input_schema='{"type": "integer"}')
    stored.client.call(stored.client.flow_runs.PauseFlowRun, request)
    refused = api.resume_flow_run(run.id, run_input={"no": "number"})
    assert refused.status is SetStateStatus.REJECT and isinstance(refused.details, StateRejectDetails)
    assert refused.state.is_paused() and refused.details.reason
    assert api.resume_flow_run(run.id, run_input=3).status is SetStateStatus.ACCEPT
