"""The session of this process, and its bulk lane for logs: one each for a server, opened when first asked for."""

import atexit
import os
import platform
import sys
import threading
import time
from functools import partial

from antiphon.logging.handlers import set_log_sink
from antiphon.server_address import Server, connect_target, server_of
from antiphon.session.run_ends import RunEnds
from antiphon.session.session import Session
from antiphon.session.uploader import LogUploader
from antiphon.settings import Settings, get_current_settings
from antiphon.v1.log_pb2 import Log

#: Seconds at the end of the process, at most.
_SESSION_CLOSE_TIMEOUT = 10.0
_LOGS_CLOSE_TIMEOUT = 5.0

_lock = threading.Lock()
_sessions: dict[Server, Session] = {}
_uploaders: dict[Server, LogUploader] = {}
_run_ends: dict[Server, RunEnds] = {}
#: This process began as a fork of another one.
_forked = False


def get_session() -> Session:
    """Return this process's session with the server that the settings name, a new one where the last has ended.

    Does not wait for the connection. Raises SettingError.
    """
    settings = get_current_settings()
    server = server_of(settings)
    session = _sessions.get(server)
    if session is not None and not session.ended:
        return session
    with _lock:
        session = _sessions.get(server)
        if session is None or session.ended:
            # Its thread knows nothing of the context here.
            connect = partial(connect_target, settings)
            timeout = settings.client.reconnect_timeout_seconds
            session = Session(connect, client=describe_client(), reconnect_timeout=timeout)
            _close_at_the_end()
            _sessions[server] = session
        return session


def get_uploader() -> LogUploader:
    """Return what takes the log lines of this process for the server that the settings name. Raises SettingError."""
    settings = get_current_settings()
    server = server_of(settings)
    uploader = _uploaders.get(server)
    if uploader is None:
        with _lock:
            uploader = _uploaders.get(server) or _make_uploader(settings)
            _close_at_the_end()
            _uploaders[server] = uploader
    return uploader


def _make_uploader(settings: Settings) -> LogUploader:
    bounds = settings.logging.to_api
    return LogUploader(
        partial(connect_target, settings), linger=bounds.batch_interval, max_batch_bytes=bounds.batch_size
    )


def get_run_ends() -> RunEnds:
    """Return what tells of the ends of task runs on the server that the settings name. Raises SettingError."""
    settings = get_current_settings()
    server = server_of(settings)
    with _lock:
        ends = _run_ends.get(server)
        if ends is None or ends.ended:
            timeout = settings.client.reconnect_timeout_seconds
            ends = _run_ends[server] = RunEnds(partial(connect_target, settings), reconnect_timeout=timeout)
        return ends


def _upload(log: Log) -> None:
    get_uploader().put(log)


def close_all() -> None:
    """Flush and close every session and uploader, in bounded time. Called at the end of the process."""
    with _lock:
        sessions, uploaders = list(_sessions.values()), list(_uploaders.values())
        _sessions.clear()
        _uploaders.clear()
        ends = list(_run_ends.values())
        _run_ends.clear()
    for each in ends:
        each.close()
    _close(sessions, uploaders, "the process ends")


def close_server(server: Server) -> None:
    """Flush and close what is open to one server, in bounded time: nobody will ask for it again."""
    with _lock:
        session, uploader = _sessions.pop(server, None), _uploaders.pop(server, None)
        ends = _run_ends.pop(server, None)
    if ends is not None:
        ends.close()
    _close([session] if session else [], [uploader] if uploader else [], "the server is not needed any more")


def _close(sessions: list[Session], uploaders: list[LogUploader], reason: str) -> None:
    for uploader in uploaders:
        uploader.hurry()
    logs_deadline = time.monotonic() + _LOGS_CLOSE_TIMEOUT
    deadline = time.monotonic() + _SESSION_CLOSE_TIMEOUT
    for session in sessions:
        session.close(deadline - time.monotonic(), reason)
    for uploader in uploaders:
        uploader.close(logs_deadline - time.monotonic())


def settle_in_child() -> None:
    """At the end of a root run: in a process that may end past `atexit`, or be killed as soon as its parent has what
    it wants, wait in bounded time until the run's logs are stored."""
    if not (_forked or _is_child_of_multiprocessing()):
        return
    uploader = _uploaders.get(server_of(get_current_settings()))
    if uploader is not None:
        uploader.flush(_LOGS_CLOSE_TIMEOUT)


def _is_child_of_multiprocessing() -> bool:
    process = sys.modules.get("multiprocessing.process")  # not imported for those who have no use for it
    return process is not None and process.parent_process() is not None


def _close_at_the_end() -> None:
    """Children of multiprocessing end past `atexit`."""
    if _is_child_of_multiprocessing() and not _sessions and not _uploaders:
        sys.modules["multiprocessing.util"].Finalize(None, close_all, exitpriority=0)


def describe_client() -> str:
    """For people who look at the server's sessions."""
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
    return f"{program} (python {platform.python_version()}) on {platform.node()}, process {os.getpid()}"[:500]


def _forget() -> None:
    """A forked child opens its own; those that it inherited are ended by `forking`."""
    global _lock, _forked
    _lock = threading.Lock()
    _forked = True
    _sessions.clear()
    _uploaders.clear()
    _run_ends.clear()


set_log_sink(_upload)
os.register_at_fork(after_in_child=_forget)
atexit.register(close_all)
