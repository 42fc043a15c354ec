"""One body for sync and async tests. What a body yields is what it would await: a task's or a flow's call.

@kind.flow()
def body():
    result = yield some_task(1)
    return result
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from antiphon import Flow, Task, flow, task


@dataclass(frozen=True)
class Kind:
    """Makes sync or async functions, flows and tasks of bodies."""

    is_async: bool

    def function(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """`body` as a function of this kind; a generator function gets back what it yields, awaited if need be."""
        steps = inspect.isgeneratorfunction(body)

        @wraps(body)
        def sync(*args: Any, **kwargs: Any) -> Any:
            return _drive(body(*args, **kwargs)) if steps else body(*args, **kwargs)

        @wraps(body)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            return await _adrive(body(*args, **kwargs)) if steps else body(*args, **kwargs)

        return coroutine if self.is_async else sync

    def flow(self, **options: Any) -> Callable[[Callable[..., Any]], Flow[..., Any]]:
        return lambda body: flow(**options)(self.function(body)) if options else flow(self.function(body))

    def task(self, **options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
        return lambda body: task(**options)(self.function(body)) if options else task(self.function(body))

    def call(self, what: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls from outside of any event loop."""
        if not self.is_async:
            return what(*args, **kwargs)

        async def run() -> Any:
            return await what(*args, **kwargs)

        return asyncio.run(run())

    def pause(self, seconds: float) -> Any:
        """Sleep; to be yielded."""
        return asyncio.sleep(seconds) if self.is_async else time.sleep(seconds)

    def __str__(self) -> str:
        return "async" if self.is_async else "sync"


def _drive(body: Any) -> Any:
    value = None
    while True:
        try:
            value = body.send(value)
        except StopIteration as end:
            return end.value


async def _adrive(body: Any) -> Any:
    step, argument = body.send, None
    while True:
        try:
            value = step(argument)
        except StopIteration as end:
            return end.value
        try:
            step, argument = body.send, (await value if inspect.isawaitable(value) else value)
        except BaseException as error:  # noqa: BLE001 - the body's to handle
            step, argument = body.throw, error
