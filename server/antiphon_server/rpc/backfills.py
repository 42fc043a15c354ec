"""BackfillDeployment: starts a backfill, or says what it would do."""

import asyncio
import json
from itertools import islice
from typing import Any

from antiphon.v1 import deployment_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.arguments import check_arguments
from antiphon_server.application.backfills import MOST_TIMES, StartBackfill, claims_of, span_of
from antiphon_server.application.core import Core
from antiphon_server.application.parameter_claims import check, checked
from antiphon_server.application.planning import idempotency_key, series_of
from antiphon_server.application.queries import Queries
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.rpc.mutations import mutate, recalled
from antiphon_server.rpc.operation_messages import operation_message
from antiphon_server.rpc.write_conversions import new_id
from antiphon_server.wire_times import micros_to_timestamp

#: Times that are told.
MOST_TOLD = 100


class Backfills:
    """Serves BackfillDeployment."""

    def __init__(self, core: Core, queries: Queries) -> None:
        self._core = core
        self._queries = queries

    async def start(self, request: pb.BackfillDeploymentRequest) -> pb.BackfillDeploymentResponse:
        """Raises InvalidArgument: SPAN_EMPTY, BACKFILL_TOO_LONG, SCHEDULE_MISSING, PARAMETERS_INVALID; NotFound."""
        # First: what is looked at below may be gone by the second time.
        known = None if request.dry_run else await recalled(self._core, request, pb.BackfillDeploymentResponse)
        if known is not None:
            return known
        deployment = await self._queries.deployment(request.id)
        schedule = await self._schedule(request, deployment)
        if request.HasField("parameters"):
            check_arguments(request.parameters, "parameters")
        claims = claims_of(deployment, schedule, request)
        await check(claims)
        times = await self._times(request, schedule)
        keys = [idempotency_key(schedule.id, time) for time in times]
        told = pb.BackfillDeploymentResponse(
            total_count=len(times),
            existing_count=await self._queries.taken_keys(deployment.flow_id, keys),
            times=map(micros_to_timestamp, times[:MOST_TOLD]),
        )
        if request.dry_run:
            return told
        asked = pb.BackfillDeploymentRequest()
        asked.CopyFrom(request)
        asked.schedule_id, asked.max_active_runs = schedule.id, request.max_active_runs or 1
        start = StartBackfill(new_id(), asked, len(times), claims)

        def answer(working_set: Any, id: str) -> pb.BackfillDeploymentResponse:
            told.operation.CopyFrom(operation_message(read_back.operation(working_set, id)))
            return told

        return await checked(start, lambda: mutate(self._core, request, start, pb.BackfillDeploymentResponse, answer))

    async def _schedule(self, request: pb.BackfillDeploymentRequest, deployment: Any) -> Any:
        schedules = (await self._queries.schedules_of([deployment.id]))[deployment.id]
        if request.schedule_id:
            found = [row for row in schedules if row.id == request.schedule_id.lower()]
            if found:
                return found[0]
            raise InvalidArgument(
                "SCHEDULE_MISSING",
                f"deployment {deployment.name!r} has no schedule {request.schedule_id}",
                field="schedule_id",
            )
        if not schedules:
            raise InvalidArgument(
                "SCHEDULE_MISSING",
                f"deployment {deployment.name!r} has no schedule, so there are no times to fill; add one, paused if it "
                "shall not fire by itself",
                field="schedule_id",
            )
        if len(schedules) > 1:
            raise InvalidArgument(
                "SCHEDULE_MISSING",
                f"deployment {deployment.name!r} has {len(schedules)} schedules; name the one whose times are meant",
                field="schedule_id",
            )
        return schedules[0]

    async def _times(self, request: pb.BackfillDeploymentRequest, schedule: Any) -> list[int]:
        span = span_of(request)
        if span.begin >= span.end:
            raise InvalidArgument("SPAN_EMPTY", "end_time must be later than start_time", field="end_time")
        calendars = await self._queries.calendars(json.loads(schedule.excluded_calendars))
        # In a thread, since many times take seconds.
        found = islice(span.times(series_of(schedule, calendars)), MOST_TIMES + 1)
        times = await asyncio.to_thread(list, found)
        if len(times) > MOST_TIMES:
            raise InvalidArgument(
                "BACKFILL_TOO_LONG",
                f"the span has more than {MOST_TIMES} times of the schedule; fill a shorter one first",
                field="end_time",
            )
        return times
