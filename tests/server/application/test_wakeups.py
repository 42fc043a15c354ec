"""When somebody looks for work, and when an offer lapses."""

import asyncio

import pytest

from antiphon_server.application import offers, wakeups
from antiphon_server.application.offers import Offers
from antiphon_server.application.wakeups import Wakeups

PATIENCE = 20.0


def test_what_stirs_is_looked_at_once() -> None:
    async def use() -> None:
        keys = Wakeups(lambda: 0)
        keys.stir("a")
        keys.stir("b")
        await asyncio.wait_for(keys.wait(), PATIENCE)
        assert list(keys.stirred) == ["a", "b"]
        keys.settle("a")
        assert list(keys.stirred) == ["b"]
        keys.wake()
        await asyncio.wait_for(keys.wait(), PATIENCE)
        assert list(keys.stirred) == ["b"]

    asyncio.run(use())


def test_what_is_due_later_stirs_then_and_the_soonest_counts() -> None:
    async def use() -> None:
        keys = Wakeups(lambda: 1_000_000)
        keys.expect("past", 999_999)
        assert list(keys.stirred) == ["past"]
        keys.settle("past")
        keys.expect("a", 3_600_000_000)
        keys.expect("a", 1_010_000)
        keys.expect("a", 7_200_000_000)
        await asyncio.wait_for(keys.wait(), PATIENCE)  # Of the past one.
        await asyncio.wait_for(keys.wait(), PATIENCE)
        assert list(keys.stirred) == ["a"]
        keys.stop()

    asyncio.run(use())


def test_a_clock_that_is_put_forward_or_jumps_strands_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "LONGEST_TIMER", 0.01)

    async def use() -> None:
        keys = Wakeups(lambda: 0)
        keys.expect("far", 3_600_000_000)
        await asyncio.wait_for(keys.wait(), PATIENCE)
        assert list(keys.stirred) == ["far"], "it looks, and finds that it is too soon"
        keys.settle("far")
        monkeypatch.setattr(wakeups, "LONGEST_TIMER", 3600.0)
        keys.expect("far", 3_600_000_000)
        keys.expect("gone", 3_600_000_000)
        keys.forget("gone")
        keys.clock_moved()
        assert list(keys.stirred) == ["far"]
        keys.stop()

    asyncio.run(use())


def test_offers_lapse_in_turn_unless_they_are_answered_or_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFER", 0.02)

    async def use() -> list[tuple[str, str]]:
        lapsed: list[tuple[str, str]] = []
        last = asyncio.Event()

        def note(what: str, whose: str) -> None:
            lapsed.append((what, whose))
            if what == "last":
                last.set()

        open_ones: Offers[str, str] = Offers(note)
        for what, whose in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "x")):
            open_ones.add(what, whose)
        open_ones.answered("b")
        open_ones.drop("y")
        await asyncio.sleep(0)
        open_ones.add("last", "z")
        await asyncio.wait_for(last.wait(), PATIENCE)
        open_ones.stop()
        return lapsed

    assert asyncio.run(use()) == [("a", "x"), ("d", "x"), ("last", "z")]
