"""The client of the server's services, as people get one."""

from antiphon.service_client import ServiceClient

__all__ = ["get_client"]


def get_client() -> ServiceClient:
    """Return a client of the configured server, for a `with` block. Raises as `ServiceClient`."""
    return ServiceClient()
