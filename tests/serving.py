"""A task worker in a thread of the test process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from antiphon.task_worker import TaskWorker

PATIENCE = 30.0


@contextmanager
def serving(*tasks: Any, limit: int | None = 10) -> Iterator[TaskWorker]:
    """Inside, these tasks are served. At the end the worker has ended, with all that it ran."""
    made: list[TaskWorker] = []
    started = threading.Event()
    errors: list[BaseException] = []

    async def live() -> None:
        worker = TaskWorker(*tasks, limit=limit)
        made.append(worker)
        async with worker:
            started.set()
            await worker._stop.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)
            started.set()

    thread = threading.Thread(target=copy_context().run, args=(run,))
    thread.start()
    assert started.wait(PATIENCE)
    try:
        yield made[0]
    finally:
        if made[0].started:
            made[0].stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
