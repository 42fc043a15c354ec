"""What a caller holds for a frame that it handed to the session."""

import copy
import logging
import threading
from collections.abc import Callable
from typing import TypeAlias

from antiphon.exceptions import AntiphonException
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import CommandResult
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal, Verdict

Body: TypeAlias = FlowRun | TaskRun | Proposal | CommandResult

logger = logging.getLogger("antiphon.session")


class Ticket:
    """Becomes done once, when the server's final answer is here or none can come any more. Safe in any thread."""

    __slots__ = ("_answer", "_callbacks", "_done", "_error", "_gate", "body", "deferred")

    def __init__(self, body: Body) -> None:
        #: What was submitted.
        self.body = body
        #: Whether the server has said WAIT: it will answer when the time has come.
        self.deferred = False
        self._done = False
        self._answer: Verdict | None = None
        self._error: AntiphonException | None = None
        self._callbacks: list[Callable[[Ticket], object]] = []
        # A bare lock that is held until the ticket is done costs a tenth of what threading.Event does.
        self._gate = threading.Lock()
        self._gate.acquire()

    def done(self) -> bool:
        """Whether `result` returns or raises at once."""
        return self._done

    def result(self, timeout: float | None = None) -> Verdict | None:
        """Wait for the answer: the final verdict on a proposal, None for everything else.

        Raises ServerError if the server refused the frame, SessionLost or ServerUnreachable if no answer can come any
        more, and TimeoutError if there is none after `timeout` seconds. Not to be called in the session's thread.
        """
        if not self._done:
            if timeout is None:
                with self._gate:  # and let it go at once, for the next who waits
                    pass
            elif self._gate.acquire(timeout=max(timeout, 0)):
                self._gate.release()
            else:
                raise TimeoutError(f"no answer to a {type(self.body).__name__} within {timeout:g} s")
        if self._error is not None:
            # Several threads may wait on tickets that failed for one reason; each gets a traceback of its own.
            raise copy.copy(self._error)
        return self._answer

    def add_done_callback(self, function: "Callable[[Ticket], object]") -> None:
        """Have `function(ticket)` called when the ticket is done: in the session's thread, or here and now if it is.

        It must be quick. What it raises is logged.
        """
        self._callbacks.append(function)
        if self._done:
            self._call_back()

    def settle(self, answer: Verdict | None, error: AntiphonException | None = None) -> None:
        """Make the ticket done. For the session only, and only once."""
        self._answer, self._error = answer, error
        self._done = True
        self._gate.release()
        if self._callbacks:
            self._call_back()

    def abandon(self, error: AntiphonException) -> None:
        """Make a copy of somebody else's ticket, in a forked child, done without a word to who waited there."""
        if not self._done:
            self._callbacks.clear()
            self.settle(None, error)

    def _call_back(self) -> None:
        """Call each callback once. Taking one off the list decides which of two threads calls it."""
        while True:
            try:
                function = self._callbacks.pop(0)
            except IndexError:
                return
            try:
                function(self)
            except Exception:
                logger.exception("A callback of a %s failed", type(self.body).__name__)
