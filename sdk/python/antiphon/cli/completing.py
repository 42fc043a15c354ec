"""Names for the shell to complete. Asks a server that runs; starts none, waits for none, and says nothing."""

from collections.abc import Callable, Iterator

from antiphon.embedded_server import accepts
from antiphon.exceptions import AntiphonException
from antiphon.filter_text import quote
from antiphon.server_address import known_target
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.v1.deployment_service_pb2 import ListDeploymentsRequest
from antiphon.v1.work_pool_service_pb2 import ListWorkPoolsRequest, ListWorkQueuesRequest

_MOST = 50
_TIMEOUT_SECONDS = 1.0


def complete_deployments(incomplete: str) -> list[str]:
    """`flow/name` of those that begin so."""
    flow, slash, name = incomplete.partition("/")
    text = f"flow_name = {_start(flow)}" if not slash else f"flow_name = {quote(flow)} AND name = {_start(name)}"
    request = ListDeploymentsRequest(filter=text, order_by="name", page_size=_MOST)
    return _ask(
        lambda client: (
            f"{each.flow_name}/{each.name}"
            for each in client.call(client.deployments.ListDeployments, request, timeout=_TIMEOUT_SECONDS).deployments
        )
    )


def complete_work_pools(incomplete: str) -> list[str]:
    """Names of pools that begin so."""
    request = ListWorkPoolsRequest(filter=f"name = {_start(incomplete)}", order_by="name", page_size=_MOST)
    return _ask(
        lambda client: (
            each.name
            for each in client.call(client.work_pools.ListWorkPools, request, timeout=_TIMEOUT_SECONDS).work_pools
        )
    )


def complete_work_queues(incomplete: str) -> list[str]:
    """Names of queues that begin so."""
    request = ListWorkQueuesRequest(filter=f"name = {_start(incomplete)}", order_by="name", page_size=_MOST)
    return _ask(
        lambda client: (
            each.name
            for each in client.call(client.work_pools.ListWorkQueues, request, timeout=_TIMEOUT_SECONDS).work_queues
        )
    )


def _start(text: str) -> str:
    return f'{quote(text)[:-1]}*"'


def _ask(names: Callable[[ServiceClient], Iterator[str]]) -> list[str]:
    try:
        target = known_target(get_current_settings())
        path = target.removeprefix("unix:")
        if path != target and not accepts(path):
            return []
        with ServiceClient(target) as client:
            return list(dict.fromkeys(names(client)))
    except AntiphonException:
        return []  # a shell has no place for what is wrong
