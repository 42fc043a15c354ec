"""A worker's side of the nursery, see `antiphon.workers.nursery`."""

import asyncio
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from antiphon.workers.children import Child
from antiphon.workers.threads import in_thread, to_its_end

#: The exit code of a process of which nobody can say how it ended: the nursery was gone before it. No signal has it.
UNKNOWN_CODE = -256

logger = logging.getLogger("antiphon.worker")


class NurseryGone(Exception):
    """The nursery has ended, or could not be started."""


class ForkedChild:
    """A child of the nursery's."""

    def __init__(self, pid: int, send_signal: Callable[[int, int], object]) -> None:
        self.pid = pid
        self._send_signal = send_signal
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def signal(self, number: int) -> None:
        """See Child."""
        if not self._ended.done():
            self._send_signal(self.pid, number)

    async def wait(self) -> int:
        """See Child."""
        return await asyncio.shield(self._ended)

    def ended(self, code: int) -> None:
        """It has."""
        if not self._ended.done():
            self._ended.set_result(code)

    def orphaned(self) -> None:
        """The nursery is gone, and nobody waits for it any more: how it ends is not told, but that it does."""
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            self.ended(UNKNOWN_CODE)
            return
        self._send_signal = partial(_signal_orphan, descriptor)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self.ended(UNKNOWN_CODE)

        loop.add_reader(descriptor, ended)


async def _end(process: "subprocess.Popen[bytes]") -> None:
    """One that nobody has spoken to."""
    process.kill()
    process.wait()


def _signal_orphan(descriptor: int, pid: int, number: int) -> None:
    """Signals the group of a process, or by its descriptor one that was forked a moment ago and has no group yet."""
    with suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            signal.pidfd_send_signal(descriptor, number)


class Nursery:
    """Started at its first use, and again where it has died. Belongs to an event loop."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers: Iterator[int] = itertools.count()
        self._launching: dict[int, asyncio.Future[ForkedChild]] = {}
        self._children: dict[int, ForkedChild] = {}
        self._turn = asyncio.Lock()
        #: Launches are sent by threads, signals by the loop.
        self._sending = threading.Lock()
        self._rest = b""

    @staticmethod
    def is_possible() -> bool:
        """Whether there can be one here: elsewhere a fork of a process that has loaded much is not safe."""
        return sys.platform == "linux"

    async def warm_up(self) -> None:
        """Have it started before it is needed."""
        with suppress(NurseryGone):
            async with self._turn:
                await self._opened()

    async def launch(
        self, environment: dict[str, str], folder: Path, *, quiet: bool, descriptors: Sequence[int]
    ) -> Child:
        """Fork a process that runs the flow run which the environment names. Raises NurseryGone, OSError."""
        number = next(self._numbers)
        launched: asyncio.Future[ForkedChild] = asyncio.get_running_loop().create_future()
        request = {"launch": number, "env": environment, "folder": str(folder), "quiet": quiet}
        async with self._turn:
            line = await self._opened()
            self._launching[number] = launched
            try:
                # To its end, since the caller closes the descriptors; who is not waited for any more is ended then.
                await to_its_end(in_thread("nursery", partial(self._send, line, request, descriptors)))
            except asyncio.CancelledError:
                launched.cancel()
                raise
            except OSError as error:
                self._launching.pop(number, None)
                raise NurseryGone(str(error)) from error
        return await launched

    def close(self) -> None:
        """It ends; its children go on, and can be waited for and signalled still."""
        if self._line is not None:
            asyncio.get_running_loop().remove_reader(self._line)
            self._line.close()
            self._line = None
        process, self._process = self._process, None
        code = None
        if process is not None:
            # It would do what it was told before, and nobody would hear of those children.
            process.kill()
            code = process.wait()
        for launched in self._launching.values():
            if not launched.done():
                launched.set_exception(NurseryGone(f"it ended with exit code {code}"))
        self._launching.clear()
        for child in self._children.values():
            child.orphaned()
        self._children.clear()

    # Inside

    async def _opened(self) -> socket.socket:
        if self._line is not None:
            return self._line
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "antiphon.workers.nursery", str(theirs.fileno())]
        try:

            def start() -> "subprocess.Popen[bytes]":
                return subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )

            self._process = await to_its_end(in_thread("nursery", start), _end)
        except BaseException as error:
            ours.close()
            if isinstance(error, OSError):
                raise NurseryGone(str(error)) from error
            raise
        finally:
            theirs.close()
        self._line, self._rest = ours, b""
        asyncio.get_running_loop().add_reader(ours, self._hear)
        return ours

    def _hear(self) -> None:
        assert self._line is not None
        try:
            heard = self._line.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._is_gone()
            return
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, word: dict[str, Any]) -> None:
        if "refused" in word:
            refused = self._launching.pop(word["refused"])
            if not refused.cancelled():
                refused.set_exception(OSError(word["errno"], os.strerror(word["errno"])))
            return
        pid = word["pid"]
        if "launched" in word:
            launched = self._launching.pop(word["launched"])
            child = self._children[pid] = ForkedChild(pid, self._signal)
            if launched.cancelled():
                child.signal(signal.SIGKILL)
            else:
                launched.set_result(child)
        elif (ended := self._children.pop(pid, None)) is not None:
            ended.ended(word["code"])

    def _is_gone(self) -> None:
        code = self._process.wait() if self._process is not None else None
        self.close()
        logger.warning("The process that starts runs quickly has ended (exit code %s); it is started again", code)

    def _signal(self, pid: int, number: int) -> None:
        if self._line is not None:
            with suppress(OSError):  # it is gone, which is about to be heard
                self._send(self._line, {"signal": number, "pid": pid}, ())

    def _send(self, line: socket.socket, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        body = json.dumps(request).encode()
        head = len(body).to_bytes(4, "big")
        with self._sending:
            if descriptors:
                socket.send_fds(line, [head], list(descriptors))
            else:
                line.sendall(head)
            line.sendall(body)
