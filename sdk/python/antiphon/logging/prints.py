"""`print()` in runs with `log_prints`, as records of the run."""

import builtins
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.logging.run_loggers import get_run_logger

_lock = threading.Lock()
_users = 0
_original: Callable[..., None] = builtins.print


def _renew_lock() -> None:
    """In a forked child: a thread that held the lock is not there to release it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def print_as_log(*args: Any, **kwargs: Any) -> None:
    """As `print`, but a record at INFO inside a run with `log_prints`; what is printed to a file stays a print."""
    run = TaskRunContext.get() or FlowRunContext.get()
    if run is None or not run.log_prints or kwargs.get("file") not in (None, sys.stdout, sys.stderr):
        _original(*args, **kwargs)
        return
    buffer = io.StringIO()
    _original(*args, **{**kwargs, "file": buffer})
    # A line end is the record's own; `%` in the text is no place for an argument.
    get_run_logger(run).info("%s", buffer.getvalue().removesuffix("\n"))


@contextmanager
def patch_print() -> Iterator[None]:
    """Inside the `with` block the built-in `print` is `print_as_log`.

    For the whole process, since built-ins are; blocks may overlap in any order and thread. A `print` that somebody else
    put in place meanwhile stays.
    """
    global _users, _original
    with _lock:
        if _users == 0:
            _original = builtins.print
            builtins.print = print_as_log
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and builtins.print is print_as_log:
                builtins.print = _original
