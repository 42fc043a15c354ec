"""PostgreSQL is killed, and stopped and started, under a server that is asked all the time: what was acknowledged is
there, exactly once, and the server goes on by itself."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from antiphon.v1 import flow_run_service_pb2, session_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2_grpc import FlowRunServiceStub
from antiphon_server.encryption_keys import ENCRYPTION_KEY
from antiphon_server.home import DATABASE_URL
from hand_session import HandSession, new_id, proposal
from postgresql_cluster import Cluster
from refusals import refusal_of
from server_process import ServerProcess
from stores import TEST_KEY, committed_at
from until import until

CRASHES = 6
#: Seconds until a session that is not heard of is lost.
TTL = 4.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(durable=True)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerProcess]:
    monkeypatch.setenv(DATABASE_URL, cluster.url("postgres"))
    monkeypatch.setenv(ENCRYPTION_KEY, TEST_KEY)
    process = ServerProcess(tmp_path, "--session-ttl", str(TTL))
    try:
        yield process.serving()
        assert process.end() == 0
        assert "Traceback" not in process.output()
    finally:
        process.close()


class Client:
    """Goes on over cuts of its session, and knows what was acknowledged to it."""

    def __init__(self) -> None:
        self.token = ""
        self.frames: list[session_pb2.ClientFrame] = []
        self.acked = 0
        self.verdicts: dict[int, str] = {}

    def attach(self, channel: grpc.Channel) -> bool:
        """Whether it could, and what was not acknowledged is said again."""
        try:
            self.session = HandSession(channel, self.token)
        except grpc.RpcError as error:
            away(error)
            return False
        self.token = self.session.welcome.resume_token
        committed = self.session.welcome.committed_sequence
        assert self.acked <= committed <= len(self.frames), "nothing that was acknowledged is lost"
        self.session.say(*self.frames[self.acked :], session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat()))
        return True

    def say(self, runs: int) -> None:
        frames = []
        for _ in range(runs):
            id = new_id()
            frames.append(session_pb2.ClientFrame(create_flow_run=FlowRun(id=id, flow_name="crash")))
            for type_ in ("PENDING", "RUNNING", "COMPLETED"):
                frames.append(session_pb2.ClientFrame(proposal=proposal(id, type_)))
        for frame in frames:
            frame.sequence = len(self.frames) + 1
            self.frames.append(frame)
        self.session.say(*frames)

    def hear(self, until_sequence: int) -> bool:
        """Whether it heard that all of these are committed; if not, the stream ended as it should."""
        try:
            while self.acked < until_sequence:
                for frame in next(self.session.call).frames:
                    assert not frame.HasField("error"), frame
                    if frame.HasField("ack"):
                        self.acked = max(self.acked, frame.ack.sequence)
                    elif frame.HasField("verdict"):
                        answer = frame.verdict.verdict.SerializeToString(deterministic=True)
                        assert self.verdicts.setdefault(frame.verdict.sequence, answer) == answer
        except grpc.RpcError as error:
            away(error)
            return False
        return True


def away(error: grpc.RpcError) -> None:
    refusal = refusal_of(error)
    assert refusal.code is grpc.StatusCode.UNAVAILABLE, refusal
    assert refusal.reason in ("STORAGE_UNAVAILABLE", "STORAGE_BUSY"), refusal


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "restarted"])
def test_nothing_is_lost_and_nothing_doubled_and_the_server_goes_on(
    cluster: Cluster, server: ServerProcess, how: signal.Signals
) -> None:
    chance = random.Random(20_260_707)
    client = Client()
    with server.channel() as channel:
        assert client.attach(channel)
        for _ in range(CRASHES):
            for _ in range(chance.randrange(4, 12)):
                client.say(chance.randrange(4, 12))
            client.hear(client.acked + chance.randrange(0, 60))
            cluster.stop(how)
            # What was on its way comes to its end: acknowledged, or with the stream.
            if client.hear(len(client.frames)):
                client.say(1)
                assert not client.hear(len(client.frames)), "there is no database"
            assert not client.attach(channel)
            cluster.start()
            until(lambda: client.attach(channel))
            assert client.hear(len(client.frames))
        client.session.cut()
        check(cluster.url("postgres"), client)


def check(url: str, client: Client) -> None:
    runs = len(client.frames) // 4
    assert len(client.verdicts) == 3 * runs
    ended = "state_name = 'Completed' AND run_count = 1"
    ((found, completed, versions),) = committed_at(
        url, f"SELECT count(*), count(*) FILTER (WHERE {ended}), sum(version) FROM flow_runs"
    )
    assert (found, completed, versions) == (runs, runs, 4 * runs)
    ((written,),) = committed_at(url, "SELECT count(*) FROM transitions WHERE wrote_state")
    assert written == 3 * runs


@pytest.mark.timeout(120)
def test_services_go_on_after_the_database_was_away(cluster: Cluster, server: ServerProcess) -> None:
    with server.channel() as channel:
        session = HandSession(channel)
        lost = session.create_flow_run(flow_name="lost")
        session.propose(lost, "PENDING")
        assert session.propose(lost, "RUNNING").state.name == "Running"
        cluster.stop(signal.SIGKILL)
        session.cut()
        stub = FlowRunServiceStub(channel)
        request = flow_run_service_pb2.GetFlowRunRequest(id=lost)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetFlowRun(request)
        away(refused.value)
        cluster.start()

        def state() -> str:
            try:
                return str(stub.GetFlowRun(request).flow_run.state.name)
            except grpc.RpcError as error:
                away(error)
                return ""

        # Its session is found lost by the sweeper, once the server has heard nobody for long enough.
        until(lambda: state() == "Crashed", 60.0)
