"""What the database says, read past everything of ours: whole tables as lists of dicts."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Row = dict[str, Any]
TABLES = (
    *("flow_runs", "task_runs", "transitions", "waits", "slots", "slot_leases", "slot_waiters", "concurrency_limits"),
    *("sessions", "commands", "operations", "logs", "deployments"),
)
#: State types as the database has them, see antiphon_server.domain.states.
_TERMINAL = "(4, 5, 6, 7)"
#: What is not at rest, by name: a query whose rows tell of it.
UNREST = {
    "runs": " UNION ALL ".join(
        f"SELECT '{table}', id, name, state_name, state_type, session_id FROM {table}"
        f" WHERE state_type IS NULL OR state_type NOT IN {_TERMINAL}"
        for table in ("flow_runs", "task_runs")
    ),
    "waits": "SELECT transition_id, run_id, session_id FROM waits",
    "slots": "SELECT limit_id, holder_id, count, expire_time FROM slots",
    "leases": "SELECT id, names, session_id, expire_time FROM slot_leases",
    "queues": "SELECT limit_id, waiter_id, run_id FROM slot_waiters",
    "operations": "SELECT id, state FROM operations WHERE end_time IS NULL",
    "commands": "SELECT c.id, c.kind, c.stage, c.flow_run_id, c.session_id FROM commands AS c"
    " JOIN sessions AS s ON s.id = c.session_id WHERE s.status = 1 AND c.stage < 2",
    "sessions": "SELECT id, client FROM sessions WHERE status = 1",
}


def read(url: str) -> dict[str, list[Row]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return {
            name: connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
            for name in TABLES
        }


def unrest(url: str, names: Sequence[str]) -> dict[str, list[Any]]:
    """What of these is not at rest now."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = {name: connection.execute(UNREST[name].encode()).fetchall() for name in names}
    return {name: rows for name, rows in found.items() if rows}
