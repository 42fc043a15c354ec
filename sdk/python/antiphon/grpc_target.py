"""Turns the address a person writes into the target that clients dial. Knows nothing of settings or servers.

A target names one server (`unix:/path`, `host:port`) or several, any of which will do: `host:port,host:port`, or
`dns:///name:port`, where each address that the name has is a server.
"""

ALLOWED = "grpc://HOST:PORT, HOST:PORT, dns:///NAME:PORT, several of these separated by commas, or unix:/ABSOLUTE/PATH"

DNS = "dns:///"


def parse_target(address: str) -> str:
    """Return the target for an address as people write it.

    Raises ValueError, saying what is wrong, for anything else.
    """
    parts = [part.strip() for part in address.split(",")]
    if len(parts) == 1:
        return _parse_one(parts[0])
    targets = [_parse_one_of_several(part) for part in parts]
    return ",".join(dict.fromkeys(targets))


def is_several(target: str) -> bool:
    """Whether the target names servers of which one may stand in for another."""
    return not target.startswith("unix:") and ("," in target or target.startswith(DNS))


def split_port(target: str) -> tuple[str, int]:
    """Return host and port of a `host:port`; an IPv6 address without its brackets."""
    host, _, port = target.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _parse_one_of_several(part: str) -> str:
    if not part:
        raise ValueError("an address is empty: there is a comma too many")
    if part.startswith("unix:"):
        raise ValueError(f"{part!r} is a Unix socket, which cannot be one of several addresses")
    try:
        return _parse_one(part)
    except ValueError as error:
        raise ValueError(f"{part!r} is wrong: {error}") from None


def _parse_one(address: str) -> str:
    scheme, separator, rest = address.partition(":")
    if scheme == "unix" and separator:
        return _unix_target(rest)
    if "://" not in address:
        return _host_and_port(address)
    scheme, _, rest = address.partition("://")
    if scheme == "dns":
        return _dns_target(rest)
    if scheme != "grpc":
        raise ValueError(f"the scheme {scheme!r} is not known")
    return _host_and_port(rest.removesuffix("/"))


def _dns_target(rest: str) -> str:
    if not rest.startswith("/"):
        raise ValueError("dns: takes three slashes, such as dns:///antiphon.internal:4200")
    return DNS + _host_and_port(rest[1:])


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
