"""A flow that runs a command of the shell, and keeps what it writes as the run's logs."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import IO, Any

from antiphon import flow
from antiphon.logging.handlers import APILogHandler
from antiphon.logging.run_loggers import FLOW_RUN_LOGGER, AntiphonLogAdapter, get_run_logger
from antiphon.state_core import State
from antiphon.states import Completed, Failed

__all__ = ["run_shell_process"]

#: What the command writes is on the screen already: these lines go to the server only.
_lines = logging.getLogger(f"{FLOW_RUN_LOGGER}.shell")
_lines.propagate = False
_lines.setLevel(logging.DEBUG)
_lines.addHandler(APILogHandler())

#: Seconds that a command has between being asked to end and being ended.
_PATIENCE = 5.0


@flow(name="run-shell-process")
def run_shell_process(command: str, log_output: bool = True, stream_stdout: bool = True) -> State[Any]:
    """Run `command` in a shell, and fail where its exit code is not 0.

    What it writes is kept as logs with `log_output` (what it writes as errors at the level ERROR), and passed on to the
    terminal with `stream_stdout`. The command and what it started end with the run where that is cancelled.
    """
    log = AntiphonLogAdapter(_lines, get_run_logger().extra)
    with _running(command) as process:
        readers = _readers(process, log if log_output else None, stream_stdout)
        code = process.wait()
        for reader in readers:
            reader.join()
    if code == 0:
        return Completed(message="The command ended with exit code 0.")
    how = f"exit code {code}" if code > 0 else f"signal {-code} ({signal.Signals(-code).name})"
    return Failed(message=f"The command ended with {how}.")


@contextmanager
def _running(command: str) -> "Iterator[subprocess.Popen[bytes]]":
    """The command, which is ended at the end of the block. It is started in a thread: an interrupt, which comes to the
    main one at any moment, could lose a process that has just begun."""
    starting: Future[subprocess.Popen[bytes]] = Future()
    known = threading.Event()

    def start() -> None:
        known.wait()
        if not starting.set_running_or_notify_cancel():
            return
        try:
            starting.set_result(
                subprocess.Popen(
                    command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
                )
            )
        except OSError as error:
            starting.set_exception(error)

    try:
        threading.Thread(target=start, daemon=True).start()
        known.set()
        yield starting.result()
    finally:
        begun = not starting.cancel()
        known.set()
        if begun and starting.exception() is None:
            _end(starting.result())


def _readers(
    process: "subprocess.Popen[bytes]", log: AntiphonLogAdapter | None, stream: bool
) -> list[threading.Thread]:
    """Threads that pass on what the command writes."""
    readers = []
    ways = ((process.stdout, logging.INFO, sys.stdout), (process.stderr, logging.ERROR, sys.stderr))
    for source, level, screen in ways:
        takers: list[Callable[[str], None]] = []
        if log is not None:
            takers.append(lambda line, level=level: log.log(level, "%s", line))  # type: ignore[misc]
        if stream:
            takers.append(lambda line, screen=screen: print(line, file=screen, flush=True))  # type: ignore[misc]
        readers.append(threading.Thread(target=_read, args=(source, takers), daemon=True))
        readers[-1].start()
    return readers


def _read(source: IO[bytes], takers: list[Callable[[str], None]]) -> None:
    with source:
        for line in source:
            text = line.decode(errors="replace").rstrip("\r\n")
            for take in takers:
                take(text)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command with all that it started, where it has not ended by itself."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return
