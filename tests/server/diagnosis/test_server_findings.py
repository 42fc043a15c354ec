"""What a server finds of itself and of its database: provoked, and gone when it is mended."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from cryptography.fernet import Fernet

from antiphon.v1 import flow_service_pb2, flow_service_pb2_grpc
from antiphon.v1.state_pb2 import StateDetails
from antiphon_server.application.task_dispatch import Worker
from antiphon_server.diagnosis.patient import MIB, Bounds
from antiphon_server.domain.errors import Unavailable
from antiphon_server.encryption_keys import KeyRing
from antiphon_server.storage.schema import HEAD, VERSION_TABLE
from diagnosed import diagnosed, finding, later, reasons
from hand_session import HandSession
from hand_worker import HandWorker
from in_writer import in_writer, pragma
from refusals import refusal_of
from running_server import RunningServer
from stores import TEST_KEY, change, only_sqlite
from until import until
from world import World


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


def halt(server: RunningServer, name: str) -> Callable[[], None]:
    """Ends what a server does in the background, such as `Sweeper.run`; gives what begins it again."""
    background = server.server._background

    async def end() -> Any:
        task = next(task for task in background if task.get_coro().__qualname__ == name)
        task.cancel()
        await asyncio.wait({task})
        return task.get_coro().cr_frame

    owner = {"Sweeper.run": "sweeper", "Leadership.run": "_leadership", "Scheduler.run": "scheduler"}[name]
    server.run(end)

    async def begin() -> None:
        background.append(asyncio.get_running_loop().create_task(getattr(server.server, owner).run()))

    return lambda: server.run(begin)


def test_a_fresh_server_and_one_with_everything_are_well(server: RunningServer) -> None:
    assert reasons(server) == []
    World(server).fill()
    assert reasons(server) == []


def test_a_busy_server_is_well(server: RunningServer) -> None:
    """Runs that run, end, fail and wait for their time or for a slot, workers that work and one that has gone."""
    world = World(server)
    world.fill()
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:db", "limit": 1}})
    session = HandSession(server.channel)
    for last in ("RUNNING", "COMPLETED", "FAILED"):
        flow_run = session.create_flow_run()
        for state in dict.fromkeys(("PENDING", "RUNNING", last)):
            session.propose(flow_run, state)
    parent = session.create_flow_run()
    for state in ("PENDING", "RUNNING"):
        session.propose(parent, state)
    for _ in range(3):
        task = session.create_task_run(parent, tags=["db"])
        for state in ("PENDING", "RUNNING"):
            session.propose(task, state, task=True)
    pool = world.call("CreateWorkPool", {"workPool": {"name": "busy", "type": "process"}}).work_pool
    deployment = {"name": "d", "flowName": "etl", "workPoolName": "busy", "concurrencyLimit": 5}
    deployment_id = world.call("CreateDeployment", {"deployment": deployment}).deployment.id
    schedule = {"deploymentId": deployment_id, "interval": {"interval": "3600s"}, "slug": "hourly"}
    world.call("CreateSchedule", {"schedule": schedule})
    worker = HandWorker(server.channel, work_pool_name=pool.name)
    worker.welcome()
    for _ in range(3):
        world.call("RunDeployment", {"id": deployment_id})
    worker.credit(1)
    worker.take(worker.offer())
    worker.heartbeat()
    assert reasons(server) == []
    assert [reasons(server, own_only=True) for _ in range(3)] == [[], [], []]
    session.close()
    worker.goodbye()


def test_a_service_that_fails(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    halt(server, "Sweeper.run")
    sweeper = server.server.sweeper

    async def broken(now: int) -> list[str]:
        raise ValueError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(sweeper, "_sweep_sessions", broken)
        with pytest.raises(ValueError, match="a bug"):
            server.run(sweeper.sweep)
    found = finding(server, "SERVICE_FAILING")
    assert "the service sessions failed" in found.message
    assert "ValueError: a bug" in found.message
    server.run(sweeper.sweep)
    assert reasons(server) == []


def test_a_service_that_has_stopped(tmp_path: Path) -> None:
    soon = Bounds(overdue=0.3, missed_rounds=1)
    with RunningServer(tmp_path, session_ttl=0.6) as server:
        go_on = halt(server, "Sweeper.run")
        until(lambda: "SERVICE_STALLED" in reasons(server, bounds=soon))
        stalled = {each.facts["service"] for each in diagnosed(server, bounds=soon)}
        assert stalled >= {"sessions", "deadlines", "late-runs", "housekeeping"}
        assert reasons(server) == [], "a round may be a little late"
        go_on()
        until(lambda: reasons(server, bounds=Bounds(overdue=5)) == [])


def test_services_that_nobody_leads(server: RunningServer) -> None:
    halt(server, "Leadership.run")
    leadership = server.server._leadership

    async def lose() -> None:
        leadership._until.clear()

    server.run(lose)
    later(server, 100)
    found = diagnosed(server)
    assert {each.reason for each in found} == {"SERVICE_WITHOUT_LEADER"}
    assert {each.facts["service"] for each in found} >= {"scheduler", "sessions", "operations"}
    server.run(leadership.look)
    assert reasons(server) == []


def test_a_transaction_that_does_not_end(server: RunningServer) -> None:
    soon, go_on = Bounds(stuck=0.05), threading.Event()
    with ThreadPoolExecutor() as pool:
        stuck = pool.submit(in_writer, server, lambda _: go_on.wait(20))
        until(lambda: "WRITER_STUCK" in reasons(server, bounds=soon))
        assert reasons(server, bounds=soon, own_only=True) == ["WRITER_STUCK"]
        go_on.set()
        stuck.result(20)
    until(lambda: reasons(server) == [])


@only_sqlite
def test_a_disk_that_takes_nothing(server: RunningServer) -> None:
    flows = flow_service_pb2_grpc.FlowServiceStub(server.channel)
    pragma(server, f"max_page_count={pragma(server, 'page_count')}")
    with pytest.raises(grpc.RpcError) as raised:
        for number in range(1000):
            flow = {"name": f"{number}-{'x' * 200}"}
            flows.CreateFlow(flow_service_pb2.CreateFlowRequest(flow=flow))
    assert refusal_of(raised.value).reason == "STORAGE_FULL"
    pragma(server, "max_page_count=1000000")
    found = finding(server, "COMMITS_FAILING")
    assert found.message.startswith("1 transaction failed in the last 5 min, the last one ")
    assert "the database's disk or quota is full" in found.message
    assert reasons(server, bounds=Bounds(just_now=0.0)) == ["COMMITS_FAILED"]
    assert reasons(server, bounds=Bounds(lately=0.0)) == []


def test_slow_commits(server: RunningServer) -> None:
    for _ in range(6):
        in_writer(server, lambda _: threading.Event().wait(0.02))
    found = finding(server, "COMMITS_SLOW", bounds=Bounds(slow_commit=0.00001, commits=5))
    assert float(found.facts["slowest_seconds"]) >= 0.02
    assert reasons(server, bounds=Bounds(slow_commit=0.01, commits=10_000)) == []


def test_a_database_that_does_not_answer(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(read: object) -> Any:
        raise Unavailable("STORAGE_UNAVAILABLE", "the database cannot be reached")

    with monkeypatch.context() as patched:
        patched.setattr(server.server.reader, "ask", gone)
        assert finding(server, "DATABASE_UNREADABLE").message == "the database cannot be reached"
    assert reasons(server) == []


def test_readers_that_are_all_in_use(server: RunningServer) -> None:
    assert reasons(server) == []
    _, readers = server.server.reader.connections

    async def crowd() -> list[str]:
        held = asyncio.Event()
        tasks = [asyncio.ensure_future(server.server.reader.ask(lambda _: held.wait())) for _ in range(readers)]
        while server.server.reader.connections[0] < readers:
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.2, held.set)
        answer = await server.server.diagnose(bounds=Bounds(slow_read=0.1))
        await asyncio.gather(*tasks)
        return [each.reason for each in answer.findings]

    assert server.run(crowd) == ["READERS_BUSY"]
    assert reasons(server) == []
    assert "DATABASE_SLOW" in reasons(server, bounds=Bounds(slow_read=0.0))


def test_a_look_that_fails_is_told_and_the_others_go_on(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr(server.server.reader, "ask", broken)
    assert set(reasons(server)) == {"CHECK_NOT_DONE"}


def test_calls_that_were_turned_away(server: RunningServer) -> None:
    gate = next(gate for gate in server.server.gates if gate.name == "writes")
    flows = flow_service_pb2_grpc.FlowServiceStub(server.channel)
    gate.limit = 0
    # As one would find it: others are under way.
    gate.under_way = 1
    with pytest.raises(grpc.RpcError) as raised:
        flows.CreateFlow(flow_service_pb2.CreateFlowRequest(flow={"name": "x"}))
    assert refusal_of(raised.value).reason == "SERVER_BUSY"
    gate.limit, gate.under_way = 128, 0
    found = finding(server, "CALLS_TURNED_AWAY")
    assert found.message.startswith("writes: 1 were turned away since the server started, the last one ")
    assert reasons(server, bounds=Bounds(just_now=0.0)) == []


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@only_sqlite
@pytest.mark.parametrize(
    ("total", "free", "expected"),
    [
        (100_000, 100, ["DISK_FULL"]),
        (100_000, 4_000, ["DISK_NEARLY_FULL"]),
        (100_000, 6_000, []),
        (10_000_000, 30_000, []),
    ],
)
def test_room_on_the_disk(server: RunningServer, total: int, free: int, expected: list[str]) -> None:
    disk = Disk(total * MIB, 0, free * MIB)
    assert reasons(server, disk=lambda _: disk) == expected


@only_sqlite
def test_a_database_on_a_file_system_of_the_network(server: RunningServer, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    line = "36 35 98:0 / {} rw,noatime shared:1 - {} server:/export rw\n"
    place = str(tmp_path.resolve()).replace(" ", "\\040")
    mounts.write_text(line.format("/", "ext4") + line.format(place, "nfs4"))
    found = finding(server, "NETWORK_FILE_SYSTEM", mounts=mounts)
    assert found.message == f"{tmp_path} is on a file system of the type nfs4"
    mounts.write_text(line.format("/", "nfs4") + line.format(place, "ext4"))
    assert reasons(server, mounts=mounts) == []
    assert reasons(server, mounts=tmp_path / "missing") == []


@only_sqlite
def test_a_log_that_cannot_be_shortened(server: RunningServer, tmp_path: Path) -> None:
    log = tmp_path / "antiphon.db-wal"
    size = log.stat().st_size
    os.truncate(log, 2 * 1024**3)  # Nothing is written for it.
    found = finding(server, "LOG_LARGE")
    os.truncate(log, size)
    assert f"lsof {log}" in found.remedy
    assert reasons(server) == []


def test_a_database_that_grows_for_ever(server: RunningServer) -> None:
    assert finding(server, "RETENTION_UNSET", bounds=Bounds(kept_for_ever=1)).facts["bytes"].isdigit()


def test_a_schema_of_another_release(server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    change(path, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    try:
        assert "schema 9999" in finding(server, "SCHEMA_DIFFERS").message
    finally:
        change(path, f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}'")
    assert reasons(server) == []


def test_a_key_that_does_not_fit(server: RunningServer) -> None:
    World(server).fill()
    other = KeyRing((Fernet.generate_key().decode(),), None)
    assert (
        "encrypted with a key that this server does not have"
        in finding(server, "ENCRYPTION_KEY_UNFIT", keys=other).message
    )
    assert "ENCRYPTION_KEY_UNFIT" in reasons(server, keys=KeyRing((), None))
    assert TEST_KEY not in str(diagnosed(server, keys=other))


def test_sessions_that_nobody_ends(server: RunningServer) -> None:
    halt(server, "Sweeper.run")
    session = HandSession(server.channel)
    session.acked(session.sequence if session.create_flow_run() else 0)
    server.clock.advance(200)
    found = finding(server, "SESSIONS_OVERDUE")
    assert found.message.startswith("sessions that should have been ended: 1; of the first one ")
    assert "`antiphon server services ls`" in found.remedy
    server.run(server.server.sweeper.sweep)
    assert reasons(server) == []
    session.cut()


def test_deadlines_that_nobody_keeps(server: RunningServer) -> None:
    halt(server, "Sweeper.run")
    world = World(server)
    deployment = {"name": "d", "flowName": "etl", "gracePeriod": "10s"}
    deployed = world.call("CreateDeployment", {"deployment": deployment}).deployment.id
    run = world.call("RunDeployment", {"id": deployed}).flow_run.id
    world.propose(run, "PENDING", claim=True)
    server.clock.advance(200)
    assert finding(server, "DEADLINES_OVERDUE").message.startswith("flow runs whose deadline has passed: 1; ")
    server.run(server.server.sweeper.sweep)
    assert "DEADLINES_OVERDUE" not in reasons(server)


def test_schedules_that_nobody_plans(server: RunningServer) -> None:
    halt(server, "Scheduler.run")
    world = World(server)
    deployed = world.call("CreateDeployment", {"deployment": {"name": "d", "flowName": "etl"}}).deployment.id
    world.call("CreateSchedule", {"schedule": {"deploymentId": deployed, "interval": {"interval": "3600s"}}})
    server.run(server.server.scheduler.round)
    server.clock.advance(4000)
    assert "SCHEDULES_OVERDUE" in reasons(server)
    server.run(server.server.scheduler.round)
    assert "SCHEDULES_OVERDUE" not in reasons(server)


def test_slots_that_nobody_frees(server: RunningServer) -> None:
    world = World(server)
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "db", "limit": 1}})
    world.call("AcquireSlots", {"names": ["db"], "slots": 1, "leaseDuration": "30s"})
    server.clock.advance(200)
    assert reasons(server) == ["SLOTS_OVERDUE"]
    server.run(look_at_slots(server))
    until(lambda: reasons(server) == [])


def look_at_slots(server: RunningServer) -> Callable[[], Any]:
    async def look() -> None:
        server.server.slot_expiry.look()

    return look


def test_a_limit_of_zero_that_somebody_waits_for(server: RunningServer) -> None:
    world = World(server)
    deployed, _ = crowded(world)
    world.call("UpdateDeployment", limited(deployed, 0))
    found = finding(server, "LIMIT_WITHOUT_SLOTS")
    assert found.message.startswith("deployment 'etl/d' has a concurrency limit of 0, and 1 wait for a slot, the first")
    assert "`antiphon deploy ENTRYPOINT --name d --concurrency-limit N`" in found.remedy
    world.call("UpdateDeployment", limited(deployed, 2))
    until(lambda: reasons(server) == [])


def crowded(world: World) -> tuple[str, list[str]]:
    """A deployment with one slot, and two runs of it: one runs and no session holds it, one waits for the slot."""
    deployment = {"name": "d", "flowName": "etl", "concurrencyLimit": 1}
    deployed = world.call("CreateDeployment", {"deployment": deployment}).deployment.id
    one, two = (world.call("RunDeployment", {"id": deployed}).flow_run.id for _ in range(2))
    world.propose(one, "PENDING", claim=True)
    world.propose(one, "RUNNING")
    assert world.propose(two, "PENDING", claim=True).state.name == "AwaitingConcurrencySlot"
    return deployed, [one, two]


def limited(deployment: str, slots: int) -> dict[str, Any]:
    return {"deployment": {"id": deployment, "concurrencyLimit": slots}, "updateMask": "concurrencyLimit"}


def test_slots_that_a_run_holds_of_which_nobody_hears(server: RunningServer) -> None:
    world = World(server)
    _, (one, _) = crowded(world)
    later(server, 90)
    assert "LIMIT_HELD_BY_NOBODY" not in reasons(server)
    later(server, 400)
    found = next(each for each in diagnosed(server) if each.reason == "LIMIT_HELD_BY_NOBODY")
    assert found.facts["holders"] == one
    world.propose(one, "COMPLETED")
    assert "LIMIT_HELD_BY_NOBODY" not in reasons(server)


def test_background_tasks_that_nobody_serves(server: RunningServer) -> None:
    session = HandSession(server.channel)
    run_id = session.create_task_run("", task_key="mail.send-1")
    session.propose(run_id, "SCHEDULED", task=True, state={"details": StateDetails(deferred=True)})
    later(server, 30)
    assert reasons(server) == []
    later(server, 60)
    found = finding(server, "TASK_RUNS_UNSERVED")
    assert found.facts["task_key"] == "mail.send-1"
    assert "antiphon task serve" in found.remedy
    worker = Worker(lambda runs: None)

    async def serve() -> None:
        server.server.task_dispatch.serve(worker, ["mail.send-1"], 1)

    server.run(serve)
    assert reasons(server) == []
    session.close()
