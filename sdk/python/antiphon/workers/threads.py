"""Blocking libraries in async workers: each piece of work has a thread of its own, so that none waits for another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Return what `work` returns, from a thread of that name; raise what it raises.

    Where this is cancelled the thread goes on, and nobody hears of its end. It does not keep the process alive. Unlike
    the loop's own executor it takes any number of works that last long.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
            _tell(loop, done, error=error)
        else:
            _tell(loop, done, value=value)

    threading.Thread(target=run, name=f"antiphon-{name}", daemon=True).start()
    return await done


async def to_its_end(work: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[object]] | None = None) -> T:
    """Return what a short work returns. Where this is cancelled, the work comes to its end and is undone, if it can
    be."""
    doing = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        if doing.exception() is None and undo is not None:
            await undo(doing.result())
        raise


def _tell(
    loop: asyncio.AbstractEventLoop,
    done: "asyncio.Future[T]",
    value: T | None = None,
    error: BaseException | None = None,
) -> None:
    def settle() -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)  # type: ignore[arg-type]

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        # The loop is closed: there is nobody to tell.
        return
