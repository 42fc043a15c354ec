"""Rules about which moves are lawful, and what becomes of a run that moves on from an end or is asked to stop."""

from dataclasses import replace

from antiphon_server.domain.decision import Remember, Restart
from antiphon_server.domain.model import RetryType, StateDetails
from antiphon_server.domain.states import (
    ALL,
    CANCELLED,
    CANCELLING,
    COMPLETED,
    DEFERRED_TASK_RUN_UNLAWFUL,
    FAILED,
    FLOW_RUN_UNLAWFUL,
    LIVE,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    TASK_RUN_UNLAWFUL,
    TERMINAL,
)
from policy_rows.row import NOTHING, Check, Row, becomes, effects, rows, run_in, stays

FLOWS, TASKS = "flow late", "task deferred"
TABLES = {"flow": FLOW_RUN_UNLAWFUL, "task": TASK_RUN_UNLAWFUL, "deferred": DEFERRED_TASK_RUN_UNLAWFUL}
NOBODY = {"session_id": None}


def _lawful_move() -> list[Row]:
    found = [
        row
        for policy, table in TABLES.items()
        for (origin, target), verdict in table.items()
        for row in rows(policy, "LawfulMove", verdict.name.lower(), origin, target, check=stays)
    ]
    lawful = rows("flow late task deferred", "LawfulMove", NOTHING, PENDING, RUNNING)
    return [*found, *lawful, *rows("late", "LawfulMove", "abort", RUNNING, PENDING)]


def _rerun_after_end() -> list[Row]:
    rule, deployed = "RerunAfterEnd", {"deployment_id": "d", "pause_keys": ("used",)}
    again = effects(Remember(resuming=False, retry_type=None, pause_keys=()))
    scheduled = effects(Remember(resuming=False, retry_type=RetryType.RESCHEDULE, pause_keys=()))
    return [
        *(row for end in sorted(TERMINAL) for row in rows(FLOWS, rule, "abort", end, SCHEDULED, check=stays)),
        *(
            row
            for end in sorted(TERMINAL)
            for row in rows(FLOWS, rule, "rewrite", end, SCHEDULED, run=deployed, check=scheduled)
        ),
        *(row for end in sorted(TERMINAL) for row in rows(FLOWS, rule, "rewrite", end, RUNNING, check=again)),
    ]


def _restart_after_end() -> list[Row]:
    return [
        row
        for end in sorted(TERMINAL)
        for target in sorted(LIVE - {PAUSED, CANCELLING})
        for row in rows(TASKS, "RestartAfterEnd", "rewrite", end, target, check=effects(Restart()))
        # Who was cancelled is not claimed again.
        if not (row.policy == "deferred" and (end, target) == (CANCELLED, PENDING))
    ]


def _cancel_at_once() -> list[Row]:
    rule, some = "CancelAtOnce", f"{FLOWS} deferred"
    suspended = {"details": StateDetails(pause_reschedule=True), **NOBODY}
    asked, enough = {"message": "enough"}, becomes(type=CANCELLED, name="Cancelled", message="enough")
    forced = {"force": True, **NOBODY}
    started = {"infrastructure_pid": "pid"}
    resuming = {**started, "state_name": "Resuming", **NOBODY}
    return [
        *rows(some, rule, "reject", SCHEDULED, CANCELLING, run=NOBODY, said={**asked, **NOBODY}, check=enough),
        *rows(some, rule, "reject", SCHEDULED, CANCELLING, run=NOBODY, said=forced, check=becomes(type=CANCELLED)),
        *rows(some, rule, "reject", None, CANCELLING, run=NOBODY, said={**asked, **NOBODY}, check=enough),
        *rows(FLOWS, rule, "reject", SCHEDULED, CANCELLING, run=resuming, said=NOBODY),
        *rows(FLOWS, rule, "reject", PAUSED, CANCELLING, run=suspended, said=NOBODY),
        *rows(some, rule, NOTHING, PAUSED, CANCELLING, run=NOBODY, said=NOBODY),
        *rows(FLOWS, rule, NOTHING, SCHEDULED, CANCELLING, run={**started, **NOBODY}, said=NOBODY),
        *rows(FLOWS, rule, NOTHING, None, CANCELLING, run={**started, **NOBODY}, said=NOBODY),
        *rows(some, rule, NOTHING, SCHEDULED, CANCELLING, said=NOBODY),
    ]


def _distinct_pending() -> list[Row]:
    rule, finer = "DistinctPending", {"name": "Submitting"}
    some = f"{FLOWS} deferred"
    return [
        *rows(some, rule, "abort", PENDING, PENDING, check=stays),
        *rows(some, rule, "abort", PENDING, PENDING, run={"state_name": "Submitting"}),
        *rows(some, rule, "abort", PENDING, PENDING, run={"state_name": "Submitting"}, said=finer),
        *rows(some, rule, NOTHING, PENDING, PENDING, said=finer),
    ]


def _flow_is_running() -> list[Row]:
    rule = "FlowIsRunning"
    found = [
        row
        for state in (None, *sorted(ALL - {RUNNING, PAUSED}))
        for row in rows("task", rule, "abort", PENDING, RUNNING, flow_run=run_in(state), check=_names(state))
    ]
    pause = StateDetails(pause_expire_time=7, pause_reschedule=True, pause_key="key")
    paused = run_in(PAUSED, details=pause)
    put_off = becomes(type=PAUSED, name="NotReady", details=replace(pause, pause_key=""))
    return [
        *found,
        *rows("task", rule, "reject", PENDING, RUNNING, flow_run=paused, check=put_off),
        *rows("task", rule, "abort", COMPLETED, RUNNING, flow_run=run_in(FAILED)),
        *rows("task", rule, NOTHING, PENDING, RUNNING, flow_run=run_in(RUNNING)),
        *rows("task", rule, NOTHING, PENDING, RUNNING),
    ]


def _names(state: object) -> Check:
    held = "no state" if state is None else getattr(state, "name", "")
    return lambda it: it.state is None and it.reason.endswith(held)


ROWS = [
    *_lawful_move(),
    *_rerun_after_end(),
    *_restart_after_end(),
    *_cancel_at_once(),
    *_distinct_pending(),
    *_flow_is_running(),
]
