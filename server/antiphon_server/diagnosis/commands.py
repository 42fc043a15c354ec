"""Commands for people to take over, and how people call whose limits they are."""

import shlex

from antiphon_server.diagnosis.patient import Patient
from antiphon_server.domain import limit_names
from antiphon_server.storage.sources import DEPLOYMENTS, WORK_POOLS, WORK_QUEUES


def antiphon(*words: str) -> str:
    """The command, as a shell takes it."""
    return shlex.join(("antiphon", *words))


def deployment_limit(name: str) -> str:
    """`name` without that of the flow."""
    return antiphon("deploy", "ENTRYPOINT", "--name", name, "--concurrency-limit", "N")


def pool_limit(name: str) -> str:
    return antiphon("work-pool", "set-concurrency-limit", name, "N")


def queue_limit(name: str, pool: str) -> str:
    return antiphon("work-queue", "set-concurrency-limit", name, "N", "--pool", pool)


async def titled(patient: Patient, name: str) -> tuple[str, str]:
    """What a limit of this name is called among people, and the command that changes it."""
    kind, _, owner = name.partition(":")
    match f"{kind}:":
        case limit_names.TAG:
            return f"tag {owner!r}", antiphon("concurrency-limit", "create", owner, "N")
        case limit_names.DEPLOYMENT:
            row = await patient.reader.get(DEPLOYMENTS, owner)
            if row is not None:
                return f"deployment '{row.flow_name}/{row.name}'", deployment_limit(row.name)
        case limit_names.WORK_POOL:
            row = await patient.reader.get(WORK_POOLS, owner)
            if row is not None:
                return f"work pool {row.name!r}", pool_limit(row.name)
        case limit_names.WORK_QUEUE:
            row = await patient.reader.get(WORK_QUEUES, owner)
            if row is not None:
                called = f"work queue {row.name!r} of work pool {row.work_pool_name!r}"
                return called, queue_limit(row.name, row.work_pool_name)
    return f"the concurrency limit {name!r}", antiphon("global-concurrency-limit", "update", name, "--limit", "N")
