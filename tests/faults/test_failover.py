"""Two ways to a server: when one of them fails, sessions and calls soon take the other, and nothing is lost or doubled.

Two proxies stand for two servers. To the session they are: it goes to another address with its resume token.
"""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.exceptions import ServerUnreachable
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.session.session import Session
from antiphon.v1 import session_pb2
from antiphon.v1.flow_pb2 import Flow
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CreateFlowRunRequest
from antiphon.v1.flow_service_pb2 import CreateFlowRequest, ListFlowsRequest
from antiphon.watching import Watch, watch
from faults.task_lives import check, proposal, run_through
from in_writer import in_writer
from running_server import RunningServer
from server_process import ServerProcess
from stored import Stored
from tcp_proxy import TcpProxy
from until import until

#: Seconds within which a session goes elsewhere is 2; this has room for slow machines, and is far from the 15 s and
#: more that any other way of noticing takes.
SOON = 10.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


class Ways:
    """Two proxies, and which of them a session or a client takes now."""

    def __init__(self, one: TcpProxy, other: TcpProxy) -> None:
        self.both = (one, other)
        self.target = f"{one.address},{other.address}"

    def taken(self) -> tuple[TcpProxy, TcpProxy]:
        """The way that has a connection, once just one has, and the other one."""
        until(lambda: sorted(each.connections > 0 for each in self.both) == [False, True])
        one, other = self.both
        return (one, other) if one.connections else (other, one)


@pytest.fixture
def ways(server: RunningServer) -> Iterator[Ways]:
    with TcpProxy(server.target) as one, TcpProxy(server.target) as other:
        yield Ways(one, other)


@pytest.fixture
def session(ways: Ways) -> Iterator[Session]:
    opened = Session(lambda: ways.target, reconnect_timeout=60)
    yield opened
    opened.close(10)


def fail_by_cut(way: TcpProxy) -> None:
    way.refuse()
    way.cut()


def lose(way: TcpProxy) -> None:
    way.black_hole()


@pytest.mark.parametrize("fail", [fail_by_cut, lose])
def test_a_way_that_fails_under_way_is_left_for_the_other_soon(
    server: RunningServer, ways: Ways, session: Session, fail: Callable[[TcpProxy], None]
) -> None:
    flow_run_id, verdicts = run_through(session, 3)
    check(server, flow_run_id, verdicts, 3)
    way, other = ways.taken()
    fail(way)
    began = time.monotonic()
    flow_run_id, verdicts = run_through(session, 3)
    assert time.monotonic() - began < SOON
    check(server, flow_run_id, verdicts, 3)
    assert other.connections == 1


def test_it_goes_to_and_fro_as_often_as_it_must(server: RunningServer, ways: Ways, session: Session) -> None:
    stopped = threading.Event()

    def cut_over_and_over() -> None:
        while not stopped.wait(0.2):
            way, other = ways.both
            fail_by_cut(way)
            other.heal()
            ways.both = (other, way)

    session.session_id  # noqa: B018 - waits for the first connection
    cutter = threading.Thread(target=cut_over_and_over)
    cutter.start()
    try:
        for _ in range(5):
            flow_run_id, verdicts = run_through(session, 10)
            check(server, flow_run_id, verdicts, 10)
    finally:
        stopped.set()
        cutter.join()


@pytest.mark.parametrize("fail", [TcpProxy.refuse, TcpProxy.black_hole])
def test_a_session_begins_where_somebody_is(ways: Ways, fail: Callable[[TcpProxy], None]) -> None:
    fail(ways.both[0])
    began = time.monotonic()
    # Which one comes first is a matter of chance; one of so many begins with the one that is not there.
    sessions = [Session(lambda: ways.target) for _ in range(8)]
    try:
        assert all(session.session_id for session in sessions)
        assert time.monotonic() - began < SOON
    finally:
        for session in sessions:
            session.close(10)


def test_addresses_of_both_families_and_names(tmp_path: Path) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with RunningServer(tmp_path, listen=("127.0.0.1:0", "[::1]:0")) as server:
        _, ipv4, ipv6 = server.server.addresses
        port = ipv4.rpartition(":")[2]
        for target in (f"{ipv4},{ipv6}", f"localhost:{port},{ipv6}", ipv6, f"dns:///localhost:{port}"):
            session = Session(lambda target=target: target)  # type: ignore[misc]
            flow_run_id, verdicts = run_through(session, 1)
            check(server, flow_run_id, verdicts, 1)
            session.close(10)
            with ServiceClient(target) as client:
                for _ in range(4):
                    client.call(client.flows.ListFlows, ListFlowsRequest())


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_server_that_is_killed_and_comes_back_elsewhere(tmp_path: Path) -> None:
    """On the same database, at the other address: as a replica would take over."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    servers = [ServerProcess(tmp_path, "--listen", addresses[0]).serving()]
    session = Session(lambda: ",".join(addresses), reconnect_timeout=60)
    try:
        with ServiceClient(",".join(addresses)) as client:
            for turn in range(4):
                run_id = new_id()
                began = session.submit(FlowRun(id=run_id, flow_name="moved"), proposal(3, flow_run_id=run_id))
                servers[-1].end(signal.SIGKILL)
                servers.append(ServerProcess(tmp_path, "--listen", addresses[(turn + 1) % 2]).serving())
                for ticket in (*began, *session.submit(proposal(4, flow_run_id=run_id))):
                    ticket.result(60)
                client.reconnect(60)
                assert Stored(client).flow_run_history(run_id) == ["Running", "Completed"]
    finally:
        session.close(10)
        for server in servers:
            server.close()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_many_frames_on_the_way_do_not_hide_that_nobody_answers(
    server: RunningServer, ways: Ways, session: Session
) -> None:
    """gRPC stops to take frames when the peer's window is full, and its thread waits."""
    session.session_id  # noqa: B018 - waits for the first connection
    way, other = ways.taken()
    way.black_hole()
    runs = [FlowRun(id=new_id(), flow_name="many", name="x" * 200) for _ in range(5000)]
    began = time.monotonic()
    tickets = [ticket for run in runs for ticket in session.submit(run)]
    for ticket in tickets:
        ticket.result(60)
    assert time.monotonic() - began < 2 * SOON
    assert other.connections == 1


def test_a_server_whose_database_is_slow_is_not_left(server: RunningServer, ways: Ways, session: Session) -> None:
    session.session_id  # noqa: B018 - waits for the first connection
    way, other = ways.taken()
    release, held = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        release.wait(30)

    holder = threading.Thread(target=in_writer, args=(server, hold))
    holder.start()
    assert held.wait(10)
    (ticket,) = session.submit(FlowRun(id=new_id(), flow_name="slow"))
    with pytest.raises(TimeoutError):
        ticket.result(4)  # twice as long as one that hangs is borne
    release.set()
    holder.join()
    assert ticket.result(30) is None
    assert (way.connections, other.taken) == (1, 0)


def test_an_idle_session_says_nothing(ways: Ways, session: Session) -> None:
    session.session_id  # noqa: B018 - waits for the first connection
    way, _ = ways.taken()
    (ticket,) = session.submit(FlowRun(id=new_id(), flow_name="idle"))
    ticket.result(30)
    until(lambda: _quiet(way))
    before = way.passed
    assert not threading.Event().wait(2.5)
    assert way.passed == before


def _quiet(way: TcpProxy) -> bool:
    """What gRPC adds to an answer (acknowledgements, window updates) has come through."""
    before = way.passed
    threading.Event().wait(0.2)
    return way.passed == before


def drain(server: RunningServer) -> None:
    """As a server does that is to stop; the one behind the other way is another one, which stays."""

    async def tell() -> None:
        hub = server.server.hub
        hub.drain(session_pb2.Command(drain=session_pb2.Drain(reason="tests")))
        hub.draining = None

    server.run(tell)


def test_drain_moves_the_session_while_it_works_and_nothing_fails(
    server: RunningServer, ways: Ways, session: Session
) -> None:
    session.session_id  # noqa: B018 - waits for the first connection
    run_id = new_id()
    handled: list[str] = []
    begun = session.submit(
        FlowRun(id=run_id, flow_name="drained"),
        *(proposal(state, flow_run_id=run_id) for state in (2, 3)),
    )
    session.set_run_handler(run_id, lambda command: handled.append(command.id) or session_pb2.COMMAND_STAGE_APPLIED)  # type: ignore[func-returns-value]
    assert [ticket.result(30) is not None for ticket in begun] == [False, True, True]

    for _ in range(2):
        _, other = ways.taken()
        before = other.taken
        drain(server)
        moved = False
        while not moved:
            # The last time around is on the new stream: who has moved, and is not attached yet, would hear no Drain.
            moved = other.taken > before
            again, verdicts = run_through(session, 2)
            check(server, again, verdicts, 2)
    assert session.submit(proposal(4, flow_run_id=run_id))[0].result(30) is not None
    assert handled == [], "no run was taken away"


def test_with_one_address_drain_is_waited_out(server: RunningServer, ways: Ways) -> None:
    way = ways.both[0]
    session = Session(lambda: way.address, reconnect_timeout=60)
    try:
        session.session_id  # noqa: B018 - waits for the first connection
        drain(server)
        flow_run_id, verdicts = run_through(session, 2)
        check(server, flow_run_id, verdicts, 2)
        assert way.taken == 1
    finally:
        session.close(10)


def test_calls_go_on_when_a_way_is_cut(ways: Ways) -> None:
    with ServiceClient(ways.target) as client:
        client.call(client.flows.ListFlows, ListFlowsRequest())
        until(lambda: all(way.connections for way in ways.both))
        fail_by_cut(ways.both[0])
        for number in range(20):
            _create(client, f"flow {number}")
        names = [flow.name for flow in client.pages(client.flows.ListFlows, ListFlowsRequest(), "flows")]
        assert sorted(names) == sorted(f"flow {number}" for number in range(20))


@pytest.mark.parametrize("fail", [TcpProxy.refuse, TcpProxy.black_hole])
def test_a_client_begins_where_somebody_is(ways: Ways, fail: Callable[[TcpProxy], None]) -> None:
    fail(ways.both[0])
    began = time.monotonic()
    with ServiceClient(ways.target) as client:
        for number in range(4):
            _create(client, f"flow {number}")
    assert time.monotonic() - began < SOON


def test_with_nobody_there_the_cause_is_told_soon(ways: Ways) -> None:
    for way in ways.both:
        way.refuse()
    began = time.monotonic()
    told = f"No server answers at {ways.target}"
    with ServiceClient(ways.target) as client, pytest.raises(ServerUnreachable, match=told):
        _create(client, "none")
    assert time.monotonic() - began < SOON


@pytest.mark.timeout(240)
def test_who_vanished_without_a_word_is_noticed_by_calls_and_by_watches_that_only_wait(
    server: RunningServer, ways: Ways
) -> None:
    """By gRPC's pings, 15 s at most."""
    with ServiceClient(ways.target) as client:
        client.call(client.flows.ListFlows, ListFlowsRequest())
        until(lambda: all(way.connections for way in ways.both))
        watches = [watch("flow_runs", skip_snapshot=True, client=client) for _ in range(2)]
        for steps in watches:
            assert next(steps).kind == "begin"
        heard = [threading.Thread(target=_hear_of, args=(steps, "watched")) for steps in watches]
        for each in heard:
            each.start()
        ways.both[0].black_hole()
        began = time.monotonic()
        calls = [threading.Thread(target=_create, args=(client, f"flow {number}")) for number in range(4)]
        for call in calls:
            call.start()
        for call in calls:
            call.join(60)
        assert time.monotonic() - began < 40
        names = {flow.name for flow in client.pages(client.flows.ListFlows, ListFlowsRequest(), "flows")}
        assert names == {f"flow {number}" for number in range(4)}
        # The watch on the dead way goes on where it was, on the other one.
        client.call(client.flow_runs.CreateFlowRun, CreateFlowRunRequest(flow_run=FlowRun(flow_name="watched")))
        for each in heard:
            each.join(60)
            assert not each.is_alive()
        for steps in watches:
            steps.close()


def _create(client: ServiceClient, name: str) -> None:
    client.call(client.flows.CreateFlow, CreateFlowRequest(flow=Flow(name=name)))


def _hear_of(steps: Watch, flow_name: str) -> None:
    assert any(step.kind == "thing" and step.thing.flow_name == flow_name for step in steps)
