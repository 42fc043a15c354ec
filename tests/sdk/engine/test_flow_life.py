"""How a flow run lives, played by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from antiphon import flow
from antiphon.context import FlowRunContext
from antiphon.engine.flow_life import FlowCall, flow_life
from antiphon.engine.interrupts import RunTimeout
from antiphon.engine.run_flow import prepare
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import (
    CrashedRun,
    ParameterTypeError,
    RunCancelled,
    RunRevoked,
    ServerError,
    SessionLost,
)
from antiphon.states import Completed, Failed, Paused, State
from antiphon.v1.session_pb2 import COMMAND_STAGE_APPLIED
from engine_player import AWAITING_RETRY, FakeSession, Player, abort, accept, reject

OPENING = ["create FlowRun", "Pending"]


class Case:
    """Calls of flows, whose hooks are written down."""

    def __init__(self, session: FakeSession) -> None:
        self.session = session
        self.hooks: list[tuple[str, str]] = []

    def call(self, fn: Callable[..., Any], parameters: dict[str, Any] | None = None, **options: Any) -> FlowCall:
        def told(kind: str) -> Callable[..., None]:
            def hook(flow: Any, run: Any, state: State) -> None:
                assert run.state is state
                self.hooks.append((kind, state.name))

            return hook

        for kind in ("completion", "failure", "cancellation", "crashed", "running"):
            options.setdefault(f"on_{kind}", [told(kind)])
        return prepare(flow(**options)(fn), parameters or {})

    def player(self, call: FlowCall, **answers: list[Any]) -> Player:
        return Player(flow_life(call), **answers)

    def play(self, call: FlowCall, **answers: list[Any]) -> tuple[State, list[str]]:
        player = self.player(call, **answers)
        state = player.play()
        self.assert_over(call)
        return state, [word for word in player.said if word != "hook()"]

    def assert_over(self, call: FlowCall) -> None:
        assert self.session.handlers == {}
        assert call.scope._stoppers == []
        assert call.parent_scope is None or call.parent_scope._children == {}

    def cancel(self, call: FlowCall, reason: str = "enough") -> None:
        assert self.session.cancel(call.run.id, reason) == COMMAND_STAGE_APPLIED


@pytest.fixture
def case(session: FakeSession) -> Case:
    return Case(session)


def f() -> str:
    return "done"


def fail() -> None:
    raise ValueError("bad")


def test_accepted_and_completed(case: Case) -> None:
    call = case.call(f)
    state, said = case.play(call)
    assert state.result() == "done"
    assert said == [*OPENING, "Running?", "f()", "Completed?"]
    assert state.state_details.flow_run_id == call.run.id
    assert case.hooks == [("running", "Running"), ("completion", "Completed")]


def test_an_exception_fails_the_run(case: Case) -> None:
    state, said = case.play(case.call(fail))
    assert said == [*OPENING, "Running?", "fail()", "Failed?"]
    with pytest.raises(ValueError, match="bad"):
        state.result()
    assert case.hooks == [("running", "Running"), ("failure", "Failed")]


def test_arguments_that_do_not_fit_fail_the_run_before_it_begins(case: Case) -> None:
    def typed(x: int) -> None:
        pytest.fail("called")

    state, said = case.play(case.call(typed, {"x": "one"}))
    assert said == [*OPENING, "Failed?"]
    with pytest.raises(ParameterTypeError, match="x: Input should be a valid integer"):
        state.result()
    assert case.hooks == [("failure", "Failed")]


def test_a_failed_run_is_tried_again_when_the_server_says_so(case: Case) -> None:
    call = case.call(fail, retries=1)
    again = reject(*AWAITING_RETRY)
    player = case.player(
        call, Failed=[again], Running=[accept(1)], Retrying=[accept(2)], fail=[ValueError("bad"), "well"]
    )
    call.context.dynamic_keys["t"] = iter([])
    assert player.play().result() == "well"
    assert [word for word in player.said if word != "hook()"] == [
        *OPENING, "Running?", "fail()", "Failed?", "Retrying?", "fail()", "Completed?",
    ]  # fmt: skip
    assert call.context.run_count == call.run.run_count == 2
    assert call.context.dynamic_keys == {}
    assert [each.expected_state_id for each in player.proposals if each.state.type == 3] == ["", again.state.id]
    assert case.hooks == [("running", "Running"), ("running", "Running"), ("completion", "Completed")]


def test_the_server_accepts_the_failure_when_no_retry_is_left(case: Case) -> None:
    state, said = case.play(case.call(fail, retries=1), Failed=[reject(*AWAITING_RETRY), accept()])
    assert state.is_failed()
    assert said.count("fail()") == 2
    assert said[-1] == "Failed?"
    assert case.hooks[-1] == ("failure", "Failed")


def test_running_is_rejected(case: Case) -> None:
    state, said = case.play(case.call(f), Running=[reject("CRASHED", message="by hand")])
    assert state.is_crashed()
    assert said == [*OPENING, "Running?"]
    assert case.hooks == [("crashed", "Crashed")]


def test_running_is_aborted_and_no_state_holds(case: Case) -> None:
    state, said = case.play(case.call(f), Running=[abort("not you")])
    assert state.message == "The server refused to run this: not you"
    assert said[-1] == "Running?"


def test_somebody_cancelled_before_it_began(case: Case) -> None:
    state, said = case.play(case.call(f), Running=[reject("CANCELLING", message="enough")])
    assert state.is_cancelled()
    assert state.message == "enough"
    assert said == [*OPENING, "Running?", "Cancelled?"]
    assert case.hooks == [("cancellation", "Cancelled")]


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("end", ["Completed", "Failed"])
def test_somebody_cancelled_as_it_ended(case: Case, end: str, retries: int) -> None:
    """The request is confirmed, whatever the code made of it."""
    call = case.call(f if end == "Completed" else fail, retries=retries)

    def cancelled() -> Any:
        case.cancel(call)
        return reject("CANCELLING", message="said the server")

    state, said = case.play(call, **{end: [cancelled]})
    assert state.is_cancelled()
    assert state.message == "enough"
    assert said[-2:] == [f"{end}?", "Cancelled?"]
    assert case.hooks[-1] == ("cancellation", "Cancelled")


def test_the_servers_state_counts_where_it_overrules(case: Case) -> None:
    state, said = case.play(case.call(f), Completed=[reject("FAILED", message="by hand")])
    assert state.is_failed()
    assert said[-1] == "Completed?"
    assert case.hooks[-1] == ("failure", "Failed")


def test_cancelled_while_it_runs(case: Case) -> None:
    def body() -> None:
        case.cancel(call)
        raise RunCancelled

    call = case.call(body, retries=3)
    state, said = case.play(call)
    assert state.is_cancelled()
    assert state.message == "enough"
    assert said == [*OPENING, "Running?", "body()", "Cancelled?"]
    assert case.hooks[-1] == ("cancellation", "Cancelled")


def test_code_that_swallows_the_interrupt_is_cancelled_all_the_same(case: Case) -> None:
    def body() -> str:
        case.cancel(call)
        return "no matter"

    call = case.call(body)
    state, said = case.play(call, Completed=[reject("CANCELLING")])
    assert state.is_cancelled()
    assert said[-2:] == ["Completed?", "Cancelled?"]


def test_cancelled_while_it_waits_for_its_retry(case: Case) -> None:
    call = case.call(fail, retries=1)
    state, said = case.play(call, Failed=[reject(*AWAITING_RETRY)], Retrying=[lambda: case.cancel(call)])
    assert state.is_cancelled()
    assert said[-2:] == ["Retrying?", "Cancelled?"]


def test_the_verdict_may_come_before_the_command(case: Case) -> None:
    """The retry is refused since the run is CANCELLING, and the command that says so is still on its way."""
    state, said = case.play(
        case.call(fail, retries=1),
        Failed=[reject(*AWAITING_RETRY)],
        Retrying=[reject("CANCELLING", message="enough")],
    )
    assert state.is_cancelled()
    assert said[-2:] == ["Retrying?", "Cancelled?"]


def test_cancelled_while_what_it_submitted_ends(case: Case) -> None:
    """The tasks are waited for even so: they have been stopped, and end by themselves."""

    def body() -> str:
        call.context.submitted.add(Submitted())
        return "done"

    call = case.call(body)

    def cancelled() -> None:
        case.cancel(call)

    state, said = case.play(call, **{"await": [cancelled]}, Completed=[reject("CANCELLING")])
    assert state.is_cancelled()
    assert said == [*OPENING, "Running?", "body()", "await 1", "Completed?", "Cancelled?"]


def test_the_server_holds_it_as_running_whatever_it_wants_to_end_as(case: Case) -> None:
    """Nothing runs any more, so the run fails; but only once."""
    state, said = case.play(case.call(lambda: Paused()), Paused=[reject("RUNNING", reason="not here")])
    assert said[-2:] == ["Paused?", "Failed?"]
    assert state.message == "The flow run could not end as Paused(): not here"
    assert case.hooks == [("running", "Running"), ("failure", "Failed")]
    state, said = case.play(case.call(fail), Failed=[reject("RUNNING")])
    assert said[-2:] == ["fail()", "Failed?"]
    assert state.is_running()


class Submitted:
    """A future of a run that goes on."""

    state = Paused()


@pytest.mark.parametrize("ending", ["done", ValueError("bad")])
def test_what_was_submitted_ends_first(case: Case, ending: Any) -> None:
    def body() -> None: ...

    call = case.call(body)
    player = case.player(call, body=[ending])
    ended, going_on = Submitted(), Submitted()
    ended.state = Completed()

    def submit() -> Any:
        call.context.submitted |= {ended, going_on}
        return ending

    player = case.player(call, body=[submit])
    player.play()
    assert [word for word in player.said if word != "hook()"][3:5] == ["body()", "await 1"]


def test_what_that_submits_ends_too(case: Case) -> None:
    first, second = Submitted(), Submitted()

    def body() -> None:
        call.context.submitted.add(first)

    def submit_more() -> None:
        call.context.submitted.add(second)

    call = case.call(body)
    player = case.player(call, **{"await": [submit_more]})
    player.play()
    assert [word for word in player.said if word != "hook()"][3:] == ["body()", "await 1", "await 1", "Completed?"]


class Runner:
    """Notes when it opens and closes."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def __enter__(self) -> None:
        self._said.append("open")

    def __exit__(self, *_: object) -> None:
        self._said.append("close")


@pytest.mark.parametrize("end", [None, KeyboardInterrupt()])
def test_the_task_runner_closes_after_what_was_submitted(case: Case, end: BaseException | None) -> None:
    def body() -> None:
        call.context.submitted.add(Submitted())

    call = case.call(body)
    player = case.player(call, **{"await": [end]})
    call.context.task_runner = Runner(player.said)
    try:
        player.play()
    except KeyboardInterrupt as error:
        assert error is end
    said = [word for word in player.said if word != "hook()"]
    assert said[3:] == ["body()", "open", "await 1", "close", "Crashed?" if end else "Completed?"]


def test_what_was_submitted_is_stopped_when_time_is_up(case: Case) -> None:
    call = case.call(f, timeout_seconds=1.0)
    child = RunScope(call.scope)

    def submit() -> BaseException:
        call.context.submitted.add(Submitted())
        return RunTimeout()

    state, said = Case.play(case, call, f=[submit])
    assert (state.name, state.is_failed()) == ("TimedOut", True)
    assert state.message == "TimeoutError: Flow run exceeded timeout of 1.0 second(s)"
    assert said[-2:] == ["await 1", "TimedOut?"]
    assert child.signal is RunCancelled
    assert child.reason == "the flow run around it ended early"
    assert call.scope.signal is None


def test_revoked_it_says_nothing_more(case: Case) -> None:
    def body() -> None:
        case.session.revoke(call.run.id, "held by another")
        raise RunRevoked

    call = case.call(body)
    state, said = case.play(call)
    assert state.is_crashed()
    assert state.message == "held by another"
    assert said == [*OPENING, "Running?", "body()"]
    assert case.hooks[-1] == ("crashed", "Crashed")
    with pytest.raises(CrashedRun, match="held by another"):
        state.result()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BaseException("mine"), RunTimeout()])
def test_what_breaks_off_more_than_the_run_crashes_it_and_goes_on(case: Case, error: BaseException) -> None:
    call = case.call(f, retries=3)
    child = RunScope(call.scope)
    player = case.player(call, f=[error])
    with pytest.raises(type(error)) as caught:
        player.play()
    assert caught.value is error
    assert [word for word in player.said if word != "hook()"][-2:] == ["f()", "Crashed?"]
    assert case.hooks[-1] == ("crashed", "Crashed")
    assert child.signal is RunCancelled
    case.assert_over(call)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunTimeout(), SystemExit()])
@pytest.mark.parametrize("when", ["Running", "Failed", "Retrying", "await"])
def test_broken_off_as_it_waits_it_crashes(case: Case, error: BaseException, when: str) -> None:
    call = case.call(fail, retries=1)
    if when == "await":
        call.context.submitted = KeptSet([Submitted()])
    player = case.player(
        call,
        Running=[error] if when == "Running" else [accept()],
        Retrying=[error],
        Failed=[error] if when == "Failed" else [reject(*AWAITING_RETRY)],
        **{"await": [error]},
    )
    with pytest.raises(type(error)):
        player.play()
    assert [word for word in player.said if word != "hook()"][-1] == "Crashed?"
    assert case.hooks[-1] == ("crashed", "Crashed")
    case.assert_over(call)


class KeptSet(set[Any]):
    """The engine cannot empty it."""

    def clear(self) -> None: ...


@pytest.mark.parametrize("error", [SessionLost("gone"), ServerError("no", code="INVALID_ARGUMENT")])
def test_what_the_server_refuses_is_raised(case: Case, error: ServerError) -> None:
    call = case.call(f)
    player = case.player(call, Running=[error])
    with pytest.raises(type(error), match=str(error)):
        player.play()
    assert player.said[-1] == "Crashed"
    case.assert_over(call)


def test_a_server_that_cannot_be_told_of_a_crash_does_not_hide_it(case: Case) -> None:
    player = case.player(case.call(f), f=[KeyboardInterrupt()], Crashed=[SessionLost("gone")])
    with pytest.raises(KeyboardInterrupt):
        player.play()


def test_an_abandoned_coroutine_cannot_wait_but_says_so(case: Case) -> None:
    player = case.player(case.call(f), f=[GeneratorExit()])
    with pytest.raises(GeneratorExit):
        player.play()
    assert player.said[-1] == "Crashed"


def test_a_state_that_the_function_returns_is_its_end(case: Case) -> None:
    def own() -> State:
        return Failed(message="my words")

    state, _ = case.play(case.call(own))
    assert (state.type, state.message) == ("FAILED", "my words")


def test_hooks_run_in_order_and_their_failures_are_ignored(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    order: list[str] = []

    def first(*_: object) -> None:
        order.append("first")
        raise RuntimeError("hook is broken")

    def second(*_: object) -> None:
        order.append("second")

    with caplog.at_level("ERROR", "antiphon"):
        state, _ = case.play(case.call(f, on_completion=[first, second]))
    assert state.is_completed()
    assert order == ["first", "second"]
    assert "raised RuntimeError('hook is broken'); it is ignored" in caplog.text


def test_a_cancelled_run_can_still_run_its_hooks(case: Case) -> None:
    """They are outside of its scope: nothing interrupts them."""
    call = case.call(f, on_cancellation=[f])

    def cancelled() -> BaseException:
        case.cancel(call)
        return RunCancelled()

    player = case.player(call, f=[cancelled])
    player.play()
    assert [each.function for each in player.calls][-1] is f
    assert player.calls[-1].scope is not call.scope
    assert player.calls[-1].scope.signal is None


def test_an_interrupt_in_a_hook_goes_on_and_the_end_stays(case: Case) -> None:
    def hook(*_: object) -> None:
        raise KeyboardInterrupt

    call = case.call(f, on_completion=[hook])
    player = case.player(call)
    with pytest.raises(KeyboardInterrupt):
        player.play()
    assert call.run.state is not None
    assert call.run.state.is_completed()
    assert "Crashed?" not in player.said


def test_a_command_for_a_run_that_has_ended_finds_nobody(case: Case) -> None:
    call = case.call(f)
    case.play(call)
    with pytest.raises(KeyError):
        case.cancel(call)


def test_a_subflow_is_announced_with_the_task_run_that_stands_for_it(case: Case) -> None:
    around = FlowRunContext(
        flow=None,
        flow_run_id="0190163d-8694-739b-aea5-966c26f8ad91",
        flow_run_name="parent",
        session=case.session,
        scope=RunScope(),
    )
    with around:
        first, second = case.call(f, name="child"), case.call(f, name="child")
    stand_in: Any = first.opening[0]
    second_stand_in: Any = second.opening[0]
    assert (stand_in.task_key, stand_in.dynamic_key, stand_in.name) == ("subflow:child", "0", "child-0")
    assert second_stand_in.name == "child-1"
    run: Any = first.opening[1]
    assert run.parent_task_run_id == stand_in.id
    player = case.player(first)
    assert player.play().is_completed()
    said = [word for word in player.said if word != "hook()"]
    assert said == ["create TaskRun", *OPENING, "Running?", "f()", "Completed?"]
    assert list(around.scope._children) == [second.scope]


def test_a_stopped_parent_stops_a_subflow_before_it_begins(case: Case) -> None:
    scope = RunScope()
    around = FlowRunContext(
        flow=None,
        flow_run_id="0190163d-8694-739b-aea5-966c26f8ad91",
        flow_run_name="parent",
        session=case.session,
        scope=scope,
    )
    with around:
        call = case.call(f)
    scope.stop(RunCancelled, "the parent was")
    state, said = case.play(call, f=[RunCancelled()])
    assert state.is_cancelled()
    assert state.message == "the parent was"
    assert said[-1] == "Cancelled?"
