"""The block for bytes in Redis."""

from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr

from antiphon.blocks import extras
from antiphon.engine.dual import Work, ask, awaitable, dual
from antiphon.filesystems import WritableFileSystem

__all__ = ["RedisStorageContainer"]


class RedisStorageContainer(WritableFileSystem):
    """Bytes under keys in Redis. It needs `antiphon[redis]`.

    Example:
        ```python
        from antiphon.blocks.redis import RedisStorageContainer

        RedisStorageContainer.from_host("localhost").save("results")
        ```
    """

    host: str | None = Field(default=None, description="Where Redis is.")
    port: int = Field(default=6379, description="The port of Redis.")
    db: int = Field(default=0, description="The number of the database.")
    username: SecretStr | None = Field(default=None, description="The name to log in with.")
    password: SecretStr | None = Field(default=None, description="The password to log in with.")
    connection_string: SecretStr | None = Field(default=None, description="A redis:// URL in place of all the others.")

    def block_initialization(self) -> None:
        if self.connection_string is None and not self.host:
            raise ValueError("RedisStorageContainer needs a host or a connection_string.")
        if self.connection_string is None and self.username is not None and self.password is None:
            raise ValueError("RedisStorageContainer has a username, but no password.")

    @classmethod
    def from_host(
        cls,
        host: str,
        port: int = 6379,
        db: int = 0,
        username: str | SecretStr | None = None,
        password: str | SecretStr | None = None,
    ) -> Self:
        """Return a block by where Redis is."""
        return cls.model_validate({"host": host, "port": port, "db": db, "username": username, "password": password})

    @classmethod
    def from_connection_string(cls, connection_string: str | SecretStr) -> Self:
        """Return a block by a `redis://` URL."""
        return cls.model_validate({"connection_string": connection_string})

    @dual
    def read_path(self, path: Path | str) -> Work[bytes | None]:  # type: ignore[override]  # as in Prefect
        """Return the bytes under a key, or None."""
        found: bytes | None = yield from ask(partial(self._ask, "get", str(path)))
        return found

    @dual
    def write_path(self, path: Path | str, content: bytes) -> Work[bool]:
        """Put bytes under a key, and return whether Redis took them."""
        return bool((yield from ask(partial(self._ask, "set", str(path), content))))

    aread_path = awaitable(read_path)
    awrite_path = awaitable(write_path)

    def _ask(self, command: str, *arguments: Any) -> Any:
        client = self._client()
        try:
            return getattr(client, command)(*arguments)
        finally:
            client.close()

    def _client(self) -> Any:
        redis = extras.load("redis", "redis", "RedisStorageContainer")
        if self.connection_string is not None:
            return redis.Redis.from_url(self.connection_string.get_secret_value())
        username = self.username.get_secret_value() if self.username is not None else None
        password = self.password.get_secret_value() if self.password is not None else None
        return redis.Redis(host=self.host, port=self.port, db=self.db, username=username, password=password)
