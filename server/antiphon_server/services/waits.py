"""Proposals that were told to WAIT: decided again when their time has come, or when their run changes."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from antiphon.v1.transition_pb2 import Proposal
from antiphon_server.application.core import Core
from antiphon_server.application.operations import EndWait, RecallVerdict
from antiphon_server.application.proposals import kind_of
from antiphon_server.domain.errors import ResourceExhausted, Unavailable
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.working_set import Changes, FinalVerdict

#: A timer is set for at most so many seconds and then set anew, so that a clock that jumps cannot strand a run.
LONGEST_TIMER = 60.0
#: Microseconds before a proposal is tried again that could not be decided, for want of disk space perhaps.
RETRY_AFTER = 1_000_000

logger = logging.getLogger(__name__)


class Waits:
    """Timers for the rows of `waits`; `push` brings a session the final verdict on one of its frames, or the error that
    took its place. Belongs to the event loop."""

    def __init__(self, core: Core, push: Callable[[str, int, Any], None], attached: Callable[[str], bool]) -> None:
        """`attached`: whether a session is, to this server."""
        self._core = core
        self._push = push
        self._attached = attached
        #: None where only a slot that comes free, or its run, ends the wait.
        self._timers: dict[str, asyncio.TimerHandle | None] = {}
        #: What each timer was set for.
        self._due: dict[str, tuple[RunKind, str, int]] = {}
        #: Called when a wait for a time begins.
        self.on_wait: Callable[[], None] | None = None
        #: run id -> the ids of its proposals that wait.
        self._of_run: dict[str, dict[str, RunKind]] = {}
        core.listen(self._on_changes)

    def add(self, row: dict[str, Any]) -> None:
        """Sets the timer of one row."""
        kind = kind_of(Proposal.FromString(row["proposal"]))
        self._of_run.setdefault(row["run_id"], {})[row["transition_id"]] = kind
        self._set(row["transition_id"], kind, row["run_id"], row["until_time"])

    def stop(self) -> None:
        for timer in self._timers.values():
            _cancel(timer)
        self._timers.clear()
        self._due.clear()

    def clock_moved(self) -> None:
        """Sets every timer anew: the clock was put forward."""
        for transition_id, (kind, run_id, until) in list(self._due.items()):
            self._set(transition_id, kind, run_id, until)

    def soonest(self) -> int | None:
        """When the next wait is over; None where none is for a time."""
        return min((until for _, _, until in self._due.values()), default=None)

    def _set(self, transition_id: str, kind: RunKind, run_id: str, until: int | None) -> None:
        _cancel(self._timers.pop(transition_id, None))
        self._due.pop(transition_id, None)
        if until is None:
            self._timers[transition_id] = None
            return
        self._due[transition_id] = (kind, run_id, until)
        if self.on_wait is not None:
            self.on_wait()
        seconds = (until - self._core.clock()) / 1e6
        if seconds > LONGEST_TIMER:
            callback, arguments = self._set, (transition_id, kind, run_id, until)
            self._timers[transition_id] = asyncio.get_running_loop().call_later(LONGEST_TIMER, callback, *arguments)
            return
        self._timers[transition_id] = asyncio.get_running_loop().call_later(
            max(seconds, 0.0), self._end, transition_id, kind, run_id
        )

    def _end(self, transition_id: str, kind: RunKind, run_id: str) -> None:
        if self._forget(transition_id, run_id):
            self._core.submit(EndWait(transition_id, kind, run_id), partial(self._ended, transition_id, kind, run_id))

    def _forget(self, transition_id: str, run_id: str) -> bool:
        """Whether it had a timer."""
        if transition_id not in self._timers:
            return False
        _cancel(self._timers.pop(transition_id))
        self._due.pop(transition_id, None)
        waiting = self._of_run.get(run_id, {})
        waiting.pop(transition_id, None)
        if not waiting:
            self._of_run.pop(run_id, None)
        return True

    def _ended(self, transition_id: str, kind: RunKind, run_id: str, answer: Exception | None) -> None:
        if answer is not None:
            said = {"transition_id": transition_id, f"{kind.value}_id": run_id, "why": answer}
            logger.warning("transition %(transition_id)s still waits, it could not be decided: %(why)s", said)
            self._of_run.setdefault(run_id, {})[transition_id] = kind
            self._set(transition_id, kind, run_id, self._core.clock() + RETRY_AFTER)

    def _on_changes(self, changes: Changes) -> None:
        # First the runs that moved: their proposals are decided anew, but for those that were just decided. Then those
        # that wait since this very commit.
        over = {transition_id for transition_id, _ in changes.ended_waits}
        for _, run_id in changes.runs:
            for transition_id, kind in list(self._of_run.get(run_id, {}).items()):
                if transition_id not in over:
                    self._end(transition_id, kind, run_id)
        for row in changes.waits:
            self.add(row)
        for transition_id, run_id in changes.ended_waits:
            self._forget(transition_id, run_id)
        for final in changes.final_verdicts:
            # Not before the answers of this very commit: their WAIT may be among them.
            asyncio.get_running_loop().call_soon(self._push, final.session_id, final.sequence, final.answer)
        for final in changes.decided:
            if self._attached(final.session_id):
                self._recall(final)

    def _recall(self, final: FinalVerdict) -> None:
        """Brings a session the verdict that another server gave, or the error."""
        push = partial(self._push, final.session_id, final.sequence)
        if final.answer is not None:
            push(final.answer)
        else:
            self._core.submit(RecallVerdict(final.transition_id), partial(self._recalled, final, push))

    def _recalled(self, final: FinalVerdict, push: Callable[[Any], None], answer: Any) -> None:
        if isinstance(answer, Unavailable | ResourceExhausted):
            logger.warning("a verdict could not be read, it is tried again: %s", answer)
            asyncio.get_running_loop().call_later(RETRY_AFTER / 1e6, self._recall, final)
        elif answer is not None:  # Else its run was deleted meanwhile, of which it is told, too.
            push(answer)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
