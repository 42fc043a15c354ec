"""Turns the address a person writes into the target that gRPC dials. Knows nothing of settings or servers."""

ALLOWED = "grpc://HOST:PORT, HOST:PORT or unix:/ABSOLUTE/PATH"


def parse_target(address: str) -> str:
    """Return `host:port` or `unix:/path` for an address as people write it.

    Raises ValueError, saying what is wrong, for anything else.
    """
    scheme, separator, rest = address.partition(":")
    if scheme == "unix" and separator:
        return _unix_target(rest)
    if "://" not in address:
        return _host_and_port(address)
    scheme, _, rest = address.partition("://")
    if scheme != "grpc":
        raise ValueError(f"the scheme {scheme!r} is not known")
    return _host_and_port(rest.removesuffix("/"))


def _unix_target(rest: str) -> str:
    path = "/" + rest.lstrip("/")
    if not rest.startswith("/") or path == "/":
        raise ValueError("the path of a Unix socket must be absolute")
    return f"unix:{path}"


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("a host and a port from 1 to 65535 are needed")
    if any(character in "/@?#" or character.isspace() for character in host):
        raise ValueError(f"{host!r} is no host name")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("an IPv6 address goes in brackets, such as [::1]:4200")
    return f"{host}:{port}"


def parse_listen_address(text: str) -> str:
    """Return `host:port` for where something is to listen: a port alone is one of this machine, and 0 any free one.

    Raises ValueError, saying what is wrong, for anything else.
    """
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or (colon and not host):
        raise ValueError("a port from 0 to 65535 is needed, with or without a host before it")
    return f"{host or '127.0.0.1'}:{port}"
