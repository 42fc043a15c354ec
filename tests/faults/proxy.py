"""A proxy between an SDK and a server that cuts connections where a test wants it.

It knows HTTP/2 framing (RFC 9113 section 4.1: nine bytes of header, the first three the length), so it can cut exactly
between two frames, and it counts bytes, so it can cut in the middle of one as well.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER = 9


@dataclass
class FrameCounter:
    """Finds frame boundaries in one direction of one connection."""

    preface_left: int
    header: bytearray = field(default_factory=bytearray)
    body_left: int = 0

    def boundaries(self, chunk: bytes) -> list[int]:
        """Offsets in `chunk` right after a frame ends."""
        found, at = [], 0
        while at < len(chunk):
            if self.preface_left:
                step = min(self.preface_left, len(chunk) - at)
                self.preface_left -= step
                at += step
            elif self.body_left:
                step = min(self.body_left, len(chunk) - at)
                self.body_left -= step
                at += step
                if not self.body_left:
                    found.append(at)
            else:
                step = min(HEADER - len(self.header), len(chunk) - at)
                self.header += chunk[at : at + step]
                at += step
                if len(self.header) == HEADER:
                    self.body_left = int.from_bytes(self.header[:3])
                    self.header.clear()
                    if not self.body_left:
                        found.append(at)
        return found


class CuttingProxy:
    """Listens on a Unix socket and forwards to another; `cut_after` is asked for each frame or byte that passes.

    `on_frame(n)` is called with the number of frames seen so far (both directions, all connections) and says whether
    to cut there. `on_bytes(n)` is called with the number of bytes about to pass and gives how many may pass before a
    cut, or None for all of them.
    """

    def __init__(
        self,
        listen: Path,
        target: Path,
        *,
        on_frame: Callable[[int], bool] = lambda n: False,
        on_bytes: Callable[[int], int | None] = lambda n: None,
    ) -> None:
        self.listen, self.target = listen, target
        self.on_frame, self.on_bytes = on_frame, on_bytes
        self.frames = 0
        self.cuts = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CuttingProxy":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._connection, str(self.listen))
        self._ready.set()
        await self._stop.wait()
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        # Each closes its sockets on the way out.
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(str(self.target))
        except OSError:
            writer.transport.abort()
            return
        writers = (writer, up_writer)
        pumps = [
            asyncio.ensure_future(self._pump(reader, up_writer, FrameCounter(len(PREFACE)), writers)),
            asyncio.ensure_future(self._pump(up_reader, writer, FrameCounter(0), writers)),
        ]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for each in writers:
            each.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        counter: FrameCounter,
        writers: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                allowed = self._allowed(chunk, counter)
                writer.write(chunk[:allowed])
                await writer.drain()
                if allowed < len(chunk) or self._cut_at_end:
                    self.cuts += 1
                    return

    _cut_at_end = False

    def _allowed(self, chunk: bytes, counter: FrameCounter) -> int:
        self._cut_at_end = False
        for offset in counter.boundaries(chunk):
            self.frames += 1
            if self.on_frame(self.frames):
                self._cut_at_end = offset == len(chunk)
                return offset
        limit = self.on_bytes(len(chunk))
        return len(chunk) if limit is None else limit
