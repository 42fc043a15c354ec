"""What must hold of a server after anything at all was said to it."""

from typing import Any

from antiphon_server.application.sessions import ExpireSessions
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.storage import tables
from in_writer import in_writer
from running_server import RunningServer
from simulation.history import Account, Entry
from until import until


def check_histories(server: RunningServer) -> None:
    """That every run's row says what its history adds up to, and that nobody who has ended holds a run."""
    runs, states, ended = in_writer(server, _read)
    accounts = {row["id"]: Account(kind) for kind, row in runs}
    for state in states:
        account = accounts[state.run_id]
        assert account.last is None or state.create_time > account.last.time, f"{state.run_id}: times do not rise"
        type_, verdict = StateType(state.state_type), VerdictKind(state.verdict)
        rules = frozenset(rule for rule in ("RestartAfterEnd", "RerunAfterEnd", "LeavePause") if rule in state.findings)
        account.add(Entry(state.id, type_, state.state_name, state.create_time, verdict, rules))
    for _, row in runs:
        difference = accounts[row["id"]].difference(row)
        assert not difference, f"{row['id']}: {difference}"
        assert row["session_id"] not in ended, f"{row['id']} is held by a session that has ended"


def _read(working_set: Any) -> Any:
    working_set.flush()
    read = working_set.connection.execute
    runs = [(kind, dict(row._mapping)) for kind in RunKind for row in read(tables.RUNS[kind].select())]
    history = tables.transitions
    states = read(history.select().where(history.c.wrote_state).order_by(history.c.create_time, history.c.id)).all()
    sessions = tables.sessions
    ended = set(read(sessions.select().where(sessions.c.status != SessionStatus.ACTIVE)).scalars())
    return runs, states, ended


def check_nothing_left(server: RunningServer, ttl: float) -> None:
    """After all streams were closed: once their sessions' time is over nothing of them is there, but in the history."""
    its = server.server
    until(lambda: not its.hub.attached())
    until(lambda: its.core.queued == (0, 0))
    until(lambda: (its.gates.incoming.held, its.gates.outgoing.held) == (0, 0))
    streams = {"sessions", "uploads", "followers"}
    until(lambda: not any(gate.under_way for gate in its.gates if gate.name in streams))
    server.clock.advance(2 * ttl)
    server.run(lambda: its.core.run(ExpireSessions(its.core.clock())))
    active = in_writer(server, _active)
    assert active == 0
    check_histories(server)


def _active(working_set: Any) -> int:
    sessions = tables.sessions
    rows = working_set.connection.execute(sessions.select().where(sessions.c.status == SessionStatus.ACTIVE))
    return len(rows.all())
