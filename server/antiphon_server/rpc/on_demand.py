"""Services of operators, loaded when somebody first asks for one: a server that starts for one hello has no use for
them, and its user would wait for them."""

import importlib
from collections.abc import Sequence
from typing import Any

import grpc

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
    """Serves reflection and channelz."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = services
        self._loaded: dict[str, list[grpc.GenericRpcHandler]] = {}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method[1:].rpartition("/")[0]
        if name not in (REFLECTION, CHANNELZ):
            return None
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        found = (handler.service(details) for handler in self._loaded[name])
        return next((handler for handler in found if handler is not None), None)

    def _load(self, name: str) -> list[grpc.GenericRpcHandler]:
        collector = _Collector()
        if name == REFLECTION:
            # Its descriptors must be known before they can be told.
            importlib.import_module("grpc_channelz.v1.channelz")
            module = importlib.import_module("grpc_reflection.v1alpha.reflection")
            module.enable_server_reflection((*self._services, name, CHANNELZ), collector)
        else:
            module = importlib.import_module("grpc_channelz.v1.channelz")
            module.add_channelz_servicer(collector)
        return collector.handlers
