"""Follows a long-running operation over cuts of the connection and restarts of the server."""

from collections.abc import Iterator

from antiphon.cli.cuts import over_cuts
from antiphon.service_client import ServiceClient
from antiphon.stream_reading import read_apart
from antiphon.v1.operation_pb2 import Operation
from antiphon.v1.operation_service_pb2 import WatchOperationRequest, WatchOperationResponse


def follow_operation(client: ServiceClient, operation_id: str, reconnect_timeout: float) -> Iterator[Operation]:
    """Yield the operation as it is, and as it is after changes until it has ended. `reconnect_timeout` in seconds.

    Raises ObjectNotFound, and ServerUnreachable after the reconnect timeout.
    """

    def watch(_: str) -> Iterator[WatchOperationResponse]:
        request = WatchOperationRequest(id=operation_id)
        return read_apart(client.stream(client.operations.WatchOperation, request))

    for response in over_cuts(client, watch, reconnect_timeout):
        yield response.operation
