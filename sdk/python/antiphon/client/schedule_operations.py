"""Schedules of deployments."""

from typing import Any
from uuid import UUID

from antiphon.client import listings
from antiphon.client.conversions.schedules import schedule_from, schedule_proto
from antiphon.client.conversions.values import uuid_text
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.actions import DeploymentScheduleCreate
from antiphon.client.schemas.objects import DeploymentSchedule
from antiphon.client.schemas.schedules import SCHEDULE_TYPES
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectNotFound
from antiphon.json_payloads import json_payload
from antiphon.schedule_rules import rule_fields
from antiphon.v1 import schedule_pb2
from antiphon.v1.schedule_service_pb2 import (
    CreateScheduleRequest,
    CreateScheduleResponse,
    DeleteScheduleRequest,
    DeleteScheduleResponse,
    GetScheduleRequest,
    GetScheduleResponse,
    UpdateScheduleRequest,
    UpdateScheduleResponse,
)

__all__ = ["ScheduleOperations"]


class ScheduleOperations(ClientBase):
    """When deployments run by themselves."""

    @operation
    def create_deployment_schedules(
        self,
        deployment_id: UUID | str,
        schedules: list[tuple[SCHEDULE_TYPES, bool]],
        max_scheduled_runs: int | None = None,
        parameters: dict[str, Any] | None = None,
        slug: str | None = None,
    ) -> Work[list[DeploymentSchedule]]:
        """Add schedules to a deployment, each with whether it is active, and return them. The other arguments are of
        each.

        Raises ObjectNotFound for an unknown deployment, ObjectAlreadyExists for a slug that it has, ServerError for a
        rule that cannot be; those before that one are there.
        """
        id = uuid_text(deployment_id, "deployment_id")
        made: list[DeploymentSchedule] = []
        for schedule, active in schedules:
            wanted = DeploymentScheduleCreate(
                schedule=schedule,
                active=active,
                max_scheduled_runs=max_scheduled_runs,
                parameters=parameters or {},
                slug=slug,
            )
            message = schedule_proto(wanted)
            message.deployment_id = id
            request = CreateScheduleRequest(schedule=message)
            answer = yield from self.call(
                lambda services: services.schedules.CreateSchedule, request, CreateScheduleResponse
            )
            made.append(schedule_from(answer.schedule))
        return made

    @operation
    def read_deployment_schedules(self, deployment_id: UUID | str) -> Work[list[DeploymentSchedule]]:
        """Return the schedules of a deployment, oldest first."""
        text = equals("deployment_id", [UUID(uuid_text(deployment_id, "deployment_id"))])
        return list(map(schedule_from, (yield from listings.list_messages(self, listings.SCHEDULES, text))))

    @operation
    def update_deployment_schedule(
        self,
        deployment_id: UUID | str,
        schedule_id: UUID | str,
        active: bool | None = None,
        schedule: SCHEDULE_TYPES | None = None,
        max_scheduled_runs: int | None = None,
        parameters: dict[str, Any] | None = None,
        slug: str | None = None,
    ) -> Work[None]:
        """Change what is given of a schedule. Raises ObjectNotFound where the deployment has no such one."""
        found = yield from _get(self, deployment_id, schedule_id)
        paths: list[str] = []
        if schedule is not None:
            fields = rule_fields(schedule.schedule())
            found.MergeFrom(schedule_pb2.Schedule(**fields))
            found.time_zone = schedule.timezone or ""
            paths += [*fields, "time_zone"]
        if active is not None:
            found.paused = not active
            paths.append("paused")
        if parameters is not None:
            found.parameters.CopyFrom(json_payload(parameters, "parameters"))
            paths.append("parameters")
        for path, value in (("max_scheduled_runs", max_scheduled_runs), ("slug", slug)):
            if value is not None:
                setattr(found, path, value)
                paths.append(path)
        if paths:
            found.etag = ""
            request = UpdateScheduleRequest(schedule=found, update_mask={"paths": paths})
            yield from self.call(lambda services: services.schedules.UpdateSchedule, request, UpdateScheduleResponse)

    @operation
    def delete_deployment_schedule(self, deployment_id: UUID | str, schedule_id: UUID | str) -> Work[None]:
        """Delete a schedule, with the runs that it has planned ahead. Raises ObjectNotFound where the deployment has no
        such one."""
        request = DeleteScheduleRequest(id=(yield from _get(self, deployment_id, schedule_id)).id)
        yield from self.call(lambda services: services.schedules.DeleteSchedule, request, DeleteScheduleResponse)


def _get(client: ClientBase, deployment_id: UUID | str, schedule_id: UUID | str) -> Work[schedule_pb2.Schedule]:
    deployment = uuid_text(deployment_id, "deployment_id")
    request = GetScheduleRequest(id=uuid_text(schedule_id, "schedule_id"))
    answer = yield from client.call(lambda services: services.schedules.GetSchedule, request, GetScheduleResponse)
    if answer.schedule.deployment_id != deployment:
        raise ObjectNotFound(
            f"The deployment {deployment} has no schedule {request.id}: that is another one's.", code="NOT_FOUND"
        )
    return answer.schedule
