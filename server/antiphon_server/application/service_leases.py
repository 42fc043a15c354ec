"""Leases by which one of several servers on a database does the rounds of a service."""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon_server.application.servers import enter
from antiphon_server.storage.tables import servers
from antiphon_server.storage.tables import service_leases as leases
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class HoldLeases:
    """A server is there: takes leases that are free or over, and renews those that are its own. The answer is the
    services that it leads."""

    holder: str
    #: Where the server listens.
    addresses: Sequence[str]
    services: Sequence[str]
    #: Microseconds.
    duration: int
    #: Also those that are somebody else's.
    whosever: bool = False

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> set[str]:
        connection, until = working_set.connection, working_set.now + self.duration
        seen = servers.update().where(servers.c.id == self.holder).values(seen_time=working_set.now)
        if not connection.execute(seen).rowcount:  # The others have given it up, as one that was not seen for long.
            enter(working_set, self.holder, self.addresses)
        rows = {row.service: row for row in connection.execute(leases.select().with_for_update())}
        held = set()
        for service in self.services:
            row = rows.get(service)
            if row is None:
                connection.execute(leases.insert(), {"service": service, "holder": self.holder, "expire_time": until})
            elif self.whosever or row.holder == self.holder or row.expire_time <= working_set.now:
                new = leases.update().where(leases.c.service == service)
                connection.execute(new.values(holder=self.holder, expire_time=until))
            else:
                continue
            held.add(service)
        return held


@dataclass(slots=True)
class ReleaseLeases:
    """A server goes away: it gives back what it leads, and others may lead at once."""

    holder: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.connection.execute(leases.delete().where(leases.c.holder == self.holder))
        working_set.connection.execute(servers.delete().where(servers.c.id == self.holder))
        working_set.changes.leadership = True
