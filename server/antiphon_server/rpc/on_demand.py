"""Services that are loaded when somebody first asks for one: a server that starts for one hello has no use for them,
and its user would wait for them."""

import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import grpc

from antiphon_server.rpc.parts import Parts

#: Our own ones, and the modules whose `add_to` adds them to a server.
OURS: Mapping[str, str] = MappingProxyType(
    {
        "antiphon.v1.ArtifactService": "antiphon_server.rpc.artifact_servicer",
        "antiphon.v1.BlockService": "antiphon_server.rpc.block_servicer",
        "antiphon.v1.ConcurrencyLimitService": "antiphon_server.rpc.concurrency_limit_servicer",
        "antiphon.v1.DeploymentService": "antiphon_server.rpc.deployment_servicer",
        "antiphon.v1.ScheduleService": "antiphon_server.rpc.schedule_servicer",
        "antiphon.v1.VariableService": "antiphon_server.rpc.variable_servicer",
        "antiphon.v1.WatchService": "antiphon_server.rpc.watch_servicer",
        "antiphon.v1.WorkService": "antiphon_server.rpc.work_servicer",
        "antiphon.v1.WorkPoolService": "antiphon_server.rpc.work_pool_servicer",
    }
)

REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
CHANNELZ = "grpc.channelz.v1.Channelz"


class _Collector:
    """Takes in the handlers that a library would add to a server."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self.handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """The same methods once more, by name; the generic handlers serve them."""


class OnDemand(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Serves `OURS`, reflection and channelz."""

    def __init__(self, services: Sequence[str], parts: Parts) -> None:
        """`services` are all that reflection tells of besides its own and channelz."""
        self._services = services
        self._parts = parts
        self._loaded: dict[str, list[grpc.GenericRpcHandler]] = {}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method[1:].rpartition("/")[0]
        if name not in OURS and name not in (REFLECTION, CHANNELZ):
            return None
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        found = (handler.service(details) for handler in self._loaded[name])
        return next((handler for handler in found if handler is not None), None)

    def _load(self, name: str) -> list[grpc.GenericRpcHandler]:
        collector = _Collector()
        if name in OURS:
            importlib.import_module(OURS[name]).add_to(collector, self._parts)
        elif name == REFLECTION:
            # Descriptors must be known before they can be told.
            for described in (*OURS.values(), "grpc_channelz.v1.channelz"):
                importlib.import_module(described)
            module = importlib.import_module("grpc_reflection.v1alpha.reflection")
            module.enable_server_reflection((*self._services, name, CHANNELZ), collector)
        else:
            module = importlib.import_module("grpc_channelz.v1.channelz")
            module.add_channelz_servicer(collector)
        return collector.handlers
