"""Variables."""

import json

from antiphon.client import listings
from antiphon.client.conversions.shown import variable_from
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.actions import VariableCreate, VariableUpdate
from antiphon.client.schemas.objects import Variable
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectNotFound
from antiphon.v1 import variable_pb2
from antiphon.v1.variable_service_pb2 import (
    CreateVariableRequest,
    CreateVariableResponse,
    DeleteVariableRequest,
    DeleteVariableResponse,
    GetVariableRequest,
    GetVariableResponse,
    UpdateVariableRequest,
    UpdateVariableResponse,
)

__all__ = ["VariableOperations"]


class VariableOperations(ClientBase):
    """Named JSON values that flows and people share."""

    @operation
    def create_variable(self, variable: VariableCreate) -> Work[Variable]:
        """Make a variable, and return it. Raises ObjectAlreadyExists, ServerError for a name that cannot be."""
        message = variable_pb2.Variable(
            name=variable.name, value=json.dumps(variable.value, ensure_ascii=False), tags=variable.tags or ()
        )
        request = CreateVariableRequest(variable=message)
        answer = yield from self.call(
            lambda services: services.variables.CreateVariable, request, CreateVariableResponse
        )
        return variable_from(answer.variable)

    @operation
    def update_variable(self, variable: VariableUpdate) -> Work[None]:
        """Give the variable of that name what was given to `VariableUpdate`. Raises ObjectNotFound."""
        found = yield from _find(self, variable.name)
        message = variable_pb2.Variable(id=found.id, name=found.name, value=found.value, tags=variable.tags or ())
        paths = sorted(variable.model_fields_set - {"name"})
        if "value" in paths:
            message.value = json.dumps(variable.value, ensure_ascii=False)
        if not paths:
            return
        request = UpdateVariableRequest(variable=message, update_mask={"paths": paths})
        yield from self.call(lambda services: services.variables.UpdateVariable, request, UpdateVariableResponse)

    @operation
    def read_variable_by_name(self, name: str) -> Work[Variable | None]:
        """Return a variable, or None where there is none of that name."""
        try:
            return variable_from((yield from _find(self, name)))
        except ObjectNotFound:
            return None

    @operation
    def read_variables(self, limit: int | None = None) -> Work[list[Variable]]:
        """Return the variables, newest first; at most `limit` (None is 200)."""
        found = yield from listings.list_messages(self, listings.VARIABLES, "", limit=limit)
        return list(map(variable_from, found))

    @operation
    def delete_variable_by_name(self, name: str) -> Work[None]:
        """Delete a variable. Raises ObjectNotFound."""
        request = DeleteVariableRequest(name=name)
        yield from self.call(lambda services: services.variables.DeleteVariable, request, DeleteVariableResponse)


def _find(client: ClientBase, name: str) -> Work[variable_pb2.Variable]:
    request = GetVariableRequest(name=name)
    answer = yield from client.call(lambda services: services.variables.GetVariable, request, GetVariableResponse)
    return answer.variable
