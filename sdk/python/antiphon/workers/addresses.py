"""Servers as they are reached from inside a container."""

import re

from antiphon.exceptions import ConfigurationError

API_URL = "ANTIPHON_API_URL"
_LOCAL = re.compile(r"(?<![\w.-])(localhost|127\.0\.0\.1|\[::1\])(?=:)")


def is_socket(address: str) -> bool:
    """Whether the server is reached by a Unix socket."""
    return address.startswith("unix:")


def is_local(address: str) -> bool:
    """Whether the server is on the machine that says so, by TCP."""
    return not is_socket(address) and _LOCAL.search(address) is not None


def from_inside(address: str, host: str) -> str:
    """Return the address with `host` in the place of this machine."""
    return address if is_socket(address) else _LOCAL.sub(host, address)


def require_address(address: str | None, where: str) -> str:
    """Return the address that runs are to reach the server by. Raises ConfigurationError where there is none, as with
    the server that starts by itself."""
    if address:
        return address
    raise ConfigurationError(
        f"A run in {where} cannot reach the server of this worker, which has no address. Start one with `antiphon "
        f"server start`, and start the worker with {API_URL} set to an address that {where} can reach."
    )
