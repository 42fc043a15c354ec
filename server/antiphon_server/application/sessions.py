"""Operations of sessions: opening, resuming, speaking, and losing them."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, select
from uuid_utils import uuid7

from antiphon_server.application import transitions
from antiphon_server.application.forgetting import forget
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.application.leasing import end_of_session
from antiphon_server.domain.errors import AntiphonError, FailedPrecondition, Unauthenticated
from antiphon_server.domain.left_behind import left_behind
from antiphon_server.domain.model import Proposal, RunKind
from antiphon_server.domain.sessions import Session, SessionStatus, check_alive, check_epoch
from antiphon_server.domain.states import SCHEDULED, TERMINAL
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import Operation

#: The stage of a command that the client has and has not done yet; `antiphon.v1.CommandStage`.
RECEIVED = 1
#: Microseconds for which a session that has ended can be looked at.
KEPT = 7 * 24 * 3600 * 1_000_000


@dataclass(slots=True)
class OpenSession:
    """A new session."""

    client: str
    ttl: int
    session_id: str = field(default_factory=lambda: str(uuid7()))

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Session:
        now = working_set.now
        session = Session(self.session_id, self.client, 1, SessionStatus.ACTIVE, 0, now, now + self.ttl)
        session.server_id = working_set.server_id
        working_set.add_session(session)
        return copy(session)


@dataclass(slots=True)
class ResumeSession:
    """Goes on with a session under a new epoch; whoever spoke for it before is fenced off from now on."""

    session_id: str
    client: str
    ttl: int

    def needs(self, needs: Needs) -> None:
        needs.sessions.add(self.session_id)

    def apply(self, working_set: WorkingSet) -> Session:
        session = find_session(working_set, self.session_id)
        check_alive(session)
        session.epoch += 1
        session.client, session.server_id = self.client, working_set.server_id
        session.expire_time = working_set.now + self.ttl
        working_set.touch_session(session)
        working_set.changes.resumed[session.id] = session.epoch
        return copy(session)  # Later operations of the batch may change it.


@dataclass(slots=True)
class Frame:
    """A durable frame: its number, and what it asks for."""

    sequence: int
    operation: Operation


@dataclass(slots=True)
class Spoken:
    """What became of the frames of one message, in order: an answer or an AntiphonError each."""

    answers: list[tuple[int, Any]]
    committed_sequence: int
    #: Why the frames after the answered ones were not looked at; the stream ends with it.
    fatal: AntiphonError | None = None
    #: Commands that the session has not answered, where it asked for them.
    commands: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class SpeakOnSession:
    """The frames of one message of a session, and the sign of life that any message is.

    Raises where the session has ended or was superseded; nothing is written then.
    """

    session_id: str
    epoch: int
    ttl: int
    frames: Sequence[Frame] = ()
    #: Ends the session for good, after the frames.
    goodbye: bool = False
    #: For callers without a stream, who can only ask.
    with_commands: bool = False

    def needs(self, needs: Needs) -> None:
        needs.sessions.add(self.session_id)
        for frame in self.frames:
            frame.operation.needs(needs)

    def apply(self, working_set: WorkingSet) -> Spoken:
        session = find_session(working_set, self.session_id)
        check_alive(session)
        check_epoch(session, self.epoch)
        answers: list[tuple[int, Any]] = []
        fatal: AntiphonError | None = None
        for frame in self.frames:
            if frame.sequence > session.sequence + 1:
                fatal = FailedPrecondition(
                    "SEQUENCE_GAP",
                    f"frame {frame.sequence} came where {session.sequence + 1} was due; attach again and send every "
                    "frame that is not acknowledged",
                )
                break
            try:
                answers.append((frame.sequence, frame.operation.apply(working_set)))
            except AntiphonError as error:
                answers.append((frame.sequence, error))
            # Before the next frame asks for the slot that this one gave back.
            hand_over_freed(working_set)
            session.sequence = max(session.sequence, frame.sequence)
        session.expire_time = working_set.now + self.ttl
        if self.goodbye and fatal is None:
            end_session(working_set, session, SessionStatus.CLOSED, "the process that held the run said goodbye")
        working_set.touch_session(session)
        commands = _commands_of(working_set, session.id) if self.with_commands else []
        return Spoken(answers, session.sequence, fatal, commands)


@dataclass(slots=True)
class OnSession:
    """What a session says without a number, and the sign of life that it is. Raises as SpeakOnSession does."""

    session_id: str
    epoch: int
    ttl: int
    #: None for the sign of life alone.
    operation: Operation | None = None

    def needs(self, needs: Needs) -> None:
        needs.sessions.add(self.session_id)
        if self.operation is not None:
            self.operation.needs(needs)

    def apply(self, working_set: WorkingSet) -> Any:
        session = find_session(working_set, self.session_id)
        check_alive(session)
        check_epoch(session, self.epoch)
        session.expire_time = working_set.now + self.ttl
        working_set.touch_session(session)
        return self.operation.apply(working_set) if self.operation is not None else None


@dataclass(slots=True)
class LeaveSession:
    """Ends a session for good: its process goes away."""

    session_id: str
    epoch: int
    why: str

    def needs(self, needs: Needs) -> None:
        needs.sessions.add(self.session_id)

    def apply(self, working_set: WorkingSet) -> None:
        session = find_session(working_set, self.session_id)
        check_alive(session)
        check_epoch(session, self.epoch)
        end_session(working_set, session, SessionStatus.CLOSED, self.why)
        working_set.touch_session(session)


@dataclass(slots=True)
class NoteCommandResult:
    """How far a command has come; what is done is not said again."""

    session_id: str
    command_id: str
    stage: int
    message: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.flush()
        commands = tables.commands
        here = (commands.c.id == self.command_id) & (commands.c.session_id == self.session_id)
        # Stages only rise: a word that was sent again may come behind a later one.
        said = {"stage": self.stage, "message": self.message, "update_time": working_set.now}
        working_set.connection.execute(commands.update().where(here, commands.c.stage < self.stage).values(said))


@dataclass(slots=True)
class ReadCommands:
    """The commands that a session has not answered, or one of them."""

    session_id: str
    command_id: str | None = None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> list[dict[str, Any]]:
        return _commands_of(working_set, self.session_id, self.command_id)


@dataclass(slots=True)
class ExpireSessions:
    """Gives up sessions that had not been heard of for their TTL at the time `at`; the answer is their ids."""

    #: When it was asked for. Until its turn comes others may speak that are heard only behind it.
    at: int
    #: Who had spoken by then and waits for its turn, which may come behind this.
    heard: frozenset[str] = frozenset()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> list[str]:
        working_set.flush()
        sessions = tables.sessions
        rows = working_set.connection.execute(
            sessions.select()
            .with_only_columns(sessions.c.id)
            .where(sessions.c.status == SessionStatus.ACTIVE, sessions.c.expire_time < self.at)
        ).scalars()
        silent = [session_id for session_id in rows if session_id not in self.heard]
        working_set.load(Needs(sessions=set(silent)))
        lost = []
        for session_id in silent:
            session = working_set.sessions[session_id]
            if session.expire_time < self.at:
                end_session(
                    working_set, session, SessionStatus.LOST, "the process that held the run was not heard of any more"
                )
                working_set.touch_session(session)
                lost.append(session_id)
        return lost


@dataclass(slots=True)
class ForgiveDowntime:
    """Nobody could be heard while there was no server, or none that could write: each gets a full TTL from now."""

    ttl: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.flush()
        sessions = tables.sessions
        soonest = working_set.now + self.ttl
        working_set.connection.execute(
            sessions.update()
            .where(sessions.c.status == SessionStatus.ACTIVE, sessions.c.expire_time < soonest)
            .values(expire_time=soonest)
        )
        # Nor could anybody keep a deadline, come for a slot or renew a lease. A rate goes by time alone.
        slots = tables.slots.c
        for column, *more in (
            *((table.c.deadline_time,) for table in tables.RUNS.values()),
            (slots.expire_time, slots.decay_interval.is_(None)),
            (tables.slot_leases.c.expire_time,),
            (tables.slot_leases.c.sure_time,),
        ):
            late = column.table.update().where(column < soonest, *more).values({column.name: soonest})
            working_set.connection.execute(late)
        working_set.slots.forget()


@dataclass(slots=True)
class HasActiveSessions:
    """Whether any session may still speak, or has to be found lost."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        working_set.flush()
        active = select(tables.sessions.c.id).where(tables.sessions.c.status == SessionStatus.ACTIVE).limit(1)
        return working_set.connection.execute(active).one_or_none() is not None


@dataclass(slots=True)
class ForgetSessions:
    """Forgets sessions that ended long ago and hold nothing. The answer says whether there may be more of them."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        working_set.flush()
        sessions = tables.sessions
        old = select(sessions.c.id).where(
            sessions.c.status.in_([SessionStatus.CLOSED, SessionStatus.LOST]),
            sessions.c.expire_time < working_set.now - KEPT,
            *(~exists().where(table.c.session_id == sessions.c.id) for table in tables.RUNS.values()),
        )
        return forget(working_set, sessions, old)


def _commands_of(working_set: WorkingSet, session_id: str, command_id: str | None = None) -> list[dict[str, Any]]:
    working_set.flush()
    commands = tables.commands
    open_ones = commands.select().where(commands.c.session_id == session_id, commands.c.stage <= RECEIVED)
    if command_id is not None:
        open_ones = open_ones.where(commands.c.id == command_id)
    rows = working_set.connection.execute(open_ones.order_by(commands.c.create_time, commands.c.id))
    return [dict(row._mapping) for row in rows]


def find_session(working_set: WorkingSet, session_id: str) -> Session:
    """Raises Unauthenticated where a token is in order but names a session of another database."""
    session = working_set.sessions.get(session_id)
    if session is None:
        raise Unauthenticated(
            "RESUME_TOKEN_INVALID", "the resume token names a session that this server does not know; open a new one"
        )
    return session


def end_session(working_set: WorkingSet, session: Session, status: SessionStatus, why: str) -> None:
    """Ends a session, every lease of slots that is tied to it, and every run that it still holds, see
    `left_behind`."""
    session.status = status
    working_set.changes.ended_sessions.append(session.id)
    working_set.flush()
    working_set.waiting.end(tables.waits.c.session_id == session.id)
    end_of_session(working_set, session.id)
    for kind, table in tables.RUNS.items():
        held = set(
            working_set.connection.execute(
                table.select().with_only_columns(table.c.id).where(table.c.session_id == session.id)
            ).scalars()
        )
        working_set.load_runs(kind, held)
        for run_id in sorted(held):
            _end_run(working_set, kind, run_id, session.id, why)
        working_set.flush()


def _end_run(working_set: WorkingSet, kind: RunKind, run_id: str, session_id: str, why: str) -> None:
    run = working_set.run(kind, run_id)
    if run is None or run.state_type in TERMINAL:
        return
    state = left_behind(run, why, working_set.now)
    # What waits for another worker is not this session's any more.
    speaker = session_id if state.type != SCHEDULED else None
    transitions.propose(working_set, Proposal(str(uuid7()), kind, run_id, state, force=True, session_id=speaker))
