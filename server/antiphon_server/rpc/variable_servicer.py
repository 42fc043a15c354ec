"""VariableService, loaded on demand."""

import json
from typing import Any

from antiphon.v1 import variable_pb2, variable_service_pb2_grpc
from antiphon.v1 import variable_service_pb2 as pb
from antiphon_server.application import listings, read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.edits import tags_column
from antiphon_server.application.queries import Queries
from antiphon_server.application.variables import (
    CreateVariable,
    DeleteVariable,
    SetVariable,
    UpdateVariable,
    checked_json,
)
from antiphon_server.rpc.limit_conversions import stamps
from antiphon_server.rpc.mutations import Columns, masked, mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.reads import listed

_COLUMNS: Columns = {"name": str, "value": checked_json, "tags": tags_column}


class VariableServicer(variable_service_pb2_grpc.VariableServiceServicer):
    def __init__(self, core: Core, queries: Queries) -> None:
        self._core = core
        self._queries = queries

    async def CreateVariable(self, request: pb.CreateVariableRequest, context: Any) -> pb.CreateVariableResponse:
        return await mutate(
            self._core,
            request,
            CreateVariable(_columns(request.variable)),
            pb.CreateVariableResponse,
            lambda working_set, id: pb.CreateVariableResponse(variable=_stored(working_set, id)),
        )

    async def SetVariable(self, request: pb.SetVariableRequest, context: Any) -> pb.SetVariableResponse:
        return await mutate(
            self._core,
            request,
            SetVariable(request.variable.etag, _columns(request.variable)),
            pb.SetVariableResponse,
            lambda working_set, id: pb.SetVariableResponse(variable=_stored(working_set, id)),
        )

    async def GetVariable(self, request: pb.GetVariableRequest, context: Any) -> pb.GetVariableResponse:
        row = await self._queries.variable(request.id, name=request.name)
        return pb.GetVariableResponse(variable=variable_message(row))

    async def ListVariables(self, request: pb.ListVariablesRequest, context: Any) -> pb.ListVariablesResponse:
        page = await listed(self._queries, listings.VARIABLES, request)
        return pb.ListVariablesResponse(
            variables=map(variable_message, page.rows), next_page_token=page.next_page_token
        )

    async def UpdateVariable(self, request: pb.UpdateVariableRequest, context: Any) -> pb.UpdateVariableResponse:
        wanted = request.variable
        update = UpdateVariable(wanted.id.lower(), wanted.etag, masked(request.update_mask, wanted, _COLUMNS))
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateVariableResponse,
            lambda working_set, _: pb.UpdateVariableResponse(variable=_stored(working_set, update.id)),
        )

    async def DeleteVariable(self, request: pb.DeleteVariableRequest, context: Any) -> pb.DeleteVariableResponse:
        return await mutate(
            self._core,
            request,
            DeleteVariable(request.id.lower(), request.name, request.etag),
            pb.DeleteVariableResponse,
            lambda *_: pb.DeleteVariableResponse(),
        )


def variable_message(row: Any) -> variable_pb2.Variable:
    return variable_pb2.Variable(id=row.id, name=row.name, value=row.value, tags=json.loads(row.tags), **stamps(row))


def _columns(message: variable_pb2.Variable) -> dict[str, Any]:
    return {name: column(getattr(message, name)) for name, column in _COLUMNS.items()}


def _stored(working_set: WorkingSet, id: str) -> variable_pb2.Variable:
    """The variable as readers will see it once this transaction is committed."""
    return variable_message(read_back.variable(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    variable_service_pb2_grpc.add_VariableServiceServicer_to_server(VariableServicer(parts.core, parts.queries), server)
