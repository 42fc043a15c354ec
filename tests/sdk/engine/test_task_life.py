"""How a task run lives, played by hand."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import allow_failure, task
from antiphon.context import FlowRunContext
from antiphon.engine.interrupts import RunTimeout
from antiphon.engine.run_task import prepare
from antiphon.engine.scopes import RunScope
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.exceptions import (
    MissingResult,
    RunCancelled,
    RunRevoked,
    ServerError,
    SessionLost,
)
from antiphon.states import Cancelled, Completed, Failed, Running, State, from_proto
from engine_player import AWAITING_RETRY, FakeSession, Player, abort, accept, reject

OPENING = ["create TaskRun", "Pending"]


class Future:
    """Of a run that ends when the engine awaits it."""

    task_run_id = "0190163d-8694-739b-aea5-966c26f8ad90"

    def __init__(self, end: State) -> None:
        self._end = end

    @property
    def state(self) -> State:
        return self._end

    def wait(self, timeout: float | None = None) -> None: ...

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        return self._end.result(raise_on_failure)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class Case:
    """A task call in a flow run, which has a scope."""

    def __init__(self, session: FakeSession) -> None:
        self.flow_scope = RunScope()
        self.flow = FlowRunContext(
            flow=None,
            flow_run_id="0190163d-8694-739b-aea5-966c26f8ad91",
            flow_run_name="f",
            session=session,
            scope=self.flow_scope,
        )
        self.hooks: list[tuple[str, str]] = []

    def call(
        self, fn: Callable[..., Any], parameters: dict[str, Any] | None = None, wait_for: Any = None, **options: Any
    ) -> TaskCall:
        def hook(task: Any, run: Any, state: State) -> None:
            self.hooks.append((state.name, run.state.name))

        decorated = task(on_completion=[hook], on_failure=[hook], **options)(fn)
        with self.flow:
            return prepare(decorated, parameters or {}, wait_for)

    def play(self, call: TaskCall, **answers: list[Any]) -> tuple[State, Player]:
        player = Player(task_life(call), **answers)
        state = player.play()
        self.assert_over(call)
        return state, player

    def assert_over(self, call: TaskCall) -> None:
        assert self.flow_scope._children == {}
        assert call.scope._stoppers == []


@pytest.fixture
def case(session: FakeSession) -> Case:
    return Case(session)


def f() -> str:
    return "done"


def fail() -> None:
    raise ValueError("bad")


def test_accepted_and_completed(case: Case) -> None:
    call = case.call(f)
    state, player = case.play(call)
    assert state.is_completed()
    assert state.result() == "done"
    assert player.said == [*OPENING, "Running?", "f()", "Completed", "hook()"]
    assert call.run.run_count == 1
    assert call.run.state is state
    assert state.state_details.task_run_id == call.run.id
    assert state.state_details.flow_run_id == case.flow.flow_run_id
    assert case.hooks == [("Completed", "Completed")]


def test_alone_it_waits_until_its_end_is_committed(session: FakeSession) -> None:
    state, player = Case(session).play(prepare(task(f), {}, None))
    assert state.is_completed()
    assert player.said[-1] == "Completed?"


def test_an_exception_fails_the_run(case: Case) -> None:
    state, player = case.play(case.call(fail))
    assert state.is_failed()
    assert state.message == "ValueError: bad"
    assert player.said == [*OPENING, "Running?", "fail()", "Failed", "hook()"]
    with pytest.raises(ValueError, match="bad"):
        state.result()


def test_a_failed_run_is_tried_again_when_the_server_says_so(case: Case) -> None:
    call = case.call(fail, retries=1)
    again = reject(*AWAITING_RETRY, reason="retry 1 of 1 in 5 s")
    state, player = case.play(call, Failed=[again], Running=[accept(1), accept(2)], fail=[ValueError("bad"), "well"])
    assert state.result() == "well"
    assert player.said == [*OPENING, "Running?", "fail()", "Failed?", "Running?", "fail()", "Completed", "hook()"]
    assert call.run.run_count == 2
    assert call.context.run_count == 2
    # The second attempt is void where the run does not wait for it any more.
    assert [each.expected_state_id for each in player.proposals if each.state.type == 3] == ["", again.state.id]
    assert case.hooks == [("Completed", "Completed")]


def test_the_server_accepts_the_failure_when_no_retry_is_left(case: Case) -> None:
    state, player = case.play(
        case.call(fail, retries=1), Failed=[reject(*AWAITING_RETRY), accept(2)], Running=[accept(1), accept(2)]
    )
    assert state.is_failed()
    assert player.said.count("fail()") == 2
    assert player.said[-2:] == ["Failed?", "hook()"]
    assert case.hooks == [("Failed", "Failed")]


@pytest.mark.parametrize(("says", "retriable"), [(True, None), (False, False), ("truthy", None), (0, False)])
def test_the_retry_condition_is_told_to_the_server(case: Case, says: Any, retriable: bool | None) -> None:
    seen: list[Any] = []

    def condition(task: Any, run: Any, state: State) -> Any:
        seen.append((task.name, run.id, state.name))
        return says

    call = case.call(fail, retries=1, retry_condition_fn=condition)
    _, player = case.play(call, Failed=[accept()])
    assert seen == [("fail", call.run.id, "Failed")]
    details = player.proposals[-1].state.details
    assert (details.retriable if details.HasField("retriable") else None) is retriable


def test_a_retry_condition_that_raises_is_a_no(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    def condition(*_: object) -> bool:
        raise RuntimeError("broken")

    with caplog.at_level("ERROR", "antiphon"):
        state, player = case.play(case.call(fail, retries=1, retry_condition_fn=condition), Failed=[accept()])
    assert player.proposals[-1].state.details.retriable is False
    assert state.message == "ValueError: bad"
    assert "The retry condition raised RuntimeError('broken')" in caplog.text


def test_a_retry_condition_is_asked_only_after_a_failure(case: Case) -> None:
    def condition(*_: object) -> bool:
        pytest.fail("asked")

    case.play(case.call(f, retries=1, retry_condition_fn=condition))
    assert case.hooks == [("Completed", "Completed")]


def test_an_interrupted_retry_condition_ends_the_run(case: Case) -> None:
    call = case.call(fail, retries=1, retry_condition_fn=f)

    def stopped() -> BaseException:
        case.flow_scope.stop(RunCancelled, "enough")
        return RunCancelled()

    state, player = case.play(call, f=[stopped])
    assert state.is_cancelled()
    assert player.said[-2:] == ["f()", "Cancelled"]

    call = Case(FakeSession()).call(fail, retries=1, retry_condition_fn=f)
    player = Player(task_life(call), f=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        player.play()
    assert player.said[-2:] == ["f()", "Crashed"]


def test_running_is_rejected(case: Case) -> None:
    state, player = case.play(case.call(f), Running=[reject("COMPLETED", message="kept")])
    assert state.is_completed()
    assert player.said == [*OPENING, "Running?", "hook()"]


def test_running_is_aborted_and_no_state_holds(case: Case) -> None:
    state, player = case.play(case.call(f), Running=[abort("not you")])
    assert state.is_crashed()
    assert state.message == "The server refused to run this: not you"
    assert "f()" not in player.said


def test_a_retry_that_is_refused_leaves_the_state_that_holds(case: Case) -> None:
    state, player = case.play(
        case.call(fail, retries=1), Failed=[reject(*AWAITING_RETRY)], Running=[accept(), reject("CANCELLED")]
    )
    assert state.is_cancelled()
    assert player.said[-1] == "Running?"


def test_a_failure_that_is_overruled(case: Case) -> None:
    state, _ = case.play(case.call(fail, retries=1), Failed=[reject("CRASHED", message="set by hand")])
    assert state.is_crashed()
    assert state.message == "set by hand"


def test_a_state_that_the_function_returns_is_its_end(case: Case) -> None:
    def own() -> State:
        return Completed(message="my words", data=5)

    state, player = case.play(case.call(own))
    assert state.message == "my words"
    assert state.result() == 5
    assert player.proposals[-1].state.message == "my words"


def test_a_failed_state_that_the_function_returns_is_tried_again(case: Case) -> None:
    def own() -> State:
        return Failed(message="my words")

    _, player = case.play(case.call(own, retries=1), Failed=[reject(*AWAITING_RETRY), accept()])
    assert player.said.count("own()") == 2


def test_a_time_limit_ends_in_timed_out(case: Case) -> None:
    state, player = case.play(case.call(f, timeout_seconds=0.5), f=[RunTimeout()])
    assert (state.name, state.is_failed()) == ("TimedOut", True)
    assert state.message == "TimeoutError: Task run exceeded timeout of 0.5 second(s)"
    assert player.calls[0].timeout == 0.5
    with pytest.raises(TimeoutError):
        state.result()
    assert case.hooks == [("TimedOut", "TimedOut")]


def test_a_time_limit_is_tried_again(case: Case) -> None:
    call = case.call(f, timeout_seconds=0.5, retries=1)
    state, _ = case.play(call, f=[RunTimeout(), "in time"], TimedOut=[reject(*AWAITING_RETRY)])
    assert state.result() == "in time"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BaseException("mine"), RunTimeout()])
def test_what_breaks_off_more_than_the_run_crashes_it_and_goes_on(case: Case, error: BaseException) -> None:
    """RunTimeout without a limit of one's own is that of a run around."""
    call = case.call(f, retries=3)
    player = Player(task_life(call), f=[error])
    with pytest.raises(type(error)) as caught:
        player.play()
    assert caught.value is error
    assert player.said == [*OPENING, "Running?", "f()", "Crashed"]
    assert call.run.state is not None
    assert call.run.state.is_crashed()
    assert case.hooks == []
    case.assert_over(call)


def test_cancelled_before_it_began(case: Case) -> None:
    call = case.call(f)
    case.flow_scope.stop(RunCancelled, "enough")
    state, player = case.play(call)
    assert state.is_cancelled()
    assert state.message == "enough"
    assert player.said == [*OPENING, "Cancelled"]
    assert case.hooks == []


def test_cancelled_while_it_runs(case: Case) -> None:
    def body() -> None:
        case.flow_scope.stop(RunCancelled, "enough")
        raise RunCancelled

    state, player = case.play(case.call(body, retries=3))
    assert state.is_cancelled()
    assert player.said == [*OPENING, "Running?", "body()", "Cancelled"]


def test_code_that_does_not_mind_being_cancelled_completes(case: Case) -> None:
    def body() -> str:
        case.flow_scope.stop(RunCancelled, "enough")
        return "done all the same"

    state, _ = case.play(case.call(body))
    assert state.result() == "done all the same"


def test_cancelled_while_it_waits_for_its_retry(case: Case) -> None:
    def stop() -> None:
        case.flow_scope.stop(RunCancelled, "enough")

    call = case.call(fail, retries=1)
    state, player = case.play(call, Failed=[reject(*AWAITING_RETRY)], Running=[accept(), stop])
    assert state.is_cancelled()
    assert player.said == [*OPENING, "Running?", "fail()", "Failed?", "Running?", "Cancelled"]


def test_cancelled_while_it_waits_for_its_inputs(case: Case) -> None:
    def stop() -> BaseException:
        case.flow_scope.stop(RunCancelled, "enough")
        return RunCancelled()

    call = case.call(lambda x: x, {"x": Future(Completed(data=1))})
    state, player = case.play(call, **{"await": [stop]})
    assert state.is_cancelled()
    assert player.said == [*OPENING, "await 1", "Cancelled"]


def test_cancelled_together_with_the_run_before_it(case: Case) -> None:
    """Its input did not complete, but that is not why it does not run."""

    def stop() -> None:
        case.flow_scope.stop(RunCancelled, "enough")

    call = case.call(lambda x: x, {"x": Future(Cancelled())})
    state, player = case.play(call, **{"await": [stop]})
    assert state.is_cancelled()
    assert player.said[-1] == "Cancelled"


def test_cancelled_after_it_was_told_its_end_stays(case: Case) -> None:
    call = case.call(f)

    def stop() -> BaseException:
        case.flow_scope.stop(RunCancelled, "enough")
        return RunCancelled()

    state, player = case.play(call, hook=[stop])
    assert state.is_completed()
    assert "Cancelled" not in player.said


def test_revoked_it_says_nothing_more(case: Case) -> None:
    def body() -> None:
        case.flow_scope.stop(RunRevoked, "not yours any more")
        raise RunRevoked

    state, player = case.play(case.call(body))
    assert state.is_cancelled()
    assert player.said == [*OPENING, "Running?", "body()"]


def test_a_signal_of_ones_own_is_a_crash(case: Case) -> None:
    """Nobody stopped the run: its code raised what only the engine should."""
    call = case.call(f)
    player = Player(task_life(call), f=[RunCancelled()])
    with pytest.raises(RunCancelled):
        player.play()
    assert player.said[-1] == "Crashed"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunTimeout(), SystemExit()])
@pytest.mark.parametrize("when", ["Running", "Failed", "second Running"])
def test_broken_off_as_it_waits_for_the_server_it_crashes(case: Case, error: BaseException, when: str) -> None:
    call = case.call(fail, retries=1)
    player = Player(
        task_life(call),
        Running=[error] if when == "Running" else [accept(), error],
        Failed=[error] if when == "Failed" else [reject(*AWAITING_RETRY)],
    )
    with pytest.raises(type(error)):
        player.play()
    assert player.said[-1] == "Crashed"
    case.assert_over(call)


@pytest.mark.parametrize("error", [SessionLost("gone"), ServerError("no", code="INVALID_ARGUMENT")])
def test_what_the_server_refuses_is_raised(case: Case, error: ServerError) -> None:
    call = case.call(f)
    player = Player(task_life(call), Running=[error])
    with pytest.raises(type(error), match=str(error)):
        player.play()
    assert player.said[-1] == "Crashed"
    case.assert_over(call)


def test_a_server_that_cannot_be_told_of_a_crash_does_not_hide_it(session: FakeSession) -> None:
    call = prepare(task(f), {}, None)
    player = Player(task_life(call), f=[KeyboardInterrupt()], Crashed=[SessionLost("gone"), SessionLost("gone")])
    with pytest.raises(KeyboardInterrupt):
        player.play()


def test_inputs_are_awaited_and_their_results_handed_over(case: Case) -> None:
    def add(x: int, y: list[int]) -> int:
        return x + sum(y)

    call = case.call(add, {"x": Future(Completed(data=1)), "y": [Future(Completed(data=2)), 3]}, [Future(Completed())])
    state, player = case.play(call)
    assert state.result() == 6
    assert player.said == [*OPENING, "await 3", "Running?", "add()", "Completed", "hook()"]
    assert call.context.parameters == {"x": 1, "y": [2, 3]}


@pytest.mark.parametrize("through", ["argument", "wait_for"])
@pytest.mark.parametrize("end", [Failed(message="bad"), Cancelled(), Running()])
def test_a_run_before_it_that_did_not_complete_makes_it_not_ready(case: Case, end: State, through: str) -> None:
    given: Any = ({"x": Future(end)},) if through == "argument" else ({"x": 1}, [Future(end)])
    call = case.call(lambda x: x, *given)
    state, player = case.play(call)
    assert (state.name, state.is_pending()) == ("NotReady", True)
    assert str(Future.task_run_id) in str(state.message)
    assert player.said == [*OPENING, "await 1", "NotReady"]
    assert case.hooks == []


def test_allow_failure_hands_over_the_exception(case: Case) -> None:
    error = ValueError("bad")
    call = case.call(lambda x: x, {"x": allow_failure(Future(Failed(data=error)))})
    state, _ = case.play(call)
    assert state.is_completed()
    assert state.result() is error


def test_allow_failure_does_not_hand_over_what_is_not_there(case: Case) -> None:
    call = case.call(lambda x: x, {"x": allow_failure(Future(Running()))})
    assert case.play(call)[0].name == "NotReady"


def test_hooks_run_in_order_and_their_failures_are_ignored(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    order: list[str] = []

    def first(*_: object) -> None:
        order.append("first")
        raise RuntimeError("hook is broken")

    def second(*_: object) -> None:
        order.append("second")

    def begins(task: Any, run: Any, state: State) -> None:
        order.append(f"begins {state.name} {run.state.name} {run.run_count}")

    decorated = task(on_completion=[first, second], on_running=[begins])(f)
    with case.flow:
        call = prepare(decorated, {}, None)
    with caplog.at_level("ERROR", "antiphon"):
        state, player = case.play(call)
    assert state.is_completed()
    assert order == ["begins Running Running 1", "first", "second"]
    assert player.said == [*OPENING, "Running?", "begins()", "f()", "Completed", "first()", "second()"]
    assert "raised RuntimeError('hook is broken'); it is ignored" in caplog.text


def test_an_interrupt_in_a_hook_goes_on(case: Case) -> None:
    call = case.call(f)
    player = Player(task_life(call), hook=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        player.play()
    assert player.said[-2:] == ["Completed", "hook()"]
    assert call.run.state is not None
    assert call.run.state.is_completed()


def test_on_running_is_called_at_each_attempt(case: Case) -> None:
    attempts: list[int] = []

    def begins(task: Any, run: Any, state: State) -> None:
        attempts.append(run.run_count)

    decorated = task(on_running=[begins], retries=1)(fail)
    with case.flow:
        call = prepare(decorated, {}, None)
    case.play(call, Failed=[reject(*AWAITING_RETRY), accept(2)], Running=[accept(1), accept(2)])
    assert attempts == [1, 2]


@pytest.mark.parametrize("persist_result", [True, None])
def test_a_result_that_cannot_be_kept_stays_in_the_process(case: Case, persist_result: bool | None) -> None:
    def unpicklable() -> Any:
        return threading.Lock()

    state, player = case.play(case.call(unpicklable, persist_result=persist_result))
    assert state.is_completed()
    assert state.has_value()
    assert not player.proposals[-1].state.HasField("data")


def test_without_persistence_the_value_stays_in_the_process(case: Case) -> None:
    state, player = case.play(case.call(f, persist_result=False))
    assert state.result() == "done"
    assert not player.proposals[-1].state.HasField("data")
    elsewhere = from_proto(player.proposals[-1].state)
    with pytest.raises(MissingResult):
        elsewhere.result()


def test_an_abandoned_coroutine_cannot_wait_but_says_so(session: FakeSession) -> None:
    call = prepare(task(f), {}, None)
    player = Player(task_life(call), f=[GeneratorExit()])
    with pytest.raises(GeneratorExit):
        player.play()
    assert player.said[-1] == "Crashed"


def test_upstream_ids_are_told_once_each(case: Case) -> None:
    future = Future(Completed(data=1))
    call = case.call(lambda x: x, {"x": [future, future]}, [future])
    created: Any = call.opening[0]
    assert list(created.upstream_task_run_ids) == [future.task_run_id]
