"""Calendars: days on which schedules that name them do not fire."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import rows
from antiphon_server.application.planning import plan_soon
from antiphon_server.domain.errors import AlreadyExists, FailedPrecondition
from antiphon_server.storage.deployment_tables import calendars, schedules
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "calendar"


@dataclass(slots=True)
class CreateCalendar:
    """A calendar by a name that is not taken. `values` are columns. The answer is its id."""

    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        name = self.values["name"]
        if rows.exists(working_set, calendars, name=name):
            raise AlreadyExists(
                "CALENDAR_EXISTS", f"there is a calendar {name!r} already; update it, or choose another name"
            )
        return rows.add(working_set, calendars, self.values)


@dataclass(slots=True)
class UpdateCalendar:
    """Sets columns of one calendar."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, calendars, NOUN, self.id, self.etag)
        rows.change(working_set, calendars, row, self.values)
        if self.values.keys() & {"days", "weekdays"}:
            plan_soon(working_set, _named_by(working_set, row.name))


@dataclass(slots=True)
class DeleteCalendar:
    """Deletes one calendar that no schedule names."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, calendars, NOUN, self.id, self.etag)
        users = _named_by(working_set, row.name)
        if users:
            raise FailedPrecondition(
                "CALENDAR_IN_USE",
                f"{len(users)} schedules exclude calendar {row.name!r}, {users[0]} among them; change those first",
            )
        working_set.connection.execute(calendars.delete().where(calendars.c.id == row.id))


def _named_by(working_set: WorkingSet, name: str) -> list[str]:
    """The ids of the schedules that exclude a calendar."""
    query = select(schedules.c.id, schedules.c.excluded_calendars).where(schedules.c.excluded_calendars != "[]")
    return [id for id, names in working_set.connection.execute(query) if name in json.loads(names)]
