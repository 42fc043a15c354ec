"""Backfills: long-running operations that create a run for each time of a schedule in a span."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import func, select

from antiphon.v1 import deployment_service_pb2
from antiphon_server.application import deployment_runs, deployment_versions, rows
from antiphon_server.application.arguments import merged
from antiphon_server.application.bulk import add_operation, find_bulk, update_bulk
from antiphon_server.application.deployment_runs import RunOf
from antiphon_server.application.parameter_claims import Checkable, Claim, demand, of_run
from antiphon_server.application.planning import existing_keys, idempotency_key, series_in
from antiphon_server.domain.bulk import BulkState, BulkVerb
from antiphon_server.domain.schedules.series import Series
from antiphon_server.domain.states import COMPLETED, LIVE, TERMINAL
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.wire_times import timestamp_to_micros

#: Times of one backfill, and runs that are created in one transaction.
MOST_TIMES, CHUNK = 100_000, 50
BACKFILLED = "backfill"


@dataclass(frozen=True, slots=True)
class Span:
    """Of times in microseconds: `begin` is among them, `end` is not."""

    begin: int
    end: int

    def times(self, series: Series, after: int | None = None) -> Iterator[int]:
        """Those of a series behind `after`, in order."""
        for time in series.after(self.begin - 1 if after is None else after):
            if time >= self.end:
                return
            yield time


@dataclass(slots=True)
class StartBackfill:
    """Stores a new backfill; a runner hears of it by the commit. The answer is its id. Raises Unchecked for parameters
    that nobody has compared with the deployment's schema."""

    id: str
    #: With the schedule and the number of runs at once.
    request: deployment_service_pb2.BackfillDeploymentRequest
    total: int
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        schedule = rows.find(working_set, schedules, "schedule", self.request.schedule_id)
        deployment = deployment_versions.find(working_set, schedule.deployment_id)
        demand(self.checked, claims_of(deployment, schedule, self.request))
        kept = deployment_service_pb2.BackfillDeploymentRequest()
        kept.CopyFrom(self.request)
        kept.ClearField("request_id")
        what = {"backfill": kept.SerializeToString(deterministic=True)}
        add_operation(working_set, self.id, BulkVerb.BACKFILL, self.total, what)
        return self.id


@dataclass(slots=True)
class Progress:
    """How a backfill goes on."""

    #: At once; else when one of its runs has ended.
    at_once: bool
    #: Its runs that have not ended, the new ones among them.
    under_way: Sequence[str]


@dataclass(slots=True)
class BackfillChunk:
    """Creates the next runs of a backfill, as many as may be under way. The answer says how it goes on, and is None
    where it has ended. Raises NotFound where its schedule is gone, and Unchecked as StartBackfill does.

    A run counts by its first end: it is not looked at again, however many there are, and may be deleted."""

    operation_id: str
    #: Those of its runs that had not ended at the chunk before; None looks for them among all.
    under_way: Sequence[str] | None = None
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Progress | None:
        operation = find_bulk(working_set, self.operation_id)
        if operation is None or operation.state != BulkState.RUNNING:
            return None
        request = deployment_service_pb2.BackfillDeploymentRequest.FromString(operation.backfill)
        schedule = rows.find(working_set, schedules, "schedule", request.schedule_id, why="it was deleted meanwhile")
        deployment = deployment_versions.find(working_set, schedule.deployment_id)
        active, counts = self._looked_at(working_set, operation)
        room = request.max_active_runs - len(active)
        wanted = max(min(room, CHUNK), 0)
        following = span_of(request).times(series_in(working_set, schedule), operation.cursor_time)
        times = list(islice(following, wanted))
        if times:
            demand(self.checked, claims_of(deployment, schedule, request))
        created = _create(working_set, operation.id, schedule, deployment, request, times)
        over = wanted > len(times) and not active and not created
        ended = {"state": BulkState.SUCCEEDED, "end_time": working_set.now} if over else {}
        update_bulk(
            working_set,
            operation.id,
            **ended,
            **counts,
            skipped_count=operation.skipped_count + len(times) - len(created),
            cursor_time=times[-1] if times else operation.cursor_time,
        )
        return None if over else Progress(len(times) == wanted and len(created) < room, [*active, *created])

    def _looked_at(self, working_set: WorkingSet, operation: Any) -> tuple[list[str], dict[str, int]]:
        """Those of its runs that have not ended, and how many have, in its columns."""
        working_set.flush()
        if self.under_way is None:
            return _active(working_set, operation.id), _counts(working_set, operation)
        runs = tables.flow_runs.c
        states: dict[str, int] = {}
        for some in chunks(self.under_way):
            query = select(runs.id, runs.state_type).where(runs.id.in_(some))
            states.update({id: state for id, state in working_set.connection.execute(query)})
        ended = Counter(state == COMPLETED for state in states.values() if state in TERMINAL)
        return [id for id, state in states.items() if state not in TERMINAL], {
            "succeeded_count": operation.succeeded_count + ended[True],
            "failed_count": operation.failed_count + ended[False],
        }


def span_of(request: deployment_service_pb2.BackfillDeploymentRequest) -> Span:
    """Raises InvalidArgument (TIME_INVALID)."""
    begin = timestamp_to_micros(request.start_time, "start_time")
    return Span(begin, timestamp_to_micros(request.end_time, "end_time"))


def parameters_of(schedule: Any, request: deployment_service_pb2.BackfillDeploymentRequest) -> bytes | None:
    """Those of its runs over the deployment's."""
    own = request.parameters.SerializeToString(deterministic=True) if request.HasField("parameters") else None
    return merged(schedule.parameters, own)


def claims_of(deployment: Any, schedule: Any, request: deployment_service_pb2.BackfillDeploymentRequest) -> list[Claim]:
    """What must hold of its runs; `deployment` is a row with content."""
    return of_run(deployment, parameters_of(schedule, request))


def _create(
    working_set: WorkingSet,
    operation_id: str,
    schedule: Any,
    deployment: Any,
    request: deployment_service_pb2.BackfillDeploymentRequest,
    times: Sequence[int],
) -> list[str]:
    """A run for each time that has none, due at once; gives their ids."""
    again = f":{operation_id}" if request.rerun else ""
    keys = {idempotency_key(schedule.id, time) + again: time for time in times}
    for _, key in existing_keys(working_set, [(deployment.flow_id, key) for key in keys]):
        del keys[key]
    parameters = parameters_of(schedule, request)
    created = []
    for key, time in keys.items():
        run = RunOf(
            scheduled_time=time,
            tags=(BACKFILLED, *request.tags),
            parameters=parameters,
            idempotency_key=key,
            operation_id=operation_id,
        )
        deployment_runs.creation_of(deployment, run).add(working_set, deployment.flow_id, deployment.flow_name)
        deployment_runs.schedule(working_set, run)
        created.append(run.id)
    return created


def _active(working_set: WorkingSet, operation_id: str) -> list[str]:
    """The ids of its runs that have not ended."""
    runs = tables.flow_runs.c
    going_on = select(runs.id).where(runs.operation_id == operation_id, runs.state_type.in_(LIVE))
    return list(working_set.connection.execute(going_on).scalars())


def _counts(working_set: WorkingSet, operation: Any) -> dict[str, int]:
    """How its runs have ended, with those that were counted and are deleted by now."""
    runs = tables.flow_runs.c
    query = select(runs.state_type, func.count()).where(runs.operation_id == operation.id).group_by(runs.state_type)
    counts = {state: count for state, count in working_set.connection.execute(query)}
    failed = sum(counts.get(state, 0) for state in TERMINAL if state is not COMPLETED)
    return {
        "succeeded_count": max(counts.get(COMPLETED, 0), operation.succeeded_count),
        "failed_count": max(failed, operation.failed_count),
    }
