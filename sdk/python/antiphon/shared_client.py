"""The client that the SDK's own calls share: one for each server that the settings name, opened at its first use."""

import atexit
import os
import threading

from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings

_lock = threading.Lock()
#: By what the settings say of the server: its address, and the home of the embedded one.
_clients: dict[tuple[str | None, str], ServiceClient] = {}
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


def _server() -> tuple[str | None, str]:
    settings = get_current_settings()
    return settings.api_url, str(settings.home)


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _inherited.extend(_clients.values())
    _clients.clear()


os.register_at_fork(after_in_child=_forget)
atexit.register(close_clients)
