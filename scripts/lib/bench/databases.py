"""A PostgreSQL of the bench's own, that waits for its disk as a user's does."""

import psycopg

from postgresql_cluster import Cluster


class Databases:
    """Started at the first database that is asked for. Close it."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._made = 0
        self._version = ""

    def make(self) -> str:
        """The URL of a new database."""
        if self._cluster is None:
            self._cluster = Cluster(durable=True)
            self._cluster.start()
        self._made += 1
        name = f"bench{self._made}"
        with psycopg.connect(self._cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
            self._version = connection.info.parameter_status("server_version") or ""
        return str(self._cluster.url(name))

    def durability(self) -> str:
        return f"PostgreSQL {self._version.split()[0]}, fsync=on, synchronous_commit=on" if self._made else "unknown"

    def close(self) -> None:
        """Ends it and removes its data."""
        if self._cluster is not None:
            self._cluster.remove()
            self._cluster = None
