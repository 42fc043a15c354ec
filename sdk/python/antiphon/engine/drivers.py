"""The two drivers: they do what engines ask for, one by blocking, one by awaiting."""

import asyncio
import queue
from collections.abc import Callable
from contextlib import ExitStack
from inspect import iscoroutinefunction
from typing import Any, assert_never

from antiphon.engine.effects import Await, Call, Effect, Life, Outcome, Send
from antiphon.engine.interrupts import RunTimeout, interruptible
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonSignal
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket

#: Something that calls back, from any thread, when it is done.
Waitable = Any


def drive(life: Life, session: Session) -> Any:
    """Runs an engine to its end in this thread and gives what it returns."""
    try:
        effect = next(life)
        while True:
            try:
                result = _perform(effect, session)
            except BaseException as error:  # noqa: BLE001 - the engine decides what an error means
                effect = life.throw(error)
            else:
                effect = life.send(result)
    except StopIteration as end:
        return end.value


async def adrive(life: Life, session: Session) -> Any:
    """The same on the running event loop. Sync code that it calls blocks the loop, as it does anywhere."""
    try:
        effect = next(life)
        while True:
            try:
                result = await _aperform(effect, session)
            except BaseException as error:  # noqa: BLE001 - the engine decides what an error means
                effect = life.throw(error)
            else:
                effect = life.send(result)
    except StopIteration as end:
        return end.value


def _perform(effect: Effect, session: Session) -> Any:
    if isinstance(effect, Call):
        return _call(effect)
    if isinstance(effect, Send):
        tickets = session.submit(*effect.bodies, urgent=effect.wait)
        if not effect.wait:
            return None
        ticket = tickets[-1]
        if effect.scope is not None:
            _wait([ticket], effect.scope)
        return ticket.result()
    if isinstance(effect, Await):
        return _wait([each for each in effect.futures if not each.state.is_final()], effect.scope)
    assert_never(effect)


async def _aperform(effect: Effect, session: Session) -> Any:
    if isinstance(effect, Call):
        return await _acall(effect) if iscoroutinefunction(effect.function) else _call(effect)
    if isinstance(effect, Send):
        tickets = session.submit(*effect.bodies, urgent=effect.wait)
        if not effect.wait:
            return None
        ticket = tickets[-1]
        await _await([ticket], effect.scope)
        return ticket.result()
    if isinstance(effect, Await):
        return await _await([each for each in effect.futures if not each.state.is_final()], effect.scope)
    assert_never(effect)


def _call(effect: Call) -> Outcome:
    outcome = Outcome()
    function: Callable[..., Any] = effect.function
    if iscoroutinefunction(function):
        function = _in_a_loop(function)
    block = None
    try:
        with (
            interruptible(effect.timeout) as block,
            effect.scope.stopped_by(block.interrupt),
            ExitStack() as stack,
        ):
            for context in effect.contexts:
                stack.enter_context(context)
            outcome.value = function(*effect.args, **effect.kwargs)
    except BaseException as error:  # noqa: BLE001 - the outcome carries it
        outcome.error = error
        outcome.timed_out = block is not None and block.timed_out and isinstance(error, RunTimeout)
        outcome.stopped = effect.scope.signal is not None and isinstance(error, AntiphonSignal)
    return outcome


def _in_a_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    return run


async def _acall(effect: Call) -> Outcome:
    outcome = Outcome()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    inside = True

    def cancel() -> None:
        # User code that has ended since must not take the engine with it.
        if inside:
            task.cancel()

    limit = asyncio.timeout(effect.timeout)
    try:
        with effect.scope.stopped_by(lambda _: loop.call_soon_threadsafe(cancel)), ExitStack() as stack:
            for context in effect.contexts:
                stack.enter_context(context)
            async with limit:
                outcome.value = await effect.function(*effect.args, **effect.kwargs)
    except BaseException as error:  # noqa: BLE001 - the outcome carries it
        outcome.error = error
        outcome.timed_out = isinstance(error, TimeoutError) and limit.expired()
        if effect.scope.signal is not None and isinstance(error, asyncio.CancelledError):
            task.uncancel()
            outcome.stopped = True
        elif effect.scope.signal is not None and isinstance(error, AntiphonSignal):
            outcome.stopped = True
    finally:
        inside = False
    return outcome


def _wait(pending: list[Waitable], scope: RunScope) -> None:
    """Blocks until all are done; raises the scope's signal if it is stopped before."""
    done: queue.SimpleQueue[Waitable | None] = queue.SimpleQueue()
    for each in pending:
        each.add_done_callback(done.put)
    with scope.stopped_by(lambda _: done.put(None)):
        for _ in pending:
            if done.get() is None:
                break
    if scope.signal is not None and not all(map(_is_done, pending)):
        raise scope.signal()


async def _await(pending: list[Waitable], scope: RunScope | None) -> None:
    """The same without blocking the loop."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    left = len(pending)

    def count(_: Waitable) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            finish()

    def finish() -> None:
        if not over.done():
            over.set_result(None)

    if not pending:
        return
    for each in pending:
        each.add_done_callback(lambda it: loop.call_soon_threadsafe(count, it))
    if scope is None:
        await over
        return
    with scope.stopped_by(lambda _: loop.call_soon_threadsafe(finish)):
        await over
    if scope.signal is not None and not all(map(_is_done, pending)):
        raise scope.signal()


def _is_done(waitable: Waitable) -> bool:
    return bool(waitable.done() if isinstance(waitable, Ticket) else waitable.state.is_final())
