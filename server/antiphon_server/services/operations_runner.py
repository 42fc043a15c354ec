"""Works long-running operations through: a chunk of the first, a chunk of the next, and so on until none is left."""

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import Any

from antiphon_server.application import listings
from antiphon_server.application.bulk import CHUNK, FailBulk, RunChunk, RunningBulks, cursor_of
from antiphon_server.application.core import Core, settle
from antiphon_server.application.parameter_claims import checked
from antiphon_server.domain.bulk import BulkState, BulkVerb
from antiphon_server.domain.errors import AntiphonError, Internal, ResourceExhausted, Unavailable
from antiphon_server.domain.filters import parse_filter
from antiphon_server.services.board import Board, Round
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.sources import FLOW_RUNS, OPERATIONS
from antiphon_server.storage.working_set import Changes

logger = logging.getLogger(__name__)

#: Seconds before an operation goes on that could not, for want of disk space perhaps.
RETRY_AFTER = 1.0
NAME = "operations"


class OperationsRunner:
    """Takes up operations as they are started, and by `restore` those that an earlier server left. Belongs to the
    event loop."""

    def __init__(
        self,
        core: Core,
        reader: Reader,
        *,
        board: Board | None = None,
        leads: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._core = core
        self._leads = leads
        self._board = board if board is not None else Board(core.clock)
        self._board.add(NAME, "works long-running operations through")
        self._reader = reader
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._known: set[str] = set()
        #: Run -> the backfill that waits for one of its runs to end.
        self._awaited: dict[str, str] = {}
        #: The next chunks of backfills that wait, which know what was seen and checked before.
        self._backfills: dict[str, Any] = {}
        #: Backfills that stopped waiting while they were still at their last step.
        self._woken: set[str] = set()
        core.listen(self._on_changes)

    @property
    def busy(self) -> bool:
        """Whether any operation goes on."""
        return bool(self._known)

    async def restore(self) -> None:
        """Takes up what is RUNNING in the database."""
        for id in await self._core.run(RunningBulks()):
            self._add(id)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            id = await self._queue.get()
            if not self._leads(NAME):  # Who leads has found it in the database.
                self._known.discard(id)
                continue
            with self._board.round(NAME) as made:
                goes_on = await self._goes_on(id, made)
            if goes_on or id in self._woken:
                self._woken.discard(id)
                self._queue.put_nowait(id)
            else:
                self._known.discard(id)

    async def step(self, id: str) -> bool:
        """One chunk; says whether the operation goes on.

        A reader looks for the runs, so that a filter that matches few of many holds nobody up; the writer then looks
        only whether those still match.
        """
        row = await self._reader.get(OPERATIONS, id)
        if row is None or row.state != BulkState.RUNNING:
            self._backfills.pop(id, None)
            return False
        if row.verb == BulkVerb.BACKFILL:
            return await self._backfill(id)
        condition = parse_filter(row.filter, listings.FLOW_RUNS.filters)
        after = cursor_of(row)
        keys = await self._reader.oldest(FLOW_RUNS, condition, after, row.create_time, CHUNK)
        return await self._do(RunChunk(id, after, keys, condition, last=len(keys) < CHUNK))

    async def _backfill(self, id: str) -> bool:
        """The next runs of a backfill, which then waits until one of them has ended."""
        # Loaded when there is one: it needs what expands schedules.
        module = importlib.import_module("antiphon_server.application.backfills")
        chunk = self._backfills.pop(id, None) or module.BackfillChunk(id)
        progress = await checked(chunk, lambda: self._fill(chunk))
        if progress is None:
            return False
        chunk.under_way = progress.under_way
        self._backfills[id] = chunk
        return bool(progress.at_once)

    async def _fill(self, chunk: Any) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(progress: Any) -> None:
            # Here, before anybody hears of the next commit, which may end a run. What ended in the commit of the chunk
            # did so before it: bulk operations come last.
            if not isinstance(progress, Exception) and progress is not None and not progress.at_once:
                self._awaited.update(dict.fromkeys(progress.under_way, chunk.operation_id))
            settle(answered, progress)

        self._core.submit(chunk, done, bulk=True)
        return await answered

    async def _do(self, chunk: RunChunk) -> bool:
        """A bug that one run brings to light is not the end of the others: that run is found and counted as failed."""
        try:
            return bool(await self._core.run(chunk, bulk=True))
        except AntiphonError:
            raise
        except Exception as error:
            if not chunk.keys or chunk.broken is not None:
                raise
            if len(chunk.keys) > 1:
                logger.warning("operation %s goes on run by run after a bug: %r", chunk.operation_id, error)
                one = RunChunk(chunk.operation_id, chunk.after, chunk.keys[:1], chunk.condition, last=False)
                return await self._do(one)
            run_id = chunk.keys[0][1]
            logger.exception(
                "operation %(operation_id)s: flow run %(flow_run_id)s cannot be handled by a bug",
                {"operation_id": chunk.operation_id, "flow_run_id": run_id},
            )
            chunk.broken = Internal("INTERNAL", "the run cannot be handled by a bug of the server; see its log")
            return await self._do(chunk)

    async def _goes_on(self, id: str, made: Round) -> bool:
        """One step, whatever comes of it; says whether there is another one to try."""
        failure: AntiphonError
        try:
            try:
                return await self.step(id)
            except (Unavailable, ResourceExhausted):
                raise
            except AntiphonError as error:  # Its filter says nothing to this release, say.
                failure = error
            except Exception as error:
                logger.exception("operation %s cannot go on by a bug", id)
                made.failed(error)
                failure = Internal("INTERNAL", "the operation cannot go on by a bug of the server; see its log")
            await self._core.run(FailBulk(id, failure))
        except AntiphonError as error:
            logger.warning("operation %s could not go on, it is tried again: %s", id, error)
            made.failed(error)
            await asyncio.sleep(RETRY_AFTER)
            return True
        except Exception as error:
            logger.exception("operation %s is left to the next server by a bug", id)
            made.failed(error)
        return False

    def _add(self, id: str) -> None:
        if id not in self._known:
            self._known.add(id)
            self._queue.put_nowait(id)

    def _on_changes(self, changes: Changes) -> None:
        for id in changes.operations:
            self._add(id)
        if self._awaited:
            for run_id in changes.ended_runs:
                waiting = self._awaited.pop(run_id, None)
                if waiting in self._known:
                    self._woken.add(waiting)
                elif waiting is not None:
                    self._add(waiting)
