"""WatchService: a snapshot, a mark, then what changes; filters, cursors, and how a watch ends."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1 import watch_service_pb2 as pb
from antiphon.v1.worker_pb2 import WORKER_STATUS_OFFLINE
from antiphon_server.application.core import Changes
from antiphon_server.application.listings import FLOW_RUNS as FLOW_RUN_LISTING
from antiphon_server.domain.errors import OutOfRange, Unavailable
from antiphon_server.domain.model import RunKind
from antiphon_server.rpc import watch_streams
from antiphon_server.rpc.change_log import Change, Watched
from antiphon_server.rpc.watch_feeds import Feeds
from antiphon_server.rpc.watch_readings import Readings, Wanted
from antiphon_server.rpc.watch_streams import WatchStreams
from hand_session import new_id
from hand_watch import DEPLOYMENTS, FLOW_RUNS, KINDS, LOGS, TASK_RUNS, WORKERS, HandWatch, Kind
from hand_worker import HandWorker
from running_server import RunningServer
from stores import POSTGRESQL
from world import World

Watch = Callable[..., HandWatch]


@pytest.fixture
def watch(server: RunningServer) -> Iterator[Watch]:
    """Opens watches, and cuts them at the end."""
    opened: list[HandWatch] = []

    def open_one(kind: Kind, **request: Any) -> HandWatch:
        opened.append(HandWatch(server.channel, kind, **request))
        return opened[-1]

    yield open_one
    for each in opened:
        each.cut()


def create(world: World, name: str, **fields: Any) -> str:
    return str(world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": name, **fields}}).flow_run.id)


def write(world: World, *messages: str, run: str = "", level: int = 20, at: int = 0, ids: Any = None) -> None:
    world.call(
        "CreateLogs",
        {
            "logs": [
                {
                    "id": ids[n] if ids else new_id(),
                    "message": message,
                    "level": level,
                    "createTime": f"2026-01-01T00:00:{at + n:02}Z",
                    "flowRunId": run,
                }
                for n, message in enumerate(messages)
            ]
        },
    )


def test_flow_runs_come_in_order_of_creation_then_as_they_change(world: World, watch: Watch) -> None:
    create(world, "two")
    watched = watch(FLOW_RUNS)
    assert [run.name for run in watched.snapshot()] == ["one", "two"]
    third = create(world, "three")
    assert watched.thing().name == "three"
    world.propose(third, "RUNNING")
    assert watched.thing().state.name == "Running"
    world.call("UpdateFlowRun", {"flowRun": {"id": third, "name": "drei"}, "updateMask": "name"})
    assert watched.thing().name == "drei"
    world.call("DeleteFlowRun", {"id": third})
    assert watched.gone() == third


def test_what_matches_no_more_is_gone_and_what_never_did_is_not_told(world: World, watch: Watch) -> None:
    watched = watch(FLOW_RUNS, filter="state.type = RUNNING")
    assert watched.snapshot() == []
    world.propose(world.run, "PENDING")
    world.propose(world.run, "RUNNING")
    assert watched.thing().id == world.run
    other = create(world, "other")
    world.propose(other, "COMPLETED")
    world.call("DeleteFlowRun", {"id": other})
    world.propose(world.run, "COMPLETED")
    assert watched.gone() == world.run


def test_after_a_resume_whatever_does_not_match_is_gone(world: World, watch: Watch) -> None:
    first = watch(FLOW_RUNS, filter="state.type = RUNNING")
    first.snapshot()
    first.cut()
    other = create(world, "other")
    again = watch(FLOW_RUNS, resumeCursor=first.cursor, filter="state.type = RUNNING")
    assert again.gone() == other


def test_a_watch_goes_on_behind_each_message_where_it_was_cut(world: World, watch: Watch) -> None:
    first = watch(FLOW_RUNS)
    first.snapshot()
    cursor = first.cursor
    first.cut()
    ids = [create(world, str(number)) for number in range(5)]
    for told in range(5):
        again = watch(FLOW_RUNS, resumeCursor=cursor)
        assert again.thing().id == ids[told]
        cursor = again.cursor
        again.cut()


def test_changes_only(world: World, watch: Watch) -> None:
    watched = watch(FLOW_RUNS, skipSnapshot=True)
    assert watched.next()[0] == "snapshot_mark"
    new = create(world, "new")
    assert watched.thing().id == new


def test_task_runs_of_one_flow_run(world: World, watch: Watch) -> None:
    watched = watch(TASK_RUNS, filter=f'flow_run_id = "{world.run}"')
    assert [run.id for run in watched.snapshot()] == [world.task]
    world.call("CreateTaskRun", {"taskRun": {"flowRunId": create(world, "other"), "taskKey": "x"}})
    world.propose(world.task, "FAILED", task=True)
    assert watched.thing().state.name == "Failed"
    world.call("DeleteFlowRun", {"id": world.run})
    assert watched.gone() == world.task


def test_lines_are_told_once_and_in_order_of_arrival(world: World, watch: Watch) -> None:
    watched = watch(LOGS)
    assert [line.message for line in watched.snapshot()] == ["hello"]
    ids = [new_id(), new_id()]
    write(world, "late", at=30)
    write(world, "early", "next", at=5, ids=ids)
    # Sent again, with one that is new.
    write(world, "early", "next", "third", at=5, ids=[*ids, new_id()])
    assert [watched.thing().message for _ in range(4)] == ["late", "early", "next", "third"]


def test_the_newest_lines_of_one_run_that_are_severe(world: World, watch: Watch) -> None:
    run = create(world, "noisy")
    write(world, *(f"{n}" for n in range(10)), run=run, level=40)
    write(world, "of another", level=40, at=50)
    filter = f'flow_run_id = "{run}" AND level >= 40'
    watched = watch(LOGS, filter=filter, newestLines=3)
    assert [line.message for line in watched.snapshot()] == ["7", "8", "9"]
    assert len(watch(LOGS, filter=filter, newestLines=11).snapshot()) == 10
    write(world, "of another", level=40)
    write(world, "harmless", run=run)
    write(world, "severe", run=run, level=50)
    assert watched.thing().message == "severe"


def test_deployments_as_they_are_made_changed_and_deleted(world: World, watch: Watch) -> None:
    watched = watch(DEPLOYMENTS, filter="name = nightly")
    [nightly] = watched.snapshot()
    id = nightly.id
    world.call("PauseDeployment", {"id": id})
    assert watched.thing().paused
    schedule = {"deploymentId": id, "slug": "hourly", "cron": {"expression": "@hourly"}, "paused": True}
    made = world.call("CreateSchedule", {"schedule": schedule}).schedule.id
    assert [each.slug for each in watched.thing().schedules] == ["daily", "hourly"]
    world.call("UpdateSchedule", {"schedule": {"id": made, "slug": "often"}, "updateMask": "slug"})
    assert [each.slug for each in watched.thing().schedules] == ["daily", "often"]
    world.call("DeleteSchedule", {"id": made})
    assert [each.slug for each in watched.thing().schedules] == ["daily"]
    world.call("ApplyDeployment", {"deployment": {"name": "nightly", "flowId": world.flow, "description": "new"}})
    assert watched.thing().description == "new"
    world.call("UpdateDeployment", {"deployment": {"id": id, "name": "daily"}, "updateMask": "name"})
    assert watched.gone() == id
    world.call("CreateDeployment", {"deployment": {"name": "nightly", "flowId": world.flow}})
    assert watched.thing().id != id


def test_a_deployment_whose_queue_goes_is_changed(world: World, watch: Watch) -> None:
    place = {"workQueueId": world.queue}
    world.call("UpdateDeployment", {"deployment": {"id": world.deployment, **place}, "updateMask": "workQueueId"})
    watched = watch(DEPLOYMENTS)
    assert [each.work_queue_id for each in watched.snapshot()] == [world.queue]
    world.call("UpdateWorkQueue", {"workQueue": {"id": world.queue, "name": "line"}, "updateMask": "name"})
    assert watched.thing().work_queue_name == "line"
    world.call("UpdateWorkPool", {"workPool": {"id": world.pool, "name": "lake"}, "updateMask": "name"})
    assert watched.thing().work_pool_name == "lake"
    world.call("DeleteWorkQueue", {"id": world.queue})
    assert watched.thing().work_queue_id == ""
    world.call("DeleteFlow", {"id": world.flow})
    assert watched.gone() == world.deployment


def test_workers_come_and_go(world: World, watch: Watch, server: RunningServer) -> None:
    watched, online = watch(WORKERS), watch(WORKERS, filter="online = true")
    assert [worker.id for worker in watched.snapshot()] == [world.worker]
    assert online.snapshot() == []
    worker = HandWorker(server.channel, name="new", work_pool_name="pool")
    id = worker.welcome().worker.id
    assert (watched.thing().id, online.thing().id) == (id, id)
    world.call("UpdateWorkPool", {"workPool": {"id": world.pool, "name": "lake"}, "updateMask": "name"})
    assert {watched.thing().work_pool_name, watched.thing().work_pool_name} == {"lake"}
    assert online.thing().work_pool_name == "lake"
    worker.goodbye()
    assert watched.thing().status == WORKER_STATUS_OFFLINE
    assert online.gone() == id
    world.call("DeleteWorker", {"id": id})
    assert watched.gone() == id


def test_a_worker_that_came_before_the_first_watch_and_is_lost(tmp_path: Path) -> None:
    with RunningServer(tmp_path, session_ttl=4.0) as server:
        world = World(server)
        world.call("CreateWorkPool", {"workPool": {"name": "pool", "type": "process"}})
        worker = HandWorker(server.channel, name="quiet", work_pool_name="pool")
        id = worker.welcome().worker.id
        watched = HandWatch(server.channel, WORKERS, filter="online = true")
        assert [each.id for each in watched.snapshot()] == [id]
        assert watched.gone() == id
        worker.cut()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.watch)
@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        ({"filter": "nonsense ="}, grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID"),
        ({"filter": "etag = 1"}, grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID"),
        ({"filter": "x" * 9000}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
        ({"resumeCursor": "nonsense"}, grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID"),
        ({"resumeCursor": "abcdef012345:1"}, grpc.StatusCode.OUT_OF_RANGE, "CURSOR_TOO_OLD"),
        ({"resumeCursor": "x" * 201}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
    ],
)
def test_requests_that_lead_nowhere(
    watch: Watch, kind: Kind, request_: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    refusal = watch(kind, **request_).refusal()
    assert (refusal.code, refusal.reason) == (code, reason)


@pytest.mark.parametrize("newest", [-1, 10_001])
def test_so_many_lines_are_refused(watch: Watch, newest: int) -> None:
    assert watch(LOGS, newestLines=newest).refusal().reason == "FIELD_INVALID"


def test_a_server_that_stops_says_so_and_the_next_one_knows_no_cursor(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        World(server).fill()
        watches = [HandWatch(server.channel, kind) for kind in KINDS]
        for each in watches:
            each.snapshot()
        server.run(server.server.stop)
        refusals = [each.refusal() for each in watches]
    assert {(each.code, each.reason) for each in refusals} == {(grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")}
    if POSTGRESQL:
        return  # What changed is kept in the database there: see replicas/.
    with RunningServer(tmp_path) as server:
        for each in watches:
            refusal = HandWatch(server.channel, each.kind, resumeCursor=each.cursor).refusal()
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_TOO_OLD")


def test_one_server_serves_so_many(world: World, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_streams, "MOST_WATCHES", 2)
    first = watch(FLOW_RUNS)
    for each in (first, watch(LOGS)):
        each.snapshot()
    refusal = watch(TASK_RUNS).refusal()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHES_TOO_MANY")


class Stuck:
    """A reader that takes nothing until it is let go, and counts what it was sent."""

    def __init__(self) -> None:
        self.taken = 0
        self.let_go = asyncio.Event()

    async def __call__(self, response: Any) -> None:
        self.taken += 1
        if response.WhichOneof("event") != "snapshot_mark":
            await self.let_go.wait()


def test_a_reader_that_falls_behind_costs_names_only_and_is_cut_in_the_end(world: World, server: RunningServer) -> None:
    """Against the parts of a running server, since the network would hold an unknown number of messages."""
    running = server.server
    log = running.change_log
    runs = [create(world, str(n)) for n in range(5)]

    async def follow() -> None:
        streams = WatchStreams(running.core, running.reader, running.queries, log)
        feed, stuck = Feeds(running.queries, 1).flow_runs, Stuck()
        request = pb.WatchFlowRunsRequest(skip_snapshot=True)
        following = asyncio.ensure_future(streams.follow(feed, request, stuck))
        while stuck.taken < 1:
            await asyncio.sleep(0)
        log.note(Changes(runs={(RunKind.FLOW_RUN, run): run for run in runs}))
        while stuck.taken < 2:
            await asyncio.sleep(0.001)
        for n in range(Watched.FLOW_RUN.remembered + 1):
            log.note(Changes(runs={(RunKind.FLOW_RUN, f"nobody {n}"): None}))
        await asyncio.sleep(watch_streams.PACE * 2)
        assert stuck.taken == 2
        stuck.let_go.set()
        with pytest.raises(OutOfRange) as cut:
            await following
        assert (cut.value.reason, stuck.taken) == ("CURSOR_TOO_OLD", 6)
        assert "fell too far behind" in cut.value.message

    server.run(follow)


def test_who_was_told_newer_content_is_not_told_older(world: World, server: RunningServer) -> None:
    """Watchers share what was read; one whose snapshot is newer than that reads anew."""
    running = server.server

    async def read() -> None:
        readings = Readings(running.reader, running.change_log)
        wanted = Wanted(Feeds(running.queries, 1).flow_runs, "", None)
        readings.enter(wanted)
        changes = [Change(1, Watched.FLOW_RUN, world.run, world.run)]
        first = await readings.read(wanted, changes, 0)
        assert await readings.read(wanted, list(changes), 0) is first
        newer = readings.moment()
        assert await readings.read(wanted, changes, newer) is not first
        assert await readings.read(wanted, [changes[0]._replace(number=2)], 0) is not first
        readings.leave(wanted)

    server.run(read)


def test_a_reading_that_failed_is_not_handed_out_again(world: World, server: RunningServer) -> None:
    running = server.server
    matching, faults = running.reader.matching, [Unavailable("READERS_BUSY", "all are busy")]

    async def faulty(*what: Any) -> Any:
        if faults:
            raise faults.pop()
        return await matching(*what)

    async def read() -> None:
        running.reader.matching = faulty  # type: ignore[method-assign]
        readings = Readings(running.reader, running.change_log)
        wanted = Wanted(Feeds(running.queries, 1).flow_runs, "", None)
        readings.enter(wanted)
        changes = [Change(1, Watched.FLOW_RUN, world.run, world.run)]
        with pytest.raises(Unavailable):
            await readings.read(wanted, changes, 0)
        assert len((await readings.read(wanted, changes, 0)).responses) == 1

    server.run(read)


def test_large_things_are_read_few_at_a_time(world: World, server: RunningServer) -> None:
    large = {"data": base64.b64encode(b"x" * 400_000).decode(), "metadata": {"encoding": "YmluYXJ5"}}
    runs = [create(world, str(n), parameters=large) for n in range(4)]

    async def read() -> None:
        rows, looked_at = await running.reader.matching(FLOW_RUN_LISTING.source, None, ["nobody", *runs])
        assert (set(rows), looked_at) == (set(runs[:2]), 3)
        rows, looked_at = await running.reader.matching(FLOW_RUN_LISTING.source, None, ["nobody"])
        assert (rows, looked_at) == ({}, 1)

    running = server.server
    server.run(read)
    watched = HandWatch(server.channel, FLOW_RUNS, filter="name = 3 OR name = 2")
    assert [run.id for run in watched.snapshot()] == runs[2:]
    watched.cut()


def test_of_what_is_known_to_the_client_only_so_much_is_kept(
    world: World, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_streams, "MOST_KNOWN", 1)
    create(world, "other")
    few, many = (watch(FLOW_RUNS, filter=f"name = {name}") for name in ("one", "o*"))
    assert (len(few.snapshot()), len(many.snapshot())) == (1, 2)
    stranger = create(world, "stranger")
    world.call("UpdateFlowRun", {"flowRun": {"id": world.run, "name": "two"}, "updateMask": "name"})
    assert few.gone() == world.run
    assert [many.gone(), many.gone()] == [stranger, world.run]
