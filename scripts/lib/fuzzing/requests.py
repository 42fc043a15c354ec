"""The messages that methods take, by the contract."""

import importlib
from collections.abc import Sequence

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from antiphon_server.rpc.on_demand import OURS
from antiphon_server.server import SERVICES


def _requests() -> list[type[Message]]:
    for module in OURS.values():  # What the server loads on demand must be known to be described.
        importlib.import_module(module)
    pool = descriptor_pool.Default()
    methods = [method for service in SERVICES for method in pool.FindServiceByName(service).methods]
    return [message_factory.GetMessageClass(method.input_type) for method in methods]


REQUESTS: Sequence[type[Message]] = _requests()
