"""Flow runs in child processes: how they are started, watched and ended, for workers and for who serves deployments."""

import asyncio
import errno
import logging
import os
import shlex
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from antiphon.exceptions import ConfigurationError, InfrastructureNotAvailable, InfrastructureNotFound
from antiphon.run_environment import BROKEN_OFF, CLAIMED_FD, NOT_OURS
from antiphon.workers.children import Child, spawn
from antiphon.workers.infrastructure import BaseWorkerResult, InfrastructureStatus
from antiphon.workers.nursery_client import UNKNOWN_CODE, Nursery, NurseryGone
from antiphon.workers.threads import in_thread

#: The system's limits, and no fault of the command.
_NO_ROOM = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
#: What runs a flow run in this interpreter.
ENGINE = (sys.executable, "-m", "antiphon.engine")
#: Beginnings of variables that an interpreter, or the loader, looks at once, when it begins.
_AT_START = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GRPC_", "LANG", "LC_")

logger = logging.getLogger("antiphon.worker")


@dataclass(frozen=True, slots=True)
class Order:
    """One process to be started."""

    #: None runs the flow run as this SDK does, in this interpreter.
    command: str | None
    #: What is added to this process's environment; None takes away.
    environment: Mapping[str, str | None]
    #: None is an empty folder of its own, which goes with it.
    folder: Path | None = None
    #: Whether its output goes where this process's goes.
    stream_output: bool = True
    #: Whether the process says that it has claimed its run, as Antiphon's own does.
    says_claimed: bool = True


class ProcessCrew:
    """Belongs to an event loop."""

    def __init__(self) -> None:
        self._nursery = Nursery()
        self._children: dict[str, Child] = {}
        self._host = socket.gethostname()

    async def warm_up(self) -> None:
        """Have ready what the first run would wait for."""
        if Nursery.is_possible():
            await self._nursery.warm_up()

    def close(self) -> None:
        """Nothing is started any more; what runs goes on."""
        self._nursery.close()

    async def run(self, order: Order, status: InfrastructureStatus | None) -> BaseWorkerResult:
        """Start a process and wait for its end. Cancelled, it kills it.

        Raises ConfigurationError where the command or the folder is not there.
        """
        async with _folder(order.folder) as folder:
            with _heard(status) as word:
                child = await self._started(order, folder, word)
            name = f"{self._host}:{child.pid}"
            self._children[name] = child
            if status is not None:
                status.started(name)
                if not order.says_claimed:
                    status.claimed()
            try:
                code = await child.wait()
            except asyncio.CancelledError:
                child.signal(signal.SIGKILL)
                await child.wait()
                raise
            finally:
                del self._children[name]
        return BaseWorkerResult(identifier=name, status_code=code, message=_meaning(code))

    async def kill(self, name: str, grace_seconds: float) -> None:
        """End a process and all of its group: by SIGTERM, and by SIGKILL after so many seconds, 0 at once.

        Raises InfrastructureNotFound, InfrastructureNotAvailable for one of another machine.
        """
        host, _, pid = name.rpartition(":")
        if host != self._host:
            raise InfrastructureNotAvailable(
                f"The process {name!r} is on the machine {host!r}, and this is {self._host!r}, which cannot kill it."
            )
        child = self._children.get(name)
        if child is None:
            raise InfrastructureNotFound(f"The process {pid} was not started here, or has ended.")
        child.signal(signal.SIGTERM if grace_seconds > 0 else signal.SIGKILL)
        try:
            async with asyncio.timeout(grace_seconds):
                await child.wait()
        except TimeoutError:
            logger.warning("Process %s did not end within %g s, and is killed", pid, grace_seconds)
            child.signal(signal.SIGKILL)
            await child.wait()

    async def _started(self, order: Order, folder: Path, word: int | None) -> Child:
        environment = _environment(order.environment)
        descriptors = () if word is None else (word,)
        quiet = not order.stream_output
        if order.command is None and Nursery.is_possible() and not _differs_at_start(environment):
            try:
                return await self._nursery.launch(environment, folder, quiet=quiet, descriptors=descriptors)
            except NurseryGone as error:
                logger.warning("A new interpreter is started, since the quick way is not there: %s", error)
            except OSError as error:
                raise _no_room(str(error.strerror)) from error
        command = list(ENGINE) if order.command is None else _split(order.command)
        if word is not None:
            environment[CLAIMED_FD] = str(word)
        try:
            return await spawn(command, environment, folder, quiet=quiet, descriptors=descriptors)
        except OSError as error:
            why = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
            if error.errno in _NO_ROOM:
                raise _no_room(why) from error
            raise ConfigurationError(
                f"The command {shlex.join(command)!r} cannot be started: {why}. Mend `command` in the job variables."
            ) from error


def _no_room(why: str) -> InfrastructureNotAvailable:
    return InfrastructureNotAvailable(
        f"This machine has no room for another process: {why}. Give the worker a `--limit`, or the machine more."
    )


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ConfigurationError(f"The command {command!r} cannot be taken apart: {error}.") from error


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _differs_at_start(environment: Mapping[str, str]) -> bool:
    """Whether a process that was begun with this one's environment is not what a new one would be."""

    def early(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name.startswith(_AT_START)}

    return early(environment) != early(os.environ)


@asynccontextmanager
async def _folder(given: Path | None) -> AsyncIterator[Path]:
    if given is None:
        make = partial(tempfile.TemporaryDirectory, prefix="antiphon-", ignore_cleanup_errors=True)
        folder = await in_thread("folder", make)
        try:
            yield Path(folder.name)
        finally:
            await in_thread("folder", folder.cleanup)
        return
    folder_given = given.expanduser()
    if not folder_given.is_dir():
        raise ConfigurationError(
            f"The working directory {str(given)!r} is not there. Make it on the worker's machine, or give another "
            "`working_dir` in the job variables."
        )
    if not os.access(folder_given, os.X_OK):
        raise ConfigurationError(
            f"The working directory {str(given)!r} may not be entered by the worker. Give it the right to, or give "
            "another `working_dir` in the job variables."
        )
    yield folder_given


@contextmanager
def _heard(status: InfrastructureStatus | None) -> Iterator[int | None]:
    """Gives a descriptor for the process to say that it has claimed its run."""
    if status is None:
        yield None
        return
    loop = asyncio.get_running_loop()
    heard, word = os.pipe()

    def hear() -> None:
        loop.remove_reader(heard)
        with suppress(OSError):
            if os.read(heard, 1):
                status.claimed()
        os.close(heard)

    loop.add_reader(heard, hear)
    try:
        yield word
    finally:
        os.close(word)


def _meaning(code: int) -> str:
    """What an exit code says to people; empty where it says all itself."""
    if code == NOT_OURS:
        return "its claim was over, and it did nothing"
    if code == UNKNOWN_CODE:
        return "how it ended is not known: what had started it was gone"
    if code == BROKEN_OFF:
        return "the flow run was broken off; its log says why"
    if code == -signal.SIGKILL:
        return "it was killed (SIGKILL), by the system if there was not enough memory"
    if code < 0:
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return ""
