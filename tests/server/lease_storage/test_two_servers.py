"""Two servers on one PostgreSQL and one Redis: a lease is renewed at either, and known to be over at both."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import pytest

from held_leases import DURATION, OFTEN, Holder, Next, limited
from redis_server import RedisServer
from replicas import replicas
from running_server import RunningServer
from stores import url_for
from tcp_proxy import TcpProxy
from until import until
from world import World

GONE = (grpc.StatusCode.NOT_FOUND, "LEASE_NOT_FOUND")
LATE = 20.0
MANY = round(2 * DURATION / OFTEN)


@pytest.fixture
def worlds(tmp_path: Path, redis: RedisServer) -> Iterator[Sequence[World]]:
    with replicas(tmp_path, lease_storage=redis.url) as (one, two):
        yield limited(World(one)), World(two)


def reaches_redis(world: World) -> None:
    """Returns once a server has found its Redis."""

    def keeps() -> bool:
        (keeper,) = (each for each in world.call("ListServices").services if each.name == "lease-keeper")
        return bool(keeper.rounds > keeper.failures and not keeper.last_error)

    until(keeps)


def known_to_redis(worlds: Sequence[World], duration: float) -> Holder:
    """Holds a lease that both servers have renewed by Redis."""
    for world in worlds:
        reaches_redis(world)
    holder = Holder(*worlds, duration=duration)
    for place in range(8):
        holder.renew(place)
    return holder


def test_it_is_renewed_at_either_and_goes_to_the_next_when_nobody_does(worlds: Sequence[World]) -> None:
    holder = Holder(*worlds).keep()
    waiter = Next(worlds[1])
    holder.kept_until(MANY)
    assert waiter.waits
    holder.leave()
    assert holder.promised <= waiter.given() < holder.promised + LATE
    assert (holder.refusal(0), holder.refusal(1)) == (GONE, GONE)


def test_one_that_ends_at_one_server_is_not_renewed_at_the_other(worlds: Sequence[World]) -> None:
    holder = known_to_redis(worlds, duration=300.0)
    worlds[0].call("ReleaseSlots", {"leaseId": holder.id})
    # As soon as the word of it is there.
    until(lambda: _refused(holder, 1))
    assert (holder.refusal(0), holder.refusal(1)) == (GONE, GONE)


def _refused(holder: Holder, place: int) -> bool:
    try:
        holder.renew(place)
    except grpc.RpcError:
        return True
    return False


def test_one_that_lasts_differently_does_so_at_both(worlds: Sequence[World]) -> None:
    holder = known_to_redis(worlds, duration=100.0)
    longer = holder.renew(0, leaseDuration="1000s")
    until(lambda: holder.renew(1) > longer - 1.0)
    assert holder.renew(0) > longer - 1.0


def test_a_server_that_does_not_reach_redis_renews_all_the_same(tmp_path: Path, redis: RedisServer) -> None:
    """The other one sees in Redis that the lease is over, and the database knows better."""
    with TcpProxy(f"127.0.0.1:{redis.port}") as proxy:
        place = url_for(tmp_path / "shared.db")
        homes = [tmp_path / name for name in ("one", "two")]
        for home in homes:
            home.mkdir()
        with (
            RunningServer(homes[0], database=place, lease_storage=redis.url) as one,
            RunningServer(homes[1], database=place, lease_storage=f"redis://{proxy.address}/0") as two,
        ):
            worlds = limited(World(one)), World(two)
            for world in worlds:
                reaches_redis(world)
            holder = Holder(*worlds)
            for number in range(4):
                holder.renew(number)
            proxy.black_hole()
            holder.go_to(worlds[1])
            waiter = Next(worlds[0])
            holder.keep().kept_until(MANY)
            assert waiter.waits
            # And back: Redis has it over, the database has not.
            holder.go_to(worlds[0])
            holder.kept_until(MANY)
            assert waiter.waits
            holder.leave()
            assert holder.promised <= waiter.given() < holder.promised + LATE


def test_servers_that_were_told_of_different_redises_end_nothing_early(tmp_path: Path, redis: RedisServer) -> None:
    other = RedisServer()
    try:
        other.start()
        place = url_for(tmp_path / "shared.db")
        homes = [tmp_path / name for name in ("one", "two")]
        for home in homes:
            home.mkdir()
        with (
            RunningServer(homes[0], database=place, lease_storage=redis.url) as one,
            RunningServer(homes[1], database=place, lease_storage=other.url) as two,
        ):
            worlds = limited(World(one)), World(two)
            holder = Holder(*worlds).keep()
            waiter = Next(worlds[0])
            for turn in ((0,), (1,), (0, 1)):
                holder.go_to(*(worlds[place] for place in turn))
                holder.kept_until(MANY)
                assert waiter.waits
            holder.leave()
            # At the latest when the database ends it.
            assert holder.promised <= waiter.given()
    finally:
        other.remove()
