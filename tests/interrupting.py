"""Code to interrupt, and places where it runs."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from antiphon.engine.interrupts import Block, RunTimeout
from antiphon.exceptions import RunCancelled

#: Seconds that nothing here should take; a hung test says so itself.
LONG = 30.0

Place = Callable[[Callable[[], Any]], Any]


def on_main_thread(function: Callable[[], Any]) -> Any:
    return function()


def on_another_thread(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def compute() -> None:
    """Pure Python that does not end."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


def compute_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < end


def timed_out(inner: Block) -> tuple[bool, bool]:
    """What is known of an inner block as it has ended: whether its own limit ran out, and one around it."""
    try:
        inner.run(compute)
    except RunTimeout:
        return inner.timed_out, inner.outer_timed_out
    return False, False


def interrupted_soon(block: Block, kind: type[Any] = RunCancelled) -> None:
    """Has another thread interrupt the block, as soon as it is active."""

    def interrupt() -> None:
        compute_until(lambda: block.active or block.due is not None)
        block.interrupt(kind)

    threading.Thread(target=interrupt, daemon=True).start()
