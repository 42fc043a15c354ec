"""The timer of slots that are free again by themselves: set for the soonest, and never stranded."""

import asyncio
from collections.abc import Callable
from typing import Any

from antiphon_server.application.deadlines import ReclaimSlots
from antiphon_server.domain.errors import Unavailable
from antiphon_server.services import slot_expiry
from antiphon_server.services.slot_expiry import SlotExpiry
from antiphon_server.storage.working_set import Changes


class PlayedCore:
    """Answers each round by `answers`; `asked` is set at each one."""

    def __init__(self, answers: list[Any]) -> None:
        self.now = 0
        self.answers = answers
        self.rounds = 0
        self.asked = asyncio.Event()
        self.listeners: list[Callable[[Changes], None]] = []

    def clock(self) -> int:
        return self.now

    def listen(self, listener: Callable[[Changes], None]) -> None:
        self.listeners.append(listener)

    def submit(self, operation: Any, done: Callable[[Any], None]) -> None:
        assert isinstance(operation, ReclaimSlots)
        self.rounds += 1
        self.asked.set()
        if self.answers:
            done(self.answers.pop(0))

    def change(self, expiry: int | None) -> None:
        for listener in self.listeners:
            listener(Changes(slot_expiry=expiry))

    async def next_round(self) -> None:
        self.asked.clear()
        await asyncio.wait_for(self.asked.wait(), 20)


def play(answers: list[Any], story: Callable[[PlayedCore, SlotExpiry], Any]) -> PlayedCore:
    async def told() -> PlayedCore:
        core = PlayedCore(answers)
        expiry = SlotExpiry(core)  # type: ignore[arg-type]
        await story(core, expiry)
        expiry.stop()
        return core

    return asyncio.run(told())


def test_it_looks_at_once_for_what_expired_before() -> None:
    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()

    assert play([None], story).rounds == 1


def test_each_round_sets_the_timer_for_the_next() -> None:
    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()
        await core.next_round()

    assert play([1000, None], story).rounds == 2


def test_a_sooner_expiry_is_heard_of() -> None:
    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()
        core.change(None)
        core.change(50_000_000)
        assert core.rounds == 1
        core.change(1000)
        await core.next_round()

    assert play([60_000_000, None], story).rounds == 2


def test_a_later_one_changes_nothing() -> None:
    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()
        core.change(60_000_000)
        await core.next_round()

    assert play([1000, None], story).rounds == 2


def test_a_round_that_failed_is_tried_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(slot_expiry, "RETRY_AFTER", 0.001)

    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()
        await core.next_round()

    assert play([Unavailable("DISK_FULL", "the disk is full"), None], story).rounds == 2


def test_a_clock_that_was_set_back_strands_nobody(monkeypatch: Any) -> None:
    monkeypatch.setattr(slot_expiry, "LONGEST_TIMER", 0.001)

    async def story(core: PlayedCore, expiry: SlotExpiry) -> None:
        expiry.look()
        await core.next_round()

    assert play([10**15, None], story).rounds == 2
