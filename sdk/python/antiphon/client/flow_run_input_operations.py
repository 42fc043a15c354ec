"""What flow runs were told."""

import json
from collections.abc import Set
from uuid import UUID

from antiphon.client.conversions.runs import flow_run_input_from
from antiphon.client.conversions.values import read_json_text, uuid_text
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_all, whole
from antiphon.client.schemas.objects import FlowRunInput
from antiphon.engine.dual import Work
from antiphon.exceptions import SerializationError
from antiphon.payloads import JSON, make_payload
from antiphon.v1.flow_run_service_pb2 import (
    CreateFlowRunInputRequest,
    CreateFlowRunInputResponse,
    DeleteFlowRunInputRequest,
    DeleteFlowRunInputResponse,
    GetFlowRunInputRequest,
    GetFlowRunInputResponse,
    ListFlowRunInputsRequest,
    ListFlowRunInputsResponse,
)

__all__ = ["FlowRunInputOperations"]


class FlowRunInputOperations(ClientBase):
    """What somebody told a flow run: by a key, as JSON."""

    @operation
    def create_flow_run_input(
        self, flow_run_id: UUID | str, key: str, value: str, sender: str | None = None
    ) -> Work[None]:
        """Tell a flow run something, as JSON, once for each key of the run.

        Raises SerializationError for what is no JSON, ObjectNotFound for an unknown run, ObjectAlreadyExists for a key
        that is taken.
        """
        try:
            json.loads(value)
        except (TypeError, ValueError) as error:
            raise SerializationError(
                f"What a flow run is told is JSON text, and {value!r} is not: {error}. Use json.dumps(value)."
            ) from error
        request = CreateFlowRunInputRequest()
        told = request.flow_run_input
        told.flow_run_id, told.key, told.sender = uuid_text(flow_run_id, "flow_run_id"), key, sender or ""
        told.value.CopyFrom(make_payload(JSON, value.encode()))
        yield from self.call(
            lambda services: services.flow_runs.CreateFlowRunInput, request, CreateFlowRunInputResponse
        )

    @operation
    def delete_flow_run_input(self, flow_run_id: UUID | str, key: str) -> Work[None]:
        """Forget what a run was told under a key. Raises ObjectNotFound."""
        request = DeleteFlowRunInputRequest(flow_run_id=uuid_text(flow_run_id, "flow_run_id"), key=key)
        yield from self.call(
            lambda services: services.flow_runs.DeleteFlowRunInput, request, DeleteFlowRunInputResponse
        )

    @operation
    def read_flow_run_input(self, flow_run_id: UUID | str, key: str) -> Work[str]:
        """Return the JSON of what a run was told. Raises ObjectNotFound; SerializationError for what is no JSON."""
        request = GetFlowRunInputRequest(flow_run_id=uuid_text(flow_run_id, "flow_run_id"), key=key)
        answer = yield from self.call(
            lambda services: services.flow_runs.GetFlowRunInput, request, GetFlowRunInputResponse
        )
        return read_json_text(answer.flow_run_input.value)

    @operation
    def filter_flow_run_input(
        self, flow_run_id: UUID | str, key_prefix: str, limit: int, exclude_keys: Set[str] = frozenset()
    ) -> Work[list[FlowRunInput]]:
        """Return at most `limit` of what a run was told under keys that begin so, without `exclude_keys`, oldest first.

        Raises ObjectNotFound for an unknown run.
        """
        found = yield from read_all(
            self,
            lambda services: services.flow_runs.ListFlowRunInputs,
            ListFlowRunInputsRequest(flow_run_id=uuid_text(flow_run_id, "flow_run_id")),
            ListFlowRunInputsResponse,
            "flow_run_inputs",
        )
        wanted = [each for each in found if each.key.startswith(key_prefix) and each.key not in exclude_keys]
        wanted.sort(key=lambda each: (each.create_time.seconds, each.create_time.nanos))
        return list(map(flow_run_input_from, wanted[: whole("limit", limit)]))
