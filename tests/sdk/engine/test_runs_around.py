"""Whatever step an interrupt comes at, code is part of the run that it was part of before."""

import random
import threading
from collections.abc import Callable
from functools import partial

import pytest

from antiphon.context import FlowRunContext
from antiphon.engine.drivers import drive
from antiphon.engine.effects import Call, Life
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import RunCancelled
from interrupting import Place

ROUNDS = 300
pytestmark = pytest.mark.usefixtures("restless")


def context() -> FlowRunContext:
    return FlowRunContext(flow=None, flow_run_id="", flow_run_name="")


def call_until_stopped(
    scope: RunScope, run: FlowRunContext, function: Callable[[], object] = int, begun: threading.Event | None = None
) -> Life:
    """An engine that calls code again and again."""
    while True:
        if begun is not None:
            begun.set()
        outcome = yield Call(function, (), {}, scope, (run,))
        if outcome.stopped:
            return


def stop_soon(scope: RunScope, begun: threading.Event) -> threading.Thread:
    """From another thread, a few calls after it has begun."""
    steps = random.randrange(2000)

    def stop() -> None:
        begun.wait()
        for _ in range(steps):
            pass
        scope.stop(RunCancelled, "")

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_no_interrupt_leaves_a_run_behind(place: Place) -> None:
    def rounds() -> None:
        for _ in range(ROUNDS):
            scope, begun = RunScope(), threading.Event()
            stopping = stop_soon(scope, begun)
            drive(call_until_stopped(scope, context(), begun=begun), None)
            stopping.join()
            assert FlowRunContext.get() is None

    place(rounds)


def inside(around: RunScope, begun: threading.Event, seen: list[FlowRunContext | None]) -> None:
    """A run's code that calls another run, which is stopped with it; it sees in which run it goes on."""
    try:
        drive(call_until_stopped(RunScope(around), context(), begun=begun), None)
    finally:
        seen.append(FlowRunContext.get())


def test_nor_does_one_of_a_run_around(place: Place) -> None:
    """It comes while the run inside is entered and left too."""

    def rounds() -> None:
        for _ in range(ROUNDS):
            outer, run, begun = RunScope(), context(), threading.Event()
            seen: list[FlowRunContext | None] = []

            body = partial(inside, outer, begun, seen)
            stopping = stop_soon(outer, begun)
            drive(call_until_stopped(outer, run, body), None)
            stopping.join()
            assert all(each is run for each in seen)
            assert FlowRunContext.get() is None

    place(rounds)
