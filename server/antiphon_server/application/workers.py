"""Workers: they come, claim what is offered to them, say what became of it, and go."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from antiphon_server.application import rows
from antiphon_server.application.sessions import OpenSession, ResumeSession, end_session
from antiphon_server.application.work_pools import CreateWorkPool
from antiphon_server.domain.errors import AlreadyExists, FailedPrecondition, NotFound, Unavailable
from antiphon_server.domain.model import Run, RunKind
from antiphon_server.domain.sessions import Session, SessionStatus
from antiphon_server.domain.states import PENDING, SCHEDULED, TERMINAL
from antiphon_server.domain.work_pools import DEFAULT_QUEUE
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "worker"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a flow run that somebody acts on."""

    flow_run_id: str
    fencing_token: int


@dataclass(slots=True)
class Coming:
    """Who comes: where it takes from, and what it acts on."""

    #: Empty lets the server draw one.
    name: str
    #: Empty for who serves deployments that are in no pool.
    work_pool_name: str
    #: What the pool must be; empty takes any.
    work_pool_type: str
    #: Makes the pool where it is not there; None where it must be.
    create_work_pool: CreateWorkPool | None
    queue_names: Sequence[str]
    labels: Mapping[str, str]
    client: str
    holds: Sequence[Claim]


@dataclass(slots=True)
class Came:
    """Who came."""

    session: Session
    #: Rows; None for who serves deployments.
    worker_id: str | None
    work_pool_id: str | None
    #: What it said that it holds, and does not.
    lost: list[Claim] = field(default_factory=list)


#: Microseconds for which a worker that was heard may be connected, where another server would know, and after which it
#: may be asked again whether it is.
LATELY, DOUBT = 10_000_000, 500_000


@dataclass(slots=True)
class ComeToWork:
    """A worker attaches. Raises NotFound, AlreadyExists, FailedPrecondition as `WorkService.Work` says."""

    coming: Coming
    session: OpenSession | ResumeSession
    #: Sessions that are attached to this server now.
    attached: frozenset[str]

    def needs(self, needs: Needs) -> None:
        self.session.needs(needs)
        needs.flow_runs.update(claim.flow_run_id for claim in self.coming.holds)

    def apply(self, working_set: WorkingSet) -> Came:
        pool = self._pool(working_set) if self.coming.work_pool_name else None
        known = self._known(working_set, pool) if isinstance(pool, str) else None
        # The last that may be refused: nothing is written before.
        session = self.session.apply(working_set)
        pool_id = pool.apply(working_set) if isinstance(pool, CreateWorkPool) else pool
        worker_id = self._worker(working_set, pool_id, known) if pool_id is not None else None
        lost = [claim for claim in self.coming.holds if not _keeps(working_set, claim, session.id)]
        return Came(session, worker_id, pool_id, lost)

    def _pool(self, working_set: WorkingSet) -> str | CreateWorkPool:
        """The id of the pool, or what makes it, once it was seen to be what the worker asks for."""
        coming, pools, queues = self.coming, tables.work_pools, tables.work_queues
        working_set.flush()
        named = pools.select().where(pools.c.name == coming.work_pool_name)
        pool = working_set.connection.execute(named).one_or_none()
        if pool is not None:
            theirs = select(queues.c.name).where(queues.c.work_pool_id == pool.id)
            self._check_pool(pool.type, set(working_set.connection.execute(theirs).scalars()))
            return str(pool.id)
        if coming.create_work_pool is not None:
            self._check_pool(coming.create_work_pool.values["type"], {DEFAULT_QUEUE})
            return coming.create_work_pool
        raise NotFound(
            "WORK_POOL_NOT_FOUND",
            f"there is no work pool {coming.work_pool_name!r}; make it first: "
            f"antiphon work-pool create {coming.work_pool_name!r}",
        )

    def _check_pool(self, type_: str, queue_names: Collection[str]) -> None:
        coming = self.coming
        if coming.work_pool_type not in ("", type_):
            raise FailedPrecondition(
                "WORK_POOL_TYPE_DIFFERS",
                f"work pool {coming.work_pool_name!r} is of the type {type_!r}, and this worker of "
                f"{coming.work_pool_type!r}; start a worker of the pool's type, or take another pool",
            )
        unknown = next((name for name in coming.queue_names if name not in queue_names), None)
        if unknown is not None:
            raise NotFound(
                "WORK_QUEUE_NOT_FOUND",
                f"work pool {coming.work_pool_name!r} has no work queue {unknown!r}; make it first: "
                f"antiphon work-queue create {unknown!r} --pool {coming.work_pool_name!r}",
            )

    def _known(self, working_set: WorkingSet, pool_id: str) -> Any | None:
        """The worker of this name, a row, once nobody else was seen to be connected by it."""
        workers = tables.workers
        known = workers.select().where(workers.c.work_pool_id == pool_id, workers.c.name == self._name)
        row = working_set.connection.execute(known).one_or_none()
        if row is None:
            return None
        other = self._other(working_set, row)
        if other is None:
            return row
        named = f"a worker {row.name!r} of work pool {self.coming.work_pool_name!r}"
        if other.id in self.attached:
            raise AlreadyExists(
                "WORKER_NAME_TAKEN",
                f"{named} is connected (it says it is {row.client!r}); choose another name, or stop that one",
            )
        if self._may_be_elsewhere(working_set, other):
            # That server knows: it refuses for good, or lets the name go to who comes back after a cut or a crash.
            raise Unavailable(
                "WORKER_NAME_IN_DOUBT",
                f"{named} was heard at another server a moment ago (it says it is {row.client!r}); it is not known yet "
                f"whether it is connected. Ask again, at any server; stop that worker, or choose another name",
                retry_after=DOUBT,
            )
        return row

    def _worker(self, working_set: WorkingSet, pool_id: str, known: Any | None) -> str:
        coming, workers, session_id = self.coming, tables.workers, self.session.session_id
        values = {
            "queue_names": json.dumps(list(coming.queue_names)),
            "labels": json.dumps(dict(coming.labels), sort_keys=True),
            "client": coming.client,
            "session_id": session_id,
        }
        if known is None:
            id = rows.add(working_set, workers, {**values, "work_pool_id": pool_id, "name": self._name})
            working_set.changes.workers[id] = session_id
            return id
        other = self._other(working_set, known)
        if other is not None:
            end_session(working_set, other, SessionStatus.LOST, "a worker of the same name came in its place")
            working_set.touch_session(other)
        rows.change(working_set, workers, known, values)
        working_set.changes.workers[known.id] = session_id
        return str(known.id)

    def _other(self, working_set: WorkingSet, known: Any) -> Session | None:
        """The session that a name came with before: of a process that died and was started again, say."""
        return _active(working_set, known.session_id) if known.session_id != self.session.session_id else None

    def _may_be_elsewhere(self, working_set: WorkingSet, other: Session) -> bool:
        """Whether a session may be attached to another server: that is there, and heard it lately."""
        heard = other.expire_time - self.session.ttl
        if other.server_id in (None, working_set.server_id) or heard < working_set.now - LATELY:
            return False
        servers = tables.servers
        there = select(servers.c.id).where(servers.c.id == other.server_id)
        return working_set.connection.execute(there).one_or_none() is not None

    @property
    def _name(self) -> str:
        return self.coming.name or f"worker-{self.session.session_id[-8:]}"


def _active(working_set: WorkingSet, session_id: str) -> Session | None:
    working_set.load(Needs(sessions={session_id}))
    session = working_set.sessions.get(session_id)
    return session if session is not None and session.status == SessionStatus.ACTIVE else None


def _keeps(working_set: WorkingSet, claim: Claim, session_id: str) -> bool:
    """Whether a claim is still its worker's to act on; one whose run is held by the process that it started is launched
    by this session from now on."""
    run = working_set.run(RunKind.FLOW_RUN, claim.flow_run_id)
    if run is None or run.fencing_token != claim.fencing_token:
        return False
    if run.state_type in TERMINAL:
        return True  # What ran it is about to end.
    if run.state_type == PENDING:
        return run.session_id == session_id
    if run.state_type == SCHEDULED and run.session_id is None:
        return False
    if run.launcher_session_id != session_id:
        run.launcher_session_id = session_id
        working_set.touch(run)
    return True


@dataclass(slots=True)
class DeleteWorker:
    """Forgets one worker that is not there."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.workers, NOUN, self.id, self.etag)
        if _active(working_set, row.session_id) is not None:
            raise FailedPrecondition(
                "WORKER_ONLINE", f"worker {row.name!r} is online; stop it first, or wait until its lease has run out"
            )
        working_set.connection.execute(tables.workers.delete().where(tables.workers.c.id == row.id))
        working_set.changes.workers[row.id] = None


def own_run(working_set: WorkingSet, claim: Claim, session_id: str) -> Run | None:
    """The run of a claim, where that is still the session's: PENDING in its hand, or run by what it started."""
    run = working_set.run(RunKind.FLOW_RUN, claim.flow_run_id)
    if run is None or run.fencing_token != claim.fencing_token or run.state_type in TERMINAL:
        return None
    return run if session_id in (run.session_id, run.launcher_session_id) else None
