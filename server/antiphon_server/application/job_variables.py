"""What must hold of job variables before something is written: that they fit the job template of their work pool."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application.arguments import merged_objects
from antiphon_server.application.input_schemas import check_job_variables
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import WorkingSet

#: What begins a placeholder, which the worker fills in: nobody knows yet what it will be.
_PLACEHOLDER = "{{"


@dataclass(frozen=True, slots=True)
class JobVariables:
    """The claim that variables fit a template, which was checked to be one."""

    template: str
    #: JSON objects, or empty; later ones win.
    texts: tuple[str, ...]
    #: Where the last of them stand in the request.
    field: str
    #: Whether no more of them will come.
    complete: bool

    async def check(self) -> None:
        """Raises InvalidArgument (JOB_VARIABLES_INVALID) where it is not true."""
        schema: dict[str, Any] = json.loads(self.template)["variables"]
        given: dict[str, Any] = json.loads(merged_objects(*self.texts) or "{}")
        known = {name: value for name, value in given.items() if _PLACEHOLDER not in json.dumps(value)}
        properties = schema.get("properties", {})
        needed = [
            name
            for name in (schema.get("required", ()) if self.complete else ())
            if name not in given and not _has_default(properties.get(name))
        ]
        await check_job_variables({**schema, "required": needed}, known, self.field)


def claims_of(
    working_set: WorkingSet, work_queue_id: str | None, *texts: str | None, field: str, complete: bool
) -> list[JobVariables]:
    """Of variables for a queue; none where its pool has no template."""
    given = tuple(text or "" for text in texts)
    if work_queue_id is None or not any(given):
        return []
    pools, queues = tables.work_pools.c, tables.work_queues.c
    query = select(pools.base_job_template).join(tables.work_queues, queues.work_pool_id == pools.id)
    template = working_set.connection.execute(query.where(queues.id == work_queue_id)).scalar_one_or_none()
    return [JobVariables(template, given, field, complete)] if template else []


def _has_default(schema: Any) -> bool:
    return isinstance(schema, dict) and "default" in schema
