"""From what a flow's function gives to the state that its run ends in, here and on the server."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.exceptions import CancelledRun, FailedRun, MissingResult, PausedRun
from antiphon.futures import AntiphonFuture
from antiphon.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    State,
    StateType,
    from_proto,
)
from kinds import Kind
from stored import Stored, type_of

#: Ends of task runs, by letter.
ENDS: dict[str, Callable[[], Any]] = {
    "c": lambda: "well",
    "f": lambda: Failed(message="bad"),
    "x": Cancelled,
    "p": Paused,
    "k": lambda: Crashed(message="broken"),
}
#: And of one that never begins, and so has no end: what it builds on did not complete.
NOT_READY = "r"


@task
def end_as(letter: str) -> Any:
    return ENDS[letter]()


def ended(kind: Kind, stored: Stored, body: Callable[[], Any], **options: Any) -> State:
    """The final state of a flow with this body, which is the one that the server has stored."""
    state: State = kind.call(kind.flow(**options)(body), return_state=True)
    run = stored.flow_run(state.state_details.flow_run_id or "")
    assert (type_of(run.state), run.state.name, run.state.message) == (state.type, state.name, state.message or "")
    return state


@pytest.mark.parametrize("value", [None, 0, "text", b"bytes", {"a": [1, (2,)]}, [1, "x", None], [], (), set(), {}])
def test_a_value_completes_the_run(kind: Kind, stored: Stored, value: Any) -> None:
    def body() -> Any:
        return value

    state = ended(kind, stored, body)
    assert state.type is StateType.COMPLETED
    assert state.result() == value
    assert kind.call(kind.flow()(body)) == value


def test_a_value_that_cannot_be_kept_is_here_all_the_same(kind: Kind, stored: Stored) -> None:
    value = threading.Lock()

    def body() -> Any:
        return (value,)[0]

    state = ended(kind, stored, body)
    assert state.result() is value
    assert not stored.flow_run(state.state_details.flow_run_id or "").state.HasField("data")


def test_an_exception_fails_the_run(kind: Kind, stored: Stored) -> None:
    def body() -> None:
        raise LookupError("not there")

    state = ended(kind, stored, body)
    assert (state.type, state.message) == (StateType.FAILED, "LookupError: not there")
    with pytest.raises(LookupError, match="not there"):
        kind.call(kind.flow()(body))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Completed(message="words", data=5),
        lambda: Completed(name="Fine"),
        lambda: Failed(message="no"),
        lambda: Failed(data=ValueError("no")),
        lambda: Cancelled(message="enough"),
        lambda: Crashed(message="it seems"),
        lambda: Paused(message="later"),
    ],
)
def test_a_state_is_taken_as_it_is(kind: Kind, stored: Stored, make: Callable[[], State]) -> None:
    made = make()
    state = ended(kind, stored, lambda: make())
    assert (state.type, state.name, state.message) == (made.type, made.name, made.message)


def test_results_of_states_that_a_function_made(kind: Kind, stored: Stored) -> None:
    assert kind.call(kind.flow()(lambda: Completed(data=5))) == 5
    for make, error in (
        (lambda: Failed(message="no"), FailedRun),
        (lambda: Failed(data=ValueError("no")), ValueError),
        (lambda: Cancelled(), CancelledRun),
        (lambda: Paused(), PausedRun),
    ):
        with pytest.raises(error):
            kind.call(kind.flow()(make))


GROUPS = [
    ("c", StateType.COMPLETED, "All states completed."),
    ("cc", StateType.COMPLETED, "All states completed."),
    ("f", StateType.FAILED, "1/1 states failed."),
    ("cf", StateType.FAILED, "1/2 states failed."),
    ("ffc", StateType.FAILED, "2/3 states failed."),
    ("k", StateType.FAILED, "1/1 states failed."),
    ("x", StateType.CANCELLED, "1/1 states cancelled."),
    ("cfx", StateType.CANCELLED, "1/3 states cancelled."),
    ("xp", StateType.CANCELLED, "1/2 states cancelled."),
    ("pf", StateType.PAUSED, "1/2 states paused."),
    ("cp", StateType.PAUSED, "1/2 states paused."),
    ("cr", StateType.FAILED, "1/2 states are not final."),
    ("rf", StateType.FAILED, "1/2 states failed."),
]


@pytest.mark.parametrize("collection", [list, tuple, set])
@pytest.mark.parametrize("given_as", ["futures", "states", "both"])
@pytest.mark.parametrize(("letters", "type_", "message"), GROUPS)
def test_several_futures_or_states_stand_for_the_run(
    stored: Stored, letters: str, type_: StateType, message: str, given_as: str, collection: Callable[[Any], Any]
) -> None:
    def body() -> Any:
        futures = [end_as.submit(letter, wait_for=[Failed()] if letter == NOT_READY else None) for letter in letters]
        for future in futures:
            future.wait()
        mixed = given_as == "both"
        return collection(
            [each.state if given_as == "states" or (mixed and i) else each for i, each in enumerate(futures)]
        )

    state = ended(Kind(False), stored, body)
    assert (state.type, state.message) == (type_, message)
    if type_ is StateType.COMPLETED:
        assert state.result() == collection(["well"] * len(letters))


@pytest.mark.parametrize(("letters", "type_", "message"), [each for each in GROUPS if len(each[0]) == 1])
def test_one_future_stands_for_the_run(
    kind: Kind, stored: Stored, letters: str, type_: StateType, message: str
) -> None:
    state = ended(kind, stored, lambda: end_as.submit(letters))
    assert (state.type, state.message) == (type_, message)
    if type_ is StateType.COMPLETED:
        assert state.result() == "well"


@pytest.mark.parametrize(("letters", "type_", "message"), [each for each in GROUPS if len(each[0]) == 1])
def test_one_state_of_a_run_stands_for_the_run(
    kind: Kind, stored: Stored, letters: str, type_: StateType, message: str
) -> None:
    state = ended(kind, stored, lambda: end_as(letters, return_state=True))
    assert (state.type, state.message) == (type_, message)


def test_the_results_are_those_of_the_states(stored: Stored) -> None:
    @flow
    def around() -> Any:
        return [end_as.submit("c"), end_as.submit("f")]

    state = around(return_state=True)
    value, error = state.result(raise_on_failure=False)
    assert value == "well"
    assert isinstance(error, FailedRun)
    with pytest.raises(FailedRun, match="bad"):
        around()


def test_a_failed_task_that_nobody_asks_for_does_not_fail_the_flow(kind: Kind, stored: Stored) -> None:
    def body() -> str:
        end_as.submit("f")
        end_as("f", return_state=True)
        return "all the same"

    state = ended(kind, stored, body)
    assert state.result() == "all the same"


def test_futures_inside_other_values_do_not_decide(kind: Kind, stored: Stored) -> None:
    def body() -> Any:
        return {"good": end_as.submit("c"), "bad": [end_as.submit("f")]}

    state = ended(kind, stored, body)
    assert state.type is StateType.COMPLETED
    value = state.result()
    assert value["good"].result() == "well"
    assert value["bad"][0].is_failed()


def test_futures_beside_other_values_do_not_decide(kind: Kind, stored: Stored) -> None:
    state = ended(kind, stored, lambda: [end_as.submit("f"), 5])
    assert state.type is StateType.COMPLETED


def test_a_flow_ends_after_what_it_submitted(kind: Kind, stored: Stored) -> None:
    order: list[str] = []

    @task
    def slow() -> None:
        release.result()
        order.append("slow")

    @task
    def gate() -> None:
        order.append("gate")

    release: AntiphonFuture[Any]

    def body() -> None:
        nonlocal release
        release = gate.submit()
        slow.submit()

    state = ended(kind, stored, body)
    assert order == ["gate", "slow"]
    assert {run.state.name for run in stored.task_runs(state.state_details.flow_run_id or "")} == {"Completed"}


@pytest.mark.parametrize("make", [Pending, Running, Scheduled, AwaitingRetry, Cancelling])
def test_no_run_ends_as_a_state_that_is_not_final(kind: Kind, stored: Stored, make: Callable[[], State]) -> None:
    decorated = kind.task()(make)
    state = ended(kind, stored, lambda: make())
    assert state.is_failed()
    assert state.message == f"Flow run cannot end as {make()!r}, which its function returned: that is no final state."
    with pytest.raises(FailedRun, match="cannot end as"):
        kind.call(kind.flow()(make))
    state = kind.call(decorated, return_state=True)
    assert state.is_failed()
    assert stored.task_run_history(state.state_details.task_run_id or "")[-1] == "Failed"


def test_the_state_of_a_run_that_goes_on(kind: Kind, stored: Stored) -> None:
    """It is that run's, and none that the flow's code made."""
    gate = threading.Event()

    @task
    def slow() -> None:
        assert gate.wait(30)

    def body() -> Any:
        future = slow.submit()
        state = future.state
        assert state.state_details.task_run_id == future.task_run_id
        gate.set()
        return state

    state = ended(kind, stored, body)
    assert (state.type, state.message) == (StateType.FAILED, "1/1 states are not final.")


def test_without_persistence_the_result_stays_here(kind: Kind, stored: Stored) -> None:
    state = ended(kind, stored, lambda: "here", persist_result=False)
    assert state.result() == "here"
    kept = stored.flow_run(state.state_details.flow_run_id or "").state
    assert not kept.HasField("data")


def test_a_result_that_cannot_be_kept_is_told_to_who_asked_for_it(
    kind: Kind, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ended(kind, stored, lambda: threading.Lock(), persist_result=True)
    assert state.is_completed()
    assert "The result is in this process only" in capsys.readouterr().err


def test_tasks_persist_as_their_flow_does_unless_they_say(stored: Stored) -> None:
    follows = task(lambda: 1)
    insists = task(persist_result=True)(lambda: 2)

    @flow(persist_result=False)
    def around() -> Any:
        follows()
        insists()

    state = around(return_state=True)
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.HasField("data") for run in runs] == [False, True]


def test_a_result_that_is_gone_is_missing(stored: Stored) -> None:
    @flow(persist_result=False)
    def around() -> int:
        return 1

    state = around(return_state=True)
    elsewhere = from_proto(stored.flow_run(state.state_details.flow_run_id or "").state)
    with pytest.raises(MissingResult):
        elsewhere.result()


def test_the_stored_result_can_be_read_elsewhere(stored: Stored) -> None:
    @flow
    def around(size: int) -> str:
        return "x" * size

    for size in (10, 100_000):
        state = around.with_options(persist_result=True if size > 10 else None)(size, return_state=True)
        elsewhere = from_proto(stored.flow_run(state.state_details.flow_run_id or "").state)
        assert not elsewhere.has_value()
        assert elsewhere.result() == "x" * size


@pytest.mark.parametrize("message", ["x" * 50_000, "half \ud800 a pair", "\0"])
def test_any_message_can_be_stored(stored: Stored, monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    @flow
    def around() -> None:
        raise ValueError(message)

    # What pytest captures of logs cannot hold them all.
    monkeypatch.setattr(logging.getLogger("antiphon.flow_runs"), "disabled", True)
    state = around(return_state=True)
    kept = stored.flow_run(state.state_details.flow_run_id or "").state
    assert kept.message.startswith("ValueError: " + message[:4])


def test_the_log_has_the_traceback_of_what_failed(stored: Stored) -> None:
    """As far as it is the user's: without the frames of the engine that called him."""

    @task
    def inner() -> None:
        raise ValueError("no")

    @flow
    def outer() -> None:
        inner()

    state = outer(return_state=True)
    failures = [log.message for log in stored.logs(state.state_details.flow_run_id or "") if "Traceback" in log.message]
    assert [message.splitlines()[0] for message in failures] == [
        "Task run raised an exception:",
        "Flow run raised an exception:",
    ]
    (frame,) = [line for line in failures[0].splitlines() if line.startswith("  File ")]
    assert __file__ in frame and "in inner" in frame
    assert failures[0].endswith("ValueError: no")
