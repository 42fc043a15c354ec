"""ScheduleService, loaded on demand."""

import asyncio
from typing import Any

from antiphon.v1 import schedule_pb2, schedule_service_pb2_grpc
from antiphon.v1 import schedule_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.calendars import DeleteCalendar
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.parameter_claims import checked
from antiphon_server.application.schedules import DeleteSchedule
from antiphon_server.rpc.deployment_reads import DeploymentReads
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.schedule_conversions import (
    calendar_message,
    create_calendar_from,
    create_schedule_from,
    schedule_message,
    update_calendar_from,
    update_schedule_from,
)


class ScheduleServicer(schedule_service_pb2_grpc.ScheduleServiceServicer):
    """Rules are checked in a thread: some take a while."""

    def __init__(self, core: Core, reads: DeploymentReads) -> None:
        self._core = core
        self._reads = reads

    async def CreateSchedule(self, request: pb.CreateScheduleRequest, context: Any) -> pb.CreateScheduleResponse:
        create = await asyncio.to_thread(create_schedule_from, request.schedule)
        return await checked(
            create,
            lambda: mutate(
                self._core,
                request,
                create,
                pb.CreateScheduleResponse,
                lambda working_set, id: pb.CreateScheduleResponse(schedule=_schedule(working_set, id)),
            ),
        )

    async def GetSchedule(self, request: pb.GetScheduleRequest, context: Any) -> pb.GetScheduleResponse:
        return await self._reads.get_schedule(request)

    async def ListSchedules(self, request: pb.ListSchedulesRequest, context: Any) -> pb.ListSchedulesResponse:
        return await self._reads.list_schedules(request)

    async def UpdateSchedule(self, request: pb.UpdateScheduleRequest, context: Any) -> pb.UpdateScheduleResponse:
        update = await asyncio.to_thread(update_schedule_from, request)
        return await checked(
            update,
            lambda: mutate(
                self._core,
                request,
                update,
                pb.UpdateScheduleResponse,
                lambda working_set, _: pb.UpdateScheduleResponse(schedule=_schedule(working_set, update.id)),
            ),
        )

    async def DeleteSchedule(self, request: pb.DeleteScheduleRequest, context: Any) -> pb.DeleteScheduleResponse:
        return await mutate(
            self._core,
            request,
            DeleteSchedule(request.id.lower(), request.etag),
            pb.DeleteScheduleResponse,
            lambda *_: pb.DeleteScheduleResponse(),
        )

    async def PreviewSchedule(self, request: pb.PreviewScheduleRequest, context: Any) -> pb.PreviewScheduleResponse:
        return await self._reads.preview(request, self._core.clock())

    async def CreateCalendar(self, request: pb.CreateCalendarRequest, context: Any) -> pb.CreateCalendarResponse:
        return await mutate(
            self._core,
            request,
            create_calendar_from(request.calendar),
            pb.CreateCalendarResponse,
            lambda working_set, id: pb.CreateCalendarResponse(calendar=_calendar(working_set, id)),
        )

    async def GetCalendar(self, request: pb.GetCalendarRequest, context: Any) -> pb.GetCalendarResponse:
        return await self._reads.get_calendar(request)

    async def ListCalendars(self, request: pb.ListCalendarsRequest, context: Any) -> pb.ListCalendarsResponse:
        return await self._reads.list_calendars(request)

    async def UpdateCalendar(self, request: pb.UpdateCalendarRequest, context: Any) -> pb.UpdateCalendarResponse:
        update = update_calendar_from(request)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateCalendarResponse,
            lambda working_set, _: pb.UpdateCalendarResponse(calendar=_calendar(working_set, update.id)),
        )

    async def DeleteCalendar(self, request: pb.DeleteCalendarRequest, context: Any) -> pb.DeleteCalendarResponse:
        return await mutate(
            self._core,
            request,
            DeleteCalendar(request.id.lower(), request.etag),
            pb.DeleteCalendarResponse,
            lambda *_: pb.DeleteCalendarResponse(),
        )


def _schedule(working_set: WorkingSet, id: str) -> schedule_pb2.Schedule:
    """As readers will see it once this transaction is committed."""
    return schedule_message(read_back.schedule(working_set, id))


def _calendar(working_set: WorkingSet, id: str) -> schedule_pb2.Calendar:
    return calendar_message(read_back.calendar(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    servicer = ScheduleServicer(parts.core, DeploymentReads(parts.queries))
    schedule_service_pb2_grpc.add_ScheduleServiceServicer_to_server(servicer, server)
