"""The call of a run's code. Where that yields, what it gives on its way goes to whoever iterates, or into a list."""

import time
from collections.abc import Callable, Iterator
from inspect import isgenerator
from typing import Any

from antiphon.engine.effects import Call, Give, Life, NoMore, Outcome

#: Makes the effect that calls a function, as the run's code is called: function, arguments, seconds that are left.
Calling = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any], float | None], Call]


def outcome_of(decorated: Any, calling: Calling, call: Call, *, gathers: bool = False) -> Life:
    """An engine's part: does the call of a flow's or task's function, of any kind, and gives its Outcome at its end."""
    if decorated.isgenerator:
        return (yield from _iterated(calling, call, gathers=gathers))
    return (yield from _listed_where_lazy(calling, call, isasync=decorated.isasync))


def _iterated(calling: Calling, call: Call, *, gathers: bool) -> Life:
    """Does the call of a generator function. Each value is given on; with `gathers` the outcome's value is the list of
    all instead."""
    source = _Source(call.function(*call.args, **call.kwargs))
    gathered: list[Any] = []
    step, argument, left = source.send, None, call.timeout
    while True:
        began = time.monotonic()
        outcome: Outcome = yield calling(step, (argument,), {}, left)
        if left is not None:
            # What the iterating code takes is not this run's time.
            left = max(left - (time.monotonic() - began), 0.001)
        error = outcome.error
        if isinstance(error, _End):
            return Outcome(gathered if gathers else error.value)
        if error is not None:
            return outcome
        if gathers:
            gathered.append(outcome.value)
            step, argument = source.send, None
            continue
        try:
            step, argument = source.send, (yield Give(outcome.value))
        except NoMore:
            # Nobody wants more, which is no failure.
            outcome = yield calling(source.close, (), {}, left)
            return Outcome() if outcome.error is None else outcome
        except BaseException as thrown:  # noqa: BLE001 - it belongs to the code that yields
            step, argument = source.throw, thrown


def _listed_where_lazy(calling: Calling, call: Call, *, isasync: bool) -> Life:
    """Does the call of a function. A generator that it returns cannot be kept nor sent, so that becomes the list of
    what it yields, as part of the run's code."""
    outcome: Outcome = yield call
    if not isgenerator(outcome.value):
        return outcome
    return (yield calling(_alist if isasync else list, (outcome.value,), {}, call.timeout))


async def _alist(values: Iterator[Any]) -> list[Any]:
    return list(values)


class _End(Exception):
    """The code that yields has returned."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _Source:
    """A generator of either kind behind functions that can be called as a run's code."""

    send: Callable[[Any], Any]
    throw: Callable[[BaseException], Any]
    close: Callable[[], Any]

    def __init__(self, generator: Any) -> None:
        if hasattr(generator, "asend"):
            self.send = _ended_async(generator.asend)
            self.throw = _ended_async(generator.athrow)
            self.close = _closed_async(generator)
        else:
            self.send = _ended(generator.send)
            self.throw = _ended(generator.throw)
            self.close = generator.close


def _ended(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def move(argument: Any) -> Any:
        try:
            return step(argument)
        except StopIteration as end:
            raise _End(end.value) from None

    return move


def _ended_async(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def move(argument: Any) -> Any:
        try:
            return await step(argument)
        except StopAsyncIteration:
            raise _End(None) from None

    return move


def _closed_async(generator: Any) -> Callable[[], Any]:
    async def close() -> None:
        await generator.aclose()

    return close
