"""Stopping runs: who is told, in which order, and in which event loop."""

import asyncio
import threading
from typing import Any

import pytest

from antiphon.engine.scopes import RunScope, in_loop
from antiphon.exceptions import AntiphonSignal, RunCancelled, RunRevoked


class Told:
    """Stoppers that note what they are told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, type[AntiphonSignal]]] = []

    def stopper(self, name: str) -> Any:
        def stop(signal: type[AntiphonSignal]) -> None:
            self.calls.append((name, signal))

        return stop


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_waits_in_a_scope_is_told(told: Told) -> None:
    scope = RunScope()
    with scope.stopped_by(told.stopper("a")), scope.stopped_by(told.stopper("b")):
        scope.stop(RunCancelled, "why not")
    assert told.calls == [("a", RunCancelled), ("b", RunCancelled)]
    assert scope.signal is RunCancelled
    assert scope.reason == "why not"


def test_only_the_first_stop_counts(told: Told) -> None:
    scope = RunScope()
    with scope.stopped_by(told.stopper("a")):
        scope.stop(RunRevoked, "first")
        scope.stop(RunCancelled, "second")
    assert told.calls == [("a", RunRevoked)]
    assert scope.reason == "first"


def test_what_has_left_is_not_told(told: Told) -> None:
    scope = RunScope()
    with scope.stopped_by(told.stopper("a")):
        pass
    scope.stop(RunCancelled, "")
    assert told.calls == []


def test_what_begins_to_wait_later_is_told_at_once(told: Told) -> None:
    scope = RunScope()
    scope.stop(RunCancelled, "")
    with scope.stopped_by(told.stopper("late")):
        assert told.calls == [("late", RunCancelled)]


def test_the_innermost_runs_are_told_first(told: Told) -> None:
    root = RunScope()
    child = RunScope(root)
    grandchild = RunScope(child)
    with (
        root.stopped_by(told.stopper("root")),
        child.stopped_by(told.stopper("child")),
        grandchild.stopped_by(told.stopper("grandchild")),
    ):
        root.stop(RunCancelled, "all")
    assert [name for name, _ in told.calls] == ["grandchild", "child", "root"]
    assert grandchild.signal is RunCancelled
    assert grandchild.reason == "all"


def test_children_stop_alone(told: Told) -> None:
    root = RunScope()
    child = RunScope(root)
    with root.stopped_by(told.stopper("root")), child.stopped_by(told.stopper("child")):
        root.stop_children(RunCancelled, "early")
    assert told.calls == [("child", RunCancelled)]
    assert root.signal is None


def test_a_run_below_a_stopped_one_begins_stopped() -> None:
    root = RunScope()
    root.stop(RunRevoked, "gone")
    child = RunScope(root)
    assert child.signal is RunRevoked
    assert child.reason == "gone"


def test_a_stopped_child_leaves_its_parent_alone() -> None:
    root = RunScope()
    RunScope(root).stop(RunCancelled, "")
    assert root.signal is None


def test_a_released_scope_is_forgotten(told: Told) -> None:
    root = RunScope()
    child = RunScope(root)
    root.release(child)
    root.release(child)
    with child.stopped_by(told.stopper("child")):
        root.stop(RunCancelled, "")
    assert told.calls == []
    assert root._children == {}


def test_a_stopper_that_raises_leaves_nothing_behind() -> None:
    """A block that is interrupted in its own thread raises right here."""

    def interrupt(signal: type[AntiphonSignal]) -> None:
        raise signal

    scope = RunScope()
    scope.stop(RunCancelled, "")
    with pytest.raises(RunCancelled), scope.stopped_by(interrupt):
        pytest.fail("the block was entered")
    assert scope._stoppers == []


def test_from_many_threads_each_is_told_once(told: Told) -> None:
    scope = RunScope()
    begin = threading.Barrier(8)

    def stop() -> None:
        begin.wait()
        scope.stop(RunCancelled, "")

    threads = [threading.Thread(target=stop) for _ in range(8)]
    with scope.stopped_by(told.stopper("a")):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told.calls == [("a", RunCancelled)]


def test_all_that_stops_in_one_loop_stops_in_one_step_of_it() -> None:
    """A coroutine that stands in two scopes would otherwise be cancelled a second time as it cleans up."""
    steps: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        root = RunScope()
        child = RunScope(root)
        with (
            root.stopped_by(lambda _: (loop, lambda: steps.append("root"))),
            child.stopped_by(lambda _: (loop, lambda: steps.append("child"))),
        ):
            stopping = threading.Thread(target=root.stop, args=(RunCancelled, ""))
            stopping.start()
            stopping.join()
            assert steps == []
            await asyncio.sleep(0)
            assert steps == ["child", "root"]

    asyncio.run(run())


def test_a_closed_loop_is_no_error(told: Told) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    in_loop(loop, print)
    scope = RunScope()
    with scope.stopped_by(lambda _: (loop, print)), scope.stopped_by(told.stopper("other")):
        scope.stop(RunCancelled, "")
    assert told.calls == [("other", RunCancelled)]
