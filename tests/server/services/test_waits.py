"""Timers of proposals that wait, with a core that a test plays."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from antiphon.v1 import state_pb2, transition_pb2
from antiphon_server.application.core import Changes
from antiphon_server.application.operations import EndWait
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import ResourceExhausted
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import VerdictKind
from antiphon_server.services import waits
from antiphon_server.services.waits import Waits
from antiphon_server.storage.working_set import FinalVerdict

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
HERE = "session"
FINAL = FinalVerdict(HERE, 7, "t", Verdict("t", VerdictKind.ACCEPT, None, "", (), None, 1, 1))
PUSHED = (FINAL.session_id, FINAL.sequence, FINAL.answer)


class PlayedCore:
    """Takes operations in and answers when the test says so; `waits` has what Waits pushed."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: asyncio.Queue[tuple[EndWait, Callable[[Any], None]]] = asyncio.Queue()
        self.pushed: list[tuple[str, int, Any]] = []
        self.waits = Waits(self, lambda *told: self.pushed.append(told), lambda id: id == HERE)  # type: ignore[arg-type]

    def clock(self) -> int:
        return self.now

    def listen(self, listener: Callable[[Changes], None]) -> None:
        self.commit = listener

    def submit(self, operation: EndWait, done: Callable[[Any], None]) -> None:
        self.asked.put_nowait((operation, done))

    async def next(self) -> tuple[EndWait, Callable[[Any], None]]:
        return await asyncio.wait_for(self.asked.get(), 20)


def row(id: str, until: int | None, run: str = "run") -> dict[str, Any]:
    proposal = transition_pb2.Proposal(
        transition_id=id, flow_run_id=run, state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
    )
    return {"transition_id": id, "run_id": run, "until_time": until, "proposal": proposal.SerializeToString()}


def play(test: Callable[[PlayedCore], Any]) -> None:
    async def run() -> None:
        core = PlayedCore()
        await test(core)
        core.waits.stop()

    asyncio.run(run())


def test_a_wait_ends_when_its_time_has_come() -> None:
    async def test(core: PlayedCore) -> None:
        core.commit(Changes(waits=[row("later", NOW + 50 * SECOND), row("now", NOW)]))
        operation, done = await core.next()
        assert operation == EndWait("now", RunKind.FLOW_RUN, "run")
        done(None)
        assert (core.pushed, core.asked.empty()) == ([], True), "the verdict comes with the changes"

    play(test)


def test_final_verdicts_are_pushed_behind_the_answers_of_their_commit() -> None:
    async def test(core: PlayedCore) -> None:
        core.commit(Changes(waits=[row("a", NOW + 50 * SECOND)], ended_waits=[("a", "run")], final_verdicts=[FINAL]))
        assert core.pushed == [], "the answer to the proposal itself, WAIT, is not given yet"
        await asyncio.sleep(0)
        assert core.pushed == [PUSHED]

    play(test)


def test_a_wait_for_a_slot_has_no_timer_but_ends_when_its_run_moves() -> None:
    async def test(core: PlayedCore) -> None:
        core.waits.add(row("a", None))
        assert core.waits._timers == {"a": None}
        core.commit(Changes(runs={(RunKind.FLOW_RUN, "run"): "run"}))
        assert (await core.next())[0].transition_id == "a"

    play(test)


def test_a_wait_ends_when_its_run_moves() -> None:
    async def test(core: PlayedCore) -> None:
        for each in (row("a", NOW + 50 * SECOND), row("b", NOW + 50 * SECOND), row("c", NOW + 50 * SECOND, "other")):
            core.waits.add(each)
        core.commit(Changes(runs={(RunKind.FLOW_RUN, "run"): "run"}))
        assert [(await core.next())[0].transition_id for _ in range(2)] == ["a", "b"]
        core.commit(Changes(runs={(RunKind.FLOW_RUN, "run"): "run"}))
        assert core.asked.empty(), "what is being decided is not asked for twice"

    play(test)


def test_one_whose_final_verdict_moved_its_run_is_not_asked_for_again() -> None:
    """Each slot that is handed over would cost the writer another transaction."""

    async def test(core: PlayedCore) -> None:
        for each in ("a", "b"):
            core.waits.add(row(each, None))
        core.commit(
            Changes(runs={(RunKind.FLOW_RUN, "run"): "run"}, ended_waits=[("a", "run")], final_verdicts=[FINAL])
        )
        assert [core.asked.get_nowait()[0].transition_id for _ in range(core.asked.qsize())] == ["b"]

    play(test)


def test_one_that_waits_since_this_very_commit_is_not_asked_for_because_of_it() -> None:
    async def test(core: PlayedCore) -> None:
        core.commit(Changes(runs={(RunKind.FLOW_RUN, "run"): "run"}, waits=[row("a", NOW + 50 * SECOND)]))
        assert core.asked.empty()

    play(test)


def test_one_that_is_forgotten_leaves_nothing_behind() -> None:
    async def test(core: PlayedCore) -> None:
        core.commit(Changes(waits=[row("a", NOW + 50 * SECOND), row("b", NOW + 50 * SECOND)]))
        core.commit(Changes(ended_waits=[("a", "run"), ("unknown", "run")]))
        assert (list(core.waits._timers), core.waits._of_run) == (["b"], {"run": {"b": RunKind.FLOW_RUN}})
        core.commit(Changes(ended_waits=[("b", "run")]))
        assert (core.waits._timers, core.waits._of_run, core.asked.empty()) == ({}, {}, True)

    play(test)


def test_a_wait_that_cannot_be_decided_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "RETRY_AFTER", 1000)

    async def test(core: PlayedCore) -> None:
        core.waits.add(row("a", NOW))
        for _ in range(2):
            operation, done = await core.next()
            assert operation.transition_id == "a"
            done(ResourceExhausted("STORAGE_FULL", "the disk is full"))
        assert core.pushed == []
        _, done = await core.next()
        done(None)  # Decided meanwhile, by somebody who asked.
        assert (core.pushed, core.asked.empty()) == ([], True)

    play(test)


def test_a_clock_that_jumps_strands_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "LONGEST_TIMER", 0.01)

    async def test(core: PlayedCore) -> None:
        core.waits.add(row("a", NOW + 10_000_000 * SECOND))
        core.now = NOW + 10_000_000 * SECOND
        operation, _ = await core.next()
        assert operation.transition_id == "a"

    play(test)


def test_a_new_time_replaces_the_old_one() -> None:
    async def test(core: PlayedCore) -> None:
        core.waits.add(row("a", NOW + 10_000 * SECOND))
        core.waits.add(row("a", NOW))
        assert (await core.next())[0].transition_id == "a"
        assert core.asked.empty()

    play(test)
