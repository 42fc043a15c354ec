"""Keeps the vigil over a link's streams, one after the other, in a thread of its own: the link's waits for answers, and
gRPC's, which sends, may be held up by the very server that hangs."""

import random
import threading
from collections.abc import Callable

import grpc

from antiphon.session.vigil import DRAIN_SPREAD, Due, Vigil

_LOOK = "/grpc.health.v1.Health/Check"
#: It does not say a word, and is left.
SILENT = "does not answer"
#: It has said that it will stop.
STOPPING = "is about to stop"


class Watch:
    """Over one stream. Safe in any thread."""

    def __init__(
        self,
        vigil: Vigil,
        channel: grpc.Channel,
        awaits: Callable[[], bool],
        leave: Callable[[str], object],
        wake: Callable[[], object],
    ) -> None:
        """`awaits` says whether an answer is to come, `leave` ends the stream and takes the reason, and `wake` wakes
        who keeps the vigil."""
        self.vigil = vigil
        self._look = channel.unary_unary(_LOOK)
        self._awaits = awaits
        self.leave = leave
        self._wake = wake

    def said(self) -> None:
        """Something goes out."""
        if self.vigil.said():
            self._wake()

    def heard(self) -> None:
        """Something came in."""
        if self.vigil.heard(self._awaits):
            self.leave(STOPPING)

    def leave_soon(self) -> None:
        """The server will stop: go to another one, not all at the same moment."""
        self.vigil.leave_in(random.uniform(0.0, DRAIN_SPREAD))
        self._wake()

    def look(self) -> bool:
        """Ask the server whether it is there, and leave it if it is not; says whether it is."""
        try:
            self._look(b"", timeout=self.vigil.look_patience)
        except grpc.RpcError as error:
            # Any other one is an answer, or is the stream's as well.
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self.leave(SILENT)
                return False
        self.vigil.found_there(self._awaits)
        return True


class Watchman:
    """The thread of one link. It is started with the first stream that is to be watched."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._watch: Watch | None = None
        self._looking = False
        self._stopped = False
        self._name = name
        self._thread: threading.Thread | None = None

    def begin(self, watch: Watch) -> None:
        """Keep the vigil over this stream from now on."""
        with self._changed:
            self._watch = watch
            if self._thread is None:
                # A daemon, as the link's.
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wake(self) -> None:
        """There may be something to do sooner than was known."""
        with self._changed:
            self._changed.notify_all()

    def rest(self) -> None:
        """Keep none; does not wait for a look that is under way."""
        with self._changed:
            self._watch = None
            self._changed.notify_all()

    def await_rest(self, timeout: float) -> bool:
        """Wait until no look is under way; says whether none is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._looking, timeout)

    def stop(self) -> None:
        """End the thread; does not wait for it."""
        with self._changed:
            self._watch = None
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (next_one := self._next()) is not None:
            watch, due = next_one
            if due is Due.LEAVE:
                watch.leave(STOPPING)
                stays = False
            else:
                stays = self._look(watch)
            with self._changed:
                self._looking = False
                if not stays and self._watch is watch:
                    self._watch = None
                self._changed.notify_all()

    @staticmethod
    def _look(watch: Watch) -> bool:
        try:
            return watch.look()
        except ValueError:  # gRPC's for a channel that was closed: the stream is over
            return False

    def _next(self) -> tuple[Watch, Due] | None:
        """Wait until something is due; None once stopped."""
        with self._changed:
            while not self._stopped:
                watch = self._watch
                if watch is None:
                    self._changed.wait()
                    continue
                due = watch.vigil.due()
                if due is not Due.NOTHING:
                    self._looking = due is Due.LOOK
                    return watch, due
                self._changed.wait(watch.vigil.wait())
        return None
