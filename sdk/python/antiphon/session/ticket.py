"""The answer to one frame, when it comes."""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import CommandResult
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal, Verdict

Body: TypeAlias = FlowRun | TaskRun | Proposal | CommandResult


class Ticket:
    """Stands for a frame that the server has to answer. One lock and no more: there are thousands a second."""

    __slots__ = ("_answer", "_callbacks", "_done", "_error", "_gate", "body")

    def __init__(self, body: Body) -> None:
        self.body = body
        self._gate = threading.Lock()
        self._gate.acquire()
        self._done = False
        self._answer: Verdict | None = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Ticket], Any]] = []

    def done(self) -> bool:
        """Whether there is an answer."""
        return self._done

    def result(self, timeout: float | None = None) -> Verdict | None:
        """Wait for the answer: a proposal's final verdict, None for other frames.

        Raises ServerError where the server refused the frame, SessionLost or ServerUnreachable where no answer will
        come, TimeoutError after `timeout` seconds.
        """
        if not self._done:
            if not self._gate.acquire(timeout=-1 if timeout is None else timeout):
                raise TimeoutError(f"The server has not answered within {timeout} second(s).")
            self._gate.release()
        if self._error is not None:
            raise self._error
        return self._answer

    def add_done_callback(self, fn: "Callable[[Ticket], Any]") -> None:
        """Call `fn` with the ticket once there is an answer: at once, or from the session's thread."""
        self._callbacks.append(fn)
        if self._done:
            self._call_back()

    def settle(self, answer: Verdict | None, error: Exception | None = None) -> None:
        """Give the answer; the session does so once."""
        self._answer, self._error = answer, error
        self._done = True
        self._gate.release()
        self._call_back()

    def _call_back(self) -> None:
        # Both sides may come here at once; each callback is taken off the list by one of them.
        while self._callbacks:
            try:
                fn = self._callbacks.pop()
            except IndexError:
                return
            fn(self)
