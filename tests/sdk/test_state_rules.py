"""What a function returned, and the final state that it means."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.exceptions import CancelledRun, FailedRun, MissingResult, PausedRun, SerializationError
from antiphon.payloads import JSON, NULL, PICKLE, decode, encoding_of
from antiphon.results import ResultStore
from antiphon.settings import temporary_settings
from antiphon.states import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    State,
    StateDetails,
    StateType,
    is_state_iterable,
    return_value_to_state,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with temporary_settings({"home": tmp_path}):
        yield tmp_path


class Future:
    """A future whose run ends when it is waited for."""

    def __init__(self, end: State, now: State | None = None) -> None:
        self._end = end
        self._now = now or end
        self.waited = 0

    @property
    def state(self) -> State:
        return self._now

    def wait(self, timeout: float | None = None) -> None:
        self.waited += 1
        self._now = self._end

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        return self._now.result(raise_on_failure)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        callback(self)


def of_run(state: State) -> State:
    """A state that a task run went through, as the engine gives it."""
    state.state_details.task_run_id = "0190b0a0-0000-7000-8000-000000000000"
    return state


@pytest.mark.parametrize(
    ("value", "encoding"), [(None, NULL), (1, JSON), ("a", JSON), ([], JSON), ({"a": []}, JSON), ((), PICKLE)]
)
def test_a_value_completes_the_run(value: Any, encoding: str) -> None:
    state = return_value_to_state(value)
    assert state.is_completed()
    assert state.result() is value
    assert state.data is not None
    assert encoding_of(state.data) == encoding
    assert decode(state.data) == value


def test_an_exception_that_is_returned_is_a_value() -> None:
    error = ValueError("good")
    state = return_value_to_state(error)
    assert state.is_completed() and state.result() is error


@pytest.mark.parametrize(
    "state",
    [
        Completed(message="mine", data=3),
        Failed(message="mine"),
        Cancelled(message="mine"),
        Paused(message="mine"),
        Crashed(message="mine"),
        Scheduled(message="mine"),
    ],
)
def test_a_state_that_the_code_made_is_taken_as_it_is(state: State) -> None:
    final = return_value_to_state(state)
    assert final is state
    assert final.message == "mine"


def test_what_a_state_of_the_code_holds_is_kept_too() -> None:
    completed = return_value_to_state(Completed(data={"a": 1}))
    assert completed.data is not None
    assert decode(completed.data) == {"a": 1}
    empty = return_value_to_state(Completed())
    assert empty.result() is None
    assert empty.data is not None
    assert encoding_of(empty.data) == NULL
    failed = return_value_to_state(Failed(data=ValueError("bad")))
    assert failed.data is not None
    assert isinstance(decode(failed.data), ValueError)
    assert return_value_to_state(Failed(message="m")).data is None


@pytest.mark.parametrize(
    ("states", "kind", "message"),
    [
        ([Completed(data=1)], StateType.COMPLETED, "All states completed."),
        ([Completed(data=1), Completed(data=2)], StateType.COMPLETED, "All states completed."),
        ([Completed(data=1), Failed(), Completed(data=2)], StateType.FAILED, "1/3 states failed."),
        ([Crashed(), Failed()], StateType.FAILED, "2/2 states failed."),
        ([Failed(), Cancelled(), Paused()], StateType.CANCELLED, "1/3 states cancelled."),
        ([Failed(), Paused(), Running()], StateType.PAUSED, "1/3 states paused."),
        ([Failed(), Running()], StateType.FAILED, "1/2 states failed."),
        ([Completed(data=1), Pending(), Running()], StateType.FAILED, "2/3 states are not final."),
        ([Failed()], StateType.FAILED, "1/1 states failed."),
    ],
)
@pytest.mark.parametrize("collection", [list, tuple, set, frozenset])
def test_states_of_runs_together(
    collection: Callable[[list[State]], Any], states: list[State], kind: StateType, message: str
) -> None:
    final = return_value_to_state(collection([of_run(state) for state in states]))
    assert (final.type, final.message) == (kind, message)
    assert final not in states


def test_a_single_state_or_future_of_a_run_counts_as_one_of_one() -> None:
    for value in (of_run(Failed(message="m")), Future(Failed(message="m"))):
        final = return_value_to_state(value)
        assert (final.type, final.message) == (StateType.FAILED, "1/1 states failed.")
        with pytest.raises(FailedRun, match="m"):
            final.result()
    of_flow = Completed(data=4, state_details=StateDetails(flow_run_id="f"))
    final = return_value_to_state(of_flow)
    assert final is not of_flow
    assert final.result() == 4


@pytest.mark.parametrize(
    ("collection", "expected"), [(list, [1, 2]), (tuple, (1, 2)), (set, {1, 2}), (frozenset, frozenset({1, 2}))]
)
def test_the_result_is_the_results_in_the_same_collection(collection: Callable[[Any], Any], expected: Any) -> None:
    final = return_value_to_state(collection([Future(Completed(data=1)), Future(Completed(data=2))]))
    assert final.result() == expected
    assert type(final.result()) is type(expected)
    assert final.data is not None
    assert decode(final.data) == expected


def test_results_that_cannot_be_in_a_set_come_as_a_list() -> None:
    assert return_value_to_state({Future(Completed(data={"a": 1}))}).result() == [{"a": 1}]


def test_of_failures_the_first_is_raised_and_all_are_returned() -> None:
    first, second = ValueError("first"), KeyError("second")
    ends = [Completed(data=1), Failed(data=first), Failed(data=second), Running()]
    final = return_value_to_state([Future(end) for end in ends])
    with pytest.raises(ValueError, match="first") as raised:
        final.result()
    assert raised.value is first
    returned: Any = final.result(raise_on_failure=False)
    assert returned[:3] == [1, first, second]
    assert type(returned[3]).__name__ == "UnfinishedRun"
    assert final.data is not None
    assert str(decode(final.data)) == "first"


def test_failures_of_failures_are_found() -> None:
    error = ValueError("deep")
    inner = return_value_to_state([Future(Failed(data=error))])
    outer = return_value_to_state(Future(inner))
    with pytest.raises(ValueError, match="deep"):
        outer.result()


def test_cancelled_and_paused_groups_say_so() -> None:
    with pytest.raises(CancelledRun, match="1/2 states cancelled"):
        return_value_to_state([Future(Cancelled()), Future(Failed(data=ValueError()))]).result()
    with pytest.raises(PausedRun, match="1/1 states paused"):
        return_value_to_state([Future(Paused(), Paused())]).result()


def test_a_group_completes_although_a_result_is_gone() -> None:
    final = return_value_to_state([of_run(Completed()), of_run(Completed(data=1))])
    assert final.is_completed()
    assert final.data is None
    with pytest.raises(MissingResult):
        final.result()


def test_futures_are_waited_for() -> None:
    future = Future(Completed(data=1), now=Running())
    ended = Future(Completed(data=2))
    assert return_value_to_state([future, ended]).result() == [1, 2]
    assert (future.waited, ended.waited) == (1, 0)


def test_states_and_futures_may_be_mixed_but_not_with_values() -> None:
    assert return_value_to_state([of_run(Failed()), Future(Completed(data=1))]).is_failed()
    failed = Failed(message="m")
    mixed = return_value_to_state([Future(failed), 5])
    assert mixed.is_completed()
    assert mixed.result() == [failed, 5]
    inside = return_value_to_state({"a": [Future(failed)], "b": 1})
    assert inside.is_completed()
    assert inside.result() == {"a": [failed], "b": 1}


def test_a_value_without_futures_stays_the_same_object() -> None:
    value = {"a": [1, {2}], "b": (3,)}
    assert return_value_to_state(value).result() is value


def test_what_is_an_iterable_of_states() -> None:
    assert is_state_iterable([Completed()])
    assert is_state_iterable({Completed()})
    assert not is_state_iterable([])
    assert not is_state_iterable([Completed(), 1])
    assert not is_state_iterable(Completed())
    assert not is_state_iterable({"a": Completed()})


def test_how_results_are_kept_can_be_said(home: Path) -> None:
    assert return_value_to_state(1, persist_result=False).data is None
    assert return_value_to_state(threading.Lock()).data is None
    with pytest.raises(SerializationError):
        return_value_to_state(threading.Lock(), persist_result=True)
    state = return_value_to_state("x" * 100_000, ResultStore(home / "mine"), persist_result=True, key="the-key")
    assert (home / "mine" / "the-key").exists()
    assert state.data is not None
    assert Completed(data=state.data).result() == "x" * 100_000
