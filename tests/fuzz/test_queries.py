"""Filters, orders, page tokens and cursors that nobody meant: an answer, or a refusal that says what is wrong."""

import base64
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from contract import METHODS, Method
from effort import fuzzing
from hand_watch import KINDS, HandWatch
from refusals import Refusal, check_end, refusal_of
from running_server import RunningServer
from wild_words import filters, orders, tampered
from world import World

LISTINGS: dict[str, Listing] = {each.method: each for each in vars(listings).values() if isinstance(each, Listing)}
LISTS = {each.name: each for each in METHODS if each.unary and "page_token" in each.request.DESCRIPTOR.fields_by_name}
FILTERED = [name for name, each in LISTS.items() if "filter" in each.request.DESCRIPTOR.fields_by_name]
BULK = [
    each
    for each in METHODS
    if each.unary and each.name not in LISTS and "filter" in each.request.DESCRIPTOR.fields_by_name
]
WATCHES = [
    each for each in METHODS if each.server_streaming and "resume_cursor" in each.request.DESCRIPTOR.fields_by_name
]
WORDS = {"FILTER_INVALID", "ORDER_BY_INVALID", "PAGE_TOKEN_INVALID", "FIELD_INVALID", "MESSAGE_INVALID"}
#: Seconds for an answer; with much room.
SOON = 15.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with RunningServer(tmp_path_factory.mktemp("queries")) as running:
        world = World(running)
        world.fill()
        for number in range(3):
            run = world.call("CreateFlowRun", {"flowRun": {"flowName": f"f{number}", "tags": ["b", "ü"]}}).flow_run.id
            world.call("CreateTaskRun", {"taskRun": {"flowRunId": world.run, "taskKey": "t"}})
            world.call("CreateVariable", {"variable": {"name": f"v{number}", "value": "1"}})
            world.propose(run, "RUNNING")
            lines = [{"message": "x", "level": 20, "createTime": f"2026-01-0{number + 1}T00:00:00Z", "flowRunId": run}]
            world.call("CreateLogs", {"logs": lines})
        yield world
        assert world.call("GetFlowRun", {"id": world.run}).flow_run.id == world.run


def ask(world: World, method: Method, **fields: Any) -> Any:
    """The answer, or the refusal."""
    request: Any = method.request(**fields)
    try:
        return method.response.FromString(method.call(world.server.channel, request.SerializeToString(), timeout=SOON))
    except grpc.RpcError as error:
        check_end(error)
        assert error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
        return refusal_of(error)


def lawful(answer: Any) -> bool:
    return not isinstance(answer, Refusal) or answer.reason in WORDS


def test_every_listing_is_known() -> None:
    assert len(FILTERED) >= 18
    assert {"BulkCancelFlowRuns", "BulkDeleteFlowRuns"} <= {each.name for each in BULK}
    assert {each.watch for each in KINDS} <= {each.name for each in WATCHES}


def test_filters_and_orders(world: World) -> None:
    @fuzzing(250)
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(FILTERED))
        listing = LISTINGS[name]
        fields = {"filter": data.draw(filters(listing.filters))}
        if "order_by" in LISTS[name].request.DESCRIPTOR.fields_by_name:
            fields["order_by"] = data.draw(orders(listing.order))
        size = data.draw(st.sampled_from([0, 1, 1000, 2**31 - 1]))
        answer = ask(world, LISTS[name], **fields, page_size=size)
        assert lawful(answer), answer
        token = "" if isinstance(answer, Refusal) else answer.next_page_token
        if token:  # The same words are right on the next page too.
            assert not isinstance(ask(world, LISTS[name], **fields, page_size=size, page_token=token), Refusal)

    asked()


def test_filters_of_many_runs_at_once(world: World) -> None:
    """Nothing that is found by a filter that is wrong is changed by it; what is right finds nobody here."""

    @fuzzing(60)
    @given(st.sampled_from(BULK), filters(listings.FLOW_RUNS.filters))
    def asked(method: Method, words: str) -> None:
        both = f'({words}) AND name = "nobody"' if words.strip() else 'name = "nobody"'
        answer = ask(world, method, filter=both)
        assert isinstance(answer, Refusal) or answer.operation.id

    asked()
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.state.name == "Scheduled"


@pytest.fixture(scope="module")
def tokens(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Page tokens by method and filter; those under `other` are of another database."""
    found: dict[tuple[str, str], str] = {}
    with RunningServer(tmp_path_factory.mktemp("other")) as other:
        there = World(other)
        there.fill()
        for _ in range(2):
            there.call("CreateFlowRun", {"flowRun": {"flowName": "g"}})
        found["other", ""] = there.call("ListFlowRuns", {"pageSize": 1}).next_page_token
    for name in ("ListFlowRuns", "ListFlows", "ListTaskRuns", "ListVariables", "ListLogs"):
        for words in ("", "create_time > 2020-01-01T00:00:00Z"):
            found[name, words] = world.call(name, {"pageSize": 1, "filter": words}).next_page_token
    run = json_format.MessageToDict(world.call("GetFlowRun", {"id": world.run}).flow_run)["id"]
    found["ListFlowRunStates", run] = world.call("ListFlowRunStates", {"id": run, "pageSize": 1}).next_page_token
    return {key: token for key, token in found.items() if token}


def test_page_tokens(world: World, tokens: dict[tuple[str, str], str]) -> None:
    """A token is good where it came from, and nowhere else."""
    assert len(tokens) >= 9

    @fuzzing(300)
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(LISTS)))
        words = data.draw(st.sampled_from(["", "create_time > 2020-01-01T00:00:00Z"])) if name in FILTERED else ""
        token = data.draw(st.sampled_from(sorted(tokens.values())))
        said = data.draw(tampered(token) | st.just(token) | st.text(max_size=60))
        fields: dict[str, Any] = {"filter": words} if words else {}
        if "id" in LISTS[name].request.DESCRIPTOR.fields_by_name:
            fields["id"] = world.run
        answer = ask(world, LISTS[name], **fields, page_token=said)
        own = {_meaning(each) for (method, filter), each in tokens.items() if (method, filter) == (name, words)}
        if isinstance(answer, Refusal):
            assert answer.reason in {*WORDS, "LIMIT_MISSING"} or answer.code is grpc.StatusCode.NOT_FOUND, answer
            assert _meaning(said) not in own
        elif said:
            assert _meaning(said) in own, "a token was taken that is not of this list"

    asked()


def _meaning(token: str) -> bytes | None:
    """What a token says: the last character of base64 has bits that say nothing."""
    try:
        return base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, ValueError):
        return None


def test_cursors_of_watches(world: World) -> None:
    """Each is gone on from, or refused, and none is taken for another's."""
    cursors = []
    for kind in KINDS:
        watch = HandWatch(world.server.channel, kind)
        watch.snapshot()
        cursors.append(watch.cursor)
        watch.cut()

    @fuzzing(120)
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        method = data.draw(st.sampled_from(WATCHES))
        cursor = data.draw(tampered(data.draw(st.sampled_from(cursors))) | st.text(max_size=30))
        fields: dict[str, Any] = {"resume_cursor": cursor}
        if method.name == "WatchFlowRun":
            fields["id"] = world.run
        elif data.draw(st.booleans()):
            fields["filter"] = data.draw(filters(listings.FLOW_RUNS.filters))
        request: Any = method.request(**fields)
        try:
            for answer in method.call(world.server.channel, request.SerializeToString(), timeout=0.05):
                method.response.FromString(answer)
        except grpc.RpcError as error:
            check_end(error)

    asked()
