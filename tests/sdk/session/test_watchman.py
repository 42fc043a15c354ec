"""The thread that looks whether a server is there, with a channel that the test answers."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from antiphon.session.vigil import LOOK_AFTER, Vigil
from antiphon.session.watchman import SILENT, STOPPING, Watch, Watchman
from until import until


class Failure(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code


for _name in Failure.__abstractmethods__:
    setattr(Failure, _name, None)
Failure.__abstractmethods__ = frozenset()


class Channel:
    """Its one call ends as the test says, and counts."""

    def __init__(self) -> None:
        self.looks = 0
        self.answer: Callable[[], bytes] = bytes

    def unary_unary(self, method: str) -> Callable[..., bytes]:
        assert method == "/grpc.health.v1.Health/Check"

        def call(request: bytes, timeout: float) -> bytes:
            self.looks += 1
            return self.answer()

        return call


class Site:
    """A watch over a stream that awaits an answer, and what it was left for."""

    def __init__(self, watchman: Watchman) -> None:
        self.channel: Any = Channel()
        self.awaits = True
        self.left: list[str] = []
        # Ten times as fast, so that the test does not wait for what the vigil's own test has.
        self.vigil = Vigil(clock=lambda: time.monotonic() * 10)
        self.watch = Watch(self.vigil, self.channel, lambda: self.awaits, self.left.append, watchman.wake)


@pytest.fixture
def watchman() -> Iterator[Watchman]:
    running = Watchman("test-watch")
    yield running
    running.stop()
    if running._thread is not None:
        running._thread.join(10)
        assert not running._thread.is_alive()


def fail(code: grpc.StatusCode) -> Callable[[], bytes]:
    def answer() -> bytes:
        raise Failure(code)

    return answer


def test_a_server_that_does_not_answer_is_left_once(watchman: Watchman) -> None:
    site = Site(watchman)
    site.channel.answer = fail(grpc.StatusCode.DEADLINE_EXCEEDED)
    watchman.begin(site.watch)
    site.watch.said()
    until(lambda: bool(site.left))
    assert watchman.await_rest(10)
    assert (site.left, site.channel.looks) == ([SILENT], 1)


@pytest.mark.parametrize("code", [None, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE])
def test_any_other_answer_is_one(watchman: Watchman, code: grpc.StatusCode | None) -> None:
    site = Site(watchman)
    if code is not None:
        site.channel.answer = fail(code)
    watchman.begin(site.watch)
    site.watch.said()
    until(lambda: site.channel.looks >= 2)
    assert site.left == []


def test_who_is_to_leave_and_awaits_nothing_leaves(watchman: Watchman) -> None:
    site = Site(watchman)
    site.awaits = False
    watchman.begin(site.watch)
    site.watch.leave_soon()
    until(lambda: site.left == [STOPPING])
    assert site.channel.looks == 0


def test_a_fork_waits_for_a_look_under_way_and_none_begins_meanwhile(watchman: Watchman) -> None:
    site = Site(watchman)
    looking, answer = threading.Event(), threading.Event()

    def look() -> bytes:
        looking.set()
        answer.wait(10)
        return b""

    site.channel.answer = look
    watchman.begin(site.watch)
    site.watch.said()
    assert looking.wait(10)
    watchman.rest()
    assert not watchman.await_rest(0.05)
    answer.set()
    assert watchman.await_rest(10)
    site.watch.said()
    assert not threading.Event().wait(LOOK_AFTER / 2)
    assert site.channel.looks == 1


def test_a_channel_that_was_closed_ends_the_watch_and_not_the_thread(watchman: Watchman) -> None:
    def closed() -> bytes:
        raise ValueError("Cannot invoke RPC on closed channel!")

    first, second = Site(watchman), Site(watchman)
    first.channel.answer = closed
    watchman.begin(first.watch)
    first.watch.said()
    until(lambda: first.channel.looks == 1)
    assert watchman.await_rest(10)
    watchman.begin(second.watch)
    second.watch.said()
    until(lambda: second.channel.looks >= 1)
    assert first.left == second.left == []
