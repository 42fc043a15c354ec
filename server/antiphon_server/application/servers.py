"""Which servers are on the database, and what each of them tells the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from antiphon.v1.transition_pb2 import Proposal
from antiphon_server.application.forgetting import forget
from antiphon_server.application.leases import ForgetWaitingCalls
from antiphon_server.application.proposals import kind_of
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.tables import changes, servers, waits
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Microseconds after which a server that was not seen is gone, and for which changes are kept for one that is away.
GONE, KEPT = 15_000_000, 600_000_000
#: Microseconds after its time that a wait is somebody else's to end: that server has not.
OVERDUE = 3_000_000


@dataclass(frozen=True, slots=True)
class Joined:
    """What a server finds that comes to a database."""

    #: The number of the last commit before it came.
    newest: int
    #: Whether no other server is there.
    alone: bool


@dataclass(slots=True)
class JoinServers:
    """A server comes. What was left by those that have gone is done away with."""

    server_id: str
    addresses: Sequence[str]
    #: Whether no other server can be there, whatever the table says.
    exclusive: bool

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Joined:
        connection, now = working_set.connection, working_set.now
        gone = servers.delete() if self.exclusive else servers.delete().where(servers.c.seen_time < now - GONE)
        connection.execute(gone)
        alone = connection.execute(select(servers.c.id).limit(1)).one_or_none() is None
        enter(working_set, self.server_id, self.addresses)
        ForgetWaitingCalls().apply(working_set)
        newest = connection.execute(select(func.max(changes.c.number))).scalar_one()
        return Joined(newest or 0, alone)


def enter(working_set: WorkingSet, server_id: str, addresses: Sequence[str]) -> None:
    """Has the others know that a server is there."""
    now = working_set.now
    row = {"id": server_id, "addresses": " ".join(addresses), "start_time": now, "seen_time": now}
    working_set.connection.execute(servers.insert(), row)


@dataclass(slots=True)
class ForgetServers:
    """Does away with servers that were not seen for long and with the calls that waited there. The answer says whether
    there were any."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        gone = servers.delete().where(servers.c.seen_time < working_set.now - GONE)
        if not working_set.connection.execute(gone).rowcount:
            return False
        ForgetWaitingCalls().apply(working_set)
        return True


@dataclass(slots=True)
class OverdueWaits:
    """Proposals whose wait should have ended. The answer is their ids, and the kinds and ids of their runs."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Sequence[tuple[str, RunKind, str]]:
        working_set.flush()
        late = waits.select().where(waits.c.until_time < working_set.now - OVERDUE)
        rows = working_set.connection.execute(late).fetchall()
        return [(row.transition_id, kind_of(Proposal.FromString(row.proposal)), row.run_id) for row in rows]


@dataclass(slots=True)
class ForgetChanges:
    """Forgets what every server has heard long ago, but for the last. The answer says whether there may be more."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        newest = select(func.max(changes.c.number)).scalar_subquery()
        old = select(changes.c.number).where(changes.c.create_time < working_set.now - KEPT, changes.c.number < newest)
        return forget(working_set, changes, old.order_by(changes.c.number))
