"""The two drivers: they do what engines ask for, one by blocking, one by awaiting."""

import asyncio
import logging
import queue
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate, iscoroutinefunction
from typing import Any
from weakref import WeakKeyDictionary

from antiphon.context import RunsAround
from antiphon.engine.effects import Ask, Await, Body, Call, Effect, Give, Life, NoMore, Outcome, Send
from antiphon.engine.ending import is_stop
from antiphon.engine.interrupts import Block, RunTimeout, awakened
from antiphon.engine.scopes import RunScope, in_loop, raise_if_stopped
from antiphon.exceptions import ServerError, ServerUnreachable, SessionLost, TerminationSignal
from antiphon.future_protocol import is_future
from antiphon.mailbox import Mailbox
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket
from antiphon.v1.transition_pb2 import Verdict

logger = logging.getLogger("antiphon.engine")

#: Who waits for room in the session, in each loop.
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

#: Something that calls back, from any thread, when it is done.
Waitable = Any


def drive(life: Life, session: Session | None) -> Any:
    """Runs an engine to its end in this thread and gives what it returns. One that sends nothing needs no session."""
    try:
        next(iterate(life, session))
    except StopIteration as end:
        return end.value
    raise RuntimeError("An engine gave something on, and nobody iterates.")


def drive_in_thread(life: Life, session: Session, *, isasync: bool) -> Any:
    """Runs an engine of either kind to its end in this thread; that of async code in a loop of its own."""
    return asyncio.run(adrive(life, session)) if isasync else drive(life, session)


def iterate(life: Life, session: Session | None) -> Generator[Any, Any, Any]:
    """The same for an engine that gives values on its way: yields them, and returns what it returns."""
    step: Callable[[Any], Effect] = life.send
    argument: Any = None
    while True:
        try:
            effect = step(argument)
            if isinstance(effect, Give):
                try:
                    step, argument = life.send, (yield effect.value)
                except GeneratorExit:
                    step, argument = life.throw, NoMore()
            else:
                step, argument = life.send, _perform(effect, session)
        except BaseException as error:
            if getgeneratorstate(life) == GEN_CLOSED:
                if isinstance(error, StopIteration):
                    return error.value
                argument = None  # it may be this very error, whose traceback holds this frame
                raise
            # What an interrupt raises may come at any step, here between the engine's effects too.
            step, argument = life.throw, error


async def adrive(life: Life, session: Session | None) -> Any:
    """The same on the running event loop. Sync code that it calls blocks the loop, as it does anywhere."""
    step: Callable[[Any], Effect] = life.send
    argument: Any = None
    while True:
        try:
            effect = step(argument)
            step, argument = life.send, await _aperform(effect, session)
        except BaseException as error:
            if getgeneratorstate(life) == GEN_CLOSED:
                if isinstance(error, StopIteration):
                    return error.value
                argument = None  # it may be this very error, whose traceback holds this frame
                raise
            # What an interrupt raises may come at any step, here between the engine's effects too.
            step, argument = life.throw, error


async def aiterate(life: Life, session: Session | None) -> AsyncGenerator[Any, Any]:
    """As `iterate` on the running event loop. What the engine returns is dropped, since async generators return
    nothing."""
    step: Callable[[Any], Effect] = life.send
    argument: Any = None
    while True:
        try:
            effect = step(argument)
            if isinstance(effect, Give):
                try:
                    step, argument = life.send, (yield effect.value)
                except GeneratorExit:
                    step, argument = life.throw, NoMore()
            else:
                step, argument = life.send, await _aperform(effect, session)
        except BaseException as error:
            if getgeneratorstate(life) == GEN_CLOSED:
                if isinstance(error, StopIteration):
                    return
                argument = None  # it may be this very error, whose traceback holds this frame
                raise
            step, argument = life.throw, error


def _perform(effect: Effect, session: Session | None) -> Any:
    if isinstance(effect, Call):
        return _call(effect)
    if isinstance(effect, Send):
        assert session is not None
        if not effect.wait:
            return send(session, effect.bodies)
        tickets = session.submit(*effect.bodies)
        if effect.scope is not None:
            _wait(tickets[-1:], effect.scope)
        return _answer(tickets, effect.scope)
    if isinstance(effect, Await):
        pending = [each for each in effect.futures if not _is_done(each)]
        return _wait(pending, effect.scope, effect.timeout) if pending or not effect.futures else None
    if isinstance(effect, Ask):
        return effect.function()
    raise TypeError(f"{effect!r} is for engines that somebody iterates over.")


def send(session: Session, bodies: tuple[Body, ...], *, urgent: bool = False, blocking: bool = True) -> None:
    """Sends frames whose answer nobody waits for."""
    for ticket in session.submit(*bodies, urgent=urgent, blocking=blocking):
        ticket.add_done_callback(report_refusal)


def report_refusal(ticket: Ticket) -> None:
    """A callback for tickets that nobody waits for."""
    try:
        ticket.result()
    except (SessionLost, ServerUnreachable):
        # The session says so itself, and those who wait hear it.
        return
    except ServerError as error:
        if error.reason != "SESSION_CLOSED":
            logger.error("The server refused a %s, which nobody waited for: %s", type(ticket.body).__name__, error)


def _answer(tickets: list[Ticket], scope: RunScope | None) -> Verdict | None:
    """The last one's, which comes after the others'. Where a frame was refused, so are those that build on it: the
    first refusal says why, or what has stopped the run."""
    try:
        return tickets[-1].result()
    except ServerError:
        raise_if_stopped(scope)
        for ticket in tickets:
            if ticket.done():
                ticket.result()
        raise


async def _aperform(effect: Effect, session: Session | None) -> Any:
    if isinstance(effect, Call):
        return await _acall(effect) if iscoroutinefunction(effect.function) else _call(effect)
    if isinstance(effect, Send):
        assert session is not None
        if not effect.wait:
            # Without waiting for room either: a coroutine that is being closed cannot.
            return send(session, effect.bodies, blocking=False)
        await _room(session)
        tickets = session.submit(*effect.bodies, blocking=False)
        await _await(tickets[-1:], effect.scope)
        return _answer(tickets, effect.scope)
    if isinstance(effect, Await):
        pending = [each for each in effect.futures if not _is_done(each)]
        return await _await(pending, effect.scope, effect.timeout) if pending or not effect.futures else None
    if isinstance(effect, Ask):
        return await asyncio.to_thread(effect.function)
    raise TypeError(f"{effect!r} is for engines that somebody iterates over.")


async def _room(session: Session) -> None:
    """Waits, without blocking the loop, until the session has room for more frames."""
    if session.has_room:
        return
    loop = asyncio.get_running_loop()
    # One after the other: room that comes is not room for all who wait.
    async with _turns.setdefault(loop, asyncio.Lock()):
        while not session.has_room:
            changed = asyncio.Event()
            session.call_when_room(partial(in_loop, loop, changed.set))
            await changed.wait()


def _call(effect: Call) -> Outcome:
    outcome = Outcome()
    block = Block(effect.timeout)
    try:
        # An interrupt of a run around this one may come as a context is left.
        with RunsAround(), ExitStack() as stack:
            for context in effect.contexts:
                stack.enter_context(context)
            block.run(partial(_call_in_block, effect, block, outcome))
    except BaseException as error:  # noqa: BLE001 - the outcome carries it
        outcome.error = error
        outcome.timed_out = block.timed_out and not block.outer_timed_out and isinstance(error, RunTimeout)
        outcome.stopped = is_stop(error, effect.scope)
    return outcome


def _call_in_block(effect: Call, block: Block, outcome: Outcome) -> None:
    function = effect.function
    if iscoroutinefunction(function):
        function = _in_a_loop(function)
    with effect.scope.stopped_by(block.interrupt), effect.opening:
        outcome.value = function(*effect.args, **effect.kwargs)


def _in_a_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function as a function that blocks until it is done."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    def run_in_thread(*args: Any, **kwargs: Any) -> Any:
        with ThreadPoolExecutor(1, thread_name_prefix="antiphon-loop") as executor:
            return executor.submit(copy_context().run, run, *args, **kwargs).result()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run
    return run_in_thread


async def _acall(effect: Call) -> Outcome:
    outcome = Outcome()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    inside, cancels = True, 0

    def cancel() -> None:
        nonlocal cancels
        # User code that has ended since must not take the engine with it.
        if inside:
            cancels += 1
            task.cancel()

    limit = asyncio.timeout(effect.timeout)
    try:
        with effect.scope.stopped_by(lambda _: (loop, cancel)), ExitStack() as stack:
            for context in (*effect.contexts, effect.opening):
                stack.enter_context(context)
            async with limit:
                outcome.value = await effect.function(*effect.args, **effect.kwargs)
    except BaseException as error:  # noqa: BLE001 - the outcome carries it
        outcome.error = error
        outcome.timed_out = isinstance(error, TimeoutError) and limit.expired()
        outcome.stopped = is_stop(error, effect.scope)
        if effect.scope.signal is TerminationSignal and isinstance(error, asyncio.CancelledError):
            # That is how a coroutine hears of it.
            outcome.error = TerminationSignal()
    finally:
        inside = False
        for _ in range(cancels):
            task.uncancel()
    return outcome


def _wait(pending: list[Waitable], scope: RunScope, timeout: float | None = None) -> None:
    """Blocks until all are done or time is up; raises the scope's signal if it is stopped before."""
    done: Mailbox[Waitable | None] = Mailbox()
    deadline = None if timeout is None else time.monotonic() + timeout
    for each in pending:
        each.add_done_callback(done.put)
    with scope.stopped_by(lambda _: done.put(None)), awakened(lambda: done.put(None)):
        left = len(pending) if pending or timeout is None else 1
        try:
            while left:
                patience = None if deadline is None else max(deadline - time.monotonic(), 0)
                if done.get(timeout=patience) is None:
                    break
                left -= 1
        except queue.Empty:
            return
    if scope.signal is not None and not (pending and all(map(_is_done, pending))):
        raise scope.signal()


async def _await(pending: list[Waitable], scope: RunScope | None, timeout: float | None = None) -> None:
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

    if not pending and timeout is None:
        return
    for each in pending:
        each.add_done_callback(lambda it: in_loop(loop, count, it))
    timer = loop.call_later(timeout, finish) if timeout is not None else None
    try:
        if scope is None:
            await over
            return
        with scope.stopped_by(lambda _: (loop, finish)):
            await over
    finally:
        if timer is not None:
            timer.cancel()
    if scope.signal is not None and not (pending and all(map(_is_done, pending))):
        raise scope.signal()


def _is_done(waitable: Waitable) -> bool:
    if is_future(waitable) and not hasattr(waitable, "done"):
        return waitable.state.is_final()  # somebody else's
    return bool(waitable.done())
