"""From a run that a task worker was offered to its end."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from antiphon.background_parameters import BackgroundCall, unpack
from antiphon.context import tags
from antiphon.engine.drivers import adrive, send
from antiphon.engine.effects import Await, Life, Send
from antiphon.engine.proposals import is_accepted, propose_task_run, task_run_claimed, task_run_deferred
from antiphon.engine.run_task import arun_task, context_of, run_in_thread
from antiphon.engine.scopes import RunScope, in_loop
from antiphon.engine.task_life import TaskCall
from antiphon.engine.upstream import upstream_in
from antiphon.exceptions import AntiphonException, RunCancelled, RunRevoked, SignatureMismatchError
from antiphon.future_protocol import is_future
from antiphon.parameters import call_args
from antiphon.result_options import ResultOptions, task_result_options
from antiphon.result_store import is_reference
from antiphon.runs import TaskRun
from antiphon.session.session import Session
from antiphon.state_core import State
from antiphon.state_rules import exception_to_failed_state
from antiphon.v1 import session_pb2, task_run_pb2
from antiphon.v1.transition_pb2 import Proposal, Verdict

logger = logging.getLogger("antiphon.task_worker")


@dataclass(slots=True, eq=False)
class TakenRun:
    """One run in a worker, whose event loop all methods belong to."""

    #: The Task. Typed Any, since that module stands above this one.
    task: Any
    offered: task_run_pb2.TaskRun
    session: Session
    start_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    scope: RunScope = field(default_factory=RunScope)
    #: By which it was taken; None before.
    claimed: Proposal | None = None
    #: Set once its inputs are there.
    call: TaskCall | None = None

    async def live(self, room: asyncio.Semaphore | None, wait: Callable[[], object]) -> State | None:
        """Claims the run and brings it to its end, or to its next retry in the queue; None where it is not ours.

        User code has `room` to itself while it runs. `wait` is called before something is waited for without it.
        """
        self.claimed = claimed = task_run_claimed(self.offered.id, self.offered.state.id)
        opening: tuple[Proposal, ...] = (claimed,)
        if self._takes_time() or (room is not None and room.locked()):
            # Others must not get it meanwhile. Else the claim travels with the wish to run, and both are one answer.
            if not await self._claim(claimed):
                return None
            opening = ()
        try:
            call = await self._unpack()
        except AntiphonException as error:
            return await self._fail(claimed if opening else None, error)
        upstream = self._upstream(call)
        if upstream and opening:
            if not await self._claim(claimed):
                return None
            opening = ()
        futures = [each for each in upstream if is_future(each)]
        if futures:
            wait()
            # A run that is stopped meanwhile begins all the same: its life hears of it at once and ends.
            with suppress(RunCancelled, RunRevoked):
                await adrive(_until_ended(futures, self.scope), self.session)
        self.call = self._task_call(call, claimed, opening)
        if room is None or not await _entered(room, self.scope):
            return await self._run(call)
        try:
            return await self._run(call)
        finally:
            room.release()

    def give_back(self) -> None:
        """Stops what runs, and has another worker run it."""
        self.scope.stop(RunRevoked, "the task worker ends before the run does; another one takes it")
        if self.claimed is None:
            return
        running = self.call.run.state if self.call is not None else None
        proposal = task_run_deferred(self.offered.id, self.offered.state.details.task_parameters_id)
        # Unless it has ended meanwhile, or was never ours.
        proposal.expected_state_id = running.id if running is not None else self.claimed.transition_id
        send(self.session, (proposal,), urgent=True, blocking=False)

    def obey(self, command: session_pb2.Command) -> session_pb2.CommandStage:
        """A command for the run: somebody has cancelled it, or taken it away."""
        if command.WhichOneof("body") == "cancel_run":
            self.scope.stop(RunCancelled, command.cancel_run.reason)
        else:
            self.scope.stop(RunRevoked, command.revoke_run.reason)
        return session_pb2.COMMAND_STAGE_APPLIED

    def _takes_time(self) -> bool:
        """Whether storage is asked before the run begins: for its arguments, or for a result that is there already."""
        return is_reference(self.offered.parameters) or self._result_options.persist is True

    @property
    def _result_options(self) -> ResultOptions:
        return replace(task_result_options(self.task, None), keep_large=True)

    async def _claim(self, claimed: Proposal) -> bool:
        verdict: Verdict = await adrive(_sent(claimed), self.session)
        return is_accepted(verdict)

    async def _unpack(self) -> BackgroundCall:
        payload = self.offered.parameters
        if not self.offered.HasField("parameters"):
            call = BackgroundCall({})
        elif is_reference(payload):
            call = await asyncio.to_thread(unpack, self.task, payload)
        else:
            call = unpack(self.task, payload)
        try:
            call_args(self.task.fn, call.parameters)
        except SignatureMismatchError as error:
            raise SignatureMismatchError(
                f"This task worker has another version of the task than its caller had: {error} Start the worker anew "
                "with the caller's code, or run it again from a caller with the worker's."
            ) from error
        return call

    def _upstream(self, call: BackgroundCall) -> list[Any]:
        return [*upstream_in(call.parameters.values()), *upstream_in(call.wait_for)]

    def _task_call(self, call: BackgroundCall, claimed: Proposal, opening: tuple[Proposal, ...]) -> TaskCall:
        offered = self.offered
        run = TaskRun(
            id=offered.id,
            name=offered.name,
            task_key=offered.task_key,
            dynamic_key=offered.dynamic_key,
            flow_run_id=offered.flow_run_id or None,
            tags=list(offered.tags),
        )
        context = context_of(self.task, run, None, self.scope)
        context.result_options = self._result_options
        return TaskCall(
            task=self.task,
            run=run,
            context=context,
            parameters=call.parameters,
            wait_for=call.wait_for,
            upstream=self._upstream(call),
            session=self.session,
            scope=self.scope,
            parent_scope=None,
            opening=opening,
            claim=claimed.transition_id,
            gathers=True,
            traceparent=offered.traceparent,
        )

    async def _run(self, call: BackgroundCall) -> State:
        assert self.call is not None
        with tags(*call.tags):
            if self.task.isasync:
                return await arun_task(self.call)
            return await _in_thread(self.call)

    async def _fail(self, claimed: Proposal | None, error: AntiphonException) -> State | None:
        """It cannot even begin."""
        if claimed is not None and not await self._claim(claimed):
            return None
        state = exception_to_failed_state(error)
        logger.error("Task run %s (%s) failed before it began: %s", self.offered.name, self.offered.id, error)
        await adrive(_sent(propose_task_run(self.offered.id, state)), self.session)
        return state


def _sent(proposal: Proposal) -> Life:
    return (yield Send((proposal,), wait=True))


def _until_ended(futures: list[Any], scope: RunScope) -> Life:
    yield Await(futures, scope)


async def _entered(room: asyncio.Semaphore, scope: RunScope) -> bool:
    """Waits for room; False where the run is stopped before, which needs none to end."""
    if not room.locked():
        return await room.acquire()
    entering = asyncio.ensure_future(room.acquire())
    loop = asyncio.get_running_loop()
    try:
        with scope.stopped_by(lambda _: (loop, entering.cancel)):
            return await entering
    except asyncio.CancelledError:
        if entering.done() and not entering.cancelled():
            room.release()
        if scope.signal is None:
            raise
        return False


async def _in_thread(call: TaskCall) -> State:
    """Runs a sync task in a thread of its own. A daemon: a worker must be able to end though user code does not."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[tuple[State | None, BaseException | None]] = loop.create_future()

    def finish(state: State | None, error: BaseException | None) -> None:
        if not over.done():
            over.set_result((state, error))

    def run(within: Callable[..., State]) -> None:
        try:
            state = within(run_in_thread, call)
        except BaseException as error:  # noqa: BLE001 - it is raised where the run is awaited
            in_loop(loop, finish, None, error)
        else:
            in_loop(loop, finish, state, None)

    threading.Thread(target=run, args=(copy_context().run,), name=f"antiphon-{call.run.name}", daemon=True).start()
    state, error = await over
    if error is not None:
        raise error
    assert state is not None
    return state
