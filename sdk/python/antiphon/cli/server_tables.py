"""What runs, for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words, span_words
from antiphon.v1.admin_service_pb2 import BackgroundService, BackgroundServiceState, ServerInfo, Session

_SERVICE_STYLES = {
    BackgroundServiceState.BACKGROUND_SERVICE_STATE_HEALTHY: "green",
    BackgroundServiceState.BACKGROUND_SERVICE_STATE_FAILING: "bold red",
    BackgroundServiceState.BACKGROUND_SERVICE_STATE_STANDBY: "bright_black",
}


def server_page(target: str, info: ServerInfo, sessions: Sequence[Session], now: datetime) -> RenderableType:
    """All about one server and the sessions that may speak to it."""
    rows = [
        ("Server", f"running, process id {info.process_id}"),
        ("Version", info.version),
        ("Reached at", target),
        ("Addresses", ", ".join(info.addresses)),
        ("Database", info.database),
        ("Durability", info.durability),
        ("Schema", info.schema_revision),
        ("Started", f"{moment_words(info.start_time)} ({ago_words(info.start_time, now)})"),
        ("Capabilities", ", ".join(info.capabilities)),
        ("Sessions", str(len(sessions))),
    ]
    facts = facts_table(rows)
    return Group(facts, "", _sessions(sessions, now)) if sessions else facts


def services_table(services: Iterable[BackgroundService], now: datetime) -> Table:
    """Services, a line each; why the last round of one failed stands below it."""
    table = make_table("Name", "State", "Every", "Last round", "Failed", "What it does", shrinking=("What it does",))
    for each in services:
        table.add_row(
            each.name,
            _service_state(each),
            span_words(each.interval.ToTimedelta().total_seconds()) if each.HasField("interval") else "",
            ago_words(each.end_time, now) if each.HasField("end_time") else "never",
            str(each.failures),
            cut(each.description),
        )
        if each.last_error:
            table.add_row("", "", "", "", "", cut(each.last_error))
    return table


def _service_state(service: BackgroundService) -> Text:
    if service.state not in BackgroundServiceState.values():
        return Text(str(service.state))
    word = BackgroundServiceState.Name(service.state).removeprefix("BACKGROUND_SERVICE_STATE_").lower()
    return Text(word, style=_SERVICE_STYLES.get(service.state, ""))


def _sessions(sessions: Sequence[Session], now: datetime) -> Table:
    table = make_table("Client", "Opened", "Attached", "Frames", "Session", shrinking=("Client",))
    for session in sessions:
        times = "once" if session.epoch == 1 else f"{session.epoch} times"
        table.add_row(
            cut(session.client), ago_words(session.create_time, now), times, str(session.sequence), session.id
        )
    return table
