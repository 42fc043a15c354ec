"""What runs, for people."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words
from antiphon.v1.admin_service_pb2 import ServerInfo, Session


def server_page(target: str, info: ServerInfo, sessions: Sequence[Session], now: datetime) -> RenderableType:
    """All about one server and the sessions that may speak to it."""
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
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
    for label, value in rows:
        if value:
            facts.add_row(label, Text(value))
    return Group(facts, "", _sessions(sessions, now)) if sessions else facts


def _sessions(sessions: Sequence[Session], now: datetime) -> Table:
    table = make_table("Client", "Opened", "Attached", "Frames", "Session", shrinking=("Client",))
    for session in sessions:
        times = "once" if session.epoch == 1 else f"{session.epoch} times"
        table.add_row(
            cut(session.client), ago_words(session.create_time, now), times, str(session.sequence), session.id
        )
    return table
