"""Blocking work in threads of its own."""

import asyncio
import threading

import pytest

from antiphon.workers.threads import in_thread
from in_loop import in_loop


@in_loop
async def test_many_wait_at_once() -> None:
    """More than the loop's own executor has threads for."""
    all_here = threading.Barrier(100, timeout=30)
    await asyncio.gather(*(in_thread("test", all_here.wait) for _ in range(100)))


@in_loop
async def test_errors_are_raised_where_it_is_waited() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread("test", lambda: 1 // 0)


def test_an_end_after_that_of_the_loop_is_nobodys() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(30)
        ended.set()

    async def cancelled() -> None:
        task = asyncio.ensure_future(in_thread("late", work))
        await asyncio.wait([task], timeout=0)
        task.cancel()

    asyncio.run(cancelled())
    (thread,) = [each for each in threading.enumerate() if each.name == "antiphon-late"]
    go_on.set()
    thread.join(30)
    assert ended.is_set() and not thread.is_alive()
