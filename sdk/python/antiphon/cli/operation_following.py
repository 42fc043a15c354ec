"""Follows a long-running operation over cuts of the connection and restarts of the server."""

from collections.abc import Iterator

from antiphon.exceptions import ServerError
from antiphon.service_client import ServiceClient
from antiphon.stream_reading import read_apart
from antiphon.v1.operation_pb2 import Operation, OperationState
from antiphon.v1.operation_service_pb2 import WatchOperationRequest

#: Codes of a stream that was cut rather than refused.
_CUTS = frozenset({"UNAVAILABLE", "CANCELLED"})
#: Connections in a row that may break before anything came.
_MOST_FRUITLESS = 5


def is_done(operation: Operation) -> bool:
    """Whether the operation has ended."""
    return operation.state != OperationState.OPERATION_STATE_RUNNING


def follow_operation(client: ServiceClient, operation_id: str, reconnect_timeout: float) -> Iterator[Operation]:
    """Yield the operation as it is, and as it is after changes until it has ended. `reconnect_timeout` in seconds.

    Raises ObjectNotFound, and ServerUnreachable after the reconnect timeout.
    """
    fruitless = 0
    while True:
        try:
            request = WatchOperationRequest(id=operation_id)
            for response in read_apart(client.stream(client.operations.WatchOperation, request)):
                fruitless = 0
                yield response.operation
            return
        except ServerError as error:
            fruitless += 1
            if error.code not in _CUTS or fruitless > _MOST_FRUITLESS:
                raise
            client.reconnect(reconnect_timeout)
