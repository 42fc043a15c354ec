"""States: their kinds, their results, the messages that they travel as."""

import asyncio
import pickle
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import pytest

from antiphon.exception_payloads import encode_exception
from antiphon.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    InvalidNameError,
    MissingResult,
    PausedRun,
    RunCancelled,
    RunRevoked,
    SerializationError,
    TerminationSignal,
    UnfinishedRun,
)
from antiphon.payloads import JSON, PICKLE, encode, encoding_of
from antiphon.result_store import INLINE_LIMIT, ResultStore
from antiphon.settings import temporary_settings
from antiphon.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    StateDetails,
    StateType,
    exception_to_crashed_state,
    exception_to_failed_state,
    from_proto,
    get_state_exception,
    get_state_result,
    raise_state_exception,
    to_proto,
)
from antiphon.v1 import state_pb2

PREDICATES = {
    StateType.SCHEDULED: State.is_scheduled,
    StateType.PENDING: State.is_pending,
    StateType.RUNNING: State.is_running,
    StateType.COMPLETED: State.is_completed,
    StateType.FAILED: State.is_failed,
    StateType.CRASHED: State.is_crashed,
    StateType.CANCELLED: State.is_cancelled,
    StateType.CANCELLING: State.is_cancelling,
    StateType.PAUSED: State.is_paused,
}
FINAL = {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with temporary_settings({"home": tmp_path}):
        yield tmp_path


class NeedsTwo(Exception):
    """Pickles, but cannot be made anew from its pickle."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")

    def __reduce__(self) -> Any:
        # As it is without; said, since libraries that other tests import (Dask's) teach pickle better ways.
        return type(self), self.args


@pytest.mark.parametrize(
    ("make", "kind", "name"),
    [
        (Scheduled, StateType.SCHEDULED, "Scheduled"),
        (Late, StateType.SCHEDULED, "Late"),
        (AwaitingRetry, StateType.SCHEDULED, "AwaitingRetry"),
        (Pending, StateType.PENDING, "Pending"),
        (Running, StateType.RUNNING, "Running"),
        (Retrying, StateType.RUNNING, "Retrying"),
        (Completed, StateType.COMPLETED, "Completed"),
        (Failed, StateType.FAILED, "Failed"),
        (Crashed, StateType.CRASHED, "Crashed"),
        (Cancelling, StateType.CANCELLING, "Cancelling"),
        (Cancelled, StateType.CANCELLED, "Cancelled"),
        (Paused, StateType.PAUSED, "Paused"),
    ],
)
def test_each_constructor_gives_its_kind(make: Callable[..., State], kind: StateType, name: str) -> None:
    state = make(message="why")
    assert (state.type, state.name, state.message) == (kind, name, "why")
    assert make(name="Other").name == "Other"
    assert [each for each, holds in PREDICATES.items() if holds(state)] == [kind]
    assert state.is_final() == (kind in FINAL)
    assert state.timestamp.tzinfo is UTC
    assert make().id != make().id


def test_scheduled_states_have_a_time() -> None:
    moment = datetime(2030, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))
    for make in (Scheduled, Late, AwaitingRetry):
        assert make(moment).state_details.scheduled_time == moment
        state = make()
        assert state.state_details.scheduled_time == state.timestamp
    details = StateDetails(child_flow_run_id="c")
    assert Scheduled(moment, state_details=details).state_details == StateDetails(
        child_flow_run_id="c", scheduled_time=moment
    )
    assert details.scheduled_time is None
    assert Running().state_details.scheduled_time is None
    with pytest.raises(ValueError, match="once"):
        Scheduled(moment, state_details=StateDetails(scheduled_time=moment))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2030-01-01T00:00:00 does not say its time zone"):
        Scheduled(datetime(2030, 1, 1))


def test_a_type_may_be_text_and_must_be_known() -> None:
    assert State("RUNNING").type is StateType.RUNNING  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'SLEEPING'"):
        State("SLEEPING")  # type: ignore[arg-type]
    with pytest.raises(InvalidNameError, match="200 characters"):
        Running(name="x" * 201)


def test_states_are_shown_in_short() -> None:
    assert str(Completed(message="it's done")) == repr(Completed(message="it's done")) == 'Completed("it\'s done")'
    assert str(Pending()) == repr(Pending()) == "Pending()"
    assert str(Failed(name="TimedOut", message="late")) == "TimedOut('late')"
    assert repr(Failed(name="TimedOut", message="late")) == "TimedOut('late', type=FAILED)"
    assert repr(Retrying()) == "Retrying(type=RUNNING)"


def test_a_completed_state_gives_its_value_itself() -> None:
    value = object()
    assert Completed(data=value).result() is value
    assert Completed(data=None).result() is None
    assert asyncio.run(Completed(data=value).aresult()) is value


def test_a_payload_is_read_once_and_lazily() -> None:
    state: State[list[int]] = Completed(data=encode([1, 2]))
    assert not state.has_value()
    value = state.result()
    assert value == [1, 2]
    assert state.result() is value


def test_a_result_in_storage_is_fetched_in_both_ways() -> None:
    value = "x" * (INLINE_LIMIT + 1)
    data = ResultStore().persist(value, persist_result=True)
    assert Completed(data=data).result() == value
    assert asyncio.run(Completed(data=data).aresult()) == value


def test_a_result_that_was_not_kept_is_missing() -> None:
    with pytest.raises(MissingResult, match="persist_result=True"):
        Completed().result()


@pytest.mark.parametrize("make", [Failed, Crashed])
def test_the_exception_that_ended_the_run_is_raised_or_returned(make: Callable[..., State]) -> None:
    error = KeyError("k")
    for state in (make(data=error), make(data=encode_exception(error))):
        with pytest.raises(KeyError, match="k") as raised:
            state.result()
        assert state.result(raise_on_failure=False) is raised.value
        with pytest.raises(KeyError):
            asyncio.run(state.aresult())
        assert asyncio.run(state.aresult(raise_on_failure=False)) is raised.value
    assert make(data=error).result(raise_on_failure=False) is error


@pytest.mark.parametrize(("make", "error"), [(Failed, FailedRun), (Crashed, CrashedRun), (Cancelled, CancelledRun)])
def test_an_end_without_an_exception_has_one_of_ours(make: Callable[..., State], error: type[Exception]) -> None:
    with pytest.raises(error, match="because of rain"):
        make(message="because of rain").result()
    with pytest.raises(error, match="The run is Odd"):
        make(name="Odd").result()
    with pytest.raises(error, match="text as data"):
        make(data="text as data", message="m").result()
    returned = make(message="m").result(raise_on_failure=False)
    assert type(returned) is error


@pytest.mark.parametrize("raise_on_failure", [True, False])
def test_a_run_that_has_not_ended_has_no_result(raise_on_failure: bool) -> None:
    for state in (Pending(), Running(), Scheduled(), Cancelling()):
        with pytest.raises(UnfinishedRun, match=state.name):
            state.result(raise_on_failure)
    with pytest.raises(PausedRun):
        Paused().result(raise_on_failure)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), RunCancelled(), asyncio.CancelledError()])
def test_an_interrupt_of_one_run_does_not_interrupt_who_reads_its_state(error: BaseException) -> None:
    state = exception_to_crashed_state(error)
    with pytest.raises(CrashedRun) as raised:
        state.result()
    assert raised.value.__cause__ is error
    assert state.result(raise_on_failure=False) is error


def test_a_cancelled_run_raises_that_it_was_cancelled() -> None:
    with pytest.raises(CancelledRun, match="stop") as raised:
        Cancelled(message="stop", data=RunCancelled()).result()
    assert isinstance(raised.value.__cause__, RunCancelled)


def test_an_exception_that_cannot_travel_is_described() -> None:
    try:
        raise NeedsTwo("a", "b")
    except NeedsTwo as caught:
        state = exception_to_failed_state(caught)
    with pytest.raises(NeedsTwo):
        state.result()
    elsewhere = from_proto(to_proto(state))
    with pytest.raises(FailedRun, match="NeedsTwo: a and b") as raised:
        elsewhere.result()
    assert "test_an_exception_that_cannot_travel" in raised.value.__notes__[0]
    lock_inside = ValueError(threading.Lock())
    assert encoding_of(encode_exception(lock_inside)) == JSON


def test_a_huge_exception_is_described_and_stays_small() -> None:
    payload = encode_exception(ValueError("x" * 1_000_000))
    assert len(payload.data) < INLINE_LIMIT
    with pytest.raises(FailedRun, match="ValueError: xxx"):
        Failed(data=payload).result()


def test_an_exception_of_a_module_that_is_not_here_says_what_it_was() -> None:
    broken = encode(1)
    broken.metadata["encoding"] = PICKLE
    broken.data = b"\x80\x04\x8c\x07nowhere\x8c\x05Error\x93."
    with pytest.raises(FailedRun, match=r"nowhere\.Error: bad") as raised:
        Failed(message="nowhere.Error: bad", data=broken).result()
    assert "No module named 'nowhere'" in raised.value.__notes__[0]


def test_messages_of_failures() -> None:
    assert exception_to_failed_state(ValueError("bad")).message == "ValueError: bad"
    state = exception_to_failed_state(ValueError("bad"), message="It broke", name="TimedOut", retriable=False)
    assert (state.message, state.name, state.state_details.retriable) == (
        "It broke: ValueError: bad",
        "TimedOut",
        False,
    )
    try:
        raise KeyError("handled")
    except KeyError as error:
        assert exception_to_failed_state().result(raise_on_failure=False) is error
    with pytest.raises(ValueError, match="none is being handled"):
        exception_to_failed_state()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyboardInterrupt(), "interrupted from the keyboard"),
        (TerminationSignal(), "SIGTERM"),
        (SystemExit(3), r"SystemExit\(3\)"),
        (RunRevoked(), "gave the run to another process"),
        (asyncio.CancelledError(), "event loop cancelled"),
        (GeneratorExit("g"), "broken off by GeneratorExit: g"),
    ],
)
def test_messages_of_crashes(error: BaseException, text: str) -> None:
    state = exception_to_crashed_state(error)
    assert state.is_crashed()
    assert re.search(text, state.message or "")
    assert (exception_to_crashed_state(error, message="Task run").message or "").startswith("Task run: ")


def test_states_survive_the_wire() -> None:
    moment = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    state = State(
        StateType.SCHEDULED,
        "AwaitingRetry",
        message="again",
        timestamp=datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        state_details=StateDetails(
            child_flow_run_id="0190b0a0-0000-7000-8000-000000000000", scheduled_time=moment, retriable=False
        ),
        data=encode({"a": 1}),
    )
    back = from_proto(state_pb2.State.FromString(to_proto(state).SerializeToString()))
    for name in ("id", "type", "name", "message", "timestamp", "state_details", "data"):
        assert getattr(back, name) == getattr(state, name), name
    assert back == state
    assert hash(back) == hash(state)
    assert back != state.fresh_copy()


@pytest.mark.parametrize("kind", list(StateType))
def test_every_type_survives_the_wire(kind: StateType) -> None:
    proto = to_proto(State(kind))
    assert state_pb2.StateType.Name(proto.type) == f"STATE_TYPE_{kind}"
    back = from_proto(proto, flow_run_id="f", task_run_id="t")
    assert back.type is kind
    assert back.message is None
    assert back.data is None
    assert (back.state_details.flow_run_id, back.state_details.task_run_id) == ("f", "t")


def test_a_value_in_this_process_spares_reading() -> None:
    value = object()
    proto = to_proto(Completed(data=encode(1)))
    assert from_proto(proto, value=value).result() is value
    assert from_proto(proto, value=None).result() is None
    assert from_proto(proto).result() == 1


def test_long_and_strange_messages_fit_the_contract() -> None:
    message = to_proto(Completed(message="ü" * 20_000)).message
    assert len(message) == 10_000
    assert message.endswith("(cut)")
    assert to_proto(Completed(message="half \ud800")).message == "half \\ud800"


def test_a_type_of_a_newer_server_says_so() -> None:
    proto = state_pb2.State(id="x")
    proto.type = 42  # type: ignore[assignment]
    with pytest.raises(SerializationError, match=r"42 of state x.*upgrade"):
        from_proto(proto)


def test_copies() -> None:
    state = Completed(message="m", data=[1])
    fresh = state.fresh_copy(message="n")
    assert (fresh.message, state.message) == ("n", "m")
    assert fresh.id != state.id
    assert fresh.result() is state.result()
    assert state.model_copy(update={"name": "Other"}).id == state.id
    assert state.model_copy(update={"data": 5}).result() == 5
    with pytest.raises(TypeError, match="'colour'"):
        state.model_copy(update={"colour": 1})


@pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps])
def test_a_pickled_state_takes_its_value_along_only_where_nothing_else_has_it(dump: Callable[[Any], bytes]) -> None:
    kept = pickle.loads(dump(Completed(message="m", data=[1])))
    assert (kept.message, kept.result()) == ("m", [1])
    with_payload = Completed(data=encode(1)).keep(threading.Lock())
    assert pickle.loads(dump(with_payload)).result() == 1
    with pytest.raises(TypeError):
        dump(Completed(data=threading.Lock()))


def test_states_may_name_the_type_of_their_result() -> None:
    state: State[int] = Completed(data=1)
    assert state.result() + 1 == 2
    assert State[int].__origin__ is State  # type: ignore[attr-defined]


def test_what_a_state_ended_with() -> None:
    failed = exception_to_failed_state(ValueError("bad"))
    assert repr(get_state_exception(failed)) == "ValueError('bad')"
    assert isinstance(get_state_exception(Cancelled()), CancelledRun)
    with pytest.raises(ValueError, match="bad"):
        raise_state_exception(failed)
    with pytest.raises(ValueError, match="A run that is Completed has no exception"):
        get_state_exception(Completed())
    raise_state_exception(Running())
    assert get_state_result(Completed(data=3)) == 3
