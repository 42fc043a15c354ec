"""Calls and sessions of a server whose PostgreSQL is full, away, read-only, or gone just when it commits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import event

from hand_session import HandSession, end_of, new_id, proposal
from in_writer import in_writer
from postgresql_hands import disk_full, end_connections, name_of, read_only, say
from refusals import Refusal, refusal_of
from running_server import RunningServer
from stores import administer, committed_at, url_for
from tcp_proxy import TcpProxy
from until import until
from world import World

PATIENCE = 20.0
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_for(tmp_path / "antiphon.db", bare=True)


@pytest.fixture
def proxy(url: str) -> Iterator[TcpProxy]:
    """Between the server and its database."""
    with TcpProxy(url.split("@")[1].split("/")[0]) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, url: str, proxy: TcpProxy) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, database=url.replace(proxy.target, proxy.address)) as running:
        yield running


@pytest.fixture
def world(server: RunningServer) -> World:
    world = World(server)
    world.fill()
    return world


def creation(name: str) -> dict[str, Any]:
    return {"flowRun": {"flowName": name}, "requestId": new_id()}


def is_away(refusal: Refusal) -> None:
    assert (refusal.code, refusal.reason) == (UNAVAILABLE, "STORAGE_UNAVAILABLE")
    assert refusal.retry_after == timedelta(seconds=1)


def goes_on(world: World) -> None:
    """Writes are answered at once, and reads once connections that ended are found."""
    assert world.call("CreateFlowRun", creation("on"))
    until(lambda: reads(world))


def reads(world: World) -> bool:
    try:
        return bool(world.call("ListFlowRuns").flow_runs)
    except grpc.RpcError as error:
        is_away(refusal_of(error))
        return False


def test_on_a_full_disk_writes_are_refused_and_reads_go_on(world: World, url: str) -> None:
    request = creation("large")
    with disk_full(url, "flow_runs"):
        refusal = world.refused("CreateFlowRun", request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        assert refusal.retry_after == timedelta(seconds=1)
        assert world.call("ListFlowRuns").flow_runs[0].id == world.run
        assert world.call("ListFlows", {"filter": "name = large"}).flows == []
    assert world.call("CreateFlowRun", request).flow_run.flow_name == "large"


def test_where_it_takes_no_writes_reads_go_on(world: World, url: str) -> None:
    with read_only(url):
        refusal = world.refused("CreateFlowRun", creation("none"))
        is_away(refusal)
        assert "25006" in refusal.message and "nothing was written" in refusal.message
        until(lambda: reads(world))
    goes_on(world)


def test_connections_that_end_are_made_anew(world: World, url: str) -> None:
    for _ in range(3):
        end_connections(url)
        goes_on(world)


def test_while_it_is_away_each_kind_of_call_says_so_and_then_it_goes_on(world: World, proxy: TcpProxy) -> None:
    proxy.refuse()
    proxy.cut()
    for method, request in (
        ("CreateFlowRun", creation("none")),
        ("ProposeTransition", {"proposal": proposed_running(world)}),
        ("GetFlowRun", {"id": world.run}),
        ("ListFlowRuns", {}),
        ("CreateLogs", {"logs": [{"message": "x", "createTime": "2026-01-01T00:00:00Z"}]}),
        ("OpenSession", {"hello": {"client": "x"}}),
        ("SetVariable", {"variable": {"name": "x", "value": "1"}}),
    ):
        refusal = world.refused(method, request)
        is_away(refusal)
        assert "Check that it runs, and that the server reaches it" in refusal.message, method
    proxy.heal()
    goes_on(world)
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.state.name == "Scheduled"


def proposed_running(world: World) -> dict[str, Any]:
    return {"flowRunId": world.run, "transitionId": new_id(), "state": {"type": "STATE_TYPE_RUNNING"}}


@contextmanager
def commit_in_doubt(server: RunningServer, proxy: TcpProxy, done: Callable[[], bool]) -> Iterator[None]:
    """The transaction of what is asked for in the block is committed, and the database is gone before it says so."""
    held, release = threading.Event(), threading.Event()
    commits = 0

    def hold(_: object) -> None:
        held.set()
        assert release.wait(PATIENCE)

    def on_commit(_: object) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:  # The first one is that of `hold`.
            proxy.swallow_answers()

    def lose() -> None:
        until(lambda: server.server.core.queued[0] > 0)
        release.set()
        until(done)
        proxy.cut()
        proxy.heal()

    threads = [threading.Thread(target=each) for each in (lambda: in_writer(server, hold), lose)]
    threads[0].start()
    assert held.wait(PATIENCE)
    event.listen(server.server._engine, "commit", on_commit)
    threads[1].start()
    yield
    for each in threads:
        each.join(PATIENCE)
    event.remove(server.server._engine, "commit", on_commit)


def count(url: str, what: str) -> int:
    ((found,),) = committed_at(url, f"SELECT count(*) FROM {what}")
    return int(found)


def test_a_call_whose_commit_is_in_doubt_is_answered_as_it_was(world: World, proxy: TcpProxy, url: str) -> None:
    request, before = creation("etl"), count(url, "flow_runs")
    with commit_in_doubt(world.server, proxy, lambda: count(url, "flow_runs") > before):
        is_away(world.refused("CreateFlowRun", request))
    run = world.call("CreateFlowRun", request).flow_run
    assert count(url, "flow_runs") == before + 1
    until(lambda: reads(world))
    assert world.call("ListFlowRuns").flow_runs[0].id == run.id
    assert world.refused("CreateFlowRun", {**creation("other"), "requestId": request["requestId"]}).reason == (
        "REQUEST_ID_REUSED"
    )


def test_a_frame_whose_commit_is_in_doubt_is_found_by_the_next_attach(
    server: RunningServer, proxy: TcpProxy, url: str
) -> None:
    session = HandSession(server.channel)
    run = session.create_flow_run()
    session.propose(run, "PENDING")
    frame = session.durable(proposal=proposal(run, "RUNNING"))
    with commit_in_doubt(server, proxy, lambda: count(url, "flow_runs WHERE run_count = 1") == 1):
        session.say(frame)
        is_away(end_of(session))
    again = HandSession(server.channel, session.welcome.resume_token)
    assert again.welcome.committed_sequence == frame.sequence
    again.say(frame)
    assert again.answer(frame.sequence).state.name == "Running"
    assert again.propose(run, "COMPLETED").state.name == "Completed"
    assert count(url, "flow_runs WHERE run_count = 1") == 1
    again.cut()


def test_where_there_is_no_room_for_its_connections_it_says_so(tmp_path: Path, url: str) -> None:
    # A limit does not hold for superusers.
    user = f"user_of_{name_of(url)}"
    say(url, f"CREATE ROLE {user} LOGIN", f"ALTER DATABASE {name_of(url)} OWNER TO {user}")
    with RunningServer(tmp_path, database=url.replace("//postgres@", f"//{user}@")) as server:
        world = World(server)
        goes_on(world)
        administer(f"ALTER ROLE {user} CONNECTION LIMIT 0")
        end_connections(url)
        until(lambda: not reads(world))
        for method, request in (("CreateFlowRun", creation("none")), ("ListFlowRuns", {})):
            refusal = world.refused(method, request)
            is_away(refusal)
            assert f'too many connections for role "{user}"' in refusal.message
        administer(f"ALTER ROLE {user} CONNECTION LIMIT -1")
        goes_on(world)


def test_a_server_stops_in_peace_while_its_database_is_away(server: RunningServer, proxy: TcpProxy) -> None:
    proxy.refuse()
    proxy.cut()
    # The fixture stops it.
