"""Which server to dial: the configured one, or the one that starts by itself."""

from antiphon.embedded_server import ensure_running, socket_path
from antiphon.exceptions import SettingError
from antiphon.grpc_target import parse_target
from antiphon.settings import Settings

#: What a process keeps one connection for: the address that the settings name, and the home of the embedded server.
Server = tuple[str | None, str]


def server_of(settings: Settings) -> Server:
    """Which server the settings lead to."""
    return settings.api.url, str(settings.home)


def connect_target(settings: Settings) -> str:
    """Return the gRPC target to dial, `unix:/path` or `host:port`.

    With no ANTIPHON_API_URL it is the embedded server's, which then listens. Raises SettingError where none may be
    started, and ServerUnreachable where it cannot. A configured server is not dialled here.
    """
    if settings.api.url:
        return parse_target(settings.api.url)
    embedded = settings.server.ephemeral
    if not embedded.enabled:
        raise SettingError(
            "No server is named, and none may start by itself (ANTIPHON_SERVER_EPHEMERAL_ENABLED is false). Set"
            " ANTIPHON_API_URL to a server that runs."
        )
    return ensure_running(
        settings.home,
        idle_timeout=embedded.idle_timeout_seconds,
        startup_timeout=embedded.startup_timeout_seconds,
    )


def known_target(settings: Settings) -> str:
    """The same target without starting anything: somebody may or may not listen there."""
    return parse_target(settings.api.url) if settings.api.url else f"unix:{socket_path(settings.home)}"
