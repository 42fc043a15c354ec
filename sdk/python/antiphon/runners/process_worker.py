"""The main program of a worker process of `ProcessPoolTaskRunner`.

Tasks run in its main thread, so that an interrupt reaches into blocking system calls; another thread listens.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from antiphon.engine.scopes import RunScope
from antiphon.exceptions import RunCancelled, TerminationSignal
from antiphon.runners.errand import GRACE
from antiphon.runners.worker import carry_out
from antiphon.session.registry import close_all

#: A parcel's parts, and the scope that stops it; None at the end.
_Order = tuple[bytes, bytes | None, RunScope] | None


def main(descriptor: int) -> None:
    """Carry out what comes on this socket, until its end."""
    # Ctrl-C in a terminal goes to all processes there; the one that submits says what follows for its tasks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Connection(descriptor)
    # Processes that tasks leave behind must not hold the line: its end says that this one has died.
    os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=line.close)
    first_words = line.recv_bytes()
    orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
    listener = _Listener(line, orders)
    # Before any code of the user's: while that takes its time, somebody reads what is sent, and sees the line's end.
    threading.Thread(target=listener.run, name="antiphon-line", daemon=True).start()
    initializer, arguments = pickle.loads(first_words)
    if initializer is not None:
        initializer(*arguments)
    while (order := orders.get()) is not None:
        answer = carry_out(*order)
        listener.scope = None
        try:
            line.send_bytes(answer)
        except OSError:
            break
    listener.limit.cancel()
    # What would follow is a wait for threads of user code.
    close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Listener:
    def __init__(self, line: Connection, orders: "queue.SimpleQueue[_Order]") -> None:
        self._line = line
        self._orders = orders
        self._flow: bytes | None = None
        #: Of the task that runs.
        self.scope: RunScope | None = None
        #: Ends the process where code does not let itself be interrupted; begins at the line's end.
        self.limit = threading.Timer(GRACE, _leave)
        self.limit.daemon = True

    def run(self) -> None:
        while True:
            try:
                message = self._line.recv_bytes()
            except (EOFError, OSError):
                self._alone()
                return
            self._take(*pickle.loads(message))

    def _take(self, what: str, *about: Any) -> None:
        if what == "run":
            call, flow_is_known, flow = about
            self._flow = self._flow if flow_is_known else flow
            self.scope = RunScope()
            self._orders.put((call, self._flow, self.scope))
        elif self.scope is not None:
            self.scope.stop(RunCancelled, *about)

    def _alone(self) -> None:
        """The process that submitted is done, or gone."""
        # Code that blocks in C, or that does not let itself be interrupted, has its run ended by the session's end.
        self.limit.start()
        self._orders.put(None)
        scope = self.scope
        if scope is not None:
            scope.stop(TerminationSignal, "The process that runs the flow has gone away.")


def _leave() -> None:
    close_all()
    os._exit(1)
