"""The sender's part of how a task run lives that another process runs.

The sender makes the run and brings it to PENDING. The worker goes on with it under the run's claim: it proposes RUNNING
by the session of its own process, and holds the run until its end, which it reports when the server has committed it.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from antiphon.engine.effects import Await, Life, Send
from antiphon.engine.proposals import is_accepted, state_that_holds
from antiphon.engine.scopes import RunScope, set_apart
from antiphon.engine.task_life import TaskCall
from antiphon.exceptions import AntiphonSignal, SerializationError, TerminationSignal
from antiphon.logging.run_loggers import run_logger
from antiphon.runners.answers import Answer, WorkerLost, unpack_answer
from antiphon.runners.errand import GRACE, Errand, Parcel
from antiphon.runners.luggage import pack_call, pack_parameters
from antiphon.runners.taking_away import taken_away
from antiphon.session.ticket import Ticket
from antiphon.state_core import StateType
from antiphon.state_rules import exception_to_failed_state
from antiphon.v1.transition_pb2 import Verdict


@dataclass(slots=True)
class Sending:
    """How one call is sent; set as `TaskCall.elsewhere`."""

    send: Callable[[Parcel], Errand]
    flow: bytes | None
    task: bytes | None
    #: None while some of them are to come from other runs.
    parameters: bytes | None
    #: Why the call cannot be sent.
    problem: SerializationError | None
    #: Of the frames that announced the run, where that was done.
    tickets: list[Ticket]

    def __call__(self, call: TaskCall, parameters: dict[str, Any]) -> Life:
        """An engine's part: gives the run's final state. Where the server knows it, `call.told` says so."""
        verdict: Verdict = yield from self._pending(call)
        if not is_accepted(verdict):
            call.told = True
            return state_that_holds(verdict)
        try:
            parcel = self._parcel(call, parameters, verdict)
        except SerializationError as error:
            return exception_to_failed_state(error)
        errand = self.send(parcel)
        yield from _carried_out(call, errand)
        return (yield from _outcome(call, errand.future))

    def _pending(self, call: TaskCall) -> Life:
        """The verdict on PENDING. Before it is there, the worker's RUNNING could overtake the run itself."""
        if call.opening:
            opening, call.opening = call.opening, ()
            return (yield Send(opening, wait=True))
        yield Await(self.tickets, call.scope)
        return [each.result() for each in self.tickets][-1]

    def _parcel(self, call: TaskCall, parameters: dict[str, Any], verdict: Verdict) -> Parcel:
        if self.problem is not None:
            raise self.problem
        assert self.task is not None
        packed = self.parameters if self.parameters is not None else pack_parameters(parameters)
        self.parameters = None  # both may be large
        luggage = pack_call(call, self.task, packed, verdict.fencing_token, state_that_holds(verdict))
        return Parcel(call.task.name, call.run.id, luggage, self.flow)


def _carried_out(call: TaskCall, errand: Errand) -> Life:
    """Waits for the end of the errand. A run that is stopped meanwhile is given time to clean up."""
    with set_apart(call.scope) as apart:
        try:
            yield from _first_of_end_and_stop(call.scope, errand.future, apart)
            if call.scope.signal is TerminationSignal:
                # Both words of it may be here before the wait is looked at, which has ended well then.
                raise TerminationSignal
            if not errand.future.done():
                yield from _stopped(call, errand, apart)
        except AntiphonSignal:
            # This process is to end, and has no time to see what becomes of it.
            if not errand.sees_our_end:
                yield from taken_away(call, StateType.CRASHED, "The process that submitted the run was told to end.")
                errand.kill()
            raise


def _first_of_end_and_stop(scope: RunScope, running: "Future[bytes]", apart: RunScope) -> Life:
    first: Future[None] = Future()

    def finish(_: object) -> None:
        with suppress(InvalidStateError):  # it was the other one
            first.set_result(None)

    with scope.stopped_by(finish):
        running.add_done_callback(finish)
        yield Await([first], apart)


def _stopped(call: TaskCall, errand: Errand, apart: RunScope) -> Life:
    if not errand.stop(call.scope.reason):
        yield from taken_away(call, StateType.CANCELLED, call.scope.reason)
    timer = asyncio.get_running_loop().call_later(GRACE, errand.kill)
    try:
        yield Await([errand.future], apart)
    finally:
        timer.cancel()


def _outcome(call: TaskCall, ended: "Future[bytes]") -> Life:
    if ended.cancelled():
        # It has not left: the run is PENDING still, and ours to end.
        raise call.scope.signal or asyncio.CancelledError
    lost = ended.exception()
    answer = Answer(gone=str(lost)) if isinstance(lost, WorkerLost) else unpack_answer(ended.result())
    if answer.problem is not None:
        return exception_to_failed_state(answer.problem)
    call.told = True
    if answer.state is not None:
        return answer.state
    cancelled = call.scope.signal is not None
    run_logger(call.context).log(logging.INFO if cancelled else logging.ERROR, "%s", answer.gone)
    kind = StateType.CANCELLED if cancelled else StateType.CRASHED
    return (yield from taken_away(call, kind, call.scope.reason if cancelled else answer.gone))
