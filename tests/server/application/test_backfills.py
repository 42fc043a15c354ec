"""Backfills on a core and their runner, with runs that a test ends. What callers hear is in rpc/."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from antiphon.v1 import payload_pb2
from antiphon.v1.deployment_service_pb2 import BackfillDeploymentRequest
from antiphon_server.application.backfills import CHUNK, StartBackfill
from antiphon_server.application.bulk import CancelBulk
from antiphon_server.application.deployments import UpdateDeployment
from antiphon_server.application.edits import Delete
from antiphon_server.application.parameter_claims import Unchecked, checked
from antiphon_server.application.planning import idempotency_key
from antiphon_server.domain.bulk import BulkState
from antiphon_server.domain.states import CANCELLED, COMPLETED, FAILED, LIVE, PENDING, RUNNING, StateType, VerdictKind
from antiphon_server.services.operations_runner import OperationsRunner
from antiphon_server.storage.sources import OPERATIONS
from antiphon_server.storage.working_set import Needs, WorkingSet
from in_loop import in_loop
from scheduling import NOON, Scheduling, micros, scheduling
from writing import new_id, propose

HOURLY: dict[str, Any] = {"cron": {"expression": "0 * * * *"}, "paused": True}


class Filling:
    """A backfill of a schedule that fires each hour, and rests."""

    def __init__(self, it: Scheduling, schedule: str) -> None:
        self.it = it
        self.schedule = schedule
        #: The most runs that were under way at once.
        self.most = 0

    async def start(self, hours: float = 5, **fields: Any) -> str:
        """Of the last hours before NOON."""
        request = BackfillDeploymentRequest(schedule_id=self.schedule, max_active_runs=fields.pop("max_active_runs", 1))
        request.start_time.FromDatetime(NOON - timedelta(hours=hours))
        request.end_time.FromDatetime(NOON)
        for name, value in fields.items():
            if isinstance(value, payload_pb2.Payload):
                request.parameters.CopyFrom(value)
            elif isinstance(value, list):
                getattr(request, name).extend(value)
            else:
                setattr(request, name, value)
        return str(await self.it.core.run(StartBackfill(new_id(), request, round(hours))))

    def active(self, operation: str) -> list[str]:
        going_on = [row for row in self.it.rows(operation_id=operation) if row.state_type in LIVE]
        self.most = max(self.most, len(going_on))
        return [row.id for row in going_on]

    async def end(self, run_id: str, type_: StateType = COMPLETED) -> None:
        await self.it.enter(run_id, PENDING, RUNNING, type_)

    async def row(self, operation: str) -> Any:
        return await self.it.reader.get(OPERATIONS, operation)

    async def worked(self, operation: str, type_: StateType = COMPLETED) -> Any:
        """Lets the runner work and ends each run until the operation has ended; gives its row."""
        heard = asyncio.Event()
        self.it.core.listen(lambda _: heard.set())
        running = asyncio.create_task(self.it.runner.run())
        try:
            while True:
                heard.clear()
                row = await self.row(operation)
                if row.state != BulkState.RUNNING:
                    return row
                active = self.active(operation)
                if active:
                    await self.end(active[0], type_)
                else:
                    await heard.wait()
        finally:
            running.cancel()


@asynccontextmanager
async def filling(folder: Path, **schedule: Any) -> AsyncIterator[Filling]:
    async with scheduling(folder) as it:
        yield Filling(it, await it.schedule(**{**HOURLY, **schedule}))


class _Held:
    """Holds the writer up."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        assert self.gate.wait(30)


def payload(**values: Any) -> payload_pb2.Payload:
    return payload_pb2.Payload(metadata={"encoding": "json/plain"}, data=json.dumps(values).encode())


def counts(row: Any) -> tuple[int, int, int]:
    """How many have succeeded, failed, and had a run already."""
    return row.succeeded_count, row.failed_count, row.skipped_count


@in_loop
async def test_each_time_gets_a_run_one_behind_the_other(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(5)
        row = await it.worked(id)
        assert (BulkState(row.state), counts(row), row.total_count) == (BulkState.SUCCEEDED, (5, 0, 0), 5)
        runs = it.it.rows(operation_id=id)
        assert [it.it.minutes(run.expected_start_time) / 60 for run in runs] == [-5, -4, -3, -2, -1]
        assert it.most == 1
        assert {run.tags for run in runs} == {'["backfill"]'}
        assert {run.schedule_id for run in runs} == {None}, "its overlaps are none of the schedule's"
        assert {run.idempotency_key for run in runs} == {
            idempotency_key(it.schedule, micros(NOON - timedelta(hours=hours))) for hours in range(1, 6)
        }


@pytest.mark.parametrize("most", [2, 3, 60])
def test_so_many_are_under_way_and_never_more(tmp_path: Path, most: int) -> None:
    async def play() -> None:
        async with filling(tmp_path) as it:
            id = await it.start(70, max_active_runs=most)
            row = await it.worked(id)
            assert (counts(row), it.most) == ((70, 0, 0), most)

    asyncio.run(play())


@in_loop
async def test_runs_are_created_in_chunks(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(2 * CHUNK + 5, max_active_runs=1000)
        created = []
        while await it.it.runner.step(id):
            created.append(len(it.active(id)))
        assert created == [CHUNK, 2 * CHUNK]
        assert len(it.active(id)) == 2 * CHUNK + 5
        assert (await it.row(id)).state == BulkState.RUNNING, "it lasts as long as its runs"


@in_loop
async def test_times_that_have_a_run_are_skipped_or_run_once_more(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        await it.worked(await it.start(2))
        row = await it.worked(await it.start(4))
        assert counts(row) == (2, 0, 2)
        again = await it.start(4, rerun=True, max_active_runs=2)
        row = await it.worked(again)
        assert counts(row) == (4, 0, 0)
        assert len(it.it.rows()) == 8
        assert counts(await it.worked(await it.start(4))) == (0, 0, 4)


@in_loop
async def test_what_the_schedule_has_run_itself_is_skipped(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        now = it.it.now
        it.it.now = NOON - timedelta(hours=3)
        await it.it.change(it.schedule, paused=False)
        await it.it.live(61)
        it.it.now = now
        row = await it.worked(await it.start(5))
        assert counts(row) == (3, 0, 2), "two were due"


@in_loop
async def test_parameters_and_tags(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        deployment = await it.deployment(tags=["d", "t"])
        schedule = await it.schedule(deployment, **HOURLY)
        await it.change(schedule, parameters=payload(a=1, b=1).SerializeToString(deterministic=True))
        fill = Filling(it, schedule)
        await fill.worked(await fill.start(1, parameters=payload(b=2, c=2), tags=["t", "mine"]))
        (run,) = it.rows()
        assert json.loads(payload_pb2.Payload.FromString(run.parameters).data) == {"a": 1, "b": 2, "c": 2}
        assert json.loads(run.tags) == ["d", "t", "backfill", "mine"]


@in_loop
async def test_runs_that_fail_or_are_cancelled_count_as_failed_and_do_not_stop_it(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        row = await it.worked(await it.start(3), FAILED)
        assert (BulkState(row.state), counts(row)) == (BulkState.SUCCEEDED, (0, 3, 0))
        id = await it.start(6)
        await it.it.runner.step(id)
        await it.it.enter(it.active(id)[0], CANCELLED)
        row = await it.worked(id)
        assert counts(row) == (2, 1, 3)


@in_loop
async def test_one_that_is_cancelled_creates_no_more(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(5)
        await it.it.runner.step(id)
        (run,) = it.active(id)
        await it.it.core.run(CancelBulk(id))
        row = await it.worked(id)
        assert row.state == BulkState.CANCELLED
        await it.end(run)
        await it.it.core.settle()
        assert not await it.it.runner.step(id)
        assert [row.id for row in it.it.rows()] == [run], "what is under way goes on"


@in_loop
async def test_one_whose_schedule_is_deleted_fails(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(5)
        await it.it.runner.step(id)
        await it.it.delete(it.schedule)
        row = await it.worked(id)
        assert row.state == BulkState.FAILED
        kind, reason, message = json.loads(row.error)
        assert (kind, reason) == ("NotFound", "SCHEDULE_NOT_FOUND")
        assert "it was deleted meanwhile" in message
        assert len(it.it.rows()) == 1


@in_loop
async def test_what_a_server_left_the_next_one_goes_on_with(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(6, max_active_runs=2)
        await it.it.runner.step(id)
        assert len(it.active(id)) == 2
        # Killed: what waited for the runs is gone with the process, and one ends before the next server is there.
        it.it.runner = OperationsRunner(it.it.core, it.it.reader)
        await it.end(it.active(id)[0])
        await it.it.runner.restore()
        row = await it.worked(id)
        assert (counts(row), it.most) == ((6, 0, 0), 2)
        assert len({run.idempotency_key for run in it.it.rows()}) == len(it.it.rows()) == 6


@in_loop
async def test_a_run_that_ends_in_the_very_commit_of_the_chunk_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends while the chunk is queued already."""
    async with filling(tmp_path) as it:
        id = await it.start(2)
        await it.it.runner.step(id)
        (run,) = it.active(id)
        await it.it.enter(run, PENDING, RUNNING)
        core, gate, submitted = it.it.core, threading.Event(), asyncio.Event()
        submit = core.submit

        def noted(*operation: Any, **how: Any) -> None:
            submit(*operation, **how)
            submitted.set()

        monkeypatch.setattr(core, "submit", noted)
        # While the writer is held up, both are queued, and so they are committed together.
        held = asyncio.create_task(core.run(_Held(gate)))
        step = asyncio.create_task(it.it.runner.step(id))
        await submitted.wait()
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        submit(propose(run, COMPLETED), ended.set_result)
        gate.set()
        await held
        assert not await step
        assert (await ended).kind == VerdictKind.ACCEPT
        assert len(it.active(id)) == 1, "the next one is there"
        row = await it.worked(id)
        assert counts(row) == (2, 0, 0)


@in_loop
async def test_a_chunk_that_creates_runs_does_not_wake_itself(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(5, max_active_runs=2)
        assert not await it.it.runner.step(id)
        assert not await it.it.runner.step(id)
        assert len(it.active(id)) == 2


@in_loop
async def test_it_is_woken_by_the_end_of_a_run_and_by_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filling(tmp_path) as it:
        chunks = 0
        submit = it.it.core.submit

        def noted(*operation: Any, **how: Any) -> None:
            nonlocal chunks
            chunks += 1
            submit(*operation, **how)

        monkeypatch.setattr(it.it.core, "submit", noted)
        id = await it.start(3)
        await it.worked(id)
        assert chunks == 4, "one behind each end"


@in_loop
async def test_runs_that_are_deleted_behind_their_end_count_on(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(4)
        for _ in range(3):
            await it.it.runner.step(id)
            (run,) = it.active(id)
            await it.end(run)
        await it.it.runner.step(id)
        await it.it.core.run(Delete("flow run", run, ""))
        assert counts(await it.worked(id)) == (4, 0, 0)


@in_loop
async def test_one_whose_parameters_fit_no_more_fails(tmp_path: Path) -> None:
    async with filling(tmp_path) as it:
        id = await it.start(5, parameters=payload(a=1))
        await it.it.runner.step(id)
        schema = '{"properties": {"a": {"type": "string"}}}'
        changes = {"parameter_schema": schema, "enforce_parameter_schema": True}
        update = UpdateDeployment(it.it.row(it.schedule).deployment_id, "", changes)
        await checked(update, lambda: it.it.core.run(update))
        row = await it.worked(id)
        assert (row.state, json.loads(row.error)[1]) == (BulkState.FAILED, "PARAMETERS_INVALID")
        assert len(it.it.rows()) == 1
        with pytest.raises(Unchecked):
            await it.start(5, parameters=payload(a=1))


@in_loop
async def test_days_off_and_a_change_of_the_schedule_meanwhile(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        await it.calendar("off", weekdays=[7])
        schedule = await it.schedule(cron={"expression": "0 */6 * * *"}, paused=True, excludedCalendars=["off"])
        fill = Filling(it, schedule)
        id = await fill.start(48)
        row = await fill.worked(id)
        # From Saturday noon to Monday noon without the Sunday.
        assert [it.minutes(run.expected_start_time) / 60 for run in it.rows()] == [-48, -42, -12, -6]
        assert counts(row) == (4, 0, 0)
