"""Flow runs that pause, are suspended, and go on."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from antiphon import flow, pause_flow_run, resume_flow_run, runtime, suspend_flow_run, task
from antiphon.exceptions import (
    CancelledRun,
    FailedRun,
    FlowPauseTimeout,
    MissingContextError,
    NotPausedError,
    ObjectNotFound,
    Pause,
    PausedRun,
    SerializationError,
    ServerError,
)
from antiphon.session import registry
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import PauseFlowRunRequest, WatchFlowRunRequest
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon_server.application import transitions
from antiphon_server.domain.deadlines import overdue
from antiphon_server.domain.model import RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import WorkingSet
from hand_session import new_id
from in_writer import in_writer
from kinds import Kind
from on_pause import OnPause
from running_server import RunningServer
from stored import Stored
from writing import new_deployment

PAUSED_ONCE = ["Pending", "Running", "Paused", "Running", "Completed"]


class City(BaseModel):
    name: str
    degrees: float = 0.0


@pytest.fixture
def hand(stored: Stored) -> Iterator[OnPause]:
    with OnPause(stored.client) as hand:
        yield hand


def resume(answer: Any = None) -> Any:
    return lambda run: resume_flow_run(run.id, answer)


def run_id() -> str:
    return runtime.flow_run.id or ""


def flow_run_id(state: Any) -> str:
    return str(state.state_details.flow_run_id)


def pause_from_outside(stored: Stored, id: str, **fields: Any) -> None:
    stored.client.call(stored.client.flow_runs.PauseFlowRun, PauseFlowRunRequest(id=id, **fields))


def expire(server: RunningServer, id: str) -> None:
    """What the sweeper does with a run whose pause is over, whatever time it is."""

    def act(working_set: WorkingSet) -> None:
        working_set.load_runs(RunKind.FLOW_RUN, {id})
        run = working_set.run(RunKind.FLOW_RUN, id)
        assert run is not None
        proposal = overdue(run, new_id(), working_set.now)
        assert proposal is not None
        transitions.propose(working_set, proposal)

    in_writer(server, act)


def deploy(server: RunningServer, id: str) -> None:
    """Makes a run look as if it came from a deployment."""
    deployment_id = server.run(lambda: server.server.core.run(new_deployment(new_id(), limit=None)))

    def act(working_set: WorkingSet) -> None:
        connection, runs = working_set.connection, tables.flow_runs
        working_set.flush()
        connection.execute(runs.update().where(runs.c.id == id).values(deployment_id=deployment_id))
        working_set.reload(RunKind.FLOW_RUN, [id])

    in_writer(server, act)


def test_a_flow_waits_until_it_is_resumed(stored: Stored, hand: OnPause, kind: Kind) -> None:
    @kind.flow()
    def paused() -> Any:
        hand(run_id(), resume())
        assert (yield pause_flow_run()) is None
        return run_id()

    id = kind.call(paused)
    assert stored.flow_run_history(id) == PAUSED_ONCE
    run = stored.flow_run(id)
    assert (run.run_count, list(run.pause_keys), run.resuming) == (1, ["1"], False)


@pytest.mark.parametrize(
    ("wanted", "answer", "given"),
    [
        (int, 3, 3),
        (str, "yes", "yes"),
        (list[str], ["a", "b"], ["a", "b"]),
        (City, {"name": "Oslo"}, City(name="Oslo")),
        (City, City(name="Oslo", degrees=2.5), City(name="Oslo", degrees=2.5)),
        (tuple[int, int], (1, 2), (1, 2)),
        (bool, False, False),
    ],
    ids=repr,
)
def test_the_answer_comes_back_as_an_instance(
    stored: Stored, hand: OnPause, kind: Kind, wanted: Any, answer: Any, given: Any
) -> None:
    @kind.flow()
    def asking() -> Any:
        hand(run_id(), resume(answer))
        return (yield pause_flow_run(wait_for_input=wanted))

    assert kind.call(asking) == given


def test_a_wrong_answer_leaves_the_run_paused(stored: Stored, hand: OnPause) -> None:
    refusals: list[ServerError] = []

    def wrong_then_right(run: Any) -> None:
        for wrong in ({"name": 5}, None, {"degrees": "cold"}):
            with pytest.raises(ServerError) as refused:
                resume_flow_run(run.id, wrong)
            refusals.append(refused.value)
        with pytest.raises(SerializationError, match="JSON"):
            resume_flow_run(run.id, object())
        resume_flow_run(run.id, {"name": "Porto"})

    @flow
    def asking() -> Any:
        hand(run_id(), wrong_then_right)
        return pause_flow_run(City).name, run_id()

    name, id = asking()
    assert name == "Porto"
    assert stored.flow_run_history(id) == PAUSED_ONCE
    assert [(each.code, each.reason) for each in refusals] == [("INVALID_ARGUMENT", "INPUT_INVALID")] * 3
    assert "input.name" in str(refusals[0])


def test_pauses_are_told_apart_by_their_keys(stored: Stored, hand: OnPause, kind: Kind) -> None:
    @kind.flow()
    def thrice() -> Any:
        hand(run_id(), resume(1), resume(2))
        first = yield pause_flow_run(int, key="a")
        again = yield pause_flow_run(int, key="a")
        other = yield pause_flow_run(int)
        return first, again, other, run_id()

    *answers, id = kind.call(thrice)
    assert answers == [1, 1, 2]
    assert list(stored.flow_run(id).pause_keys) == ["a", "1"]


def test_an_attempt_that_is_tried_again_pauses_again(stored: Stored, hand: OnPause) -> None:
    @flow(retries=1)
    def flaky() -> Any:
        if runtime.flow_run.run_count == 1:
            hand(run_id(), resume("first"), resume("second"))
        answer = pause_flow_run(str)
        if runtime.flow_run.run_count == 1:
            raise ValueError(answer)
        return answer, run_id()

    answer, id = flaky()
    assert answer == "second"
    assert stored.flow_run(id).run_count == 2


def test_a_pause_that_nobody_ends(stored: Stored, shared_server: RunningServer, hand: OnPause, kind: Kind) -> None:
    heard: list[str] = []

    @kind.flow(retries=2)
    def forgotten() -> Any:
        hand(run_id(), lambda run: expire(shared_server, run.id))
        try:
            yield pause_flow_run(timeout=3600)
        except FlowPauseTimeout:
            heard.append(run_id())
            raise

    with pytest.raises(FlowPauseTimeout, match="not ended in time"):
        kind.call(forgotten)
    assert stored.flow_run_history(heard[0]) == ["Pending", "Running", "Paused", "Failed"]


def test_code_that_goes_on_after_the_time_is_over_changes_nothing(
    stored: Stored, shared_server: RunningServer, hand: OnPause
) -> None:
    @flow
    def stubborn() -> str:
        hand(run_id(), lambda run: expire(shared_server, run.id))
        with pytest.raises(FlowPauseTimeout):
            pause_flow_run()
        return "all is well"

    state = stubborn(return_state=True)
    assert state.is_failed()
    with pytest.raises(FailedRun, match="not ended in time"):
        state.result()
    assert stored.flow_run_history(flow_run_id(state))[-2:] == ["Paused", "Failed"]


def test_a_paused_run_is_cancelled(stored: Stored, hand: OnPause, kind: Kind) -> None:
    @kind.flow()
    def paused() -> Any:
        hand(run_id(), lambda run: stored.cancel(run.id, "enough"))
        yield pause_flow_run()

    state = kind.call(paused, return_state=True)
    assert state.is_cancelled()
    with pytest.raises(CancelledRun, match="enough"):
        state.result()
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Running", "Paused", "Cancelling", "Cancelled"]


def test_in_a_thread_of_its_own_a_paused_run_is_cancelled_too(stored: Stored, hand: OnPause) -> None:
    states: list[Any] = []

    @flow
    def paused() -> None:
        hand(run_id(), lambda run: stored.cancel(run.id, "enough"))
        pause_flow_run()

    thread = threading.Thread(target=lambda: states.append(paused(return_state=True)))
    thread.start()
    thread.join(30)
    assert states[0].is_cancelled()


def test_tasks_that_run_end_in_the_pause_and_others_start_after_it(stored: Stored, hand: OnPause) -> None:
    running, paused = threading.Event(), threading.Event()
    late_run: list[Any] = []

    @task
    def early() -> str:
        running.set()
        assert paused.wait(30)
        return "early"

    @task
    def late() -> str:
        return "late"

    @flow
    def around() -> Any:
        inside = copy_context()
        first = early.submit()
        running.wait(30)

        def while_paused(run: FlowRun) -> None:
            paused.set()
            first.wait(30)
            assert first.state.is_completed()
            late_run.append(inside.run(late.submit))
            put_off(stored, run.id)
            resume_flow_run(run.id)

        hand(run_id(), while_paused)
        pause_flow_run()
        return first.result(), late_run[0].result(), run_id()

    *results, id = around()
    assert results == ["early", "late"]
    assert stored.flow_run_history(id) == PAUSED_ONCE
    assert stored.task_run_history(late_run[0].task_run_id) == ["Pending", "NotReady", "Running", "Completed"]
    assert stored.task_run(late_run[0].task_run_id).run_count == 1


def put_off(stored: Stored, id: str) -> None:
    """Returns once a task run of a flow run was put off."""
    messages = stored.client.flow_runs.WatchFlowRun(WatchFlowRunRequest(id=id), timeout=60)
    assert any(message.task_run.state.name == "NotReady" for message in messages)


def test_a_run_that_is_paused_from_outside(stored: Stored, hand: OnPause, kind: Kind) -> None:
    @kind.task()
    def step() -> str:
        return "done"

    @kind.flow()
    def paused() -> Any:
        pause_from_outside(stored, run_id(), reason="wait a moment")
        hand(run_id(), resume())
        return (yield step()), run_id()

    result, id = kind.call(paused)
    assert result == "done"
    assert stored.flow_run_history(id) == PAUSED_ONCE
    (step_run,) = stored.task_runs(id)
    assert stored.task_run_history(step_run.id)[-2:] == ["Running", "Completed"]
    assert step_run.run_count == 1


def test_a_run_that_is_paused_from_outside_does_not_end_before_it_is_resumed(
    stored: Stored, hand: OnPause, kind: Kind
) -> None:
    @kind.flow()
    def paused() -> str:
        pause_from_outside(stored, run_id())
        # What was said to the session before it answers this has been heard: that the run is paused.
        registry.get_session().submit(TaskRun(id=new_id(), flow_run_id=run_id(), task_key="tick"))[0].result(30)
        hand(run_id(), resume())
        return run_id()

    assert stored.flow_run_history(kind.call(paused)) == PAUSED_ONCE


def test_a_run_that_is_paused_from_outside_pauses_by_itself_after_that(stored: Stored, hand: OnPause) -> None:
    @flow
    def paused() -> Any:
        pause_from_outside(stored, run_id())
        hand(run_id(), resume(), resume(7))
        return pause_flow_run(int), run_id()

    answer, id = paused()
    assert answer == 7
    assert stored.flow_run_history(id) == [*PAUSED_ONCE[:-1], "Paused", "Running", "Completed"]


def test_code_is_stopped_whose_run_was_paused_from_outside_and_not_resumed(
    stored: Stored, shared_server: RunningServer
) -> None:
    @flow
    def busy() -> None:
        pause_from_outside(stored, run_id(), timeout={"seconds": 3600})
        expire(shared_server, run_id())
        threading.Event().wait(30)

    state = busy(return_state=True)
    assert state.is_failed() and "not ended in time" in str(state.message)
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Running", "Paused", "Failed"]


def test_a_subflow_pauses_alone(stored: Stored, hand: OnPause) -> None:
    @flow
    def inner() -> str:
        hand(run_id(), resume())
        pause_flow_run()
        return run_id()

    @flow
    def outer() -> Any:
        return inner(), run_id()

    inside, outside = outer()
    assert stored.flow_run_history(inside) == PAUSED_ONCE
    assert stored.flow_run_history(outside) == ["Pending", "Running", "Completed"]


def test_where_nothing_can_be_paused(stored: Stored) -> None:
    @task
    def inside() -> None:
        for call in (pause_flow_run, suspend_flow_run):
            with pytest.raises(RuntimeError, match="task run cannot be"):
                call()

    @flow
    def around() -> None:
        inside()
        with pytest.raises(TypeError, match="wait_for_input"):
            pause_flow_run(object())
        for timeout, kind in ((-1, ValueError), (float("nan"), ValueError), (1e12, ValueError), ("1", TypeError)):
            with pytest.raises(kind, match="timeout is"):
                pause_flow_run(timeout=timeout)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="deployment"):
            suspend_flow_run()
        with pytest.raises(NotPausedError, match="not paused but Running"):
            resume_flow_run(run_id())

    around()
    for call in (pause_flow_run, suspend_flow_run):
        with pytest.raises(MissingContextError, match="Call this inside a flow"):
            call()
    with pytest.raises(ObjectNotFound):
        resume_flow_run(new_id())


def test_in_an_event_loop_outside_of_flows_resuming_is_awaited(stored: Stored) -> None:
    async def main() -> None:
        with pytest.raises(ObjectNotFound):
            await resume_flow_run(new_id())

    asyncio.run(main())


@dataclass
class Suspension:
    """What a flow saw of it."""

    heard: bool = False


def test_a_suspended_flow_leaves_its_run_as_it_is(stored: Stored, shared_server: RunningServer, kind: Kind) -> None:
    seen = Suspension()

    @task
    def work() -> str:
        return "done"

    @kind.flow()
    def suspended() -> Any:
        deploy(shared_server, run_id())
        work.submit().wait()
        try:
            yield suspend_flow_run(int, timeout=600)
        except Pause:
            seen.heard = True
            raise

    state = kind.call(suspended, return_state=True)
    assert seen.heard and state.is_paused() and state.name == "Suspended"
    with pytest.raises(PausedRun):
        state.result()
    id = flow_run_id(state)
    assert stored.flow_run_history(id) == ["Pending", "Running", "Suspended"]
    run = stored.flow_run(id)
    assert (run.session_id, run.state.details.pause_reschedule, run.state.details.pause_key) == ("", True, "1")
    with pytest.raises(ServerError, match="integer"):
        resume_flow_run(id, "x")
    resume_flow_run(id, 5)
    assert stored.flow_run_history(id)[-1] == "Resuming"


def test_another_run_is_suspended(stored: Stored, shared_server: RunningServer) -> None:
    """Its process is told to let go."""

    @flow
    def other() -> None:
        deploy(shared_server, run_id())
        id = run_id()
        thread = threading.Thread(target=lambda: suspend_flow_run(flow_run_id=id))
        thread.start()
        threading.Event().wait(30)

    hooks: list[str] = []
    other.on_crashed(lambda *_: hooks.append("crashed"))
    other.on_cancellation(lambda *_: hooks.append("cancelled"))
    state = other(return_state=True)
    assert state.is_paused() and state.name == "Suspended"
    assert not hooks
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Running", "Suspended"]


def test_another_run_without_a_deployment_is_not_suspended(stored: Stored) -> None:
    @flow
    def other() -> str:
        return run_id()

    with pytest.raises(ServerError) as refused:
        suspend_flow_run(flow_run_id=other())
    assert refused.value.reason == "SUSPEND_REFUSED"
