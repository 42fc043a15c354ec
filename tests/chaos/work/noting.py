"""Has this process's sessions and flows note what they propose, are told, and run."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from antiphon.concurrency import slots
from antiphon.concurrency.leases import Lease
from antiphon.runtime import flow_run, task_run
from antiphon.session.core import SessionCore
from antiphon.session.registry import get_session
from antiphon.session.ticket import Ticket
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal, Verdict
from chaos.work.program import journal

#: The lease that this thread was given last.
_given = threading.local()


def note_sessions() -> None:
    """From now on each frame is noted before it is submitted, and each final answer when it comes."""
    submit = SessionCore.submit

    def noting(core: SessionCore, bodies: Iterable[Any]) -> list[Ticket]:
        wanted = list(bodies)
        for body in wanted:
            if isinstance(body, Proposal):
                note_proposal(body)
        tickets = submit(core, wanted)
        for ticket in tickets:
            ticket.add_done_callback(_answered)
        return tickets

    SessionCore.submit = noting  # type: ignore[assignment, method-assign]


def note_leases() -> None:
    """From now on it is noted until when slots are leased, by the server's clock, each time that it says so."""
    once, renewed, keep = slots._once, Lease._renewed, Lease.keep

    def acquiring(request: Any, wait: float) -> Any:
        answer = yield from once(request, wait)
        _note_lease(answer.lease)
        return answer

    def renewing(lease: Lease, asked: float, answer: Any) -> None:
        if lease._problem(answer) is None:
            _note_lease(answer.result().lease)
        renewed(lease, asked, answer)

    def keeping(lease: Lease) -> None:
        _given.lease = lease.id
        keep(lease)

    slots._once = acquiring
    Lease._renewed, Lease.keep = renewing, keeping  # type: ignore[assignment, method-assign]


def _note_lease(lease: Any) -> None:
    journal.note("leased", lease=lease.id, expires=lease.expire_time.ToMicroseconds())


def note_proposal(proposal: Proposal) -> None:
    journal.note(
        "proposed",
        id=proposal.transition_id,
        run=proposal.flow_run_id or proposal.task_run_id,
        type=proposal.state.type,
        name=proposal.state.name,
        expected=proposal.expected_state_id,
        token=proposal.fencing_token,
    )


def note_verdict(verdict: Verdict) -> None:
    state = verdict.state
    journal.note(
        "verdict",
        id=verdict.transition_id,
        kind=verdict.kind,
        state=state.id,
        type=state.type,
        name=state.name,
        run_count=verdict.run_count,
        token=verdict.fencing_token,
    )


def _answered(ticket: Ticket) -> None:
    body = ticket.body
    try:
        answer = ticket.result(0)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what became of the frame
        id = body.transition_id if isinstance(body, Proposal) else getattr(body, "id", "")
        journal.note("refused", id=id, error=type(error).__name__, reason=getattr(error, "reason", ""))
        return
    if answer is not None:
        note_verdict(answer)
    elif isinstance(body, FlowRun | TaskRun):
        journal.note("created", run=body.id, kind="flow_run" if isinstance(body, FlowRun) else "task_run")


@contextmanager
def executing(kind: str, limits: tuple[str, ...] = ()) -> Iterator[None]:
    """Around the code of a run: that it was called, for which attempt, under which limits."""
    run, attempt = (task_run.id, task_run.run_count) if kind == "task_run" else (flow_run.id, flow_run.run_count)
    facts: dict[str, Any] = {"run": run, "attempt": attempt, "limits": limits}
    journal.note("begin", kind=kind, wall=_wall(), **facts)
    try:
        yield
    except BaseException as error:
        journal.note("end", kind=kind, wall=_wall(), error=type(error).__name__, **facts)
        raise
    journal.note("end", kind=kind, wall=_wall(), error="", **facts)


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Inside `with concurrency(name)`: that its slot is held, by which lease and in which session."""
    facts: dict[str, Any] = {"limit": name, "lease": _given.lease}
    journal.note("holds", wall=_wall(), session=get_session().session_id, **facts)
    yield
    journal.note("lets-go", wall=_wall(), **facts)


def _wall() -> int:
    return time.time_ns() // 1000
