"""The control stream under clients that say anything, cut and come again, beside one that does as it should."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from antiphon.v1 import session_pb2, session_service_pb2
from contract import Known, messages
from effort import fuzzing
from hand_session import HandSession, new_id, proposal
from lawful import check_histories, check_nothing_left
from running_server import RunningServer
from wild_bytes import wild
from wild_stream import WildStream, all_end

TTL = 30.0
NAMES = ["a run", "tokens"]
#: How frames are numbered: as they should, or not.
NUMBERS = st.sampled_from(["next", "next", "next", "next", "again", "gap", "none", "last"])
FRAME = session_pb2.ClientFrame.DESCRIPTOR


def victims(server: RunningServer) -> Known:
    """Runs and sessions that wild clients may know of."""
    session = HandSession(server.channel)
    run = session.create_flow_run()
    task = session.create_task_run(run)
    session.propose(run, "RUNNING")
    session.propose(task, "PENDING", task=True)
    tokens = [session.welcome.resume_token]
    session.cut()
    return {
        "id": [run, task, new_id()],
        "flow_run_id": [run],
        "task_run_id": [task],
        "request_id": [""],
        "expected_state_id": ["", "", new_id()],
        "transition_id": [new_id() for _ in range(20)],
        "resume_token": ["", "", *tokens],
    }


class Client:
    """One that may say anything: its stream, and what it knows of its session."""

    def __init__(self, server: RunningServer, hello: session_pb2.Hello) -> None:
        self.stream = WildStream(server.channel, "SessionService/Attach")
        self.sequence = 0
        self.token = ""
        self.stream.say(_request(session_pb2.ClientFrame(hello=hello)))
        if self.stream.hears():
            welcome = self.stream.heard[0].frames[0].welcome
            self.sequence, self.token = welcome.committed_sequence, welcome.resume_token

    def number(self, how: str) -> int:
        self.sequence += how == "next"
        return {"again": max(1, self.sequence), "gap": self.sequence + 7, "none": 0, "last": 2**64 - 1}.get(
            how, self.sequence
        )


class Machine(RuleBasedStateMachine):
    """Each example has clients of its own on one server."""

    server: RunningServer
    known: Known
    clients = Bundle("clients")

    @initialize(target=clients)
    def begin(self) -> Client:
        self.all: list[Client] = []
        self.lawful = HandSession(self.server.channel)
        self.run = self.lawful.create_flow_run()
        assert self.lawful.propose(self.run, "RUNNING").state.name == "Running"
        return self._client(session_pb2.Hello(client="wild"))

    def _client(self, hello: session_pb2.Hello) -> Client:
        self.all.append(Client(self.server, hello))
        return self.all[-1]

    @rule(target=clients, data=st.data())
    def open(self, data: st.DataObject) -> Client:
        hello: Any = data.draw(messages(session_pb2.Hello.DESCRIPTOR, self.known))
        return self._client(hello)

    @rule(
        target=clients, client=clients, spoil=st.sampled_from(["", "", "", "cut", "other", "mac"]), cuts=st.booleans()
    )
    def resume(self, client: Client, spoil: str, cuts: bool) -> Client:
        if cuts:
            client.stream.cut()
        id, _, mac = client.token.partition(".")
        spoiled = {"cut": client.token[:-1], "other": f"{new_id()}.{mac}", "mac": f"{id}.{mac[::-1]}"}
        again = self._client(session_pb2.Hello(resume_token=spoiled.get(spoil, client.token)))
        # A token that was spoiled is nobody's; without one it is a new session.
        if spoil and client.token:
            again.stream.ended()
            assert not again.stream.heard
        return again

    @rule(client=clients, numbers=st.lists(NUMBERS, min_size=1, max_size=5), data=st.data())
    def say(self, client: Client, numbers: list[str], data: st.DataObject) -> None:
        """Frames that the contract has a form for, whatever they mean."""
        frames: list[Any] = [data.draw(messages(FRAME, self.known, depth=4)) for _ in numbers]
        for frame, how in zip(frames, numbers, strict=True):
            frame.sequence = client.number(how)
        client.stream.say(_request(*frames))

    @rule(client=clients, steps=st.lists(st.integers(0, 9), min_size=1, max_size=6), task=st.booleans())
    def live(self, client: Client, steps: list[int], task: bool) -> None:
        """A run of its own, in an order of states that may be lawful or not."""
        run = new_id()
        if task:
            created = session_pb2.ClientFrame(create_task_run={"id": run, "task_key": "t"})
        else:
            created = session_pb2.ClientFrame(create_flow_run={"id": run, "flow_name": "f"})
        frames = [created]
        for step in steps:
            said = proposal(run, "RUNNING", task=task)
            said.state.type = step  # type: ignore[assignment]
            frames.append(session_pb2.ClientFrame(proposal=said))
        for frame in frames:
            frame.sequence = client.number("next")
        client.stream.say(_request(*frames))

    @rule(client=clients, data=st.data(), framed=st.booleans())
    def say_bytes(self, client: Client, data: st.DataObject, framed: bool) -> None:
        descriptor = session_service_pb2.AttachRequest.DESCRIPTOR
        client.stream.say(data.draw(wild(descriptor)) if framed else data.draw(st.binary(max_size=40)))

    @rule(client=clients, how=st.sampled_from(["cut", "close", "goodbye"]))
    def leave(self, client: Client, how: str) -> None:
        if how == "goodbye":
            client.stream.say(_request(session_pb2.ClientFrame(goodbye=session_pb2.Goodbye(reason="\0\ud7ff"))))
        elif how == "cut":
            client.stream.cut()
        client.stream.close()

    @rule()
    def the_lawful_one_works(self) -> None:
        task = self.lawful.create_task_run(self.run)
        for state in ("PENDING", "RUNNING", "COMPLETED"):
            verdict = self.lawful.propose(task, state, task=True)
            assert verdict.state.name == state.capitalize(), verdict

    def teardown(self) -> None:
        all_end(client.stream for client in getattr(self, "all", []))
        if hasattr(self, "lawful"):
            self.the_lawful_one_works()
            assert self.lawful.propose(self.run, "COMPLETED").state.name == "Completed"
            self.lawful.cut()


def _request(*frames: session_pb2.ClientFrame) -> session_service_pb2.AttachRequest:
    return session_service_pb2.AttachRequest(frames=frames)


@pytest.fixture
def server(tmp_path: Any) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, session_ttl=TTL) as running:
        yield running


def test_any_sequence_of_frames(server: RunningServer) -> None:
    known = victims(server)

    class OnServer(Machine):
        pass

    OnServer.server, OnServer.known = server, known
    run_state_machine_as_test(OnServer, settings=fuzzing(25, stateful_step_count=12))  # type: ignore[no-untyped-call]
    check_histories(server)
    check_nothing_left(server, TTL)
