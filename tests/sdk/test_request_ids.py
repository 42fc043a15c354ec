"""Every change that a client asks for carries a request id, and the same one when it is asked for again: for all unary
methods that the contract has, not for a list of them."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor

import antiphon.v1
from antiphon.call_retries import RetryPolicy
from antiphon.exceptions import ServerUnreachable
from antiphon.patient_client import PatientClient
from antiphon.service_client import ServiceClient
from antiphon.settings import temporary_settings
from antiphon.v1.admin_service_pb2 import StopServerRequest
from antiphon.v1.variable_service_pb2 import DeleteVariableRequest
from antiphon.variables import Variable

#: Changes that need none: made twice, they are as if made once.
HARMLESS_TWICE = {
    "RenewSlots": "sets the end of a lease that it names",
    "ProposeTransition": "the transition's id, which the contract requires, is its proposer's",
    "ExchangeFrames": "frames have numbers",
    "StopServer": "made once, by the CLI",
    "DiagnoseServer": "reads",
}
READS = ("Get", "List", "Count", "Preview", "Explain", "Await", "Receive")


def unary_methods() -> list[MethodDescriptor]:
    names = [each.name for each in pkgutil.iter_modules(antiphon.v1.__path__) if each.name.endswith("_service_pb2")]
    files = [importlib.import_module(f"antiphon.v1.{name}").DESCRIPTOR for name in names]
    services = [service for file in files for service in file.services_by_name.values()]
    methods = [method for service in services for method in service.methods]
    return [method for method in methods if not (method.client_streaming or method.server_streaming)]


METHODS = unary_methods()
CHANGES = [method for method in METHODS if "request_id" in method.input_type.fields_by_name]


class Flaky(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers each method, once it has said so often that it cannot now."""

    def __init__(self) -> None:
        self.refusals = 2
        self.requests: list[tuple[str, bytes]] = []

    def service(self, details: Any) -> Any:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.requests.append((details.method, request))
            if len(self.requests) <= self.refusals:
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[Flaky]:
    handler = Flaky()
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix:{tmp_path}/s")
    server.start()
    with temporary_settings({"api_url": f"unix:{tmp_path}/s"}):
        yield handler
    server.stop(None).wait()


def ids(flaky: Flaky, method: MethodDescriptor) -> list[str]:
    """The request ids that the server saw."""
    parse = message_factory.GetMessageClass(method.input_type).FromString
    return [parse(request).request_id for name, request in flaky.requests if name.endswith(f"/{method.name}")]


def test_every_method_is_a_read_or_carries_a_request_id_or_is_harmless_twice() -> None:
    others = {method.name for method in METHODS if not method.name.startswith(READS)}
    assert others - {method.name for method in CHANGES} == set(HARMLESS_TWICE)
    assert len(CHANGES) > 50


@pytest.mark.parametrize("method", CHANGES, ids=lambda method: method.full_name)
def test_a_change_that_is_made_again_is_the_same_one(flaky: Flaky, method: MethodDescriptor) -> None:
    request = message_factory.GetMessageClass(method.input_type)()
    with ServiceClient() as client:
        call = client.channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        client.call(call, request)
        first, *others = ids(flaky, method)
        assert first and others == [first, first]
        assert not request.request_id, "who asks for something else by the same message gets another one"
        client.call(call, request)
        assert ids(flaky, method)[-1] != first
        request.request_id = first
        client.call(call, request)
        assert ids(flaky, method)[-1] == first, "one that is given stays"


def test_so_is_one_that_python_code_asks_for(flaky: Flaky) -> None:
    method = next(method for method in CHANGES if method.name == "DeleteVariable")
    Variable.unset("colour")
    first, *others = ids(flaky, method)
    assert first and others == [first] * flaky.refusals


def test_so_is_one_that_waits_for_a_server(flaky: Flaky) -> None:
    flaky.refusals = 2 * RetryPolicy().max_attempts
    method = next(method for method in CHANGES if method.name == "DeleteVariable")
    with PatientClient() as client:
        client.call(client.variables.DeleteVariable, DeleteVariableRequest(name="colour"))
    first, *others = ids(flaky, method)
    assert first and set(others) == {first} and len(others) > RetryPolicy().max_attempts


def test_what_is_to_be_made_once_is(flaky: Flaky) -> None:
    with ServiceClient() as client, pytest.raises(ServerUnreachable):
        client.call(client.admin.StopServer, StopServerRequest(), once=True)
    assert len(flaky.requests) == 1


def test_no_client_changes_anything_by_a_bare_stub() -> None:
    """`ServiceClient.call` and `call_server` name what they send; who calls a stub by hand must do so himself."""
    names = "|".join({method.name for method in CHANGES})
    by_hand = re.compile(rf"\.({names})(\.future|\.with_call)?\(")
    folder = Path(antiphon.__file__).parent
    sources = [path for path in folder.rglob("*.py") if path.parent.name != "v1"]
    found = {path.relative_to(folder).as_posix() for path in sources if by_hand.search(path.read_text())}
    assert found == {"concurrency/leases.py"}, "it gives request ids of its own"
