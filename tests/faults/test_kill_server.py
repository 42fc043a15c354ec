"""A server that is killed at any moment, and one that is asked to go: what was acknowledged is there, exactly once,
nothing is half there, and its sessions go on with the next one."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from antiphon.v1 import session_pb2, transition_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from hand_session import HandSession, new_id, proposal
from refusals import refusal_of
from server_process import ServerProcess
from stores import check_integrity, committed
from until import until

KILLS = 25
LIFE = ("PENDING", "RUNNING", "COMPLETED")


class Client:
    """A session over the lives of many servers, with a journal of all that it said and heard."""

    def __init__(self) -> None:
        self.token = ""
        self.frames: list[session_pb2.ClientFrame] = []
        self.acked = 0
        #: By the number of the frame.
        self.verdicts: dict[int, transition_pb2.Verdict] = {}
        self.drained = False

    def attach(self, channel: grpc.Channel) -> HandSession:
        self.session = HandSession(channel, self.token)
        self.token = self.session.welcome.resume_token
        return self.session

    def say(self, frames: list[session_pb2.ClientFrame]) -> None:
        for frame in frames:
            frame.sequence = len(self.frames) + 1
            self.frames.append(frame)
        self.session.say(*frames)

    def hear(self, messages: int | None = None) -> grpc.RpcError | None:
        """Takes in so many messages, no more than will come, or all until the stream ends; gives what it ended with."""
        try:
            while messages is None or (messages > 0 and self.acked < len(self.frames)):
                self._hear(next(self.session.call).frames)
                messages = None if messages is None else messages - 1
        except grpc.RpcError as error:
            return error
        return None

    def _hear(self, frames: Any) -> None:
        for frame in frames:
            if frame.HasField("verdict"):
                known = self.verdicts.setdefault(frame.verdict.sequence, frame.verdict.verdict)
                assert known == frame.verdict.verdict, "a frame that is sent again is answered as it was"
            elif frame.HasField("ack"):
                self.acked = max(self.acked, frame.ack.sequence)
            self.drained |= frame.HasField("command") and frame.command.HasField("drain")
            assert not frame.HasField("error"), frame


def lives(count: int) -> list[session_pb2.ClientFrame]:
    """The frames of some flow runs from their creation to their end."""
    frames = []
    for _ in range(count):
        run = FlowRun(id=new_id(), flow_name="killed")
        frames.append(session_pb2.ClientFrame(create_flow_run=run))
        frames += [session_pb2.ClientFrame(proposal=proposal(run.id, each)) for each in LIFE]
    return frames


def committed_in(path: Path) -> int:
    """The last frame that the database has of its one session."""
    ((sequence,),) = committed(path, "SELECT sequence FROM sessions")
    return int(sequence)


def check_database(path: Path, said: list[session_pb2.ClientFrame], last: int) -> None:
    """Every frame up to the last committed one is there once, none behind it is, and rows agree with each other."""
    runs = {row[0]: row[1:] for row in committed(path, "SELECT id, state_id, run_count, version FROM flow_runs")}
    written: dict[str, list[tuple[str, int]]] = {id: [] for id in runs}
    for id, run, type_ in committed(
        path, "SELECT id, run_id, state_type FROM transitions WHERE wrote_state ORDER BY run_id, create_time"
    ):
        written[run].append((id, type_))
    check_integrity(path)
    created = [frame.create_flow_run.id for frame in said[:last] if frame.HasField("create_flow_run")]
    decided = [frame.proposal.transition_id for frame in said[:last] if frame.HasField("proposal")]
    assert set(runs) == set(created)
    assert sorted(id for states in written.values() for id, _ in states) == sorted(decided)
    for id, (state_id, run_count, version) in runs.items():
        states = written[id]
        assert state_id == (states[-1][0] if states else None)
        assert run_count == sum(type_ == 3 for _, type_ in states)
        assert version == 1 + len(states)


@pytest.mark.timeout(180)
def test_a_server_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(20_260_101)
    client = Client()
    told_too_little = False
    for kill in range(KILLS + 2):
        server = ServerProcess(tmp_path).serving()
        try:
            with server.channel() as channel:
                session = client.attach(channel)
                last = session.welcome.committed_sequence
                assert client.acked <= last <= len(client.frames)
                told_too_little = client.acked < last
                check_database(tmp_path / "antiphon.db", client.frames, last)
                # What is not acked is said again, and some of what is, which a client may do as well.
                first = max(0, client.acked - chance.randrange(20))
                if client.frames[first:]:
                    session.say(*client.frames[first:])
                    while client.acked < len(client.frames):
                        assert client.hear(1) is None
                if kill > KILLS:
                    break
                for _ in range(chance.randrange(1, 40)):
                    client.say(lives(chance.randrange(1, 6)))
                if kill < KILLS:
                    client.hear(chance.randrange(0, 12))
                    time.sleep(chance.random() * 0.01)  # To be anywhere within a transaction.
                    server.end(signal.SIGKILL)
                    assert client.hear() is not None
                else:  # The last one is sure to fall between a commit and its acknowledgement.
                    until(lambda: committed_in(tmp_path / "antiphon.db") > client.acked)
                    server.end(signal.SIGKILL)
                session.cut()
        finally:
            server.close()
    assert len(client.verdicts) == 3 * len(client.frames) // 4
    assert {verdict.kind for verdict in client.verdicts.values()} == {transition_pb2.VERDICT_KIND_ACCEPT}
    assert told_too_little


def test_a_server_that_is_asked_to_go_answers_all_that_it_commits_and_goes_at_once(tmp_path: Path) -> None:
    client = Client()
    for _ in range(8):
        server = ServerProcess(tmp_path).serving()
        try:
            with server.channel() as channel:
                health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
                assert next(health).status == health_pb2.HealthCheckResponse.SERVING
                session = client.attach(channel)
                assert session.welcome.committed_sequence == client.acked, "what was committed was told"
                check_database(tmp_path / "antiphon.db", client.frames, client.acked)
                session.say(*client.frames[client.acked :], session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat()))
                client.drained = False
                for _ in range(60):
                    client.say(lives(4))
                client.hear(2)
                asked = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                ended = client.hear()
                assert ended is not None
                refusal = refusal_of(ended)
                assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
                assert client.drained
                assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
                session.cut()
                assert server.wait() == 0
                assert time.monotonic() - asked < 3.0, "without a wait for luck; it takes about a tenth of that"
        finally:
            server.close()
