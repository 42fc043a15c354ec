"""Locks between machines by a Redis server; `pip install "antiphon[redis]"`."""

from typing import Any

import redis

from antiphon.locking.protocol import LockManager

__all__ = ["RedisLockManager"]

#: Seconds for which a lock lasts whose holder says nothing else: it must end where its holder is gone.
DEFAULT_HOLD_TIMEOUT = 3600.0

#: Compares and acts in one step.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


class RedisLockManager(LockManager):
    """Keeps a key `lock:<key>` for each lock."""

    def __init__(
        self,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
    ) -> None:
        self._options: dict[str, Any] = {
            "host": host,
            "port": port,
            "db": db,
            "username": username,
            "password": password,
            "ssl": ssl,
        }
        self._client: Any = redis.Redis(**self._options)

    def try_lock(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        milliseconds = max(round((hold_timeout or DEFAULT_HOLD_TIMEOUT) * 1000), 1)
        if self._client.set(_name(key), holder, nx=True, px=milliseconds):
            return True
        return self.is_lock_holder(key, holder)

    def release_lock(self, key: str, holder: str) -> None:
        if not self._client.eval(_RELEASE, 1, _name(key), holder):
            raise ValueError(f"{holder!r} does not hold the lock on {key!r}, so it cannot release it.")

    def is_locked(self, key: str) -> bool:
        return bool(self._client.exists(_name(key)))

    def is_lock_holder(self, key: str, holder: str) -> bool:
        return bool(self._client.get(_name(key)) == holder.encode())

    def __getstate__(self) -> dict[str, Any]:
        return self._options

    def __setstate__(self, options: dict[str, Any]) -> None:
        self.__init__(**options)  # type: ignore[misc]


def _name(key: str) -> str:
    return f"lock:{key}"
