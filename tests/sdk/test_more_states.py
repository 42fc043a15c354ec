"""States of people's own: the finer constructors, details of pauses and caches, and results in async code."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.filesystems import LocalFileSystem
from antiphon.results import ResultStore
from antiphon.settings import temporary_settings
from antiphon.states import (
    AwaitingConcurrencySlot,
    Completed,
    Failed,
    InfrastructurePending,
    Paused,
    Running,
    Scheduled,
    State,
    StateDetails,
    StateType,
    Submitting,
    Suspended,
    aget_state_exception,
    araise_state_exception,
    from_proto,
    to_proto,
)
from stored import Stored

LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "kind", "name"),
    [
        (AwaitingConcurrencySlot(LATER), StateType.SCHEDULED, "AwaitingConcurrencySlot"),
        (Submitting(), StateType.PENDING, "Submitting"),
        (InfrastructurePending(message="m"), StateType.PENDING, "InfrastructurePending"),
        (Suspended(), StateType.PAUSED, "Suspended"),
    ],
)
def test_finer_words(state: State, kind: StateType, name: str) -> None:
    assert (state.type, state.name) == (kind, name)
    assert from_proto(to_proto(state)).name == name


def test_pauses() -> None:
    soon = Paused(timeout_seconds=60, pause_key="k").state_details
    assert soon.pause_timeout is not None and soon.pause_key == "k" and not soon.pause_reschedule
    assert timedelta(seconds=50) < soon.pause_timeout - datetime.now(UTC) <= timedelta(seconds=60)
    assert Paused(pause_expiration_time=LATER, reschedule=True).state_details.pause_timeout == LATER
    for_ever = Suspended(pause_key="k").state_details
    assert (for_ever.pause_timeout, for_ever.pause_reschedule, for_ever.pause_key) == (None, True, "k")
    assert Paused(state_details=StateDetails(pause_key="k")).state_details.pause_key == "k"


def test_pauses_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="Give the end of the pause once"):
        Paused(timeout_seconds=1, pause_expiration_time=LATER)
    with pytest.raises(ValueError, match="pause's time-out 2027-01-01T00:00:00 does not say its time zone"):
        Paused(pause_expiration_time=LATER.replace(tzinfo=None))
    with pytest.raises(ValueError, match="Give pause_key once"):
        Paused(pause_key="a", state_details=StateDetails(pause_key="b"))


def test_all_details_survive_the_wire() -> None:
    details = StateDetails(
        child_flow_run_id="01890a5d-ac96-774b-bcce-b302099a8057",
        scheduled_time=LATER,
        retriable=False,
        pause_timeout=LATER + timedelta(days=1),
        pause_reschedule=True,
        pause_key="p",
        cache_key="c",
        cache_expiration=LATER + timedelta(days=2),
        refresh_cache=True,
        deferred=True,
        task_parameters_id="t",
    )
    assert from_proto(to_proto(Scheduled(state_details=details))).state_details == details
    assert from_proto(to_proto(Running())).state_details == StateDetails()
    assert not to_proto(Running()).HasField("details")


def test_dumps() -> None:
    state = Completed(message="m", data=object())
    dump = state.model_dump()
    assert dump["type"] is StateType.COMPLETED and dump["timestamp"] is state.timestamp and "data" not in dump
    text = Scheduled(LATER).model_dump(mode="json")
    assert (text["type"], text["state_details"]["scheduled_time"]) == ("SCHEDULED", LATER.isoformat())


def test_defaults_and_results_that_are_let_go(tmp_path: Path) -> None:
    state = Completed(data=3)
    state.name = ""
    assert state.default_name_from_type().name == "Completed"
    state.type = StateType.SCHEDULED
    assert state.default_scheduled_start_time().state_details.scheduled_time == state.timestamp
    assert Completed(data=3).set_unpersisted_results_to_none().result() is None
    store = ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path)))
    kept = Completed(data=store.persist(3, persist_result=True))
    assert kept.set_unpersisted_results_to_none().result() == 3


def test_results_are_awaited_in_async_code(stored: Stored) -> None:
    @task
    def number() -> int:
        return 3

    @flow
    async def main() -> list[Any]:
        state: Any = number(return_state=True)
        return [await state.result(), await state.aresult(retry_result_failure=False), state.outcome()]

    async def no_run() -> Any:
        state: Any = Failed(data=ValueError("bad"))
        return await state.result(raise_on_failure=False)

    assert asyncio.run(main()) == [3, 3, 3]
    assert str(asyncio.run(no_run())) == "bad"


def test_results_are_values_in_sync_code_around_which_a_loop_runs(stored: Stored) -> None:
    @task
    def number() -> int:
        return Completed(data=3).result()

    @flow
    def main() -> int:
        return number(return_state=True).result() + Completed(data=4).result()

    async def around() -> int:
        return main()

    assert asyncio.run(around()) == 7


def test_a_result_in_storage_is_awaited(tmp_path: Any) -> None:
    with temporary_settings({"home": tmp_path}):
        state: Any = Completed(data=ResultStore().persist([0] * 100_000, persist_result=True))

        async def read() -> Any:
            return await state.result()

        assert len(asyncio.run(read())) == 100_000


def test_exceptions_of_states_in_async_code() -> None:
    failed, done = Failed(data=ValueError("bad")), Completed()
    assert str(asyncio.run(aget_state_exception(failed))) == "bad"
    with pytest.raises(ValueError, match="bad"):
        asyncio.run(araise_state_exception(failed))
    asyncio.run(araise_state_exception(done))
    with pytest.raises(ValueError, match="has no exception"):
        asyncio.run(aget_state_exception(done))
