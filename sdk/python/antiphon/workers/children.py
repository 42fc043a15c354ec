"""Child processes of a worker, each with a process group to itself."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from antiphon.workers.threads import in_thread, to_its_end


class Child(Protocol):
    """One process. Its methods belong to the event loop."""

    pid: int

    def signal(self, number: int) -> None:
        """Send a signal to it and all that it has started in its group; nothing where it has ended."""

    async def wait(self) -> int:
        """Its exit code, once it has ended; minus the number of the signal that ended it."""


class SpawnedChild:
    """A new program."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.pid = process.pid
        self._killed = False
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._watch()

    def signal(self, number: int) -> None:
        """See Child."""
        if not self._ended.done():
            self._killed = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def wait(self) -> int:
        """See Child."""
        return await asyncio.shield(self._ended)

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if not hasattr(os, "pidfd_open"):
            waiting = asyncio.ensure_future(in_thread("child", self._process.wait))
            waiting.add_done_callback(lambda _: self._bury())
            return
        descriptor = os.pidfd_open(self.pid)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._bury()

        loop.add_reader(descriptor, ended)

    def _bury(self) -> None:
        if self._killed:
            # What it has started and did not end with it; nobody else has the number before it is waited for.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        if not self._ended.done():
            self._ended.set_result(code)


async def spawn(
    command: Sequence[str], environment: dict[str, str], folder: Path, *, quiet: bool, descriptors: Sequence[int] = ()
) -> SpawnedChild:
    """Start a program. Its output goes where the worker's goes, or nowhere if it is to be `quiet`. Raises OSError."""
    output = subprocess.DEVNULL if quiet else None

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            list(command),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )

    return SpawnedChild(await to_its_end(in_thread("spawn", start), _end))


async def _end(process: "subprocess.Popen[bytes]") -> None:
    """Who wanted it has gone."""
    child = SpawnedChild(process)
    child.signal(signal.SIGKILL)
    await child.wait()
