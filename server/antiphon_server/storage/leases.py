"""Leases of slots, and calls that wait for one. Read and written at once: they are few."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from antiphon_server.domain.leases import Lease
from antiphon_server.storage.tables import servers, slot_leases

_columns = slot_leases.c


class Leases:
    """The rows of `slot_leases` as this transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, id: str) -> Lease | None:
        return next(self._where(_columns.id == id), None)

    def of_request(self, request_id: str) -> Lease | None:
        return next(self._where(_columns.request_id == request_id), None)

    def of_session(self, session_id: str) -> Sequence[Lease]:
        """Those that end with a session, given or waited for."""
        return list(self._where(_columns.session_id == session_id))

    def expired(self, now: int) -> Sequence[Lease]:
        return list(self._where(_columns.expire_time <= now))

    def waiting_nowhere(self) -> Sequence[Lease]:
        """Those that are waited for at a server that is not on the database any more."""
        somewhere = exists().where(servers.c.id == _columns.server_id)
        return list(self._where(_columns.expire_time.is_(None) & ~somewhere))

    def kept_elsewhere(self) -> Sequence[Lease]:
        """Those whose time another storage of leases keeps."""
        return list(self._where(_columns.sure_time.is_not(None)))

    def soonest(self) -> int | None:
        """When the next one expires."""
        soonest: int | None = self._connection.execute(select(func.min(_columns.expire_time))).scalar_one()
        return soonest

    def add(self, lease: Lease) -> None:
        self._connection.execute(slot_leases.insert(), {**asdict(lease), "names": json.dumps(lease.names)})

    def change(self, lease: Lease) -> None:
        """Writes how long it lasts."""
        lasts = {"duration": lease.duration, "expire_time": lease.expire_time, "sure_time": lease.sure_time}
        self._connection.execute(slot_leases.update().where(_columns.id == lease.id).values(lasts))

    def remove(self, id: str) -> None:
        self._connection.execute(slot_leases.delete().where(_columns.id == id))

    def _where(self, condition: ColumnElement[bool]) -> Iterator[Lease]:
        for row in self._connection.execute(slot_leases.select().where(condition).order_by(_columns.id)).fetchall():
            values: dict[str, Any] = dict(row._mapping)
            yield Lease(**{**values, "names": tuple(json.loads(row.names))})
