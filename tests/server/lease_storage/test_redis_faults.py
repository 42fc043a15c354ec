"""Whatever happens to Redis, no lease ends before the time that its holder was told, every one ends at last, and no
call hangs."""

import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_library

from antiphon_server.application.kept_leases import DURATIONS
from held_leases import DURATION, OFTEN, Holder, Next, limited
from redis_server import RedisServer
from running_server import RunningServer
from stores import committed
from until import until
from world import World

#: Renewals for longer than a lease lasts by itself.
MANY = round(1.5 * DURATION / OFTEN)
#: Seconds in which a lease has ended for sure of which Redis has forgotten something: its own time, what is added then,
#: and some for a machine that is busy.
LATE = 20.0
#: Seconds for a call that finds Redis frozen: it waits for half a second.
SOON = 10.0


def client(redis: RedisServer) -> Any:
    return redis_library.Redis.from_url(redis.url, decode_responses=True)


def in_database(folder: Path) -> tuple[int, int]:
    """What the database says of the one lease: until when it is surely given, and when it ends at the latest."""
    ((sure, latest),) = committed(folder / "antiphon.db", "SELECT sure_time, expire_time FROM slot_leases")
    return sure, latest


def known_by_redis(holder: Holder, redis: RedisServer) -> None:
    """Renews it until Redis does that."""
    until(lambda: holder.renew() > 0 and holder.id in redis.members())


def test_renewals_do_not_reach_the_database_until_its_time_comes_near(
    with_redis: World, redis: RedisServer, tmp_path: Path
) -> None:
    holder = Holder(with_redis)
    known_by_redis(holder, redis)
    before = in_database(tmp_path)

    def twenty_by_redis() -> bool:
        """Where Redis is slow for a moment, one of them is not."""
        nonlocal before
        before = in_database(tmp_path)
        for _ in range(20):
            holder.renew()
        return in_database(tmp_path) == before

    until(twenty_by_redis)
    sure, latest = before
    assert latest - sure == (DURATIONS - 1) * DURATION * 1e6
    holder.keep()
    until(lambda: in_database(tmp_path) != before, 60.0)
    holder.leave()
    # Before it would have ended.
    assert in_database(tmp_path)[0] - DURATION * 1e6 < latest


def test_a_lease_that_ends_is_forgotten_by_redis(with_redis: World, redis: RedisServer) -> None:
    holder = Holder(with_redis, duration=300.0)
    known_by_redis(holder, redis)
    with_redis.call("ReleaseSlots", {"leaseId": holder.id})
    until(lambda: holder.id not in redis.members())
    short = Holder(with_redis)
    known_by_redis(short, redis)
    until(lambda: short.id not in redis.members())
    # What a server left that died before it said so.
    with client(redis) as asking:
        asking.zadd(asking.keys("*")[0], {"left": 1})
    until(lambda: len(redis.members()) == 1)


def _flush(redis: RedisServer) -> None:
    with client(redis) as asking:
        asking.flushall()


def _crash(redis: RedisServer) -> None:
    redis.stop(signal.SIGKILL)
    redis.start()


def _lose_all(redis: RedisServer) -> None:
    redis.stop(signal.SIGKILL)
    redis.empty()
    redis.start()


def _lose_one(redis: RedisServer) -> None:
    """The key alone, as where memory is short."""
    with client(redis) as asking:
        asking.delete(*asking.keys("*"))


def _freeze(redis: RedisServer) -> None:
    assert redis.process is not None
    redis.process.send_signal(signal.SIGSTOP)


def _thaw(redis: RedisServer) -> None:
    assert redis.process is not None
    redis.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("fault", [_flush, _crash, _lose_all, _lose_one])
def test_who_renews_keeps_its_slots_whatever_redis_forgets(
    with_redis: World, redis: RedisServer, fault: Callable[[RedisServer], None]
) -> None:
    holder = Holder(with_redis)
    known_by_redis(holder, redis)
    holder.keep()
    waiter = Next(with_redis)
    for _ in range(2):
        holder.kept_until(3)
        fault(redis)
    holder.kept_until(MANY)
    assert waiter.waits
    holder.leave()
    assert holder.slowest < SOON
    until(lambda: holder.id in redis.members())
    assert holder.promised <= waiter.given() < holder.promised + LATE


def test_old_data_of_redis_is_not_believed(with_redis: World, redis: RedisServer) -> None:
    holder = Holder(with_redis)
    known_by_redis(holder, redis)
    redis.stop(signal.SIGKILL)
    old = redis.copy()
    redis.start()
    waiter = Next(with_redis)
    holder.keep()
    # By then its time, as the copy has it, is over.
    holder.kept_until(MANY)
    redis.stop(signal.SIGKILL)
    redis.put_back(old)
    redis.start()
    holder.kept_until(MANY)
    assert waiter.waits
    holder.leave()
    assert holder.promised <= waiter.given() < holder.promised + LATE


def test_a_frozen_redis_holds_nobody_up(with_redis: World, redis: RedisServer) -> None:
    holder = Holder(with_redis)
    known_by_redis(holder, redis)
    waiter = Next(with_redis)
    holder.keep().kept_until(3)
    _freeze(redis)
    holder.kept_until(MANY)
    assert (waiter.waits, holder.slowest < SOON) == (True, True)
    _thaw(redis)
    holder.kept_until(MANY)
    assert (waiter.waits, holder.slowest < SOON) == (True, True)
    holder.leave()
    assert holder.promised <= waiter.given() < holder.promised + LATE


def test_a_lease_ends_at_last_where_redis_does_not_come_back(with_redis: World, redis: RedisServer) -> None:
    holder = Holder(with_redis, duration=2.0, often=0.2)
    known_by_redis(holder, redis)
    redis.stop(signal.SIGKILL)
    holder.keep().kept_until(15)
    holder.leave()
    waiter = Next(with_redis)
    assert holder.promised <= waiter.given() < holder.promised + DURATIONS * 2.0 + LATE
    # One that begins now ends at its time: the database alone keeps that.
    with_redis.call("ReleaseSlots", {"leaseId": with_redis.call("ListSlots", {"name": "db"}).slots[0].holder_id})
    after = Holder(with_redis, duration=1.0)
    after.renew()
    assert after.promised <= Next(with_redis).given() < after.promised + LATE


def test_a_redis_that_only_reads_is_done_without(with_redis: World, redis: RedisServer) -> None:
    holder = Holder(with_redis)
    known_by_redis(holder, redis)
    with client(redis) as asking:
        asking.config_set("replica-serve-stale-data", "yes")
        asking.replicaof("127.0.0.1", "1")
        holder.keep().kept_until(MANY)
        asking.replicaof("NO", "ONE")
    until(lambda: holder.id in redis.members())
    waiter = Next(with_redis)
    holder.kept_until(MANY)
    assert waiter.waits
    holder.leave()
    assert holder.promised <= waiter.given() < holder.promised + LATE


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """What was said of Redis."""
    with caplog.at_level(logging.INFO, logger="antiphon_server.lease_storage"):
        yield lambda: [
            record.getMessage() for record in caplog.records if record.name.startswith("antiphon_server.lease_storage")
        ]


def test_a_server_starts_without_its_redis_and_says_so_once(
    tmp_path: Path, redis: RedisServer, said: Callable[[], list[str]]
) -> None:
    redis.stop()
    url = redis.url.replace("redis://", "redis://user:secret@")
    with RunningServer(tmp_path, lease_storage=url) as server:
        world = limited(World(server))
        until(lambda: len(said()) == 1)
        (first,) = said()
        assert "cannot be used, leases are renewed in the database until it can: " in first
        assert f"127.0.0.1:{redis.port}/0" in first and "Error 111 connecting" in first
        holder = Holder(world, duration=300.0)
        for _ in range(10):
            holder.renew()
        until(lambda: _failures(world) > 2)
        assert said() == [first]
        redis.start()
        with client(redis) as asking:
            asking.execute_command("ACL", "SETUSER", "user", "on", ">secret", "~*", "+@all")
        until(lambda: len(said()) == 2)
        assert said()[1].startswith("leases that are renewed are kept in Redis at redis://127.0.0.1:")
        known_by_redis(holder, redis)
    assert "secret" not in " ".join(said())


def _failures(world: World) -> int:
    (keeper,) = (each for each in world.call("ListServices").services if each.name == "lease-keeper")
    return int(keeper.failures)


def test_it_says_how_many_leases_redis_had_forgotten(
    tmp_path: Path, redis: RedisServer, said: Callable[[], list[str]]
) -> None:
    with RunningServer(tmp_path, lease_storage=redis.url) as server:
        holder = Holder(limited(World(server)))
        known_by_redis(holder, redis)
        holder.keep()
        _flush(redis)
        until(lambda: len(said()) == 2)
        holder.leave()
    assert said()[1].endswith("had forgotten leases: all 1 last for their whole time from now")
