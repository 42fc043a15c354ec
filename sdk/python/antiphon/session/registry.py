"""The process's session: made at first use, renewed when lost, closed at exit, and never shared by a fork."""

import atexit
import os
import threading

from antiphon.logging.handlers import set_log_sink
from antiphon.server_address import connect_target
from antiphon.session.session import Session
from antiphon.session.uploader import Uploader
from antiphon.settings import get_current_settings

#: Seconds that the end of the process may be held up.
LAST_FRAMES, LAST_LOGS = 10.0, 5.0


class _Registry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.session: Session | None = None
        self.address: tuple[str | None, str] = (None, "")
        self.uploader: Uploader | None = None


_registry = _Registry()


def get_session() -> Session:
    """Return the session of this process with the configured server."""
    settings = get_current_settings()
    address = (settings.api_url, str(settings.home))
    with _registry.lock:
        session = _registry.session
        if session is None or session.failure is not None or _registry.address != address:
            session = Session(connect_target, reconnect_timeout=settings.client_reconnect_timeout_seconds)
            _registry.session, _registry.address = session, address
            if _registry.uploader is None:
                _registry.uploader = Uploader(connect_target)
                set_log_sink(_registry.uploader.put)
        return session


def close() -> None:
    """Takes leave of the server: what was said is committed, or the time for that is over."""
    with _registry.lock:
        session, uploader = _registry.session, _registry.uploader
        _registry.session = _registry.uploader = None
    if uploader is not None:
        set_log_sink(None)
        uploader.close(LAST_LOGS)
    if session is not None:
        session.close(LAST_FRAMES)


def _forget() -> None:
    """In a forked child: what was the parent's stays the parent's."""
    global _registry
    _registry = _Registry()
    set_log_sink(None)


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
