"""`antiphon.watching`: following over cuts and restarts, in sync and async code."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest

from antiphon.exceptions import ServerError, ServerUnreachable
from antiphon.service_client import ServiceClient
from antiphon.settings import ANTIPHON_CLIENT_RECONNECT_TIMEOUT_SECONDS, temporary_settings
from antiphon.watching import Picture, Step, awatch, watch
from running_server import RunningServer
from until import until
from world import World

Said = tuple[str, str]


def said(step: Step) -> Said:
    """The kind of a step, and the name or the line that it tells."""
    return step.kind, getattr(step.thing, "name", "") or getattr(step.thing, "message", "") or step.id


class Face:
    """Either face of a watch, read step by step."""

    def __init__(self, take: Callable[[], Step], close: Callable[[], None]) -> None:
        self._take = take
        self.close = close

    def next(self) -> Step:
        return self._take()

    def until(self, kind: str) -> list[Said]:
        seen = [said(self.next())]
        while seen[-1][0] != kind:
            seen.append(said(self.next()))
        return seen


def sync_face(*args: Any, **kwargs: Any) -> Face:
    steps = watch(*args, **kwargs)
    return Face(lambda: next(steps), steps.close)


def async_face(*args: Any, **kwargs: Any) -> Face:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    steps: Any = awatch(*args, **kwargs)

    def close() -> None:
        run(steps.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()

    return Face(lambda: run(anext(steps)), close)


@pytest.fixture(params=[sync_face, async_face], ids=["sync", "async"])
def follow(request: pytest.FixtureRequest) -> Iterator[Callable[..., Face]]:
    opened: list[Face] = []

    def open_one(*args: Any, **kwargs: Any) -> Face:
        opened.append(request.param(*args, **kwargs))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def create(world: World, name: str) -> str:
    return str(world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": name}}).flow_run.id)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ServiceClient]:
    with ServiceClient(f"unix:{tmp_path / 's'}") as client:
        yield client


def test_a_snapshot_then_what_changes(tmp_path: Path, client: ServiceClient, follow: Callable[..., Face]) -> None:
    with RunningServer(tmp_path) as server:
        world = World(server)
        first = create(world, "first")
        steps = follow("flow_runs", "name != other", client=client)
        assert steps.until("mark") == [("begin", ""), ("thing", "first"), ("mark", "")]
        create(world, "other")
        create(world, "second")
        assert said(steps.next()) == ("thing", "second")
        world.call("DeleteFlowRun", {"id": first})
        assert said(steps.next()) == ("gone", first)


def test_a_restart_begins_anew(tmp_path: Path, client: ServiceClient, follow: Callable[..., Face]) -> None:
    with RunningServer(tmp_path) as server:
        create(World(server), "before")
        steps = follow("flow_runs", client=client)
        steps.until("mark")
    picture: list[Said] = []
    reading = threading.Thread(target=lambda: picture.extend(steps.until("mark")))
    reading.start()
    with RunningServer(tmp_path):
        reading.join(60)
    assert picture == [("begin", ""), ("thing", "before"), ("mark", "")]


def test_a_step_says_where_another_watch_goes_on(
    tmp_path: Path, client: ServiceClient, follow: Callable[..., Face]
) -> None:
    with RunningServer(tmp_path) as server:
        world = World(server)
        steps = follow("flow_runs", skip_snapshot=True, client=client)
        begin, mark = steps.next(), steps.next()
        assert (begin.kind, mark.kind) == ("begin", "mark")
        create(world, "missed")
        again = follow("flow_runs", cursor=mark.cursor, client=client)
        assert said(again.next()) == ("thing", "missed")


def test_only_the_newest_lines(tmp_path: Path, client: ServiceClient, follow: Callable[..., Face]) -> None:
    with RunningServer(tmp_path) as server:
        lines = [{"message": str(n), "level": 20, "createTime": f"2026-01-01T00:00:0{n}Z"} for n in range(5)]
        World(server).call("CreateLogs", {"logs": lines})
        steps = follow("logs", newest=2, client=client)
        assert steps.until("mark") == [("begin", ""), ("thing", "3"), ("thing", "4"), ("mark", "")]
        assert follow("logs", newest=0, client=client).until("mark") == [("begin", ""), ("mark", "")]


@pytest.mark.parametrize("kind", ["flow_runs", "task_runs", "logs", "deployments", "workers"])
def test_a_wrong_filter_is_said_so(
    tmp_path: Path, client: ServiceClient, follow: Callable[..., Face], kind: str
) -> None:
    with RunningServer(tmp_path):
        steps = follow(kind, "nonsense", client=client)
        assert steps.next().kind == "begin"
        with pytest.raises(ServerError) as refused:
            steps.next()
    assert refused.value.reason == "FILTER_INVALID"


def test_no_server_is_waited_for_as_long_as_the_setting_says(
    client: ServiceClient, follow: Callable[..., Face]
) -> None:
    with temporary_settings({ANTIPHON_CLIENT_RECONNECT_TIMEOUT_SECONDS: 0.2}):
        steps = follow("flow_runs", client=client)
        assert steps.next().kind == "begin"
        with pytest.raises(ServerUnreachable, match=r"No server has answered"):
            steps.next()


def test_who_leaves_ends_the_call(tmp_path: Path, client: ServiceClient) -> None:
    with RunningServer(tmp_path) as server:
        for _ in range(3):
            with closing(watch("flow_runs", client=client)) as steps:
                next(steps)
                next(steps)
        until(lambda: not server.server.activity.calls)
        for step in watch("flow_runs", client=client):
            if step.kind == "mark":
                break
        del step
        until(lambda: not server.server.activity.calls)

        async def leave() -> None:
            async with aclosing(awatch("flow_runs", client=client)) as steps:  # type: ignore[type-var]
                async for step in steps:
                    if step.kind == "mark":
                        break

        asyncio.run(leave())
        until(lambda: not server.server.activity.calls)


def test_async_code_that_is_cancelled_is_cancelled(tmp_path: Path, client: ServiceClient) -> None:
    async def cancel() -> None:
        marked = asyncio.Event()

        async def read(steps: AsyncIterator[Step]) -> None:
            async for step in steps:
                if step.kind == "mark":
                    marked.set()

        reading = asyncio.ensure_future(read(awatch("flow_runs", client=client)))
        await marked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with RunningServer(tmp_path):
        asyncio.run(cancel())


@pytest.mark.parametrize("follow", [watch, awatch])
def test_what_makes_no_sense_is_refused_at_once(follow: Any, client: ServiceClient) -> None:
    with pytest.raises(ValueError, match="'flows' cannot be watched; what can is flow_runs, task_runs, logs"):
        follow("flows", client=client)
    with pytest.raises(ValueError, match="newest is for logs"):
        follow("workers", newest=3, client=client)
    with pytest.raises(TypeError, match="client is what"):
        follow("workers", client="here")


def test_a_picture_is_what_matches_now() -> None:
    class Thing:
        id = "one"

    picture = Picture()
    for step in (Step("begin"), Step("thing", Thing), Step("mark"), Step("gone", id="unknown")):
        picture.apply(step)
    assert picture == {"one": Thing}
    picture.apply(Step("gone", id="one"))
    assert picture == {}
    picture.apply(Step("thing", Thing))
    picture.apply(Step("begin"))
    assert picture == {}
