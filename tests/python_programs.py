"""Python programs in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Takes the interpreter's arguments and more environment; gives the process, whose output can be read as text.
StartProgram = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def programs() -> Iterator[StartProgram]:
    """Inside, programs can be started; those that still run at its end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.communicate()
