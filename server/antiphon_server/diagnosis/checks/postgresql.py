"""What PostgreSQL says of itself, where it is the store."""

from sqlalchemy import text

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import span
from antiphon_server.storage.reader import Record

CONNECTIONS_SCARCE = Symptom(
    "CONNECTIONS_SCARCE",
    Severity.WARNING,
    "More than nine tenths of the connections that PostgreSQL takes are in use.",
    "Once there is none left, servers cannot connect anew, nor can you.",
    "See who has them: `SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1`. Raise `max_connections` "
    "in postgresql.conf; a server of Antiphon has up to 10.",
)
TRANSACTION_OLD = Symptom(
    "TRANSACTION_OLD",
    Severity.WARNING,
    "Another program has had a transaction open in this database for more than ten minutes.",
    "PostgreSQL cannot clear away rows that were changed since: tables and indexes grow, and everything gets slower.",
    "See what it does (`SELECT query FROM pg_stat_activity WHERE pid = {pid}`); end it there, or by `SELECT "
    "pg_terminate_backend({pid})`.",
)
BLOCKED_BY_OTHERS = Symptom(
    "BLOCKED_BY_OTHERS",
    Severity.ERROR,
    "A server of Antiphon has waited for seconds for a lock that another program holds.",
    "Nothing is committed meanwhile: no run starts, changes its state or ends.",
    "See what it does (`SELECT query FROM pg_stat_activity WHERE pid = {pid}`); end it there, or by `SELECT "
    "pg_terminate_backend({pid})`.",
)
AUTOVACUUM_OFF = Symptom(
    "AUTOVACUUM_OFF",
    Severity.WARNING,
    "PostgreSQL was told not to clear away by itself what was changed.",
    "Rows of runs change many times: tables and indexes grow for ever, and everything gets slower.",
    "Set `autovacuum = on` and `track_counts = on` in postgresql.conf, and reload: `SELECT pg_reload_conf()`.",
)
TABLE_UNVACUUMED = Symptom(
    "TABLE_UNVACUUMED",
    Severity.WARNING,
    "A table has more than a million rows that are to be cleared away, and more of them than of those that live.",
    "It takes more room than it needs, and every look into it gets slower.",
    "Run `VACUUM (VERBOSE) {table}`, which says what holds it up: an old transaction, say. If it comes again: have "
    "autovacuum do more (`autovacuum_vacuum_cost_limit`).",
)
TRANSACTION_IDS_SCARCE = Symptom(
    "TRANSACTION_IDS_SCARCE",
    Severity.ERROR,
    "More than three quarters of the ids that PostgreSQL has for transactions are used up.",
    "When they are all used up, PostgreSQL takes no more writes.",
    "Run `VACUUM (FREEZE)` in the database {database} now, and find what keeps autovacuum from it: an old transaction, "
    "a replication slot that nobody reads.",
)
SYMPTOMS = (
    CONNECTIONS_SCARCE,
    TRANSACTION_OLD,
    BLOCKED_BY_OTHERS,
    AUTOVACUUM_OFF,
    TABLE_UNVACUUMED,
    TRANSACTION_IDS_SCARCE,
)
_OURS = "antiphon-server"
_CONNECTIONS = text("""
    SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS used,
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most
    FROM pg_stat_activity
""")
_OLD = text(f"""
    SELECT pid, application_name, usename, state, extract(epoch FROM clock_timestamp() - xact_start) AS seconds
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> '{_OURS}'
        AND extract(epoch FROM clock_timestamp() - xact_start) > :seconds
    ORDER BY xact_start LIMIT 5
""")
_BLOCKED = text(f"""
    SELECT DISTINCT ON (other.pid) other.pid, other.application_name, other.usename, other.state,
        extract(epoch FROM clock_timestamp() - ours.query_start) AS seconds
    FROM pg_stat_activity ours
    CROSS JOIN LATERAL unnest(pg_blocking_pids(ours.pid)) AS blocking (pid)
    JOIN pg_stat_activity other ON other.pid = blocking.pid AND other.application_name <> '{_OURS}'
    WHERE ours.datname = current_database() AND ours.application_name = '{_OURS}' AND ours.wait_event_type = 'Lock'
        AND extract(epoch FROM clock_timestamp() - ours.query_start) > :seconds
    LIMIT 5
""")
_SETTINGS = text("SELECT current_setting('autovacuum') AS autovacuum, current_setting('track_counts') AS track_counts")
_DEAD = text("""
    SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables
    WHERE n_dead_tup > :rows AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC LIMIT 5
""")
_AGE = text("SELECT datname, age(datfrozenxid) AS age FROM pg_database WHERE datname = current_database()")


async def check_connections(patient: Patient) -> list[Finding]:
    for row in await patient.rows(_CONNECTIONS):
        if row.used >= row.most * patient.bounds.connections:
            message = f"{row.used} of the {row.most} connections that PostgreSQL takes are in use"
            return [CONNECTIONS_SCARCE.found(message, used=row.used, most=row.most)]
    return []


async def check_transactions(patient: Patient) -> list[Finding]:
    """Of others. Those of users whom the server's user may not see are not told."""
    return [
        TRANSACTION_OLD.found(
            f"{_program(row)} has had a transaction open for {span(row.seconds)} (it is {row.state})",
            pid=row.pid,
            seconds=round(row.seconds),
        )
        for row in await patient.rows(_OLD, {"seconds": patient.bounds.old_transaction})
    ]


async def check_locks(patient: Patient) -> list[Finding]:
    """Those that servers of Antiphon wait for and none of them holds."""
    return [
        BLOCKED_BY_OTHERS.found(
            f"{_program(row)} holds a lock that a server has waited for for {span(row.seconds)} (it is {row.state})",
            pid=row.pid,
            seconds=round(row.seconds, 1),
        )
        for row in await patient.rows(_BLOCKED, {"seconds": patient.bounds.stuck})
    ]


async def check_vacuum(patient: Patient) -> list[Finding]:
    found = []
    for row in await patient.rows(_SETTINGS):
        if "off" in (row.autovacuum, row.track_counts):
            message = f"autovacuum is {row.autovacuum}, and track_counts is {row.track_counts}"
            found.append(AUTOVACUUM_OFF.found(message))
    for row in await patient.rows(_DEAD, {"rows": patient.bounds.dead_rows}):
        message = f"table {row.relname} has {row.n_dead_tup} rows to be cleared away, and {row.n_live_tup} that live"
        found.append(TABLE_UNVACUUMED.found(message, table=row.relname, dead=row.n_dead_tup, live=row.n_live_tup))
    for row in await patient.rows(_AGE):
        if row.age > patient.bounds.transaction_ids:
            message = f"the oldest transaction that PostgreSQL remembers here is {row.age} transactions old"
            found.append(TRANSACTION_IDS_SCARCE.found(message, database=row.datname, age=row.age))
    return found


def _program(row: Record) -> str:
    name = row.application_name or "a program without a name"
    return f"process {row.pid} of PostgreSQL, of {name} (user {row.usename}),"
