"""A TCP proxy of the tests' own, between clients and a server (or a database), that does what networks do.

    with TcpProxy("127.0.0.1:4200") as proxy:
        ...  # clients dial proxy.address
        proxy.cut()         # all connections break at once; new ones are taken
        proxy.black_hole()  # nothing comes through and nobody is told, as by a cable that is cut or a peer that hangs
        proxy.swallow_answers()  # the same, but what clients say comes through
        proxy.delay(0.2)    # each byte takes so long, each way
        proxy.refuse()      # nobody listens any more; connections that are there stay
        proxy.heal()        # all is well; what a black hole has held back is delivered, as TCP would

Safe to use from any thread. What knows HTTP/2's frames is `faults.proxy`.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any

_CHUNK = 65536
#: Chunks that may be on their way in one direction of a connection; then the sender has to wait.
_ON_THE_WAY = 256
_PATIENCE = 10.0

Chunks = asyncio.Queue[tuple[float, bytes]]


class TcpProxy:
    """Listens on a port of its own for as long as the `with` block lasts."""

    def __init__(self, target: str) -> None:
        """`target` is `host:port` or `unix:/path`; it may be changed at any time, for connections to come."""
        self.target = target
        #: Connections that were taken, ever.
        self.taken = 0
        #: Bytes that came through, both ways.
        self.passed = 0
        self._delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        # Bound and never listened on: the port stays ours while nobody listens there.
        self._reservation = _bound_socket(0)
        self.port: int = self._reservation.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._listening: asyncio.Task[None] | None = None

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        self._do(self._open)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()
        self._reservation.close()

    # What a test does

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._tasks)

    def cut(self) -> int:
        """Break all connections at once, by RST to both sides; says how many there were."""
        cut: int = self._do(self._cut)
        return cut

    def black_hole(self) -> None:
        """Let nothing through from now on, neither bytes nor ends. Connections are taken, and hear nothing."""
        self._do(self._shut)

    def swallow_answers(self) -> None:
        """Let nothing through that the target says from now on; what clients say gets there."""
        self._do(self._shut_answers)

    def delay(self, seconds: float) -> None:
        """Have what is sent from now on take so long, each way. Order and throughput stay."""
        self._delay = seconds

    def refuse(self) -> None:
        """Take no connection from now on."""
        self._do(self._stop_listening)

    def heal(self) -> None:
        """Undo all of these, but for connections that are cut."""
        self._delay = 0.0
        self._do(self._mend)

    # Inside, in the loop's thread

    def _do(self, function: Callable[[], Awaitable[Any]]) -> Any:
        async def call() -> Any:
            return await function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_PATIENCE)

    async def _open(self) -> None:
        #: Set while bytes may pass: all, and those that the target says.
        self._gate, self._answers = asyncio.Event(), asyncio.Event()
        await self._mend()

    async def _mend(self) -> None:
        self._gate.set()
        self._answers.set()
        if self._listening is None:
            listener = _bound_socket(self.port)
            listener.listen()
            self._listening = self._loop.create_task(self._accept(listener))

    async def _shut(self) -> None:
        self._gate.clear()

    async def _shut_answers(self) -> None:
        self._answers.clear()

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    async def _close(self) -> None:
        await self._stop_listening()
        await self._cut()

    async def _cut(self) -> int:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    async def _accept(self, listener: socket.socket) -> None:
        # An asyncio.Server that is closed as it accepts forgets the connection, and its peer waits for ever.
        with listener:
            while True:
                taken, _ = await self._loop.sock_accept(listener)
                self.taken += 1
                task = self._loop.create_task(self._serve(taken))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, taken: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=taken)
        writers = [writer]
        try:
            await self._gate.wait()
            up_reader, up_writer = await self._dial()
            writers.append(up_writer)
            async with asyncio.TaskGroup() as both_ways:
                for source, sink, gate in ((reader, up_writer, self._gate), (up_reader, writer, self._answers)):
                    chunks: Chunks = asyncio.Queue(_ON_THE_WAY)
                    both_ways.create_task(self._take(source, chunks))
                    both_ways.create_task(self._deliver(chunks, sink, gate))
        except* OSError:
            pass  # one side broke, or is not there: the other one is told
        finally:
            for each in writers:
                _reset(each)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.target.startswith("unix:"):
            return await asyncio.open_unix_connection(self.target.removeprefix("unix:"))
        host, _, port = self.target.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def _take(self, reader: asyncio.StreamReader, chunks: Chunks) -> None:
        """What one side says, until its end."""
        while chunk := await reader.read(_CHUNK):
            await chunks.put((self._loop.time() + self._delay, chunk))
        await chunks.put((self._loop.time() + self._delay, b""))

    async def _deliver(self, chunks: Chunks, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        while True:
            due, chunk = await chunks.get()
            await asyncio.sleep(max(due - self._loop.time(), 0.0))
            await self._gate.wait()
            await gate.wait()
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self.passed += len(chunk)


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close it by RST, so that the peer hears of it whatever is unread."""
    given = writer.get_extra_info("socket")
    if given is not None and given.family == socket.AF_INET:
        with contextlib.suppress(OSError):  # it may be closed by now
            given.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
