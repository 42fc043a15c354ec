"""Schedules of deployments: made, changed and deleted; their next runs are planned in the same transaction."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from antiphon_server.application import deployment_versions, limits, rows
from antiphon_server.application.deployment_deletion import delete_schedules
from antiphon_server.application.parameter_claims import Checkable, demand, of_run
from antiphon_server.application.planning import replan
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AlreadyExists, NotFound, ResourceExhausted
from antiphon_server.domain.schedules.kinds import Overlap
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import calendars, schedules
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "schedule"
#: Of one deployment.
MOST_SCHEDULES = 100
#: What says when a schedule fires: one that differs in nothing of this is the same schedule.
_TIMING = ("rule_kind", "rule", "day_and", "interval", "anchor_time", "time_zone")
#: What its planned runs would differ by.
_PLANNED_BY = {*_TIMING, "paused", "parameters", "max_scheduled_runs", "jitter", "excluded_calendars"}


@dataclass(slots=True)
class CreateSchedule:
    """A schedule of a deployment. `values` are columns. The answer is its id. Raises Unchecked for parameters that
    nobody has compared with the deployment's schema."""

    values: dict[str, Any]
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        deployment_id = self.values["deployment_id"]
        rows.find(working_set, tables.deployments, "deployment", deployment_id, why="it cannot have a schedule")
        _check_parameters(working_set, deployment_id, self.values, self.checked)
        _check_slug(working_set, deployment_id, self.values["slug"])
        check_calendars(working_set, [self.values])
        mine = select(func.count()).where(schedules.c.deployment_id == deployment_id)
        if working_set.connection.execute(mine).scalar_one() >= MOST_SCHEDULES:
            raise ResourceExhausted(
                "SCHEDULES_TOO_MANY", f"the deployment has {MOST_SCHEDULES} schedules already; delete one"
            )
        id = _add(working_set, self.values)
        working_set.changes.deployments[deployment_id] = None
        replan(working_set, [id])
        return id


@dataclass(slots=True)
class UpdateSchedule:
    """Sets columns of one schedule. Raises Unchecked as CreateSchedule does."""

    id: str
    etag: str
    values: dict[str, Any]
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, schedules, NOUN, self.id, self.etag)
        if "parameters" in self.values:
            _check_parameters(working_set, row.deployment_id, self.values, self.checked)
        if self.values.get("slug", row.slug) != row.slug:
            _check_slug(working_set, row.deployment_id, self.values["slug"])
        check_calendars(working_set, [self.values])
        _change(working_set, row, self.values)
        working_set.changes.deployments[row.deployment_id] = None
        if _differing(row, self.values).keys() & _PLANNED_BY:
            replan(working_set, [row.id])


@dataclass(slots=True)
class DeleteSchedule:
    """Deletes one schedule with the runs that it has planned ahead."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, schedules, NOUN, self.id, self.etag)
        working_set.changes.deployments[row.deployment_id] = None
        delete_schedules(working_set, [row.id])


def set_schedules(working_set: WorkingSet, deployment_id: str, wanted: Sequence[dict[str, Any]]) -> list[str]:
    """Makes the schedules of a deployment what is wanted, whose calendars are there; gives the ids of those that are to
    be planned anew. `paused` of one that is there stays where it is None."""
    there = working_set.connection.execute(schedules.select().where(schedules.c.deployment_id == deployment_id)).all()
    left = list(there)
    changed: list[str] = []
    added: list[dict[str, Any]] = []
    for values in wanted:
        known = _same(left, values)
        if known is None:
            added.append(values)
            continue
        left.remove(known)
        new = _differing(known, values)
        if new.get("paused", "") is None:
            del new["paused"]
        if new:
            _change(working_set, known, new)
        if new.keys() & _PLANNED_BY:
            changed.append(known.id)
    # First, so that a slug that goes may come again.
    delete_schedules(working_set, [row.id for row in left])
    return changed + [_add(working_set, {**values, "deployment_id": deployment_id}) for values in added]


def _differing(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != getattr(row, name)}


def _same(there: Iterable[Any], values: dict[str, Any]) -> Any | None:
    """The schedule that is meant: by its slug or, without one, by when it fires."""
    if values["slug"]:
        return next((row for row in there if row.slug == values["slug"]), None)
    bare = (row for row in there if not row.slug)
    return next((row for row in bare if all(getattr(row, name) == values[name] for name in _TIMING)), None)


def _add(working_set: WorkingSet, values: dict[str, Any]) -> str:
    paused = bool(values["paused"])
    id = rows.add(working_set, schedules, {**values, "paused": paused, "planned_time": working_set.now})
    if values["overlap"] != Overlap.ALLOW:
        _set_limit(working_set, id, values["overlap"])
    return id


def _change(working_set: WorkingSet, row: Any, values: dict[str, Any]) -> None:
    rows.change(working_set, schedules, row, values)
    working_set.surroundings.forget()
    if values.get("overlap", row.overlap) != row.overlap:
        _set_limit(working_set, row.id, values["overlap"])


def _set_limit(working_set: WorkingSet, id: str, overlap: int) -> None:
    """Runs that must not overlap share one slot."""
    if overlap != Overlap.ALLOW:
        limits.set_own(working_set, limit_names.of_schedule(id), 1)
    else:
        limits.drop_own(working_set, [limit_names.of_schedule(id)])


def _check_parameters(
    working_set: WorkingSet, deployment_id: str, values: dict[str, Any], checked: Collection[Checkable]
) -> None:
    deployment = deployment_versions.find(working_set, deployment_id)
    demand(checked, of_run(deployment, values["parameters"], "schedule.parameters"))


def _check_slug(working_set: WorkingSet, deployment_id: str, slug: str) -> None:
    if slug and rows.exists(working_set, schedules, deployment_id=deployment_id, slug=slug):
        raise AlreadyExists(
            "SCHEDULE_EXISTS", f"the deployment has a schedule {slug!r} already; update it, or choose another slug"
        )


def check_calendars(working_set: WorkingSet, wanted: Iterable[dict[str, Any]]) -> None:
    """Raises NotFound where schedules that are wanted exclude a calendar that is not there."""
    for name in {name for values in wanted for name in json.loads(values.get("excluded_calendars", "[]"))}:
        if not rows.exists(working_set, calendars, name=name):
            raise NotFound("CALENDAR_NOT_FOUND", f"there is no calendar {name!r}; make it by CreateCalendar first")
