"""Reads a gRPC stream so that Ctrl-C may come at any moment."""

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")

#: Messages that are read ahead of the one who takes them; the rest waits at the server.
_AHEAD = 16


def read_apart(answers: Iterable[Item]) -> Iterator[Item]:
    """Yield what `answers` yields, which another thread reads; raise what it raises. Left before its end, the stream
    ends with its channel.

    A KeyboardInterrupt that comes while gRPC waits for a message leaves gRPC's locks broken: they are Python code,
    and the signal may fall between a lock's release and its reacquisition. Then closing the channel can hang for
    ever. The signal falls on the main thread; a SimpleQueue, which is C code, is what waits there.
    """
    room: SimpleQueue[bool] = SimpleQueue()
    read: SimpleQueue[tuple[Item] | BaseException | None] = SimpleQueue()
    for _ in range(_AHEAD):
        room.put(True)
    threading.Thread(target=_read, args=(answers, room, read), name="antiphon-stream", daemon=True).start()
    try:
        while (answer := read.get()) is not None:
            if isinstance(answer, BaseException):
                raise answer
            yield answer[0]
            room.put(True)
    finally:
        room.put(False)


def _read(
    answers: Iterable[Item], room: SimpleQueue[bool], read: SimpleQueue[tuple[Item] | BaseException | None]
) -> None:
    try:
        for answer in answers:
            if not room.get():
                return
            read.put((answer,))
    except BaseException as error:  # noqa: BLE001 - whatever it is, who takes the answers raises it
        read.put(error)
    else:
        read.put(None)
