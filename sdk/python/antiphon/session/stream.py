"""One attach: the control stream of a session on one connection."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

# gRPC reads this when it is loaded: its threads are then brought to rest around a fork, so that the child may open
# connections of its own.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")

import grpc

from antiphon.client import CHANNEL_OPTIONS
from antiphon.session.core import SessionCore
from antiphon.v1 import session_pb2
from antiphon.v1.session_pb2 import ClientFrame
from antiphon.v1.session_service_pb2 import AttachRequest, AttachResponse
from antiphon.v1.session_service_pb2_grpc import SessionServiceStub

MAX_FRAMES = 1024
MAX_BYTES = 1024 * 1024
#: Frames that nobody waits for are held back so many seconds, to travel with what comes next.
LINGER = 0.002


class Stream:
    """Reads in the caller's thread, writes in one of gRPC's. `condition` guards the core and wakes the writer."""

    def __init__(self, core: SessionCore, condition: threading.Condition, target: str) -> None:
        self._core = core
        self._condition = condition
        self._over = False
        #: Whether a frame is queued that somebody waits for.
        self._urgent = False
        self._dozing = False
        with condition:
            self._hello = core.connecting()
        self._channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._call: Any = SessionServiceStub(self._channel).Attach(self._requests())

    def responses(self) -> Iterator[AttachResponse]:
        """What the server says, until the stream ends; raises grpc.RpcError where it ends by a fault."""
        yield from self._call

    def wake(self, *, urgent: bool) -> None:
        """Frames were queued. Call with the condition held."""
        self._urgent = self._urgent or urgent
        if urgent or self._dozing:
            self._condition.notify_all()

    def half_close(self) -> None:
        """Sends what is queued and says that nothing more will come."""
        with self._condition:
            self._over = True
            self._condition.notify_all()

    def close(self) -> None:
        """Ends the stream at once. May be called from any thread and more than once."""
        self.half_close()
        self._call.cancel()
        self._channel.close()

    def _requests(self) -> Iterator[AttachRequest]:
        yield AttachRequest(frames=[self._hello])
        while True:
            with self._condition:
                self._await_frames()
                frames = self._core.take_frames(MAX_FRAMES, MAX_BYTES)
                self._urgent = self._core.has_frames()
                if not frames:
                    if self._over:
                        return
                    frames = [_HEARTBEAT]
            yield AttachRequest(frames=frames)

    def _await_frames(self) -> None:
        """Returns when there is something to send at once, or a heartbeat is due."""
        beat = time.monotonic() + self._core.ttl_seconds / 3
        # Right after a message the next frames are likely to come: then those that nobody waits for find company.
        if not self._ready():
            self._condition.wait_for(self._ready, LINGER)
        while not (self._ready() or self._core.has_frames()):
            self._dozing = True
            self._condition.wait(max(beat - time.monotonic(), 0))
            self._dozing = False
            if time.monotonic() >= beat:
                return
            if self._core.has_frames() and not self._ready():
                self._condition.wait_for(self._ready, LINGER)

    def _ready(self) -> bool:
        return self._over or (self._urgent and self._core.has_frames())


_HEARTBEAT = ClientFrame(heartbeat=session_pb2.Heartbeat())

Connect = Callable[[], str]
