"""Whether arguments fit the schema of their deployment, looked at before anything is written: a look may take long, and
the writer must not wait for it."""

from typing import Any

from antiphon_server.application.arguments import merged
from antiphon_server.application.input_schemas import check_parameters
from antiphon_server.application.queries import Queries


class ParameterChecks:
    """All raise InvalidArgument (PARAMETERS_INVALID). Arguments are serialized payloads that were checked to be JSON
    objects."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def of_run(self, deployment: Any, parameters: bytes | None) -> None:
        """Those of a run that somebody starts, over the deployment's, a row."""
        if deployment.enforce_parameter_schema and deployment.parameter_schema:
            whole = merged(deployment.parameters, parameters)
            await check_parameters(deployment.parameter_schema, whole, "parameters", complete=True)

    async def of_schedule(self, deployment_id: str, parameters: bytes | None) -> None:
        """Those of a schedule, over the deployment's. Raises NotFound (DEPLOYMENT_NOT_FOUND)."""
        deployment = await self._queries.deployment(deployment_id)
        if deployment.enforce_parameter_schema and deployment.parameter_schema:
            whole = merged(deployment.parameters, parameters)
            await check_parameters(deployment.parameter_schema, whole, "schedule.parameters", complete=True)

    async def of_stored_schedule(self, schedule_id: str, parameters: bytes | None) -> None:
        """The same for a schedule that is there. Raises NotFound (SCHEDULE_NOT_FOUND)."""
        await self.of_schedule((await self._queries.schedule(schedule_id)).deployment_id, parameters)

    async def of_deployment(self, values: dict[str, Any], held: Any | None = None) -> None:
        """Those of a deployment that is to be made, or changed to `values`, and of its schedules. `held` is the row of
        one that is there."""

        def will_be(name: str) -> Any:
            return values.get(name, getattr(held, name, None))

        names = ("parameters", "parameter_schema", "enforce_parameter_schema", "schedules")
        schema = will_be("parameter_schema")
        if not schema or not will_be("enforce_parameter_schema") or not values.keys() & set(names):
            return
        own = will_be("parameters")
        await check_parameters(schema, own, "deployment.parameters", complete=False)
        if "schedules" in values:
            given = [(f"deployment.schedules[{i}].parameters", row) for i, row in enumerate(values["schedules"])]
            told = [(field, row["parameters"]) for field, row in given]
        else:
            there = (await self._queries.schedules_of([held.id]))[held.id] if held is not None else []
            told = [(f"deployment.schedules[{i}].parameters", row.parameters) for i, row in enumerate(there)]
        for field, parameters in told:
            await check_parameters(schema, merged(own, parameters), field, complete=True)
