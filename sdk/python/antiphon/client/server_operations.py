"""The server itself."""

from importlib.metadata import version

from antiphon.client.operation import ClientBase, operation
from antiphon.engine.dual import Work
from antiphon.exceptions import AntiphonException
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse, ServerInfo

__all__ = ["ServerOperations"]


class ServerOperations(ClientBase):
    """The server itself: whether it is there, and what it is."""

    @operation
    def hello(self) -> Work[str]:
        """Return a word that the server is there. Raises ServerUnreachable."""
        info = yield from _info(self)
        return f"Antiphon {info.version} at {', '.join(info.addresses) or 'an unknown address'}"

    @operation
    def api_healthcheck(self) -> Work[Exception | None]:
        """Return None where the server answers, and else what went wrong."""
        try:
            yield from _info(self)
        except AntiphonException as problem:
            return problem
        return None

    @operation
    def api_version(self) -> Work[str]:
        """Return the server's release, such as `0.1.0`. Raises ServerUnreachable."""
        return (yield from _info(self)).version

    def client_version(self) -> str:
        """Return this program's own release."""
        return version("antiphon")


def _info(client: ClientBase) -> Work[ServerInfo]:
    answer = yield from client.call(
        lambda services: services.admin.GetServerInfo, GetServerInfoRequest(), GetServerInfoResponse
    )
    return answer.server_info
