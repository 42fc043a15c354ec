"""What runs, for people."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words
from antiphon.v1.admin_service_pb2 import ServerInfo, Session


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


def _sessions(sessions: Sequence[Session], now: datetime) -> Table:
    table = make_table("Client", "Opened", "Attached", "Frames", "Session", shrinking=("Client",))
    for session in sessions:
        times = "once" if session.epoch == 1 else f"{session.epoch} times"
        table.add_row(
            cut(session.client), ago_words(session.create_time, now), times, str(session.sequence), session.id
        )
    return table
