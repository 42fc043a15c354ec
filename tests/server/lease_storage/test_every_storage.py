"""What every storage of leases does, on a real server."""

import time
from pathlib import Path

import grpc
import pytest

from antiphon.v1.session_pb2 import ClientFrame, Goodbye
from hand_session import HandSession
from held_leases import DURATION, OFTEN, Holder, Next, limited
from running_server import RunningServer
from until import until
from world import World

GONE = (grpc.StatusCode.NOT_FOUND, "LEASE_NOT_FOUND")
#: Seconds after its time at which a lease has ended for sure: one to notice, the others for a machine that is busy.
LATE = 8.0
#: In them a server stops, or starts and a holder renews, however busy the machine.
DOWN_DURATION, DOWN_TTL = 4.0, 8.0


def holders(world: World) -> list[str]:
    return [slot.holder for slot in world.call("ListSlots", {"name": "db"}).slots]


def test_who_renews_keeps_its_slots_and_who_does_not_loses_them_to_the_next(world: World) -> None:
    holder = Holder(world).keep()
    waiter = Next(world)
    # For longer than it would have lasted.
    holder.kept_until(round(2 * DURATION / OFTEN))
    assert waiter.waits
    holder.leave()
    assert holder.promised <= waiter.given() < holder.promised + LATE
    assert holder.refusal() == GONE


def test_one_that_was_never_renewed_ends_at_its_time(world: World) -> None:
    holder = Holder(world, duration=1.0)
    assert holder.promised <= Next(world).given() < holder.promised + LATE
    assert holder.refusal() == GONE


def test_one_that_is_released_ends_at_once(world: World) -> None:
    holder = Holder(world, duration=300.0)
    for _ in range(3):
        holder.renew()
    waiter = Next(world)
    world.call("ReleaseSlots", {"leaseId": holder.id})
    assert waiter.given() < holder.promised - 200
    assert holder.refusal() == GONE
    # Once more is no error.
    world.call("ReleaseSlots", {"leaseId": holder.id})


def test_one_whose_limit_is_reset_ends_at_once(world: World) -> None:
    holder = Holder(world, duration=300.0)
    for _ in range(3):
        holder.renew()
    limit = world.call("GetConcurrencyLimit", {"name": "db"}).concurrency_limit
    world.call("ResetConcurrencyLimit", {"id": limit.id})
    assert (holders(world), holder.refusal()) == ([], GONE)


def test_one_of_a_session_ends_with_that(world: World) -> None:
    session = HandSession(world.server.channel)
    asked = {"names": ["db"], "resumeToken": session.welcome.resume_token, "leaseDuration": "300s"}
    lease = world.call("AcquireSlots", asked).lease
    for _ in range(3):
        world.call("RenewSlots", {"leaseId": lease.id})
    session.say(ClientFrame(goodbye=Goodbye()))
    until(lambda: holders(world) == [])
    refusal = world.refused("RenewSlots", {"leaseId": lease.id})
    assert (refusal.code, refusal.reason) == GONE
    session.cut()


def test_a_renewal_says_until_when_and_may_change_for_how_long(world: World) -> None:
    holder = Holder(world, duration=300.0)
    for changed, expected in (({}, 300), ({}, 300), ({"leaseDuration": "1000s"}, 1000), ({}, 1000), ({}, 1000)):
        before = world.server.server.core.clock() / 1e6
        told = holder.renew(**changed)
        assert before + expected - 0.1 <= told <= world.server.server.core.clock() / 1e6 + expected + 0.1


def test_one_that_is_renewed_for_longer_lasts_for_longer(world: World) -> None:
    holder = Holder(world, duration=1.0)
    holder.renew(leaseDuration="4s")
    holder.renew()
    assert holder.promised <= Next(world).given() < holder.promised + LATE


def test_one_that_never_was_cannot_be_renewed(world: World) -> None:
    refusal = world.refused("RenewSlots", {"leaseId": "0190163d-8694-739b-aea5-966c26f8ad90"})
    assert (refusal.code, refusal.reason) == GONE
    assert "stop, and acquire them anew" in refusal.message


@pytest.mark.parametrize("renewals", [0, 1, 5])
def test_a_server_that_was_down_forgives(tmp_path: Path, lease_storage: str, renewals: int) -> None:
    """Nobody could renew meanwhile: what was given goes on for a session's TTL."""
    with RunningServer(tmp_path, lease_storage=lease_storage, session_ttl=DOWN_TTL) as server:
        holder = Holder(limited(World(server)), duration=DOWN_DURATION)
        for _ in range(renewals):
            holder.renew()
    until(lambda: time.time() > holder.promised + 0.5)
    with RunningServer(tmp_path, lease_storage=lease_storage, session_ttl=DOWN_TTL) as server:
        world = World(server)
        holder.go_to(world)
        holder.renew()
        assert holder.promised <= Next(world).given() < holder.promised + LATE
