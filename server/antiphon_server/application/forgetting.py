"""Deleting what need not be remembered any more, a little at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, select

from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Microseconds for which one can see how far a command came.
COMMANDS_KEPT = 7 * 24 * 3600 * 1_000_000
#: Microseconds after the end of its session for which one can see that a worker was there.
WORKERS_KEPT = 7 * 24 * 3600 * 1_000_000
#: Rows that go in one transaction, so that no verdict waits long for it.
MAX_FORGOTTEN = 200


def forget(working_set: WorkingSet, table: Table, old: Select[Any]) -> bool:
    """Deletes the first rows of `table` whose keys `old` gives; says whether there may be more of them."""
    (key,) = table.primary_key.columns
    deleted = working_set.connection.execute(table.delete().where(key.in_(old.limit(MAX_FORGOTTEN))))
    return deleted.rowcount == MAX_FORGOTTEN


@dataclass(slots=True)
class ForgetCommands:
    """Forgets what sessions were told long ago. The answer says whether there may be more of it."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        commands = tables.commands
        old = select(commands.c.id).where(commands.c.create_time < working_set.now - COMMANDS_KEPT)
        return forget(working_set, commands, old.order_by(commands.c.create_time))


@dataclass(slots=True)
class ForgetWorkers:
    """Forgets workers that went long ago. The answer says whether there may be more of them."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        workers, sessions = tables.workers, tables.sessions
        before = working_set.now - WORKERS_KEPT
        # Sessions that ended longer ago may be forgotten.
        there = select(sessions.c.id).where(
            sessions.c.id == workers.c.session_id,
            (sessions.c.status == SessionStatus.ACTIVE) | (sessions.c.expire_time >= before),
        )
        old = select(workers.c.id).where(workers.c.update_time < before, ~there.exists()).limit(MAX_FORGOTTEN)
        ids = list(working_set.connection.execute(old).scalars())
        working_set.connection.execute(workers.delete().where(workers.c.id.in_(ids)))
        working_set.changes.workers.update(dict.fromkeys(ids))
        return len(ids) == MAX_FORGOTTEN


@dataclass(slots=True)
class ForgetCacheEntries:
    """Forgets results that may not be handed out any more. The answer says whether there may be more of them."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        entries = tables.cache_entries
        old = select(entries.c.id).where(entries.c.expire_time < working_set.now)
        return forget(working_set, entries, old)
