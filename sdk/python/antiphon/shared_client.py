"""The client that the SDK's own calls share: one for each server that the settings name, opened at its first use."""

import atexit
import os
import threading

from antiphon.server_address import Server, server_of
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings

_lock = threading.Lock()
_clients: dict[Server, ServiceClient] = {}
#: A forked child keeps what it inherited for good: to destroy it would be to use it.
_inherited: list[ServiceClient] = []


def opened_client() -> ServiceClient | None:
    """Return the client of the configured server if there is one already."""
    return _clients.get(_server())


def shared_client() -> ServiceClient:
    """Return the client of the configured server, which is not to be closed. Raises as `ServiceClient`."""
    server = _server()
    with _lock:
        client = _clients.get(server)
        if client is None:
            client = _clients[server] = ServiceClient()
        return client


def close_clients() -> None:
    """Close them all; the next call opens a new one."""
    with _lock:
        clients = list(_clients.values())
        _clients.clear()
    for client in clients:
        client.close()


def close_client(server: Server) -> None:
    """Close the client of one server, if there is one."""
    with _lock:
        client = _clients.pop(server, None)
    if client is not None:
        client.close()


def _server() -> Server:
    return server_of(get_current_settings())


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _inherited.extend(_clients.values())
    _clients.clear()


os.register_at_fork(after_in_child=_forget)
atexit.register(close_clients)
