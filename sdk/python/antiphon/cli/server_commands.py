"""`antiphon server`."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, ClassVar

import typer

from antiphon.cli import server_control
from antiphon.cli.exit_codes import print_note
from antiphon.cli.lazy_group import LazyGroup
from antiphon.cli.output import JsonFlag, make_console, print_json, to_json
from antiphon.cli.server_backups import backup, restore
from antiphon.cli.server_doctor import doctor
from antiphon.cli.server_tables import server_page
from antiphon.embedded_server import read_pid
from antiphon.grpc_target import parse_listen_address
from antiphon.settings import get_current_settings
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, ListSessionsRequest, SessionStatus, StopServerRequest


class ServerGroup(LazyGroup):
    """The commands of the server, and those of what it does by itself."""

    modules: ClassVar[Mapping[str, str]] = {"services": "antiphon.cli.server_services_commands"}


app = typer.Typer(
    cls=ServerGroup,
    name="server",
    add_completion=False,
    help="Start, stop and look at the server.",
    no_args_is_help=True,
)

_TIMEOUT_SECONDS = 5.0


class LogLevel(Enum):
    """What a server takes."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _listen_address(text: str) -> str:
    try:
        return parse_listen_address(text) if text else ""
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}.") from None


class LogFormat(Enum):
    """Likewise."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def group() -> None:
    """Start, stop and look at the server."""


@app.command()
def start(
    host: Annotated[str, typer.Option("--host", help="Where to listen, for other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")] = 4200,
    socket: Annotated[
        str, typer.Option("--socket", metavar="PATH", help="The Unix socket. Default: where clients of this home look.")
    ] = "",
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", case_sensitive=False, help="How much it has to say.")
    ] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", case_sensitive=False, help="json: an object a line, for programs.")
    ] = LogFormat.TEXT,
    keep_runs: Annotated[
        float | None,
        typer.Option(
            "--keep-runs", min=0, metavar="DAYS", help="Delete runs that ended longer ago. Kept for ever without."
        ),
    ] = None,
    keep_logs: Annotated[
        float | None,
        typer.Option("--keep-logs", min=0, metavar="DAYS", help="Delete lines of logs that are older. Likewise."),
    ] = None,
    database: Annotated[
        str,
        typer.Option(
            "--database",
            metavar="URL",
            envvar=server_control.DATABASE_URL,
            help="PostgreSQL's, in place of a file in ANTIPHON_HOME; several servers may share it.",
        ),
    ] = "",
    lease_storage: Annotated[
        str,
        typer.Option(
            "--lease-storage",
            metavar="URL",
            envvar=server_control.LEASE_STORAGE,
            help="Redis's, which keeps the time of leases of slots in place of the database. All servers of a database "
            "name the same one.",
        ),
    ] = "",
    upgrade_backup: Annotated[
        bool,
        typer.Option(
            "--upgrade-backup/--no-upgrade-backup",
            help="Whether a database of an older release is copied before it is upgraded.",
        ),
    ] = True,
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            parser=_listen_address,
            metavar="[HOST:]PORT",
            help="Serve metrics for Prometheus there. Default: ANTIPHON_SERVER_METRICS_ADDRESS, if "
            "ANTIPHON_SERVER_METRICS_ENABLED is set.",
        ),
    ] = "",
    background: Annotated[
        bool, typer.Option("--background", "-b", help="Return once the server is ready, and leave it running.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start a server that stays until it is stopped. It keeps its data in ANTIPHON_HOME.

    With --background and --json: an object with `process_id` and `addresses`, an array.
    """
    if as_json and not background:
        raise typer.BadParameter("--json goes with --background: a server in the foreground has no answer.")
    settings = get_current_settings()
    start_of = server_control.ServerStart(
        settings.home,
        host,
        port,
        socket,
        settings.server.ephemeral.startup_timeout_seconds,
        log_level.value,
        keep_runs,
        keep_logs,
        upgrade_backup,
        database,
        metrics or (settings.server.metrics_address if settings.server.metrics_enabled else ""),
        log_format.value,
        lease_storage,
    )
    if not start_of.is_local:
        print_note(f"Whoever reaches {host} on port {port} can use this server: it asks nobody who they are.")
    if not background:
        start_of.run_in_foreground()
    addresses = start_of.run_in_background()
    process_id = read_pid(settings.home)
    if as_json:
        print_json({"process_id": process_id, "addresses": addresses.split()})
    else:
        make_console().print(f"The server is ready (process id {process_id}) at {addresses}.", markup=False)


@app.command()
def stop(
    reason: Annotated[str, typer.Option("--reason", help="Kept in the server's log.")] = "",
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait until it is gone.")] = 30.0,
    as_json: JsonFlag = False,
) -> None:
    """Stop the server gracefully, and wait until its process is gone if it runs for this home.

    With --json: an object with `target`, `process_id`, and `stopped`: whether it is known to be gone.
    """
    settings = get_current_settings()
    with server_control.client_of_server_to_stop(settings) as client:
        info = client.call(client.admin.GetServerInfo, GetServerInfoRequest(), timeout=_TIMEOUT_SECONDS).server_info
        client.call(client.admin.StopServer, StopServerRequest(reason=reason), timeout=_TIMEOUT_SECONDS, once=True)
    ours = read_pid(settings.home) == info.process_id
    if ours:
        server_control.wait_until_gone(settings.home, info.process_id, timeout)
    if as_json:
        print_json({"target": client.target, "process_id": info.process_id, "stopped": ours})
    elif ours:
        make_console().print(f"The server (process id {info.process_id}) has stopped.")
    else:
        make_console().print(f"The server at {client.target} was asked to stop.", markup=False)


@app.command()
def status(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until one answers.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", "-t", min=0, help="With --wait: at most so many seconds; 0 is for ever.")
    ] = 0.0,
    as_json: JsonFlag = False,
) -> None:
    """Say which server runs. Starts none; exits with 4 where none answers.

    With --json: an object with `target`, `server_info` (antiphon.v1.ServerInfo) and `sessions` (an array of
    antiphon.v1.Session, newest first, those of the last 1,000 that may still speak).
    """
    settings = get_current_settings()
    if wait:
        server_control.wait_until_there(settings, timeout or math.inf)
    with server_control.client_of_running_server(settings) as client:
        info = client.call(client.admin.GetServerInfo, GetServerInfoRequest(), timeout=_TIMEOUT_SECONDS).server_info
        sessions = list(client.pages(client.admin.ListSessions, ListSessionsRequest(), "sessions", limit=1000))
    active = [session for session in sessions if session.status == SessionStatus.SESSION_STATUS_ACTIVE]
    if as_json:
        print_json(
            {
                "target": client.target,
                "server_info": to_json(info),
                "sessions": [to_json(session) for session in active],
            }
        )
    else:
        make_console().print(server_page(client.target, info, active, datetime.now(UTC)))


app.command()(backup)
app.command()(restore)
app.command()(doctor)
