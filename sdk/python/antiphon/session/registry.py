"""The session of this process, and its bulk lane for logs: one each for a server, opened when first asked for."""

import atexit
import os
import platform
import sys
import threading
import time

from antiphon.logging.handlers import set_log_sink
from antiphon.server_address import connect_target
from antiphon.session.run_ends import RunEnds
from antiphon.session.session import Session
from antiphon.session.uploader import LogUploader
from antiphon.settings import get_current_settings
from antiphon.v1.log_pb2 import Log

#: Seconds at the end of the process, at most.
_SESSION_CLOSE_TIMEOUT = 10.0
_LOGS_CLOSE_TIMEOUT = 5.0

Server = tuple[str | None, str]

_lock = threading.Lock()
#: By what the settings say of the server: its address, and the home of the embedded one.
_sessions: dict[Server, Session] = {}
_uploaders: dict[Server, LogUploader] = {}
_run_ends: dict[Server, RunEnds] = {}
#: This process began as a fork of another one.
_forked = False


def get_session() -> Session:
    """Return this process's session with the server that the settings name, a new one where the last has ended.

    Does not wait for the connection. Raises SettingError.
    """
    server = _server()
    session = _sessions.get(server)
    if session is not None and not session.ended:
        return session
    with _lock:
        session = _sessions.get(server)
        if session is None or session.ended:
            timeout = get_current_settings().client_reconnect_timeout_seconds
            session = Session(connect_target, client=_describe_client(), reconnect_timeout=timeout)
            _close_at_the_end()
            _sessions[server] = session
        return session


def get_uploader() -> LogUploader:
    """Return what takes the log lines of this process for the server that the settings name. Raises SettingError."""
    server = _server()
    uploader = _uploaders.get(server)
    if uploader is None:
        with _lock:
            uploader = _uploaders.get(server) or LogUploader(connect_target)
            _close_at_the_end()
            _uploaders[server] = uploader
    return uploader


def get_run_ends() -> RunEnds:
    """Return what tells of the ends of task runs on the server that the settings name. Raises SettingError."""
    server = _server()
    with _lock:
        ends = _run_ends.get(server)
        if ends is None or ends.ended:
            timeout = get_current_settings().client_reconnect_timeout_seconds
            ends = _run_ends[server] = RunEnds(connect_target, reconnect_timeout=timeout)
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
    for uploader in uploaders:
        uploader.hurry()
    logs_deadline = time.monotonic() + _LOGS_CLOSE_TIMEOUT
    deadline = time.monotonic() + _SESSION_CLOSE_TIMEOUT
    for session in sessions:
        session.close(deadline - time.monotonic(), "the process ends")
    for uploader in uploaders:
        uploader.close(logs_deadline - time.monotonic())


def settle_in_child() -> None:
    """At the end of a root run: in a process that may end past `atexit`, or be killed as soon as its parent has what
    it wants, wait in bounded time until the run's logs are stored."""
    if not (_forked or _is_child_of_multiprocessing()):
        return
    uploader = _uploaders.get(_server())
    if uploader is not None:
        uploader.flush(_LOGS_CLOSE_TIMEOUT)


def _is_child_of_multiprocessing() -> bool:
    process = sys.modules.get("multiprocessing.process")  # not imported for those who have no use for it
    return process is not None and process.parent_process() is not None


def _close_at_the_end() -> None:
    """Children of multiprocessing end past `atexit`."""
    if _is_child_of_multiprocessing() and not _sessions and not _uploaders:
        sys.modules["multiprocessing.util"].Finalize(None, close_all, exitpriority=0)


def _server() -> Server:
    settings = get_current_settings()
    return settings.api_url, str(settings.home)


def _describe_client() -> str:
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
