"""Rules about times: when a run is due, that it waits for it, and that it is late."""

from antiphon_server.domain.facts import CollisionStrategy, Deployment, Queue
from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.states import (
    ALL,
    CANCELLED,
    PENDING,
    RUNNING,
    SCHEDULED,
    TERMINAL,
)
from policy_rows.row import LATER, NOTHING, NOW, Check, Row, becomes, limit, rows, stays

EVERY, FLOWS, TASKS = "flow late task deferred", "flow late", "task deferred"
AT = {"details": StateDetails(scheduled_time=LATER)}
LATE = {"name": "Late"}


def _schedule_time() -> list[Row]:
    rule, now = "ScheduleTime", becomes(scheduled_time=NOW)
    return [
        *rows(EVERY, rule, "rewrite", None, SCHEDULED, check=now),
        *rows(EVERY, rule, "rewrite", RUNNING, SCHEDULED, said={"force": True}, check=now),
        *rows(EVERY, rule, NOTHING, None, SCHEDULED, said=AT),
    ]


def _keep_scheduled_time() -> list[Row]:
    rule, due = "KeepScheduledTime", {"state_scheduled_time": LATER}
    kept, finer = becomes(scheduled_time=LATER), {"name": "Submitting"}
    other = {"details": StateDetails(scheduled_time=LATER + 1)}
    return [
        *rows(EVERY, rule, "rewrite", SCHEDULED, PENDING, run=due, check=kept),
        *rows(FLOWS, rule, "rewrite", PENDING, PENDING, run=due, said=finer, check=kept),
        *rows(FLOWS, rule, "rewrite", PENDING, PENDING, run=due, said={**finer, **other}, check=kept),
        *rows(EVERY, rule, NOTHING, SCHEDULED, PENDING, run=due, said=other),
        *rows(EVERY, rule, NOTHING, SCHEDULED, PENDING, run=due, said=AT),
        *rows(EVERY, rule, NOTHING, SCHEDULED, PENDING),
    ]


def _wait_for_scheduled_time() -> list[Row]:
    rule, due = "WaitForScheduledTime", {"state_scheduled_time": LATER}
    return [
        *(
            row
            for origin in (SCHEDULED, PENDING)
            for row in rows(EVERY, rule, "wait", origin, RUNNING, run=due, check=_until(LATER))
        ),
        *rows(EVERY, rule, NOTHING, SCHEDULED, RUNNING, run={"state_scheduled_time": NOW}),
        *rows(EVERY, rule, NOTHING, SCHEDULED, RUNNING),
    ]


def _until(time: int) -> Check:
    return lambda it: (it.wait_until, it.wait_for, it.state) == (time, (), None)


def _late_was_scheduled() -> list[Row]:
    rule = "LateWasScheduled"
    others = sorted(ALL - TERMINAL - {SCHEDULED})
    return [
        *(
            row
            for origin in others
            for row in rows(FLOWS, rule, "reject", origin, SCHEDULED, said=LATE, check=stays)
            if origin.name != "CANCELLING"  # Which is not left for SCHEDULED at all.
        ),
        *(
            row
            for end in sorted(TERMINAL)
            for row in rows(FLOWS, rule, "reject", end, SCHEDULED, run={"deployment_id": "d"}, said=LATE)
        ),
        *rows(FLOWS, rule, "reject", SCHEDULED, SCHEDULED, run={"state_name": "Late"}, said=LATE),
        *rows(FLOWS, rule, NOTHING, SCHEDULED, SCHEDULED, said=LATE),
        *rows(FLOWS, rule, NOTHING, RUNNING, SCHEDULED),
    ]


def _cancel_new_when_late() -> list[Row]:
    rule, full = "CancelNewWhenLate", (limit("deployment:d", taken=1),)
    cancels = Deployment("d", "nightly", collision_strategy=CollisionStrategy.CANCEL_NEW)
    queues = Deployment("d", "nightly")
    cancelled = becomes(type=CANCELLED, name="Cancelled")

    def asked(word: str, check: Check | None = None, run: dict[str, str] | None = None, **facts: object) -> list[Row]:
        said = LATE if facts.pop("late", True) else {}
        return rows("late", rule, word, SCHEDULED, SCHEDULED, run=run, said=said, check=check, **facts)

    return [
        *asked("reject", cancelled, deployment=cancels, limits=full),
        *asked(NOTHING, deployment=queues, limits=full),
        *asked(NOTHING, deployment=cancels, limits=(limit("deployment:d"),)),
        *asked(NOTHING, deployment=cancels, limits=(limit("deployment:d", taken=1, held=True),)),
        *asked(NOTHING, limits=full),
        *asked(NOTHING, deployment=cancels, limits=full, late=False),
        *asked(NOTHING, run={"state_name": "Late"}, deployment=cancels, limits=full),
    ]


def _deployment_exists() -> list[Row]:
    rule, deployed = "DeploymentExists", {"deployment_id": "d"}
    return [
        *rows(FLOWS, rule, "abort", SCHEDULED, PENDING, run=deployed, check=lambda it: "d was deleted" in it.reason),
        *rows(FLOWS, rule, NOTHING, SCHEDULED, PENDING, run=deployed, deployment=Deployment("d", "nightly")),
        *rows(FLOWS, rule, NOTHING, SCHEDULED, PENDING),
    ]


def _open_for_work() -> list[Row]:
    rule, claim = "OpenForWork", {"claim": True}
    paused, open_ = Deployment("d", "nightly", paused=True), Deployment("d", "nightly")
    made = {"deployment_id": "d", "auto_scheduled": True}
    by_hand = {"deployment_id": "d"}

    def asked(word: str, names: str = "", run: dict[str, object] = made, **facts: object) -> list[Row]:
        said = claim if facts.pop("claim", True) else {}
        check: Check | None = (lambda it: it.state is None and names in it.reason) if names else None
        return rows(FLOWS, rule, word, SCHEDULED, PENDING, run=run, said=said, check=check, **facts)

    return [
        *asked("reject", "deployment 'nightly'", deployment=paused),
        *asked("reject", "work pool 'pool'", deployment=open_, queue=Queue("queue", "pool", pool_paused=True)),
        *asked(
            "reject", "work queue 'queue'", run=by_hand, deployment=paused, queue=Queue("queue", "pool", paused=True)
        ),
        *asked(NOTHING, run=by_hand, deployment=paused),
        *asked(NOTHING, deployment=open_, queue=Queue("queue", "pool")),
        *asked(NOTHING, deployment=paused, queue=Queue("queue", "pool", paused=True), claim=False),
    ]


ROWS = [
    *_schedule_time(),
    *_keep_scheduled_time(),
    *_wait_for_scheduled_time(),
    *_late_was_scheduled(),
    *_cancel_new_when_late(),
    *_deployment_exists(),
    *_open_for_work(),
]
