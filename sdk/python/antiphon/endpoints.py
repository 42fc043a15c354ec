"""Where the servers of a target are, for those who dial one at a time and for gRPC, which dials them all."""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from antiphon.grpc_target import DNS, is_several, split_port

Lookup: TypeAlias = Callable[[str, int], Iterable[str]]


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the system's order. Raises OSError where it has none."""
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def endpoints_of(target: str, lookup: Lookup = look_up) -> list[str]:
    """Return each server of `target` as gRPC dials it alone. A name behind `dns:///` is looked up now; where that
    fails, gRPC is left to fail over it, and to say so."""
    found: list[str] = []
    for part in target.split(",") if is_several(target) else [target]:
        found += _servers_of_name(part, lookup) if part.startswith(DNS) else [part]
    return list(dict.fromkeys(found))


def balanced(target: str, lookup: Lookup = look_up) -> str:
    """Return what gRPC dials to have a connection with each server of `target`.

    gRPC follows one name by itself, or takes a list of addresses of one family. So names in a list are looked up here
    and now, and IPv4 addresses are written as IPv6 ones where there are both. A name that has no address is left out;
    where none has one, it is gRPC that fails over the first.
    """
    parts = target.split(",")
    if len(parts) == 1 or not is_several(target):
        return target
    found: list[tuple[str, int]] = []
    for part in parts:
        host, port = split_port(part.removeprefix(DNS))
        try:
            found += [(address, port) for address in lookup(host, port)]
        except OSError:
            continue
    found = list(dict.fromkeys(found))
    if not found:
        return parts[0]
    if all(":" not in address for address, _ in found):
        return "ipv4:" + ",".join(f"{address}:{port}" for address, port in found)
    return "ipv6:" + ",".join(f"[{_as_ipv6(address)}]:{port}" for address, port in found)


def _servers_of_name(part: str, lookup: Lookup) -> list[str]:
    host, port = split_port(part.removeprefix(DNS))
    try:
        return [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in lookup(host, port)]
    except OSError:
        return [part]


def _as_ipv6(address: str) -> str:
    return address if ":" in address else f"::ffff:{ipaddress.IPv4Address(address)}"
