"""Slots that programs take by name, on real sockets: never too many at once, answered in turn, and nothing left behind
by whoever goes away."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from antiphon.v1 import concurrency_limit_service_pb2 as pb
from antiphon.v1.session_pb2 import ClientFrame, Goodbye
from antiphon_server.application.leases import StopWaiting
from antiphon_server.domain.errors import Unavailable
from hand_session import HandSession, new_id
from refusals import Refusal, refusal_of
from running_server import RunningServer
from until import until
from world import World

Attach = Callable[..., HandSession]
Run = Callable[..., Future[Any]]


@pytest.fixture
def world(server: RunningServer) -> World:
    """A limit of 2 slots called db."""
    world = World(server)
    limit(world, "db", 2)
    return world


@pytest.fixture
def run() -> Iterator[Run]:
    """Calls something in a thread."""
    with ThreadPoolExecutor(32) as pool:
        yield pool.submit


def limit(world: World, name: str, slots: int, **fields: Any) -> str:
    wanted = {"concurrencyLimit": {"name": name, "limit": slots, **fields}}
    return str(world.call("CreateConcurrencyLimit", wanted).concurrency_limit.id)


def acquire(world: World, *names: str, wait: float = 0, **fields: Any) -> Any:
    request = {"names": names or ("db",), "waitTimeout": f"{wait:.6f}s", **fields}
    return world.call("AcquireSlots", request).lease


def refused(world: World, *names: str, wait: float = 0, **fields: Any) -> Refusal:
    request = {"names": names or ("db",), "waitTimeout": f"{wait:.6f}s", **fields}
    return world.refused("AcquireSlots", request)


def holders(world: World, name: str = "db") -> list[str]:
    return [slot.holder for slot in world.call("ListSlots", {"name": name}).slots]


def waiters(world: World, name: str = "db") -> list[str]:
    return [waiter.holder for waiter in world.call("ListSlotWaiters", {"name": name}).slot_waiters]


def fill(world: World, slots: int = 2) -> str:
    """Takes slots of db, and gives the lease."""
    return str(acquire(world, slots=slots, holder="first").id)


def test_ten_callers_and_never_more_than_two_inside(world: World, run: Run) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    two = threading.Barrier(2)

    def pass_through() -> None:
        nonlocal inside, most
        lease = acquire(world, wait=30)
        with lock:
            inside += 1
            most = max(most, inside)
            seen = len(holders(world))
        two.wait(30)  # For a second one, so that both slots are seen in use.
        assert seen <= 2
        with lock:
            inside -= 1
        world.call("ReleaseSlots", {"leaseId": lease.id})

    calls = [run(pass_through) for _ in range(10) for _ in range(3)]
    for call in calls:
        call.result(60)
    assert most == 2
    assert (holders(world), waiters(world)) == ([], [])


def test_who_waits_is_answered_when_slots_are_released_and_stands_in_the_queue_until_then(
    world: World, run: Run
) -> None:
    lease = fill(world)
    later = run(acquire, world, wait=30, holder="later", slots=2)
    until(lambda: waiters(world) == ["later"])
    urgent = run(acquire, world, wait=30, holder="urgent", priority=3, slots=2)
    until(lambda: waiters(world) == ["urgent", "later"])
    (told, _) = world.call("ListSlotWaiters", {"name": "db"}).slot_waiters
    assert (told.WhichOneof("run"), told.priority, told.slots, told.create_time.seconds > 0) == ("lease_id", 3, 2, True)
    world.call("ReleaseSlots", {"leaseId": lease})
    given = urgent.result(20)
    assert given.id == told.lease_id
    assert (holders(world), waiters(world)) == (["urgent"], ["later"])
    world.call("ReleaseSlots", {"leaseId": given.id})
    assert later.result(20).slots == 2


def test_a_call_that_does_not_wait_is_told_when_to_ask_again(world: World) -> None:
    fill(world)
    refusal = refused(world)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_SLOT_FREE")
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after.total_seconds() < 15
    assert waiters(world) == []


def test_the_wait_ends_with_its_time_and_leaves_the_queue(world: World) -> None:
    fill(world)
    refusal = refused(world, wait=0.05)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_SLOT_FREE")
    assert waiters(world) == []
    # A time that is over before the server has looked is no reason to miss what is free.
    assert acquire(world, "unlimited", wait=0.000001).id


def test_the_deadline_of_a_call_ends_its_wait_too(world: World) -> None:
    fill(world)
    request = {"names": ["db"], "waitTimeout": "30s"}
    with pytest.raises(grpc.RpcError) as ended:
        world.call("AcquireSlots", request, timeout=0.2)
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: waiters(world) == [])


def test_a_cancelled_call_leaves_the_queue_and_lets_others_pass(world: World, run: Run) -> None:
    fill(world, 1)
    body = {"names": ["db"], "slots": 2, "waitTimeout": "30s", "holder": "big"}
    big = begin(world, body)
    until(lambda: waiters(world) == ["big"])
    small = run(acquire, world, wait=30, holder="small")
    until(lambda: waiters(world) == ["big", "small"])
    big.cancel()
    assert small.result(20).slots == 1
    assert (holders(world), waiters(world)) == (["first", "small"], [])


def begin(world: World, body: dict[str, Any]) -> Any:
    """A call under way, which can be cancelled."""
    request = json_format.ParseDict(body, pb.AcquireSlotsRequest())
    method = world.server.channel.unary_unary(
        "/antiphon.v1.ConcurrencyLimitService/AcquireSlots",
        request_serializer=pb.AcquireSlotsRequest.SerializeToString,
        response_deserializer=pb.AcquireSlotsResponse.FromString,
    )
    return method.future(request)


@pytest.mark.parametrize("cut", ["one", "all"])
def test_the_same_request_waits_with_the_first_one_and_outlives_it(world: World, cut: str) -> None:
    lease = fill(world)
    body = {"names": ["db"], "waitTimeout": "30s", "holder": "again", "requestId": new_id()}
    first, second = begin(world, body), begin(world, body)
    until(lambda: waiters(world) == ["again"])
    refusal = refused(world, **{**{k: v for k, v in body.items() if k not in ("names", "waitTimeout")}, "holder": "x"})
    assert refusal.reason == "REQUEST_ID_REUSED"
    first.cancel()
    if cut == "all":
        second.cancel()
        until(lambda: waiters(world) == [])
        second = begin(world, body)
        until(lambda: waiters(world) == ["again"])
    world.call("ReleaseSlots", {"leaseId": lease})
    given = second.result(20).lease
    # Sent again after its answer, it gets that again; the slots are taken once.
    assert begin(world, body).result(20).lease == given
    assert holders(world) == ["again"]


@pytest.mark.parametrize(
    ("name", "update", "reason"),
    [
        ("UpdateConcurrencyLimit", {"limit": 0}, "LIMIT_IS_ZERO"),
        ("UpdateConcurrencyLimit", {"limit": 1}, "SLOTS_EXCEED_LIMIT"),
        ("DeleteConcurrencyLimit", {}, "CONCURRENCY_LIMIT_NOT_FOUND"),
    ],
)
def test_who_waits_hears_that_it_never_will_be_served(
    world: World, run: Run, name: str, update: dict[str, Any], reason: str
) -> None:
    fill(world)
    waiting = run(refused, world, wait=30, slots=2, strict=True)
    until(lambda: len(waiters(world)) == 1)
    id = world.call("GetConcurrencyLimit", {"name": "db"}).concurrency_limit.id
    if update:
        world.call(name, {"concurrencyLimit": {"id": id, **update}, "updateMask": ",".join(update)})
    else:
        world.call(name, {"id": id})
    assert waiting.result(20).reason == reason


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        ({"names": []}, "INVALID_ARGUMENT", "FIELD_INVALID", "names"),
        ({"names": ["db", "db"]}, "INVALID_ARGUMENT", "FIELD_INVALID", "names"),
        ({"names": [""]}, "INVALID_ARGUMENT", "FIELD_INVALID", "names[0]"),
        ({"slots": -1}, "INVALID_ARGUMENT", "FIELD_INVALID", "slots"),
        ({"slots": 3}, "INVALID_ARGUMENT", "SLOTS_EXCEED_LIMIT", "slots"),
        ({"leaseDuration": "0.5s"}, "INVALID_ARGUMENT", "FIELD_INVALID", "lease_duration"),
        ({"leaseDuration": "86401s"}, "INVALID_ARGUMENT", "FIELD_INVALID", "lease_duration"),
        ({"waitTimeout": "-1s"}, "INVALID_ARGUMENT", "FIELD_INVALID", "wait_timeout"),
        ({"waitTimeout": "86401s"}, "INVALID_ARGUMENT", "FIELD_INVALID", "wait_timeout"),
        ({"requestId": "x"}, "INVALID_ARGUMENT", "FIELD_INVALID", "request_id"),
        ({"names": ["work-queue:x"]}, "INVALID_ARGUMENT", "LIMIT_NAME_RESERVED", "names"),
        ({"names": ["x"], "strict": True}, "NOT_FOUND", "CONCURRENCY_LIMIT_NOT_FOUND", None),
        ({"names": ["zero"]}, "FAILED_PRECONDITION", "LIMIT_IS_ZERO", None),
        ({"resumeToken": "forged"}, "UNAUTHENTICATED", "RESUME_TOKEN_INVALID", None),
    ],
)
def test_what_is_wrong_is_refused(
    world: World, request_: dict[str, Any], code: str, reason: str, field: str | None
) -> None:
    limit(world, "zero", 0)
    refusal = world.refused("AcquireSlots", {"names": ["db"], **request_})
    assert (refusal.code.name, refusal.reason) == (code, reason)
    assert refusal.fields == ((field,) if field is not None else ())


def test_a_lease_that_is_gone_cannot_be_renewed_and_may_be_released(world: World) -> None:
    lease = fill(world)
    world.call("RenewSlots", {"leaseId": lease})
    for _ in range(2):
        world.call("ReleaseSlots", {"leaseId": lease})
    refusal = world.refused("RenewSlots", {"leaseId": lease})
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "LEASE_NOT_FOUND")
    assert world.refused("RenewSlots", {"leaseId": "x"}).fields == ("lease_id",)
    assert world.refused("RenewSlots", {"leaseId": lease, "leaseDuration": "0s"}).fields == ("lease_duration",)


def test_an_expired_lease_goes_to_who_waits_at_that_very_time(world: World, run: Run) -> None:
    acquire(world, slots=2, leaseDuration="1s")
    started = time.monotonic()
    assert run(acquire, world, wait=30).result(20).slots == 1
    assert 0.5 < time.monotonic() - started < 10


def test_slots_that_decay_let_callers_pass_at_a_steady_pace(world: World) -> None:
    limit(world, "rate", 1, slotDecayPerSecond=10)
    started = time.monotonic()
    for _ in range(5):
        acquire(world, "rate", wait=30)
    assert time.monotonic() - started >= 0.39


@pytest.mark.parametrize("how", ["goodbye", "deleted"])
def test_a_lease_ends_with_its_session(world: World, run: Run, attach: Attach, how: str) -> None:
    session, other = attach(), attach()
    token = session.welcome.resume_token
    lease = acquire(world, slots=2, resumeToken=token)
    waiting = run(acquire, world, wait=30, resumeToken=other.welcome.resume_token)
    until(lambda: len(waiters(world)) == 1)
    if how == "goodbye":
        session.say(ClientFrame(goodbye=Goodbye()))
        assert waiting.result(20).slots == 1
        assert world.refused("RenewSlots", {"leaseId": lease.id}).reason == "LEASE_NOT_FOUND"
        assert refused(world, resumeToken=token).reason == "SESSION_EXPIRED"
        return
    other.say(ClientFrame(goodbye=Goodbye()))
    with pytest.raises(grpc.RpcError) as ended:
        waiting.result(20)
    assert refusal_of(ended.value).reason == "SESSION_EXPIRED"
    assert waiters(world) == []


def test_a_restarted_server_keeps_leases_and_forgets_who_waited(tmp_path: Path, run: Run) -> None:
    with RunningServer(tmp_path) as server:
        world = World(server)
        limit(world, "db", 1)
        lease = acquire(world, holder="kept")
        waiting = run(refused, world, wait=600)
        until(lambda: len(waiters(world)) == 1)
        started = time.monotonic()
        server.run(server.server.stop)
        told = waiting.result(20)
        assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
        assert time.monotonic() - started < 4, "the stop did not wait for who waits"
    with RunningServer(tmp_path) as server:
        world = World(server)
        assert (holders(world), waiters(world)) == (["kept"], [])
        assert world.call("RenewSlots", {"leaseId": lease.id}).lease.id == lease.id
        again = run(acquire, world, wait=30)
        until(lambda: len(waiters(world)) == 1)
        world.call("ReleaseSlots", {"leaseId": lease.id})
        assert again.result(20).slots == 1


def test_what_a_call_that_went_away_had_asked_for_is_taken_back_though_the_disk_fails_at_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    failures = [Unavailable("STORAGE_BUSY", "busy", retry_after=0)]
    stop = StopWaiting.apply

    def fail_once(self: StopWaiting, working_set: Any) -> Any:
        if failures:
            raise failures.pop()
        return stop(self, working_set)

    monkeypatch.setattr(StopWaiting, "apply", fail_once)
    call = begin(world, {"names": ["db"], "waitTimeout": "30s"})
    until(lambda: len(waiters(world)) == 1)
    call.cancel()
    until(lambda: waiters(world) == [])
    assert failures == []
