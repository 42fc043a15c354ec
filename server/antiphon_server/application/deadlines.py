"""What the server decides when nobody else does: overdue claims and cancellations, expired slots, late runs."""

from dataclasses import dataclass

from sqlalchemy import func, select
from uuid_utils import uuid7

from antiphon_server.application import transitions
from antiphon_server.application.leasing import reclaim
from antiphon_server.domain.deadlines import KILL, overdue
from antiphon_server.domain.decision import Tell, TellHolder
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.rules import MARK_LATE_POLICY
from antiphon_server.domain.rules.late_was_scheduled import LATE
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.states import CANCELLING, DEFAULT_NAMES, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Runs that are decided in one transaction, so that no verdict waits long for it.
MOST = 100
#: Microseconds after its time at which a scheduled run is late.
LATE_AFTER = 15_000_000


@dataclass(slots=True)
class ExpireDeadlines:
    """Decides on runs whose deadline had passed at the time `at`. The answer says whether there may be more of them."""

    at: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        working_set.flush()
        more = False
        for kind, table in tables.RUNS.items():
            query = select(table.c.id).where(table.c.deadline_time <= self.at).order_by(table.c.deadline_time)
            ids = working_set.connection.execute(query.limit(MOST)).scalars().all()
            working_set.load_runs(kind, set(ids))
            for id in ids:
                run = working_set.run(kind, id)
                # An earlier one of this round may have moved it.
                if run is not None and run.deadline_time is not None and run.deadline_time <= self.at:
                    self._decide(working_set, run)
            more |= len(ids) == MOST
        return more

    def _decide(self, working_set: WorkingSet, run: Run) -> None:
        if run.state_type == CANCELLING and _kill(working_set, run):
            return
        proposal = overdue(run, str(uuid7()), working_set.now)
        if proposal is None:
            run.deadline_time = None
            working_set.touch(run)
            return
        transitions.propose(working_set, proposal)


def _kill(working_set: WorkingSet, run: Run) -> bool:
    """Has what the run runs on killed by the session that claimed it, once and where it can."""
    launcher = run.launcher_session_id
    if launcher is None or not run.infrastructure_pid:
        return False
    working_set.load(Needs(sessions={launcher}))
    session = working_set.sessions.get(launcher)
    if session is None or session.status != SessionStatus.ACTIVE:
        return False
    told = TellHolder(launcher, Tell.KILL, "the flow run did not confirm in time that it stopped")
    transitions.tell_holder(working_set, run.kind, run.id, told, infrastructure_pid=run.infrastructure_pid)
    run.launcher_session_id = None
    run.deadline_time = working_set.now + KILL
    working_set.touch(run)
    return True


@dataclass(slots=True)
class ReclaimSlots:
    """Frees slots, and ends leases, whose time is over. The answer is when the next ones' will be; None where none have
    a time."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> int | None:
        working_set.flush()
        reclaim(working_set)
        working_set.flush()
        slot: int | None = working_set.connection.execute(select(func.min(tables.slots.c.expire_time))).scalar_one()
        return min((due for due in (slot, working_set.leases.soonest()) if due is not None), default=None)


@dataclass(slots=True)
class MarkLateRuns:
    """Marks runs that somebody should have claimed by the time `at`. The answer says whether there may be more."""

    at: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        working_set.flush()
        runs = tables.flow_runs.c
        query = select(runs.id).where(
            runs.next_scheduled_start_time < self.at - LATE_AFTER,
            runs.state_type == SCHEDULED,
            runs.state_name == DEFAULT_NAMES[SCHEDULED],
            runs.deployment_id.is_not(None),
            # What a session holds waits for its own time, and nobody else is meant to claim it.
            runs.session_id.is_(None),
        )
        ids = working_set.connection.execute(query.limit(MOST)).scalars().all()
        working_set.load(Needs(flow_runs=set(ids), limited_flow_runs=set(ids)))
        for id in ids:
            run = working_set.run(RunKind.FLOW_RUN, id)
            if run is not None:
                transitions.propose(working_set, _late(run), MARK_LATE_POLICY)
        return len(ids) == MOST


def _late(run: Run) -> Proposal:
    details = StateDetails(scheduled_time=run.state_scheduled_time)
    return Proposal(str(uuid7()), run.kind, run.id, State(SCHEDULED, LATE, "nobody has claimed it in time", details))
