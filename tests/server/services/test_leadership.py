"""Of several servers on a database, one leads each service."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from antiphon_server.application.core import Core
from antiphon_server.application.servers import GONE, ForgetServers
from antiphon_server.services import leadership
from antiphon_server.services.leadership import Leadership
from antiphon_server.storage.tables import servers
from writing import SECOND, Writing


def on_core(writing: Writing, use: Callable[[Core], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        core = Core(writing.engine, lambda: writing.now)
        core.start()
        try:
            return await use(core)
        finally:
            await core.stop()

    return asyncio.run(run())


def test_one_leads_until_it_lets_go_or_its_lease_is_over(writing: Writing) -> None:
    async def use(core: Core) -> None:
        first, second = (Leadership(core, ("a", "b"), server_id=id, alone=False) for id in ("first", "second"))
        assert not first.leads("a")
        await first.look()
        await second.look()
        assert (first.leads("a"), second.leads("a")) == (True, False)
        assert second.leads("what all servers do")
        await first.release()
        await second.look()
        assert (first.leads("b"), second.leads("b")) == (False, True)
        writing.now += round(leadership.SHARED[0] * SECOND) + 1
        await first.look()
        assert first.leads("a"), "the other one did not renew it in time"

    on_core(writing, use)


def test_who_is_alone_takes_what_a_dead_server_left(writing: Writing) -> None:
    async def use(core: Core) -> None:
        await Leadership(core, ("a",), server_id="dead", alone=False).look()
        heir = Leadership(core, ("a",), server_id="heir", alone=True)
        await heir.look()
        assert heir.leads("a")

    on_core(writing, use)


def test_a_lease_is_renewed_at_half_of_its_time(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(core: Core) -> list[int]:
        asked = []
        run = core.run

        async def counted(operation: Any, **how: Any) -> Any:
            asked.append(operation)
            return await run(operation, **how)

        core.run = counted  # type: ignore[method-assign]
        leader = Leadership(core, ("a",), server_id="one", alone=True)
        loop = asyncio.get_running_loop()
        counts, start = [], loop.time()
        for after in (0.0, 1.0, leadership.ALONE[0] / 2 + 1):
            with monkeypatch.context() as patch:
                patch.setattr(loop, "time", lambda after=after: start + after)
                await leader.look()
            counts.append(len(asked))
        return counts

    assert on_core(writing, use) == [1, 1, 2]


def test_a_server_that_was_given_up_and_is_back_is_there_for_the_others(writing: Writing) -> None:
    async def use(core: Core) -> None:
        back = Leadership(core, ("a",), server_id="back", alone=False, addresses=["here:4250"])
        await back.look()
        writing.now += GONE + 1
        assert await core.run(ForgetServers())
        await back.look()
        assert not await core.run(ForgetServers())

    on_core(writing, use)
    row = writing.row(servers)
    assert (row.id, row.addresses, row.seen_time) == ("back", "here:4250", writing.now)
