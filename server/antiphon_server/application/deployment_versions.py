"""What deployments run: a row of content for each time that it was changed."""

from typing import Any

from sqlalchemy import BigInteger, Select, literal, select
from uuid_utils import uuid7

from antiphon_server.domain.errors import FailedPrecondition, NotFound, not_found
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import CONTENT, WITH_CONTENT, deployment_versions
from antiphon_server.storage.working_set import WorkingSet

#: The columns of a version that a deployment may be made with, and what they are without.
EMPTY: dict[str, Any] = {
    "description": "",
    "version_name": "",
    "entrypoint": "",
    "path": "",
    "pull_steps": "",
    "parameter_schema": "",
    "job_variables": "",
    "enforce_parameter_schema": False,
    "parameters": None,
    "labels": "{}",
    "worker_affinity": "",
}
#: `tags` lie in the deployment as well, where filters look for them.
_CONTENT = (*EMPTY, "tags")
#: Versions that are kept of each deployment.
MOST_VERSIONS = 1_000


def split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of the deployment, and those of its version."""
    own = {name: value for name, value in values.items() if name not in EMPTY}
    return own, {name: value for name, value in values.items() if name in _CONTENT}


def first(working_set: WorkingSet, deployment_id: str, content: dict[str, Any]) -> None:
    """The version of a new deployment."""
    _add(working_set, deployment_id, 1, {**EMPTY, **content})


def change(working_set: WorkingSet, deployment: Any, content: dict[str, Any]) -> dict[str, Any]:
    """A new version where `content` is another one than that which holds; gives the deployment's columns to set."""
    held = current(working_set, deployment)
    if all(held[name] == value for name, value in content.items()):
        return {}
    # Not the one that holds, which may be an old one: numbers are given once.
    number = _last_number(working_set, deployment.id) + 1
    _add(working_set, deployment.id, number, {**held, **content})
    versions = deployment_versions
    working_set.connection.execute(
        versions.delete().where(versions.c.deployment_id == deployment.id, versions.c.number <= number - MOST_VERSIONS)
    )
    return {"version_number": number}


def current(working_set: WorkingSet, deployment: Any) -> dict[str, Any]:
    """The content that holds of a row of `deployments`."""
    return _content(working_set, deployment.id, deployment.version_number)


def of_number(working_set: WorkingSet, deployment: Any, number: int) -> dict[str, Any]:
    """The content of a version; 0 is the one before the current one. Raises NotFound (DEPLOYMENT_VERSION_NOT_FOUND) or
    FailedPrecondition (NO_OLDER_VERSION)."""
    versions = deployment_versions.c
    if number == 0:
        older = select(versions.number).where(
            versions.deployment_id == deployment.id, versions.number < deployment.version_number
        )
        found = working_set.connection.execute(older.order_by(versions.number.desc()).limit(1)).scalar_one_or_none()
        if found is None:
            raise FailedPrecondition(
                "NO_OLDER_VERSION", f"deployment {deployment.name!r} has no version before {deployment.version_number}"
            )
        number = found
    content = _content(working_set, deployment.id, number)
    if not content:
        raise NotFound(
            "DEPLOYMENT_VERSION_NOT_FOUND",
            f"deployment {deployment.name!r} has no version {number}; ListDeploymentVersions says which it has",
        )
    return content


def with_content() -> Select[Any]:
    """Rows of `deployments` with the name of the flow and the content that holds."""
    return select(tables.deployments, tables.flows.c.name.label("flow_name"), *CONTENT).select_from(WITH_CONTENT)


def find(working_set: WorkingSet, id: str, *, name: str = "", flow_name: str = "") -> Any:
    """A deployment with the content that holds, by its id or, where that is empty, by names. Raises NotFound."""
    deployments, flows = tables.deployments.c, tables.flows.c
    meant = [deployments.id == id] if id else [flows.name == flow_name, deployments.name == name]
    working_set.flush()
    found = working_set.connection.execute(with_content().where(*meant)).one_or_none()
    if found is None:
        raise not_found("deployment", id or f"{flow_name}/{name}")
    return found


def _content(working_set: WorkingSet, deployment_id: str, number: int) -> dict[str, Any]:
    versions = deployment_versions.c
    query = select(*(versions[name] for name in _CONTENT))
    query = query.where(versions.deployment_id == deployment_id, versions.number == literal(number, BigInteger()))
    row = working_set.connection.execute(query).one_or_none()
    return dict(row._mapping) if row is not None else {}


def _last_number(working_set: WorkingSet, deployment_id: str) -> int:
    versions = deployment_versions.c
    query = select(versions.number).where(versions.deployment_id == deployment_id)
    number: int = working_set.connection.execute(query.order_by(versions.number.desc()).limit(1)).scalar_one()
    return number


def _add(working_set: WorkingSet, deployment_id: str, number: int, content: dict[str, Any]) -> None:
    row = {
        **content,
        "id": str(uuid7()),
        "deployment_id": deployment_id,
        "number": number,
        "create_time": working_set.now,
    }
    working_set.connection.execute(deployment_versions.insert(), row)
