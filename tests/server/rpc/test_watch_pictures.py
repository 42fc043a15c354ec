"""Whoever applies what a watch tells has what the List method gives: over random changes, cuts, and cursors too old."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from antiphon_server.application.core import Changes
from antiphon_server.domain.model import RunKind
from antiphon_server.rpc.change_log import Watched
from hand_session import new_id
from hand_watch import DEPLOYMENTS, FLOW_RUNS, LOGS, TASK_RUNS, WORKERS, HandWatch, Kind
from hand_worker import HandWorker
from refusals import refusal_of
from running_server import RunningServer
from until import until
from world import World

FOLLOWED = [
    (FLOW_RUNS, ""),
    (FLOW_RUNS, "state.type = RUNNING"),
    (FLOW_RUNS, "name = a* OR state.type = COMPLETED"),
    (TASK_RUNS, ""),
    (TASK_RUNS, "state.type = FAILED"),
    (LOGS, ""),
    (LOGS, "level >= 30"),
    (DEPLOYMENTS, ""),
    (DEPLOYMENTS, "paused = true"),
    (WORKERS, ""),
    (WORKERS, "online = true"),
]


class Painter:
    """Follows, applies what it is told, and goes on after cuts."""

    def __init__(self, server: RunningServer, kind: Kind, filter: str) -> None:
        self._server = server
        self._kind = kind
        self._filter = filter
        self._closed = False
        self._watch: HandWatch | None = None
        self.picture: dict[str, Any] = {}
        self.error: BaseException | None = None
        #: How often it began anew.
        self.snapshots = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        if self._watch is not None:
            self._watch.cut()

    def close(self) -> None:
        self._closed = True
        self.cut()
        self._thread.join(30)
        assert self.error is None, self.error

    def _run(self) -> None:
        try:
            cursor = ""
            while not self._closed:
                cursor = self._follow(cursor)
        except BaseException as error:
            self.error = error
            raise

    def _follow(self, cursor: str) -> str:
        """Where to go on."""
        goes_on = {"resumeCursor": cursor} if cursor else {}
        watch = HandWatch(self._server.channel, self._kind, filter=self._filter, **goes_on)
        self._watch = watch
        drawn = self.picture if cursor else {}
        self.snapshots += not cursor
        if self._closed:
            watch.cut()
        try:
            while True:
                self._apply(drawn, *watch.next())
                cursor = watch.cursor
                if cursor:
                    self.picture = drawn
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.CANCELLED:
                return cursor
            assert refusal_of(error).reason == "CURSOR_TOO_OLD"
            return ""

    def _apply(self, drawn: dict[str, Any], event: str, told: Any) -> None:
        if event == "gone_id":
            drawn.pop(told, None)
        elif event == self._kind.field:
            known = drawn.get(told.id)
            if self._kind is LOGS:
                assert known is None, "a line was told twice"
            elif known is not None:
                assert int(told.etag) >= int(known.etag), "older content came after newer"
            drawn[told.id] = told

    def agrees(self, world: World) -> bool:
        assert self.error is None, self.error
        return steady(self.picture) == steady(listed(world, self._kind, self._filter))


def listed(world: World, kind: Kind, filter: str) -> dict[str, Any]:
    found, token = {}, ""
    while True:
        page = world.call(kind.listing, {"filter": filter, "pageToken": token})
        found.update({thing.id: thing for thing in getattr(page, kind.listed)})
        token = page.next_page_token
        if not token:
            return found


def steady(things: dict[str, Any]) -> dict[str, bytes]:
    """Without what is as of the moment of telling."""
    plain = {}
    for id, thing in list(things.items()):
        copy = type(thing)()
        copy.CopyFrom(thing)
        for field in ("active_slots", "last_heard_time"):
            if field in copy.DESCRIPTOR.fields_by_name:
                copy.ClearField(field)
        plain[id] = copy.SerializeToString(deterministic=True)
    return plain


class Actor:
    """Does something, at random."""

    def __init__(self, server: RunningServer, dice: random.Random) -> None:
        self._server = server
        self._world = World(server)
        self._dice = dice
        self._runs: list[str] = []
        self._tasks: list[str] = []
        self._deployments: list[str] = []
        self._workers: list[HandWorker] = []
        self._world.call("CreateWorkPool", {"workPool": {"name": "pool", "type": "process"}})
        self._deeds: list[Callable[[], None]] = [
            *[self._create_run, self._create_task, self._move_run, self._move_task] * 3,
            *[self._write] * 3,
            self._rename,
            self._delete_run,
            self._deploy,
            self._change_deployment,
            self._work,
        ]

    def act(self) -> None:
        self._dice.choice(self._deeds)()

    def leave(self) -> None:
        for worker in self._workers:
            worker.goodbye()

    def _create_run(self) -> None:
        run = {"flowName": "etl", "name": self._dice.choice("abc") + new_id()}
        self._runs.append(self._world.call("CreateFlowRun", {"flowRun": run}).flow_run.id)

    def _create_task(self) -> None:
        of = {"flowRunId": self._dice.choice(self._runs)} if self._runs and self._dice.random() < 0.8 else {}
        task = {"taskKey": "clean", "dynamicKey": new_id(), **of}
        self._tasks.append(self._world.call("CreateTaskRun", {"taskRun": task}).task_run.id)

    def _move_run(self) -> None:
        if self._runs:
            state = self._dice.choice(["PENDING", "RUNNING", "RUNNING", "COMPLETED", "SCHEDULED"])
            self._world.propose(self._dice.choice(self._runs), state, force=True)

    def _move_task(self) -> None:
        if self._tasks:
            state = self._dice.choice(["RUNNING", "FAILED", "COMPLETED"])
            self._world.propose(self._dice.choice(self._tasks), state, task=True, force=True)

    def _rename(self) -> None:
        if self._runs:
            run = {"id": self._dice.choice(self._runs), "name": self._dice.choice("abc") + new_id()}
            self._world.call("UpdateFlowRun", {"flowRun": run, "updateMask": "name"})

    def _delete_run(self) -> None:
        """One without lines, since nobody is told that those are gone, and without task runs, which go with it."""
        run = self._world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": "a"}}).flow_run.id
        self._world.call("CreateTaskRun", {"taskRun": {"taskKey": "gone", "flowRunId": run}})
        self._world.call("DeleteFlowRun", {"id": run})

    def _write(self) -> None:
        of = {"flowRunId": self._dice.choice(self._runs)} if self._runs else {}
        at = f"2026-01-01T00:00:{self._dice.randrange(60):02}Z"
        lines = [
            {"id": new_id(), "message": "x", "level": self._dice.choice([10, 30]), "createTime": at, **of}
            for _ in range(3)
        ]
        for _ in range(self._dice.choice([1, 1, 2])):
            self._world.call("CreateLogs", {"logs": lines})

    def _deploy(self) -> None:
        deployment = {"name": new_id(), "flowName": "etl", "paused": self._dice.random() < 0.5}
        self._deployments.append(self._world.call("CreateDeployment", {"deployment": deployment}).deployment.id)

    def _change_deployment(self) -> None:
        if not self._deployments:
            return
        verb = self._dice.choice(["PauseDeployment", "ResumeDeployment", "CreateSchedule", "DeleteDeployment"])
        id = self._dice.choice(self._deployments)
        if verb == "CreateSchedule":
            schedule = {"deploymentId": id, "cron": {"expression": "@daily"}, "paused": True}
            self._world.call("CreateSchedule", {"schedule": schedule})
            return
        self._world.call(verb, {"id": id})
        if verb == "DeleteDeployment":
            self._deployments.remove(id)

    def _work(self) -> None:
        if self._workers and self._dice.random() < 0.5:
            self._workers.pop().goodbye()
            return
        worker = HandWorker(self._server.channel, name=self._dice.choice("xyz") + new_id(), work_pool_name="pool")
        worker.welcome()
        self._workers.append(worker)


def forget(server: RunningServer, kind: RunKind) -> None:
    """So much happens to runs at once that no cursor is remembered."""
    runs = {(kind, f"nobody {n}"): None for n in range(Watched.FLOW_RUN.remembered + 1)}

    async def note() -> None:
        server.server.change_log.note(Changes(runs=runs))

    server.run(note)


@contextmanager
def painted(server: RunningServer) -> Iterator[list[Painter]]:
    painters = [Painter(server, kind, filter) for kind, filter in FOLLOWED]
    try:
        yield painters
    finally:
        for each in painters:
            each.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_picture_is_the_list(server: RunningServer, seed: int) -> None:
    dice = random.Random(seed)
    actor, world = Actor(server, dice), World(server)
    with painted(server) as painters:
        for _ in range(4):
            for _ in range(40):
                actor.act()
                if dice.random() < 0.3:
                    dice.choice(painters).cut()
            forget(server, dice.choice(list(RunKind)))
            for each in painters:
                until(lambda each=each: each.agrees(world))
        actor.leave()
        for each in painters:
            until(lambda each=each: each.agrees(world))
        assert sum(each.snapshots for each in painters) > len(painters)
