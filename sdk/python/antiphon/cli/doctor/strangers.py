"""Who answers at an address where no Antiphon server does: what is said to people who wonder why."""

import socket
import ssl
from contextlib import suppress

from antiphon.grpc_target import DNS, split_port

__all__ = ["Stranger", "meet"]

#: Of each try.
_TIMEOUT_SECONDS = 2.0
#: As browsers ask.
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Stranger(Exception):
    """Somebody answers and is no Antiphon server; the message says who."""


def meet(target: str) -> str:
    """Return in words why nobody answers at a target of one server. Raises Stranger where somebody does.

    For targets at which a call has failed.
    """
    if target.startswith("unix:"):
        return _unix(target.removeprefix("unix:"))
    host, port = split_port(target.removeprefix(DNS))
    try:
        with socket.create_connection((host, port), _TIMEOUT_SECONDS) as line:
            line.sendall(_REQUEST)
            said = _first_words(line)
    except OSError as error:
        return _refused(error, host)
    if said.startswith(b"HTTP/1."):
        raise Stranger("a web server answers there, by HTTP/1")
    if _speaks_tls(host, port):
        raise Stranger("what answers there speaks TLS, which this client does not: a proxy or another service")
    return "it takes connections and does not answer: it hangs, has too much to do, or is no server of gRPC"


def _unix(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_TIMEOUT_SECONDS)
        try:
            line.connect(path)
        except FileNotFoundError:
            return "there is no such socket: no server runs there"
        except OSError as error:
            return _refused(error, path)
    return "it takes connections and does not answer: it hangs or has too much to do"


def _refused(error: OSError, host: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name {host!r} has no address: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused: nothing listens there"
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_SECONDS:g} s: the machine is down, or a firewall is between"
    return error.strerror or str(error)


def _first_words(line: socket.socket) -> bytes:
    """What it says to a browser; nothing where it waits for more or hangs up."""
    with suppress(OSError):
        return line.recv(64)
    return b""


def _speaks_tls(host: str, port: int) -> bool:
    # Who it is does not matter: nothing is told to it.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT_SECONDS) as line,
            context.wrap_socket(line, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False
