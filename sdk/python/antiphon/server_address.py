"""Which server to dial: the configured one, or the one that starts by itself."""

from antiphon.embedded_server import ensure_running, socket_path
from antiphon.grpc_target import parse_target
from antiphon.settings import Settings, get_current_settings


def connect_target() -> str:
    """Return the gRPC target to dial, `unix:/path` or `host:port`.

    With no ANTIPHON_API_URL it is the embedded server's, which then listens. Raises SettingError where a setting is
    wrong and ServerUnreachable where the embedded server cannot be started. A configured server is not dialled here.
    """
    settings = get_current_settings()
    if settings.api_url:
        return parse_target(settings.api_url)
    return ensure_running(
        settings.home,
        idle_timeout=settings.server_idle_timeout_seconds,
        startup_timeout=settings.server_startup_timeout_seconds,
    )


def known_target(settings: Settings) -> str:
    """The same target without starting anything: somebody may or may not listen there."""
    return parse_target(settings.api_url) if settings.api_url else f"unix:{socket_path(settings.home)}"
