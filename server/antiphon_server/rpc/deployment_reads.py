"""The reading RPCs of deployments, schedules and calendars. Errors are those of `Queries`, which says them."""

import asyncio
import json
from datetime import datetime
from itertools import islice

from antiphon.v1 import deployment_pb2, schedule_pb2
from antiphon.v1 import deployment_service_pb2 as pb
from antiphon.v1 import schedule_service_pb2 as schedules_pb
from antiphon_server.application import listings
from antiphon_server.application.planning import days_off_of, series_of
from antiphon_server.application.queries import PageRequest, Queries
from antiphon_server.domain.schedules.series import Series, micros_of, moment_of
from antiphon_server.rpc.deployment_conversions import deployment_message, version_message
from antiphon_server.rpc.reads import listed
from antiphon_server.rpc.schedule_conversions import (
    calendar_message,
    jitter_of,
    schedule_message,
    timing_from,
)
from antiphon_server.wire_times import micros_to_timestamp, timestamp_to_micros

#: Times of a preview where none are asked for.
DEFAULT_COUNT = 10


class DeploymentReads:
    """One method for each RPC that reads, for servicers to delegate to."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def deployment(self, id: str, *, name: str = "", flow_name: str = "") -> deployment_pb2.Deployment:
        row = await self._queries.deployment(id, name=name, flow_name=flow_name)
        schedules = await self._queries.schedules_of([row.id])
        return deployment_message(row, schedules[row.id])

    async def list_deployments(self, request: pb.ListDeploymentsRequest) -> pb.ListDeploymentsResponse:
        page = await listed(self._queries, listings.DEPLOYMENTS, request)
        schedules = await self._queries.schedules_of([row.id for row in page.rows])
        return pb.ListDeploymentsResponse(
            deployments=(deployment_message(row, schedules[row.id]) for row in page.rows),
            next_page_token=page.next_page_token,
        )

    async def list_versions(self, request: pb.ListDeploymentVersionsRequest) -> pb.ListDeploymentVersionsResponse:
        asked = PageRequest(request.page_size, request.page_token)
        page = await self._queries.deployment_versions(request.deployment_id, asked)
        return pb.ListDeploymentVersionsResponse(
            versions=map(version_message, page.rows), next_page_token=page.next_page_token
        )

    async def get_schedule(self, request: schedules_pb.GetScheduleRequest) -> schedules_pb.GetScheduleResponse:
        return schedules_pb.GetScheduleResponse(schedule=schedule_message(await self._queries.schedule(request.id)))

    async def list_schedules(self, request: schedules_pb.ListSchedulesRequest) -> schedules_pb.ListSchedulesResponse:
        page = await listed(self._queries, listings.SCHEDULES, request)
        return schedules_pb.ListSchedulesResponse(
            schedules=map(schedule_message, page.rows), next_page_token=page.next_page_token
        )

    async def get_calendar(self, request: schedules_pb.GetCalendarRequest) -> schedules_pb.GetCalendarResponse:
        row = await self._queries.calendar(request.id, name=request.name)
        return schedules_pb.GetCalendarResponse(calendar=calendar_message(row))

    async def list_calendars(self, request: schedules_pb.ListCalendarsRequest) -> schedules_pb.ListCalendarsResponse:
        page = await listed(self._queries, listings.CALENDARS, request)
        return schedules_pb.ListCalendarsResponse(
            calendars=map(calendar_message, page.rows), next_page_token=page.next_page_token
        )

    async def preview(
        self, request: schedules_pb.PreviewScheduleRequest, now: int
    ) -> schedules_pb.PreviewScheduleResponse:
        """Raises InvalidArgument too: SCHEDULE_INVALID, TIME_ZONE_UNKNOWN, TIME_INVALID."""
        if request.HasField("after_time"):
            now = timestamp_to_micros(request.after_time, "after_time")
        series = await (
            self._stored(request.id) if request.WhichOneof("schedule") == "id" else self._given(request.given)
        )
        found = islice(series.timing.after(moment_of(now)), request.count or DEFAULT_COUNT)
        # In a thread, since many times take long.
        moments = await asyncio.to_thread(list, found)
        return schedules_pb.PreviewScheduleResponse(times=(_preview(moment, series) for moment in moments))

    async def _stored(self, id: str) -> Series:
        row = await self._queries.schedule(id)
        return series_of(row, await self._queries.calendars(json.loads(row.excluded_calendars)))

    async def _given(self, schedule: schedule_pb2.Schedule) -> Series:
        timing = await asyncio.to_thread(timing_from, schedule, "given")
        calendars = await self._queries.calendars(list(schedule.excluded_calendars))
        return Series(timing, days_off_of(calendars), jitter_of(schedule, "given"), schedule.id)


def _preview(moment: datetime, series: Series) -> schedules_pb.SchedulePreview:
    excluding = series.excluded_by(moment)
    return schedules_pb.SchedulePreview(
        time=micros_to_timestamp(series.start(micros_of(moment))),
        local_time=moment.astimezone(series.timing.zone).isoformat(),
        excluded_by=excluding.name if excluding is not None else "",
    )
