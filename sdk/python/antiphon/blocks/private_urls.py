"""Whether a URL leads to the network of this machine; notifications may be forbidden to go there."""

import ipaddress
import socket
from urllib.parse import urlsplit


def check_public(url: str) -> None:
    """Return for a URL of http or https whose every address is public. Raises ValueError, which does not quote it: URLs
    of webhooks are secrets."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The URL must begin with http:// or https:// and name a host.")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(f"The host {parts.hostname} of the URL cannot be looked up: {error}.") from error
    for address in {str(each[4][0]) for each in found}:
        if not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise ValueError(
                f"The host {parts.hostname} of the URL has the private address {address}, and allow_private_urls is "
                "False. Name a public host, or allow private ones."
            )
