"""A stream on which a test says any bytes, and hears whatever comes."""

import queue
import threading
from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import Message

from contract import METHODS, Method
from refusals import check_end
from until import until

_METHODS = {method.path.removeprefix("/antiphon.v1."): method for method in METHODS}
#: Seconds in which a stream that was closed must have ended. A bound with much room: most end in milliseconds.
PATIENCE = 30.0


class WildStream:
    """One call of a method of streams, such as SessionService/Attach."""

    def __init__(self, channel: Any, name: str) -> None:
        self.method: Method = _METHODS[name]
        #: The messages that came, as the contract has them.
        self.heard: list[Any] = []
        self.error: grpc.RpcError | None = None
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._call = self.method.call(channel, iter(self._out.get, None), timeout=4 * PATIENCE)
        self._cut = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for answer in self._call:
                self.heard.append(self.method.response.FromString(answer))
        except grpc.RpcError as error:
            self.error = error

    def say(self, *messages: Message | bytes) -> None:
        for message in messages:
            self._out.put(message if isinstance(message, bytes) else message.SerializeToString())

    @property
    def over(self) -> bool:
        return not self._reader.is_alive()

    def hears(self, count: int = 1) -> bool:
        """Waits until so many messages came, or the stream has ended; whether they came."""
        until(lambda: len(self.heard) >= count or self.over, PATIENCE)
        return len(self.heard) >= count

    def cut(self) -> None:
        """As if the line broke."""
        self._cut = True
        self._call.cancel()
        self._out.put(None)

    def close(self) -> None:
        """Says no more; what was said is still answered."""
        self._out.put(None)

    def ended(self) -> None:
        """Waits for the end, which must be one that the contract knows."""
        self._reader.join(PATIENCE)
        assert self.over, f"{self.method} did not end"
        if self.error is not None and not (self._cut and self.error.code() is grpc.StatusCode.CANCELLED):
            check_end(self.error)


def all_end(streams: Iterable[WildStream]) -> None:
    """Closes all, and then waits for the end of each."""
    closed = list(streams)
    for stream in closed:
        stream.close()
    for stream in closed:
        stream.ended()
