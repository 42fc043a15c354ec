"""Rules about pauses: taking one, and leaving it."""

from antiphon_server.domain.decision import Remember
from antiphon_server.domain.facts import Deployment
from antiphon_server.domain.model import RetryType, StateDetails
from antiphon_server.domain.states import (
    ALL,
    CANCELLING,
    COMPLETED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
)
from policy_rows.row import LATER, NOW, SECOND, Check, Row, becomes, effects, rows, stays

FLOWS = "flow late"
DEPLOYMENT = Deployment("d", "nightly")


def _pause_once() -> list[Row]:
    rule, key = "PauseOnce", {"details": StateDetails(pause_key="key")}
    suspend = {"details": StateDetails(pause_key="key", pause_reschedule=True)}
    before = {"pause_keys": ("first",), "retry_type": RetryType.IN_PROCESS, "resuming": True}

    def keys(*names: str) -> Check:
        return effects(Remember(True, RetryType.IN_PROCESS, names))

    return [
        *rows(FLOWS, rule, "rewrite", RUNNING, PAUSED, run=before, said=key, check=keys("first", "key")),
        *rows(FLOWS, rule, "rewrite", RUNNING, PAUSED, run=before, check=keys("first", "transition")),
        *rows(FLOWS, rule, "rewrite", RUNNING, PAUSED, said=suspend, deployment=DEPLOYMENT),
        *rows(FLOWS, rule, "reject", RUNNING, PAUSED, run={"pause_keys": ("key", "b")}, said=key, check=stays),
        *rows(
            FLOWS, rule, "abort", RUNNING, PAUSED, said=suspend, check=lambda it: "without a deployment" in it.reason
        ),
        *rows(
            FLOWS,
            rule,
            "abort",
            RUNNING,
            PAUSED,
            run={"parent_task_run_id": "parent"},
            said=suspend,
            deployment=DEPLOYMENT,
            check=lambda it: "subflow" in it.reason,
        ),
    ]


def _leave_pause() -> list[Row]:
    rule = "LeavePause"
    over, open_ = StateDetails(pause_expire_time=NOW - SECOND), StateDetails(pause_expire_time=LATER)
    suspended = {"details": StateDetails(pause_reschedule=True), "deployment_id": "d"}
    held = {"pause_keys": ("key",), "retry_type": RetryType.RESCHEDULE}
    failed = becomes(type=FAILED, name="Failed")

    def goes_on(resuming: bool) -> Check:
        return effects(Remember(resuming, RetryType.RESCHEDULE, ("key",)))

    return [
        *rows(FLOWS, rule, "rewrite", PAUSED, RUNNING, run=held, check=goes_on(False)),
        *(
            row
            for target in sorted(ALL - {PAUSED, PENDING, RUNNING})
            for row in rows(FLOWS, rule, "rewrite", PAUSED, target, run=held, check=goes_on(True))
        ),
        *rows(FLOWS, rule, "rewrite", PAUSED, RUNNING, run={"details": open_}),
        *(
            row
            for target in (RUNNING, SCHEDULED, COMPLETED)
            for row in rows(FLOWS, rule, "reject", PAUSED, target, run={"details": over}, check=failed)
        ),
        # Being over its time is no reason not to be cancelled.
        *rows(FLOWS, rule, "rewrite", PAUSED, CANCELLING, run={"details": over}),
        *rows(FLOWS, rule, "rewrite", PAUSED, SCHEDULED, run=suspended, deployment=DEPLOYMENT),
        *rows(FLOWS, rule, "reject", PAUSED, SCHEDULED, run=suspended, check=stays),
    ]


ROWS = [*_pause_once(), *_leave_pause()]
