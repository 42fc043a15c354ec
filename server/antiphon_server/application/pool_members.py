"""Word to those who follow workers and deployments that what they belong to was renamed or goes away."""

from collections.abc import Sequence

from sqlalchemy import select

from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import WorkingSet


def note_renamed_pool(working_set: WorkingSet, pool_id: str) -> None:
    """Notes that the workers of a pool, and the deployments that use it, have another name of it now."""
    note_workers(working_set, pool_id)
    queues = tables.work_queues.c
    found = select(queues.id).where(queues.work_pool_id == pool_id)
    note_deployments(working_set, list(working_set.connection.execute(found).scalars()))


def note_workers(working_set: WorkingSet, pool_id: str) -> None:
    """Notes a change of all workers of a pool."""
    workers = tables.workers.c
    found = working_set.connection.execute(select(workers.id).where(workers.work_pool_id == pool_id)).scalars()
    for id in found:
        working_set.changes.workers.setdefault(id, None)


def note_deployments(working_set: WorkingSet, queue_ids: Sequence[str]) -> None:
    """Notes a change of all deployments that use some queues."""
    deployments = tables.deployments.c
    for some in chunks(queue_ids):
        using = select(deployments.id).where(deployments.work_queue_id.in_(some))
        working_set.changes.deployments.update(dict.fromkeys(working_set.connection.execute(using).scalars()))
