"""Long queues for slots are served in portions, and no portion is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from antiphon_server.application import handing_over, leases
from antiphon_server.application.core import Core
from antiphon_server.application.leases import AcquireSlots, ForgetWaitingCalls, HandOn
from antiphon_server.application.limits import CreateConcurrencyLimit, DeleteConcurrencyLimit, UpdateConcurrencyLimit
from antiphon_server.application.operations import ProposeTransition
from antiphon_server.domain.errors import Unavailable
from antiphon_server.domain.leases import Lease
from antiphon_server.domain.states import PENDING, SCHEDULED
from antiphon_server.services import slot_queues
from antiphon_server.services.slot_queues import SlotQueues
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Changes
from writing import SECOND, Writing, flow_run, new_deployment, new_id, propose

#: Waiters in one transaction, and all of them.
MOST, MANY = 5, 23

Work = Callable[[Core, SlotQueues], Awaitable[None]]


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (handing_over, leases):
        monkeypatch.setattr(module, "MOST", MOST)


def serve(writing: Writing, work: Work) -> list[int]:
    """Does some work with a core and the service, until that has nothing to do. Gives how many leases each transaction
    gave."""
    given: list[int] = []

    def note(changes: Changes) -> None:
        given.append(sum(isinstance(answer, Lease) for _, answer in changes.leases))

    async def all_of_it() -> None:
        core = Core(writing.engine, lambda: writing.now)
        core.listen(note)
        queues = SlotQueues(core)
        core.start()
        try:
            await work(core, queues)
            async with asyncio.timeout(30):
                while queues.busy:
                    await asyncio.sleep(0.001)
        finally:
            queues.stop()
            await core.stop()

    asyncio.run(all_of_it())
    return [count for count in given if count]


def queue(writing: Writing, count: int = MANY, slots: int = 1) -> str:
    """A limit whose slots are all taken, and leases that wait for one each."""
    id = writing.do(CreateConcurrencyLimit("db", slots, True, 0.0))
    for _ in range(slots + count):
        writing.do(AcquireSlots(Lease(new_id(), ("db",), 1, 0, False, "", None, None, b"", 60 * SECOND), waits=True))
    assert len(writing.rows(tables.slot_waiters)) == count
    return str(id)


@pytest.mark.parametrize("how", ["raised", "deleted", "inactive"])
def test_all_who_wait_are_served_a_few_in_a_transaction(writing: Writing, how: str) -> None:
    id = queue(writing)
    change: dict[str, Any] = {
        "raised": UpdateConcurrencyLimit(id, "", {"slots": 1000}),
        "deleted": DeleteConcurrencyLimit(id, ""),
        "inactive": UpdateConcurrencyLimit(id, "", {"active": False}),
    }
    given = serve(writing, lambda core, queues: core.run(change[how]))
    assert given == [MOST, MOST, MOST, MOST, MANY - 4 * MOST]
    assert writing.rows(tables.slot_waiters) == []


def test_no_more_are_served_than_there_are_slots(writing: Writing) -> None:
    id = queue(writing)
    given = serve(writing, lambda core, queues: core.run(UpdateConcurrencyLimit(id, "", {"slots": 13})))
    assert given == [5, 5, 2]
    assert len(writing.rows(tables.slot_waiters)) == MANY - 12


def test_a_change_behind_its_back_is_heard(writing: Writing) -> None:
    id = queue(writing)

    async def raise_twice(core: Core, queues: SlotQueues) -> None:
        await asyncio.gather(*(core.run(UpdateConcurrencyLimit(id, "", {"slots": slots})) for slots in (8, 1000)))

    assert sum(serve(writing, raise_twice)) == MANY
    assert writing.rows(tables.slot_waiters) == []


@pytest.mark.parametrize("how", ["deleted", "renamed", "raised"])
def test_what_a_server_left_that_died_the_next_one_finds(writing: Writing, how: str) -> None:
    """The runs of a queue: calls that wait are forgotten with their server."""
    deployment = writing.do(new_deployment())
    runs = writing.together(*(flow_run(deployment_id=deployment) for _ in range(MANY + 1)))
    writing.together(*(propose(run, PENDING) for run in runs))
    assert len(writing.rows(tables.slot_waiters)) == MANY
    with writing.engine.begin() as connection:
        limits = tables.concurrency_limits
        if how == "deleted":
            connection.execute(limits.delete())
            connection.execute(tables.slots.delete())
        else:
            values = {"name": "other"} if how == "renamed" else {"slots": 1000}
            connection.execute(limits.update().values(values))

    async def restore(core: Core, queues: SlotQueues) -> None:
        await core.run(ForgetWaitingCalls())
        await queues.restore()

    serve(writing, restore)
    assert writing.rows(tables.slot_waiters) == []
    states = {row.state_name for row in writing.rows(tables.flow_runs) if row.state_type == SCHEDULED}
    assert states == {"Scheduled"}


def test_a_disk_that_fails_is_tried_again(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    id = queue(writing)
    monkeypatch.setattr(slot_queues, "RETRY_AFTER", 0.01)
    failures = [Unavailable("STORAGE_BUSY", "busy", retry_after=0) for _ in range(2)]
    go_on = HandOn.apply

    def fail(self: HandOn, working_set: Any) -> Any:
        if failures:
            raise failures.pop()
        return go_on(self, working_set)

    monkeypatch.setattr(HandOn, "apply", fail)
    given = serve(writing, lambda core, queues: core.run(DeleteConcurrencyLimit(id, "")))
    assert (sum(given), failures) == (MANY, [])


def test_a_proposal_meanwhile_does_not_wait_for_the_whole_queue(writing: Writing) -> None:
    id = queue(writing)
    run = writing.flow_run()
    order: list[str] = []

    async def change(core: Core, queues: SlotQueues) -> None:
        core.listen(lambda changes: order.append("queue") if changes.leases else None)
        await core.run(DeleteConcurrencyLimit(id, ""))
        proposed: ProposeTransition = propose(run, PENDING)
        await core.run(proposed)
        order.append("verdict")

    serve(writing, change)
    assert 0 < order.index("verdict") < len(order) - 1
