"""The leases of a database as one sorted set in Redis: each with the time when it is over, by the clock of Redis.

One key is there as a whole or not at all, also where Redis has to forget keys for want of memory. Beside the leases it
has the id of the run of Redis in which it was filled, which no other run has. Where this is missing, or is not that of
Redis now, Redis has forgotten something, or has old data back: it was restarted, emptied, or another one took over.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

#: Seconds that Redis gets to answer; and to be filled.
PATIENCE, FILLING_PATIENCE = 0.5, 10.0
#: Microseconds that leases last longer where the set is filled anew: another server may hear of it only then, and has
#: renewed leases in a Redis that is left.
SLACK = 5_000_000

#: Begins every script. ARGV[1] is the run that is expected, KEYS[1] the set.
_BEGIN = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local whole = run == ARGV[1] and redis.call('ZSCORE', KEYS[1], run)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function last(how, id, micros)
    redis.call('ZADD', KEYS[1], how, string.format('%.0f', now + micros), id)
end
"""
#: ARGV: run, then id and microseconds by turns. Says of each whether it goes on; nothing where the set is not whole.
_RENEW = f"""{_BEGIN}
if not whole then return false end
local renewed = {{}}
for i = 2, #ARGV, 2 do
    local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
    local given = known and tonumber(known) > now
    if given then last('GT', ARGV[i], ARGV[i + 1]) end
    renewed[#renewed + 1] = given and 1 or 0
end
return renewed
"""
#: ARGV: run, then id and microseconds by turns.
_KEEP = f"""{_BEGIN}
for i = 2, #ARGV, 2 do last('GT', ARGV[i], ARGV[i + 1]) end
"""
#: ARGV: run, whether the set is to be taken for lost (1) or not (0), slack, then id and microseconds by turns. Says
#: whether it was whole (1), was not (0), or this is another run (-1).
_FILL = f"""{_BEGIN}
if run ~= ARGV[1] then return -1 end
local lost = ARGV[2] == '1' or not whole
local slack = lost and ARGV[3] or 0
for i = 4, #ARGV, 2 do last(lost and 'GT' or 'NX', ARGV[i], ARGV[i + 1] + slack) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 'inf', 'inf')
redis.call('ZADD', KEYS[1], 'inf', run)
return lost and 0 or 1
"""
#: ARGV: run, how many at most. Microseconds until the next one is over, and those that are; nothing as above.
_DUE = f"""{_BEGIN}
if not whole then return false end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[2])
local first = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '(inf', 'WITHSCORES', 'LIMIT', 0, 1)
table.insert(due, 1, first[2] and tonumber(first[2]) - now or -1)
return due
"""
#: ARGV: run, then ids. Forgets those that are over still.
_DROP = f"""{_BEGIN}
for i = 2, #ARGV do
    local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if known and tonumber(known) <= now then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
"""
_RUN = f"{_BEGIN} return run"


class RedisAway(Exception):
    """Redis cannot be reached, does not answer in time, or refuses to do it."""


class LeaseSet:
    """Belongs to the event loop. All but `close` raises RedisAway; times in microseconds."""

    def __init__(self, url: str, key: str) -> None:
        """Raises ValueError for a URL that is none; it connects when it is first used."""
        self._key = key
        # Who asks has another way to go, and goes it at once.
        self._redis = redis.asyncio.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))
        self.address = _without_password(url)

    async def run_id(self) -> str:
        """Of Redis as it is now."""
        run: str = await self._do(self._redis.eval(_RUN, 1, self._key, ""))
        return run

    async def say(
        self, run: str, renewals: Sequence[tuple[str, int]], kept: Mapping[str, int], ended: Iterable[str]
    ) -> list[bool] | None:
        """Renews leases; notes others that last for so long, and the end of others. The answer says of each renewal
        whether the lease goes on, or was over; None where the set is not whole."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.eval(_RENEW, 1, self._key, run, *_words(renewals))
        if kept:
            pipeline.eval(_KEEP, 1, self._key, run, *_words(kept.items()))
        if over := list(ended):
            pipeline.zrem(self._key, *over)
        renewed = (await self._do(pipeline.execute()))[0]
        return None if renewed is None else [bool(each) for each in renewed]

    async def fill(self, run: str, durations: Mapping[str, int], *, lost: bool) -> bool | None:
        """Adds the leases that are missing. Where the set is not whole, or `lost` says that what it has is old, each
        one lasts for all of its duration. The answer says whether it was whole; None where this is another run."""
        asked = self._redis.eval(_FILL, 1, self._key, run, int(lost), SLACK, *_words(durations.items()))
        answer = await self._do(asked, FILLING_PATIENCE)
        return None if answer < 0 else bool(answer)

    async def due(self, run: str, most: int) -> tuple[list[str], int | None] | None:
        """The first `most` leases that are over, and how long it is until the next one will be, if there is one. None
        where the set is not whole."""
        found = await self._do(self._redis.eval(_DUE, 1, self._key, run, most))
        if found is None:
            return None
        wait, *ids = found
        return ids, None if wait < 0 else wait

    async def drop(self, run: str, ids: Sequence[str]) -> None:
        """Forgets leases that have ended, if they are over still."""
        await self._do(self._redis.eval(_DROP, 1, self._key, run, *ids))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _do(self, asked: Any, patience: float = PATIENCE) -> Any:
        try:
            async with asyncio.timeout(patience):
                return await asked
        except TimeoutError:
            raise RedisAway(f"it did not answer within {patience:g} s") from None
        except (RedisError, OSError) as error:
            raise RedisAway(str(error) or type(error).__name__) from error


def _words(pairs: Iterable[tuple[str, int]]) -> Iterator[str | int]:
    for pair in pairs:
        yield from pair


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
