"""Planning ahead: the runs of the next times of schedules."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from time import thread_time
from typing import Any

from sqlalchemy import or_, select, tuple_
from uuid_utils import uuid7

from antiphon_server.application import deployment_runs, deployment_versions, transitions
from antiphon_server.application.deployment_runs import RunOf
from antiphon_server.application.run_deletion import delete_planned, delete_runs, unclaimed
from antiphon_server.application.schedule_times import soonest
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.schedules.days_off import DaysOff, days_off
from antiphon_server.domain.schedules.kinds import CatchUp, RuleKind
from antiphon_server.domain.schedules.plan import Away, Plan, Waiting, work_out
from antiphon_server.domain.schedules.series import Series, moment_of, start_of
from antiphon_server.domain.schedules.timing import Timing
from antiphon_server.domain.schedules.zones import zone
from antiphon_server.domain.states import CANCELLED, DEFAULT_NAMES, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import calendars, schedules
from antiphon_server.storage.statements import MAX_KEYS, Update, chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

logger = logging.getLogger(__name__)

#: Schedules that are planned in one transaction, and runs and seconds of processor time after which no more of them
#: are, so that no verdict waits long.
MOST_PLANNED, MANY_RUNS, BUDGET = 200, 200, 0.1
AUTO_SCHEDULED = "auto-scheduled"
#: As `planned_time`: what was planned ahead is to go, and the schedule to be planned from its `plan_time` on.
AFRESH = -1


@dataclass(slots=True)
class PlanSchedules:
    """Plans the schedules that are to be planned by now. The answer is when the next one is; None where none is."""

    away: Away | None = None
    #: The clock was put forward, as if the server had lived meanwhile: nothing was missed.
    lived: bool = False

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> int | None:
        found = _find(working_set, schedules.c.plan_time <= working_set.now, MOST_PLANNED)
        waiting = _waiting(working_set, [each.schedule.id for each in found])
        planned: list[_Planned] = []
        runs, end = 0, thread_time() + BUDGET
        for each in found:
            policy = CatchUp.ALL if self.lived else CatchUp(each.schedule.catch_up)
            since, gone = each.schedule.planned_time, []
            if since == AFRESH:
                # From before the jitter, since the run of a time that has passed may be among those that go.
                since = each.schedule.plan_time - each.schedule.jitter
                gone = _take_ahead(working_set, waiting.get(each.schedule.id, []))
            each.plan = _work_out(working_set, each, waiting, since, policy, self.away)
            _drop(working_set, each.plan.dropped, policy)
            planned.append(each)
            runs += len(gone) + len(each.plan.times) + len(each.plan.dropped)
            if runs >= MANY_RUNS or thread_time() > end:
                break
        _carry_out(working_set, planned)
        return soonest(working_set)


@dataclass(slots=True)
class WakeSchedules:
    """Has schedules planned anew of which runs came due while no server ran."""

    away: Away

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        runs = tables.flow_runs.c
        due = select(runs.schedule_id).where(
            runs.schedule_id.is_not(None),
            runs.state_type == SCHEDULED,
            runs.next_scheduled_start_time.between(self.away.since, self.away.until),
        )
        planned_later = or_(schedules.c.plan_time.is_(None), schedules.c.plan_time > working_set.now)
        working_set.connection.execute(
            schedules.update()
            .where(schedules.c.id.in_(due), schedules.c.paused.is_(False), planned_later)
            .values(plan_time=working_set.now)
        )


_NOTHING = Plan()
_NOTE_PLAN = Update(schedules, ("planned_time", "plan_time"))


@dataclass(slots=True)
class _Planned:
    """A schedule, its deployment with what that runs, the calendars that it excludes, and what is to be done with
    it."""

    schedule: Any
    deployment: Any
    calendars: Sequence[Any]
    plan: Plan = _NOTHING


def replan(working_set: WorkingSet, schedule_ids: Sequence[str]) -> None:
    """Plans schedules afresh that were made or changed, or whose deployments were: what was planned ahead goes, and no
    time that has passed is caught up. Those whose rules take long are planned soon."""
    delete_planned(working_set, schedule_ids)
    late: list[str] = []
    end = thread_time() + BUDGET
    for some in chunks(schedule_ids):
        planned: list[_Planned] = []
        for each in _find(working_set, schedules.c.id.in_(some)):
            if planned and thread_time() > end:
                late.append(each.schedule.id)
                continue
            # From before the jitter, since the run of a time that has passed may have been among those that went.
            each.plan = _work_out(working_set, each, {}, working_set.now - each.schedule.jitter, None)
            planned.append(each)
        _carry_out(working_set, planned)
    plan_soon(working_set, late)


def plan_soon(working_set: WorkingSet, schedule_ids: Sequence[str]) -> None:
    """The same for schedules that may be many: the scheduler does it, some in each transaction."""
    for some in chunks(schedule_ids):
        afresh = schedules.update().where(schedules.c.id.in_(some), schedules.c.paused.is_(False))
        working_set.connection.execute(afresh.values(plan_time=working_set.now, planned_time=AFRESH))
    working_set.changes.schedules = True


def timing_of(schedule: Any) -> Timing:
    """Of a row of `schedules`. Raises ValueError for a time zone that is not known any more."""
    return Timing(
        RuleKind(schedule.rule_kind),
        zone(schedule.time_zone),
        schedule.rule,
        schedule.day_and,
        timedelta(microseconds=schedule.interval or 0),
        moment_of(schedule.anchor_time) if schedule.anchor_time is not None else None,
    )


def series_of(schedule: Any, excluded: Iterable[Any]) -> Series:
    """Of a row of `schedules` and those of the calendars that it excludes. Raises ValueError as `timing_of` does."""
    return Series(timing_of(schedule), days_off_of(excluded), schedule.jitter, schedule.id)


def days_off_of(found: Iterable[Any]) -> list[DaysOff]:
    """Of rows of `calendars`."""
    return [_days_off(row.name, row.days, row.weekdays) for row in found]


def idempotency_key(schedule_id: str, time: int) -> str:
    """Of the run of a time, in microseconds and without jitter, of a schedule."""
    return f"schedule:{schedule_id}:{time}"


def existing_keys(working_set: WorkingSet, keys: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of pairs of a flow and an idempotency key, those that a run has."""
    runs = tables.flow_runs.c
    pair = tuple_(runs.flow_id, runs.idempotency_key)
    found: list[tuple[str, str]] = []
    for start in range(0, len(keys), MAX_KEYS):
        query = select(runs.flow_id, runs.idempotency_key).where(pair.in_(keys[start : start + MAX_KEYS]))
        found += [(flow_id, key) for flow_id, key in working_set.connection.execute(query)]
    return found


@lru_cache(maxsize=100)
def _days_off(name: str, days: str, weekdays: str) -> DaysOff:
    return days_off(name, json.loads(days), json.loads(weekdays))


def _find(working_set: WorkingSet, condition: Any, limit: int | None = None) -> list[_Planned]:
    """Schedules, those first that are to be planned first."""
    working_set.flush()
    query = schedules.select().where(condition).order_by(schedules.c.plan_time).limit(limit)
    found = working_set.connection.execute(query).all()
    deployments: dict[str, Any] = {}
    for some in chunks(list({row.deployment_id for row in found})):
        content = deployment_versions.with_content().where(tables.deployments.c.id.in_(some))
        deployments.update({row.id: row for row in working_set.connection.execute(content)})
    named = _calendars(working_set, {name for row in found for name in _names(row)})
    return [
        _Planned(row, deployments[row.deployment_id], [named[name] for name in _names(row) if name in named])
        for row in found
    ]


def _names(schedule: Any) -> list[str]:
    """The names of the calendars that it excludes."""
    names: list[str] = json.loads(schedule.excluded_calendars) if schedule.excluded_calendars != "[]" else []
    return names


def _calendars(working_set: WorkingSet, names: Iterable[str]) -> dict[str, Any]:
    """Rows by their names."""
    found: dict[str, Any] = {}
    for some in chunks(list(names)):
        query = calendars.select().where(calendars.c.name.in_(some))
        found.update({row.name: row for row in working_set.connection.execute(query)})
    return found


def _waiting(working_set: WorkingSet, schedule_ids: Sequence[str]) -> dict[str, list[Waiting]]:
    """For each schedule, those of its runs that nobody has claimed, in order."""
    runs = tables.flow_runs.c
    found: dict[str, list[Waiting]] = {}
    for some in chunks(schedule_ids):
        query = select(runs.schedule_id, runs.next_scheduled_start_time, runs.id).where(unclaimed(some))
        ordered = query.order_by(runs.schedule_id, runs.next_scheduled_start_time)
        for schedule_id, start, id in working_set.connection.execute(ordered):
            found.setdefault(schedule_id, []).append(Waiting(start, id))
    return found


def _work_out(
    working_set: WorkingSet,
    each: _Planned,
    waiting: dict[str, list[Waiting]],
    since: int,
    policy: CatchUp | None,
    away: Away | None = None,
) -> Plan:
    """Of a schedule that rests, or whose rule cannot be read, nothing is planned."""
    schedule, deployment, now = each.schedule, each.deployment, working_set.now
    if schedule.paused or deployment.paused:
        return Plan(planned_time=now)
    try:
        series = series_of(schedule, each.calendars)
        runs = waiting.get(schedule.id, ())
        return work_out(series, runs, now, since, policy, most=schedule.max_scheduled_runs, away=away)
    # This machine does not know its time zone, say; whatever its rule does to the libraries is nothing to the others.
    except Exception:
        logger.exception("schedule %s of %s/%s rests", schedule.id, deployment.flow_name, deployment.name)
        return Plan(planned_time=schedule.planned_time)


def series_in(working_set: WorkingSet, schedule: Any) -> Series:
    """Of a row of `schedules`, with the calendars that it excludes. Raises ValueError as `timing_of` does."""
    return series_of(schedule, _calendars(working_set, _names(schedule)).values())


def _take_ahead(working_set: WorkingSet, waiting: list[Waiting]) -> list[str]:
    """Takes, of the runs of a schedule that wait, those that are planned ahead, and deletes them; gives their ids."""
    gone = [run.id for run in waiting if run.start > working_set.now]
    waiting[:] = [run for run in waiting if run.start <= working_set.now]
    working_set.flush()
    delete_runs(working_set, RunKind.FLOW_RUN, gone)
    return gone


def _drop(working_set: WorkingSet, ids: Sequence[str], policy: CatchUp) -> None:
    said = f"no server ran at its time, and its schedule's catch-up policy is {policy.name}"
    working_set.load(Needs(flow_runs=set(ids)))
    for id in ids:
        state = State(CANCELLED, DEFAULT_NAMES[CANCELLED], said)
        transitions.propose(working_set, Proposal(str(uuid7()), RunKind.FLOW_RUN, id, state))


def _carry_out(working_set: WorkingSet, found: Sequence[_Planned]) -> None:
    """Creates a run for each time that has none, and notes how far schedules are planned."""
    if not found:
        return
    new = {
        (each.deployment.flow_id, idempotency_key(each.schedule.id, time)): (each, time)
        for each in found
        for time in each.plan.times
    }
    for known in existing_keys(working_set, list(new)):
        del new[known]
    for (_, key), (each, time) in new.items():
        _create(working_set, each, key, time)
    working_set.write(_NOTE_PLAN, [(each.plan.planned_time, each.plan.plan_time, each.schedule.id) for each in found])


def _create(working_set: WorkingSet, each: _Planned, key: str, time: int) -> None:
    schedule, deployment = each.schedule, each.deployment
    run = RunOf(
        scheduled_time=start_of(time, schedule.jitter, schedule.id),
        tags=(AUTO_SCHEDULED,),
        parameters=schedule.parameters,
        idempotency_key=key,
        schedule_id=schedule.id,
    )
    deployment_runs.creation_of(deployment, run).add(working_set, deployment.flow_id, deployment.flow_name)
    deployment_runs.schedule(working_set, run)
