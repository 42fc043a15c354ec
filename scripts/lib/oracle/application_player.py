"""Plays cases through the application: rows in a database, the operation that decides, rows afterwards."""

import json
from typing import Any

from sqlalchemy import Connection, Engine, create_engine

from antiphon_server.application import transitions
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.model import Proposal, RunKind
from antiphon_server.domain.policy import Policy
from antiphon_server.domain.rules import MARK_LATE_POLICY
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.records import decode_details
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.working_set import Needs, WorkingSet
from oracle.cases import Case, Json
from oracle.names import NOW, id_of, proposal_of, seconds, words_of
from oracle.outcome import COLUMNS, Outcome, Seen
from oracle.world import World, stored, tag_of, taken


class ApplicationPlayer:
    """One database in memory; each case leaves it as it was."""

    name = "application"

    def __init__(self) -> None:
        self._engine: Engine = create_engine("sqlite://")
        prepare(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    def play(self, case: Case) -> Outcome:
        with self._engine.connect() as connection, connection.begin() as transaction:
            try:
                World(connection, NOW).arrange(case)
                return self._decide(connection, case)
            finally:
                transaction.rollback()

    def _decide(self, connection: Connection, case: Case) -> Outcome:
        kind = RunKind(case.kind)
        run_id = id_of("run")
        proposal = proposal_of(kind, run_id, case.proposed, case.forced, NOW, "proposed")
        before = stored(connection, kind, run_id)
        policy = MARK_LATE_POLICY if case.context.get("policy") == "mark_late" else None
        answer = decide(connection, proposal, NOW, policy)
        outcome = observed(connection, kind, run_id, before, answer, proposal, NOW)
        if case.deployment is not None:
            outcome.slots = {"deployment": taken(connection, limit_names.of_deployment(id_of("deployment")))}
        limits = case.context.get("tag_limits")
        if limits:
            named = {tag_of(each): taken(connection, limit_names.of_tag(tag_of(each))) for each in limits}
            outcome.slots = {**(outcome.slots or {}), "tags": named}
        if "subflow" in case.context:
            outcome.parent = _parent(connection)
        entries = tables.cache_entries
        written = connection.execute(entries.select().where(entries.c.id == proposal.transition_id)).one_or_none()
        outcome.cache_written = written is not None
        return outcome


def decide(
    connection: Connection, proposal: Proposal, now: int, policy: Policy | None = None
) -> Verdict | AntiphonError:
    """As the writer does it, in a transaction of the caller's."""
    working_set = WorkingSet(connection, now)
    needs = Needs()
    transitions.needs_of(proposal, needs)
    working_set.load(needs)
    answer: Verdict | AntiphonError
    try:
        answer = transitions.propose(working_set, proposal, policy)
    except AntiphonError as error:
        answer = error
    hand_over_freed(working_set)
    working_set.flush()
    return answer


def observed(
    connection: Connection,
    kind: RunKind,
    run_id: str,
    before: Any,
    answer: Verdict | AntiphonError,
    proposal: Proposal,
    now: int,
) -> Outcome:
    """What the rows of the run say after the answer."""
    row = stored(connection, kind, run_id)
    run: Json = {f"{name}_s": seconds(getattr(row, name), now) for name in COLUMNS}
    run["total_run_time_s"] = row.total_run_time / 1_000_000
    if kind is RunKind.FLOW_RUN:
        keys = sorted("<generated>" if key == proposal.transition_id else key for key in json.loads(row.pause_keys))
        run |= {"resuming": row.resuming, "retry_type": row.retry_type, "pause_keys": keys}
    else:
        run["flow_run_run_count"] = row.flow_run_run_count
    outcome = Outcome("", _seen(connection, row, before, answer, now), row.run_count, run)
    if isinstance(answer, AntiphonError):
        outcome.status = f"ERROR {answer.reason}"
        return outcome
    outcome.status = answer.kind.name
    outcome.rule = answer.findings[-1][0] if answer.findings else ""
    if answer.kind is VerdictKind.WAIT and answer.wait_until is not None:
        outcome.delay = (answer.wait_until - now) / 1_000_000
    return outcome


def _seen(connection: Connection, row: Any, before: Any, answer: Verdict | AntiphonError, now: int) -> Seen | None:
    if row.state_id is None:
        return None
    transitions_ = tables.transitions
    state = connection.execute(transitions_.select().where(transitions_.c.id == row.state_id)).one()
    accepted = isinstance(answer, Verdict) and answer.kind is VerdictKind.ACCEPT
    origin = "current" if row.state_id == before.state_id else "proposed" if accepted else "replacement"
    details = decode_details(state.details)
    return Seen(
        StateType(row.state_type).name,
        row.state_name,
        origin,
        seconds(row.state_scheduled_time, now),
        words_of(details, now) if details is not None else {},
        state.data is not None,
    )


def _parent(connection: Connection) -> Json:
    row = stored(connection, RunKind.TASK_RUN, id_of("parent task run"))
    type_ = StateType(row.state_type).name if row.state_type is not None else None
    return {"type": type_, "name": row.state_name, "run_count": row.run_count}
