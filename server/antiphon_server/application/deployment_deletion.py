"""Deleting deployments, and schedules, with all that belongs to them. Apart from making them, which needs what expands
schedules."""

from collections.abc import Sequence

from sqlalchemy import select

from antiphon_server.application import limits
from antiphon_server.application.run_deletion import delete_planned
from antiphon_server.domain import limit_names
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import deployment_versions, schedules
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import WorkingSet


def delete_deployments_of(working_set: WorkingSet, flow_id: str) -> None:
    """Deletes all deployments of a flow."""
    deployments = tables.deployments
    found = select(deployments.c.id).where(deployments.c.flow_id == flow_id)
    delete_deployments(working_set, list(working_set.connection.execute(found).scalars()))


def delete_deployments(working_set: WorkingSet, ids: Sequence[str]) -> None:
    """Deletes deployments, which must be there, with their limits, schedules and versions; runs stay but for those that
    were only planned ahead."""
    delete_schedules(working_set, schedules_of(working_set, ids))
    deployments, connection = tables.deployments, working_set.connection
    for some in chunks(ids):
        connection.execute(deployments.delete().where(deployments.c.id.in_(some)))
        connection.execute(deployment_versions.delete().where(deployment_versions.c.deployment_id.in_(some)))
    working_set.changes.deployments.update(dict.fromkeys(ids))
    working_set.surroundings.forget()
    limits.drop_own(working_set, [limit_names.of_deployment(id) for id in ids])


def schedules_of(working_set: WorkingSet, deployment_ids: Sequence[str]) -> list[str]:
    """The ids of the schedules of deployments."""
    found: list[str] = []
    for some in chunks(deployment_ids):
        query = select(schedules.c.id).where(schedules.c.deployment_id.in_(some))
        found += working_set.connection.execute(query).scalars()
    return found


def delete_schedules(working_set: WorkingSet, ids: Sequence[str]) -> None:
    """Deletes schedules with their limits and what they have planned ahead."""
    if not ids:
        return
    delete_planned(working_set, ids)
    for some in chunks(ids):
        working_set.connection.execute(schedules.delete().where(schedules.c.id.in_(some)))
    working_set.surroundings.forget()
    limits.drop_own(working_set, [limit_names.of_schedule(id) for id in ids])
