"""The runner of long-running operations, on a core and a reader of a real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from antiphon.v1 import state_pb2
from antiphon_server.application import bulk_verbs
from antiphon_server.application.bulk import CHUNK, CancelBulk, StartBulk
from antiphon_server.application.core import Core
from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.domain.bulk import BulkState, BulkVerb
from antiphon_server.domain.errors import Unavailable
from antiphon_server.services import operations_runner
from antiphon_server.services.board import Board
from antiphon_server.services.operations_runner import OperationsRunner
from antiphon_server.storage import tables
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sources import OPERATIONS
from stores import database_for
from writing import START, flow_run, new_id, propose

FAILED = state_pb2.State(type=state_pb2.STATE_TYPE_FAILED).SerializeToString()


class World:
    """A server's core and runner in the loop of a test, on the database of a folder."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.engine = database_for(folder / "antiphon.db").writer_engine()
        prepare(self.engine)
        self.reader = Reader(lambda: reader_engine(database_for(folder / "antiphon.db")))
        self.core = Core(self.engine, lambda: self.now)
        board = Board(lambda: self.now)
        self.runner = OperationsRunner(self.core, self.reader, board=board)
        (self.status,) = board.all()

    async def add_runs(self, count: int, **body: Any) -> list[str]:
        return list(await asyncio.gather(*(self.core.run(flow_run(**body)) for _ in range(count))))

    async def start(self, verb: BulkVerb = BulkVerb.CANCEL, filter: str = "", **more: Any) -> str:
        return str(await self.core.run(StartBulk(new_id(), verb, filter, more.pop("total", 0), **more)))

    async def row(self, id: str) -> Any:
        return await self.reader.get(OPERATIONS, id)

    async def steps(self, id: str, most: int | None = None) -> int:
        """Steps until it goes on no more, at most so many; gives their number."""
        made = 0
        while made != most and await self.runner.step(id):
            made += 1
        return made

    async def ended(self, id: str) -> Any:
        """Lets the runner work until the operation has ended; gives its row."""
        running = asyncio.create_task(self.runner.run())
        heard = asyncio.Event()
        self.core.listen(lambda _: heard.set())
        try:
            while True:
                heard.clear()
                row = await self.row(id)
                if row.state != BulkState.RUNNING:
                    return row
                await heard.wait()
        finally:
            running.cancel()

    def names(self) -> dict[str, str | None]:
        """The states of all runs."""
        with self.engine.connect() as connection:
            return {row.id: row.state_name for row in connection.execute(tables.flow_runs.select())}


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    made = World(folder)
    made.core.start()
    try:
        async with asyncio.timeout(60):
            yield made
    finally:
        await made.core.stop()
        await made.reader.close()
        made.engine.dispose()


# The clock of these tests stands still, so that all runs are of one moment and only their ids tell them apart.


def test_a_thousand_runs_are_handled_in_small_steps_and_progress_only_rises(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(1000)
            id = await it.start(total=1000)
            seen = [await it.row(id)]
            while await it.runner.step(id):
                seen.append(await it.row(id))
            seen.append(await it.row(id))
            done = [row.succeeded_count for row in seen]
            assert done == sorted(done)
            assert max(b - a for a, b in pairwise(done)) <= CHUNK
            assert {row.total_count for row in seen} == {1000}
            assert (seen[-1].state, done[-1]) == (BulkState.SUCCEEDED, 1000)
            assert set(it.names().values()) == {"Cancelled"}

    asyncio.run(play())


def test_it_goes_on_where_it_was_with_another_core(tmp_path: Path) -> None:
    async def begin() -> tuple[str, int]:
        async with world(tmp_path) as it:
            await it.add_runs(5 * CHUNK)
            id = await it.start(BulkVerb.SET_STATE, proposed_state=FAILED, total=5 * CHUNK)
            assert await it.steps(id, most=2) == 2
            return id, (await it.row(id)).succeeded_count

    async def go_on(id: str, done: int) -> None:
        async with world(tmp_path) as it:
            assert 0 < done < 5 * CHUNK
            assert not it.runner.busy
            await it.runner.restore()
            assert it.runner.busy
            row = await it.ended(id)
            assert (row.succeeded_count, row.failed_count, row.total_count) == (5 * CHUNK, 0, 5 * CHUNK)
            with it.engine.connect() as connection:
                written = connection.execute(tables.transitions.select()).fetchall()
            # Each run once: a second time would have been refused and told.
            assert len({each.run_id for each in written}) == len(written) == 5 * CHUNK

    asyncio.run(go_on(*asyncio.run(begin())))


def test_runs_that_came_later_are_left_alone(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            old = await it.add_runs(CHUNK + 1)
            id = await it.start()
            it.now += 1
            new = await it.add_runs(3)
            row = await it.ended(id)
            assert row.succeeded_count == len(old)
            assert {it.names()[run_id] for run_id in new} == {None}
            assert {it.names()[run_id] for run_id in old} == {"Cancelled"}

    asyncio.run(play())


def test_several_go_on_side_by_side(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(4 * CHUNK, name="many")
            await it.add_runs(2, name="few")
            many, few = await it.start(filter="name = many"), await it.start(filter="name = few")
            heard: list[str] = []
            it.core.listen(lambda changes: heard.extend(changes.operations))
            await it.ended(many)
            assert (await it.row(few)).succeeded_count == 2
            assert heard.index(few) <= 1, "the short one does not wait for the long one"

    asyncio.run(play())


def test_a_filter_that_matches_few_of_many_holds_nobody_up(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            runs = await it.add_runs(1000)
            for rare in (runs[1], runs[998]):
                await it.core.run(propose(rare, bulk_verbs.SCHEDULED, name="Rare"))
            id = await it.start(filter="state.name = Rare")
            seen: list[str] = []
            event.listen(it.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
            assert await it.steps(id) == 0, "the reader finds both, and that there are no more"
            assert (await it.row(id)).succeeded_count == 2
            asked = [each for each in seen if "FROM flow_runs" in each]
            assert asked
            assert all("flow_runs.id IN" in each for each in asked), "the writer looks for no runs"

    asyncio.run(play())


def test_a_verdict_does_not_wait_for_the_operation(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(20 * CHUNK, name="many")
            (other,) = await it.add_runs(1, name="other")
            id = await it.start(filter="name = many")
            running = asyncio.create_task(it.runner.run())
            await it.core.run(propose(other, bulk_verbs.SCHEDULED))
            assert (await it.row(id)).state == BulkState.RUNNING
            running.cancel()

    asyncio.run(play())


def test_one_that_is_cancelled_is_let_go(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(3 * CHUNK)
            id = await it.start()
            await it.steps(id, most=1)
            await it.core.run(CancelBulk(id))
            row = await it.ended(id)
            assert row.state == BulkState.CANCELLED
            assert not await it.runner.step(id)
            assert 0 < row.succeeded_count < 3 * CHUNK
            assert list(it.names().values()).count("Cancelled") == row.succeeded_count

    asyncio.run(play())


def test_a_bug_that_one_run_brings_to_light_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(CancelFlowRun):
        def apply(self, working_set: Any) -> Any:
            if self.run_id == broken:
                raise ZeroDivisionError("a bug")
            return super().apply(working_set)

    broken = ""
    monkeypatch.setattr(bulk_verbs, "CancelFlowRun", Buggy)

    async def play() -> None:
        nonlocal broken
        async with world(tmp_path) as it:
            runs = await it.add_runs(CHUNK + 10)
            broken = sorted(runs)[4]
            row = await it.ended(await it.start())
            assert (row.state, row.succeeded_count, row.failed_count) == (BulkState.SUCCEEDED, CHUNK + 9, 1)
            assert [each[:2] for each in json.loads(row.failures)] == [[broken, "INTERNAL"]]
            assert it.names()[broken] is None

    asyncio.run(play())
    assert f"flow run {broken} cannot be handled by a bug" in caplog.text


def test_what_says_nothing_to_this_release_fails(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            id = await it.start(filter="size > 3")
            row = await it.ended(id)
            assert (row.state, json.loads(row.error)[:2]) == (BulkState.FAILED, ["InvalidArgument", "FILTER_INVALID"])

    asyncio.run(play())


def test_a_bug_of_the_step_itself_ends_the_operation_and_not_the_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(1)
            bad = await it.start()
            oldest = it.reader.oldest

            async def broken(*arguments: Any) -> Any:
                monkeypatch.setattr(it.reader, "oldest", oldest)
                raise ZeroDivisionError("a bug")

            monkeypatch.setattr(it.reader, "oldest", broken)
            row = await it.ended(bad)
            assert (row.state, json.loads(row.error)[1]) == (BulkState.FAILED, "INTERNAL")
            assert (await it.ended(await it.start())).succeeded_count == 1
            assert it.status.failures == 1

    asyncio.run(play())


def test_while_the_disk_is_full_it_waits_and_then_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations_runner, "RETRY_AFTER", 0.01)

    async def play() -> None:
        async with world(tmp_path) as it:
            await it.add_runs(3)
            id = await it.start()
            oldest, refused = it.reader.oldest, 0

            async def full(*arguments: Any) -> Any:
                nonlocal refused
                refused += 1
                if refused < 4:
                    raise Unavailable("STORAGE_BUSY", "another process holds the database")
                return await oldest(*arguments)

            monkeypatch.setattr(it.reader, "oldest", full)
            row = await it.ended(id)
            assert (row.state, row.succeeded_count, refused) == (BulkState.SUCCEEDED, 3, 4)
            assert it.status.failures == 3

    asyncio.run(play())
