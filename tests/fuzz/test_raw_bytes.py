"""Every method under bytes that are almost its messages, or none at all: a status, soon, and the server lives on."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import METHODS, Method, messages
from effort import fuzzing
from hand_session import HandSession, new_id
from lawful import check_histories, check_nothing_left
from refusals import check_end
from running_server import RunningServer
from wild_bytes import HOPELESS, spoiled, wild
from wild_stream import WildStream

TTL = 30.0
#: Seconds for the answer to one message. A bound with much room: sixteen megabytes take a tenth of a second.
SOON = 10.0
#: Seconds that a call which stays open is listened to.
MOMENT = 0.05
SPOKEN = {each.path.removeprefix("/antiphon.v1."): each for each in METHODS if each.client_streaming}
#: They end where their caller has said all; the others follow until their caller leaves.
CONVERSATIONS = ["SessionService/Attach", "SessionService/Upload", "WorkService/Work"]
#: What would end the server, or wait for as long as it is asked to.
LEFT_OUT = {"StopServer", "AwaitFlowRun", "AcquireSlots", "ReceiveFlowRunInputs"}
CALLED = [each for each in METHODS if not each.client_streaming and each.name not in LEFT_OUT]
KNOWN = {"id": [new_id() for _ in range(4)], "resume_token": [""], "page_token": [""], "request_id": [""]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("raw"), session_ttl=TTL) as running:
        yield running
        check_lawful(running)
        check_nothing_left(running, TTL)


def check_lawful(server: RunningServer) -> None:
    """That one who does as it should is served as ever."""
    session = HandSession(server.channel, timeout=SOON)
    run = session.create_flow_run()
    for state in ("RUNNING", "COMPLETED"):
        assert session.propose(run, state).state.name == state.capitalize()
    session.cut()
    check_histories(server)


def say(server: RunningServer, name: str, *said: bytes) -> None:
    began = time.monotonic()
    stream = WildStream(server.channel, name)
    stream.say(*said)
    stream.close()
    if name not in CONVERSATIONS and not stream.hears():
        stream.ended()
        return
    if name not in CONVERSATIONS:
        stream.cut()
    stream.ended()
    assert time.monotonic() - began < SOON


def call(server: RunningServer, method: Method, request: bytes) -> None:
    began = time.monotonic()
    try:
        timeout = MOMENT if method.server_streaming else SOON
        answer: Any = method.call(server.channel, request, timeout=timeout)
        for each in answer if method.server_streaming else [answer]:
            method.response.FromString(each)
    except grpc.RpcError as error:
        check_end(error)
        assert method.server_streaming or error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations(server: RunningServer, name: str) -> None:
    descriptor = SPOKEN[name].request.DESCRIPTOR

    @fuzzing(60)
    @given(
        st.lists(wild(descriptor) | messages(descriptor, KNOWN).map(_bytes).flatmap(spoiled), min_size=1, max_size=4)
    )
    def said(requests: list[bytes]) -> None:
        say(server, name, *requests)

    said()
    check_lawful(server)


def test_calls(server: RunningServer) -> None:
    @fuzzing(250)
    @given(st.data())
    def called(data: st.DataObject) -> None:
        method = data.draw(st.sampled_from(CALLED))
        descriptor = method.request.DESCRIPTOR
        right = messages(descriptor, KNOWN).map(_bytes).flatmap(spoiled)
        call(server, method, data.draw(wild(descriptor) | right))

    called()
    check_lawful(server)


@pytest.mark.parametrize("what", HOPELESS)
def test_what_is_no_message(server: RunningServer, what: str) -> None:
    said = HOPELESS[what]()
    for name in CONVERSATIONS:
        say(server, name, said)
    for method in CALLED[:: 1 if len(said) < 200_000 else 12]:
        call(server, method, said)
    check_lawful(server)


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())
