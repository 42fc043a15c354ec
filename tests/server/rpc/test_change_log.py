"""What is remembered of changes, and how far a cursor goes back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from antiphon_server.application.core import Changes
from antiphon_server.domain.errors import AntiphonError, InvalidArgument, OutOfRange, Unavailable
from antiphon_server.domain.model import RunKind
from antiphon_server.rpc.change_log import ChangeLog, Watched

RUNS = (Watched.FLOW_RUN, Watched.TASK_RUN)
REMEMBERED = Watched.TASK_RUN.remembered


def changed(*ids: str, of: str = "flow", kind: RunKind = RunKind.TASK_RUN) -> Changes:
    return Changes(runs=dict.fromkeys([(kind, id) for id in ids], of))


def ids(log: ChangeLog, number: int, *kinds: Watched, of: str | None = None) -> list[str]:
    return [change.id for change in log.since(number, kinds or RUNS, of)]


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(AntiphonError) as refused:
        call()
    return refused.value.reason


def in_loop(coroutine: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            await coroutine()

    asyncio.run(run())


def test_nothing_is_kept_of_a_kind_that_nobody_asked_for() -> None:
    log = ChangeLog()
    log.note(changed("before"))
    assert log.number == 0
    assert ids(log, 0) == []
    log.note(changed("after"))
    log.note(Changes(deployments={"deployment": None}, logs=[("line", None)]))
    assert ids(log, 0) == ["after"]
    assert reason_of(lambda: log.since(0, [Watched.LOG])) == "CURSOR_TOO_OLD"


def test_a_cursor_beyond_what_is_remembered_is_too_old() -> None:
    log = ChangeLog()
    log.since(0, RUNS)
    for i in range(REMEMBERED + 5):
        log.note(changed(str(i)))
    assert asyncio.run(log.parse(log.cursor(5), RUNS)) == 5
    assert len(log.since(5, RUNS, "flow")) == REMEMBERED
    for number in (4, REMEMBERED + 6):
        with pytest.raises(OutOfRange) as refused:
            asyncio.run(log.parse(log.cursor(number), RUNS))
        assert refused.value.reason == "CURSOR_TOO_OLD"
    with pytest.raises(InvalidArgument):
        asyncio.run(log.parse("", RUNS))
    assert reason_of(lambda: log.since(4, RUNS)) == "CURSOR_TOO_OLD"


def test_a_flood_of_lines_pushes_no_run_out() -> None:
    log = ChangeLog()
    log.since(0, [*RUNS, Watched.LOG])
    log.note(changed("run"))
    log.note(Changes(logs=[(str(i), "flow") for i in range(Watched.LOG.remembered + 1)]))
    assert ids(log, 0) == ["run"]
    assert reason_of(lambda: log.since(0, [Watched.LOG])) == "CURSOR_TOO_OLD"


def test_kinds_together_come_in_order() -> None:
    log = ChangeLog()
    log.since(0, RUNS)
    log.note(changed("a"))
    log.note(changed("flow", kind=RunKind.FLOW_RUN))
    log.note(changed("b"))
    log.note(changed("c", of="another"))
    assert ids(log, 0) == ["a", "flow", "b", "c"]
    assert ids(log, 1, of="flow") == ["flow", "b"]


def test_a_follower_of_one_run_is_not_behind_for_what_others_did() -> None:
    async def follow() -> None:
        log = ChangeLog()
        with log.followed(RUNS, "flow") as follower:
            for _ in range(REMEMBERED + 5):
                log.note(changed("other", of="another"))
            log.note(changed("own"))
            number, changes = await follower.next()
            assert (number, [change.id for change in changes]) == (REMEMBERED + 6, ["own"])
            assert await follower.next(patience=0.01) == (number, [])

    in_loop(follow)


def test_who_takes_too_little_is_cut() -> None:
    async def follow() -> None:
        log = ChangeLog()
        with log.followed(RUNS) as follower:
            for i in range(REMEMBERED + 1):
                log.note(changed(str(i)))
            with pytest.raises(OutOfRange) as cut:
                await follower.next()
        assert cut.value.reason == "CURSOR_TOO_OLD"

    in_loop(follow)


@pytest.mark.parametrize("flow_run_id", [None, "flow"])
def test_a_log_that_is_closed_ends_those_who_wait_but_tells_what_there_is(flow_run_id: str | None) -> None:
    async def wait() -> None:
        log = ChangeLog()
        with log.followed(RUNS, flow_run_id) as follower:
            waiting = asyncio.ensure_future(follower.next())
            await asyncio.sleep(0)
            log.note(changed("last"))
            log.close()
            assert [change.id for change in (await waiting)[1]] == ["last"]
            with pytest.raises(Unavailable) as ended:
                await follower.next()
        assert ended.value.reason == "SERVER_STOPPING"

    in_loop(wait)


def test_the_end_of_a_session_is_a_change_of_its_worker() -> None:
    log = ChangeLog()
    log.since(0, [Watched.WORKER])
    log.note(Changes(workers={"worker": "session"}))
    log.note(Changes(ended_sessions=["of a flow", "session"]))
    log.note(Changes(ended_sessions=["session"]))
    assert ids(log, 0, Watched.WORKER) == ["worker", "worker"]
