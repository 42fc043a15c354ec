"""A small synchronous client: the unary services over one channel, with errors as Antiphon's exceptions."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
from google.protobuf.message import Message

from antiphon.call_retries import CallRetries, with_request_id
from antiphon.channels import open_channel, options_for
from antiphon.endpoints import balanced
from antiphon.exceptions import ServerError, ServerUnreachable
from antiphon.server_address import connect_target
from antiphon.server_errors import START_HINT, from_rpc_error
from antiphon.settings import get_current_settings
from antiphon.telemetry.tracing import call_metadata
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest
from antiphon.v1.admin_service_pb2_grpc import AdminServiceStub
from antiphon.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from antiphon.v1.block_service_pb2_grpc import BlockServiceStub
from antiphon.v1.concurrency_limit_service_pb2_grpc import ConcurrencyLimitServiceStub
from antiphon.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from antiphon.v1.flow_run_service_pb2_grpc import FlowRunServiceStub
from antiphon.v1.flow_service_pb2_grpc import FlowServiceStub
from antiphon.v1.log_service_pb2_grpc import LogServiceStub
from antiphon.v1.operation_service_pb2_grpc import OperationServiceStub
from antiphon.v1.schedule_service_pb2_grpc import ScheduleServiceStub
from antiphon.v1.task_run_service_pb2_grpc import TaskRunServiceStub
from antiphon.v1.transition_service_pb2_grpc import TransitionServiceStub
from antiphon.v1.variable_service_pb2_grpc import VariableServiceStub
from antiphon.v1.work_pool_service_pb2_grpc import WorkPoolServiceStub
from antiphon.v1.work_service_pb2_grpc import WorkServiceStub

_PAGE_SIZE = 500
#: After so long without an answer, look again whether the embedded server must be started: the one that seemed to
#: listen may have been about to die.
_LONGEST_WAIT_SECONDS = 2.0

Response = TypeVar("Response")


class ServiceClient:
    """The services of one server, or of several that share a database.

    Safe to use from several threads; close it, or use it in a `with` block.
    """

    def __init__(self, target: str | None = None) -> None:
        """Open a channel to `target` (see `grpc_target`); None means the configured server, started if need be. Of
        several servers, each that answers gets calls in turn.

        Raises SettingError or ServerUnreachable. With a target, nothing is dialled before the first call.
        """
        #: Where the client is used, others may hold.
        self._settings = get_current_settings()
        self._configured = target is None
        self.target = target or connect_target(self._settings)
        #: For code that makes calls by itself, as `call` does.
        self.retries = CallRetries()
        self._lock = threading.Lock()
        self._left: list[grpc.Channel] = []
        self._dial(balanced(self.target))

    def _dial(self, dialled: str) -> None:
        #: What gRPC was given: the target, with names looked up where there are several.
        self.dialled = dialled
        self._channel = open_channel(dialled, options_for(self.target))
        self.admin = AdminServiceStub(self._channel)
        self.flows = FlowServiceStub(self._channel)
        self.flow_runs = FlowRunServiceStub(self._channel)
        self.task_runs = TaskRunServiceStub(self._channel)
        self.artifacts = ArtifactServiceStub(self._channel)
        self.blocks = BlockServiceStub(self._channel)
        self.concurrency_limits = ConcurrencyLimitServiceStub(self._channel)
        self.deployments = DeploymentServiceStub(self._channel)
        self.logs = LogServiceStub(self._channel)
        self.operations = OperationServiceStub(self._channel)
        self.schedules = ScheduleServiceStub(self._channel)
        self.transitions = TransitionServiceStub(self._channel)
        self.variables = VariableServiceStub(self._channel)
        self.work_pools = WorkPoolServiceStub(self._channel)
        self.workers = WorkServiceStub(self._channel)

    @property
    def channel(self) -> grpc.Channel:
        """For stubs of services that are not here."""
        return self._channel

    def call(
        self,
        method: Callable[..., Response],
        request: Message,
        *,
        timeout: float | None = None,
        once: bool = False,
    ) -> Response:
        """Call one of the stubs' unary methods. `timeout` is in seconds; the setting `api.request_timeout` for None.

        A call that no server answers, or that one cannot take now, is made again a few times within the timeout, but
        where it is to be made only `once`. A change gets a `request_id`, so that it is done once all the same.

        Raises ObjectNotFound, ObjectAlreadyExists, ServerUnreachable, or ServerError for every other refusal.
        """
        named = with_request_id(request)
        tries = self.retries.begin()
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            try:
                response: Response = method(named, timeout=max(end - time.monotonic(), 0.0), **call_metadata())
            except grpc.RpcError as error:
                problem = from_rpc_error(error, self.target)
                delay = None if once else tries.delay(problem, end - time.monotonic())
                if delay is None:
                    raise problem from error
            else:
                self.retries.succeeded()
                return response
            time.sleep(delay)

    def stream(self, method: Callable[..., Iterator[Response]], request: Message) -> Iterator[Response]:
        """Call one of the stubs' streaming methods and yield what it sends. Raises as `call`; closing it cancels.

        Where Ctrl-C may come, on the main thread, read it by `antiphon.stream_reading.read_apart`.
        """
        answers = method(request)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.target) from error
        finally:
            cast(grpc.Call, answers).cancel()

    def pages(
        self, method: Callable[..., Message], request: Any, field: str, *, limit: int | None = None
    ) -> Iterator[Any]:
        """Yield the items in `field` of page after page of a List method, at most `limit` of them. Raises as `call`.

        Where items are so large that a page does not fit a message, pages get smaller.
        """
        left, size = limit, _PAGE_SIZE
        while left is None or left > 0:
            request.page_size = size if left is None else min(left, size)
            try:
                page: Any = self.call(method, request)
            except ServerError as error:
                if error.code != "RESOURCE_EXHAUSTED" or request.page_size == 1:
                    raise
                size = request.page_size // 2
                continue
            items = getattr(page, field)
            yield from items
            left = None if left is None else left - len(items)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def wait_out(self, problem: ServerError, timeout: float) -> None:
        """After a failure that may pass: wait as long as the server asked for, then until one answers; both together
        at most `timeout` seconds. Raises ServerUnreachable."""
        # Up to half as long again, so that not all who were told the same come back together.
        pause = min((problem.retry_after or 0.0) * random.uniform(1.0, 1.5), timeout)
        time.sleep(pause)
        self.reconnect(timeout - pause)

    def reconnect(self, timeout: float) -> None:
        """After a ServerUnreachable: wait until the server answers again, at most `timeout` seconds.

        The embedded server is started anew where it is gone. Raises ServerUnreachable.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self._configured:
                connect_target(self._settings)
            if self._answers_within(min(left, _LONGEST_WAIT_SECONDS)):
                return
            self._follow_names()
        raise ServerUnreachable(
            f"No server has answered at {self.target} for {timeout:g} s. {START_HINT}", code="UNAVAILABLE"
        )

    def _follow_names(self) -> None:
        """Where names of a list have other addresses by now, dial those. Calls under way stay where they are."""
        dialled = balanced(self.target)
        with self._lock:
            if dialled != self.dialled:
                self._left.append(self._channel)
                self._dial(dialled)

    def _answers_within(self, timeout: float) -> bool:
        """Whether anybody answers, be it by an error."""
        # Not channel_ready_future: its polling thread outlives the channel and then dies with a traceback.
        try:
            self.admin.GetServerInfo(GetServerInfoRequest(), timeout=timeout, wait_for_ready=True)
        except grpc.RpcError as error:
            return cast(grpc.Call, error).code() is not grpc.StatusCode.DEADLINE_EXCEEDED
        return True

    @property
    def timeout(self) -> float:
        """Seconds that a call may take where nobody says otherwise."""
        return self._settings.api.request_timeout

    def close(self) -> None:
        """Close the channel; calls in flight end as cancelled."""
        with self._lock:
            for channel in (*self._left, self._channel):
                channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
