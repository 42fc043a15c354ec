"""The clients that people may give to functions with a `client` parameter."""

from typing import Protocol, TypeAlias

from antiphon.service_client import ServiceClient

__all__ = ["AnyClient", "service_client_of"]


class HasServiceClient(Protocol):
    """What `get_client` gives."""

    def service_client(self) -> ServiceClient | None:
        """The connection to the server that it was made for; None where that is the settings' server."""


#: One of `get_client`, sync or async, or a ServiceClient. None is the settings' server.
AnyClient: TypeAlias = ServiceClient | HasServiceClient | None


def service_client_of(client: AnyClient) -> ServiceClient | None:
    """Return the connection of a client; None for that of the settings' server. Raises TypeError for anything else."""
    if client is None or isinstance(client, ServiceClient):
        return client
    opened = getattr(client, "service_client", None)
    if not callable(opened):
        raise TypeError(
            f"client is what antiphon.get_client() gives, not {type(client).__name__}. Leave it out to use the server "
            "of the settings."
        )
    found: ServiceClient | None = opened()
    return found
