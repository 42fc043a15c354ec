"""Rules that protect a proposer, a holder, or a result, and that not even force passes by (or not in all)."""

from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.states import (
    ALL,
    CANCELLED,
    CANCELLING,
    COMPLETED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    TERMINAL,
)
from policy_rows.row import NOTHING, Check, Row, rows, stays

EVERY = "flow late task deferred"
TASKS = "task deferred"


def _expected_state() -> list[Row]:
    wrong, right = {"expected_state_id": "another"}, {"expected_state_id": "held"}
    rule = "ExpectedState"
    return [
        *rows(EVERY, rule, "abort", RUNNING, COMPLETED, said=wrong, check=lambda it: "but held holds" in it.reason),
        *rows(EVERY, rule, "abort", RUNNING, COMPLETED, said={**wrong, "force": True}),
        *rows(EVERY, rule, "abort", None, RUNNING, said=wrong, check=lambda it: "no state" in it.reason),
        *rows(EVERY, rule, NOTHING, RUNNING, COMPLETED, said=right),
        *rows(EVERY, rule, NOTHING, RUNNING, COMPLETED),
    ]


def _fenced_out() -> list[Row]:
    late, in_time = {"fencing_token": 1}, {"fencing_token": 2}
    run, rule = {"fencing_token": 2}, "FencedOut"
    return [
        *rows(EVERY, rule, "abort", PENDING, RUNNING, run=run, said=late, check=lambda it: "claim 1" in it.reason),
        *rows(EVERY, rule, "abort", RUNNING, COMPLETED, run=run, said={**late, "force": True}),
        *rows(EVERY, rule, "abort", PENDING, RUNNING, run=run, said={"fencing_token": 3}),
        *rows(EVERY, rule, NOTHING, PENDING, RUNNING, run=run, said=in_time),
        *rows(EVERY, rule, NOTHING, PENDING, RUNNING, run=run),
    ]


def _ended_while_waiting() -> list[Row]:
    rule = "EndedWhileWaiting"
    found = [
        row
        for end in sorted(TERMINAL)
        for force in (False, True)
        for row in rows(
            EVERY, rule, "abort", end, RUNNING, run={"session_id": None}, said={"force": force}, waited=True
        )
    ]
    return [*found, *rows(EVERY, rule, NOTHING, CANCELLED, RUNNING)]


def _held_by_session() -> list[Row]:
    rule, stranger = "HeldBySession", {"session_id": "stranger"}
    claim, run = {"session_id": "stranger", "fencing_token": 2}, {"fencing_token": 2}
    found = [
        row
        for by in ("stranger", None)
        for target in sorted(ALL - {CANCELLING, PAUSED})
        for row in rows(EVERY, rule, "abort", RUNNING, target, said={"session_id": by})
    ]
    return [
        *found,
        *rows(
            "task", rule, "abort", RUNNING, CANCELLING, said=stranger, check=lambda it: "session holder" in it.reason
        ),
        *rows(EVERY, rule, NOTHING, RUNNING, COMPLETED),
        *rows(EVERY, rule, NOTHING, RUNNING, COMPLETED, said={**stranger, "force": True}),
        *rows(EVERY, rule, NOTHING, RUNNING, COMPLETED, run={"session_id": None}, said=stranger),
        # Who was handed the claim goes on with it, as long as it is only claimed.
        *rows(EVERY, rule, NOTHING, PENDING, RUNNING, run=run, said=claim),
        *rows(EVERY, rule, "abort", RUNNING, COMPLETED, run=run, said=claim),
    ]


def _keep_result() -> list[Row]:
    rule, kept = "KeepResult", {"state_has_data": True}
    guarded = [
        row
        for target in (SCHEDULED, PENDING, RUNNING)
        for row in rows(EVERY, rule, "reject", COMPLETED, target, run=kept, check=stays)
    ]
    return [
        *guarded,
        *(row for end in (FAILED, CANCELLED) for row in rows(TASKS, rule, "reject", COMPLETED, end, run=kept)),
        *rows(EVERY, rule, "reject", COMPLETED, COMPLETED, run=kept),
        *rows("flow late", rule, "reject", COMPLETED, COMPLETED, run=kept, said={"force": True}),
        *rows(EVERY, rule, NOTHING, COMPLETED, COMPLETED, run=kept, said={"data": b"new"}),
        *rows(EVERY, rule, NOTHING, COMPLETED, RUNNING),
    ]


def _keep_parameters() -> list[Row]:
    from_claim = {"details": _held("kept")}
    rule = "KeepParameters"
    return [
        *(
            row
            for origin, target in ((SCHEDULED, PENDING), (PENDING, RUNNING), (SCHEDULED, RUNNING))
            for row in rows("deferred", rule, "rewrite", origin, target, run=from_claim, check=_parameters("kept"))
        ),
        *rows("deferred", rule, NOTHING, PENDING, RUNNING, run=from_claim, said={"details": _held("others")}),
        *rows("deferred", rule, NOTHING, PENDING, RUNNING),
    ]


def _held(id: str) -> StateDetails:
    return StateDetails(deferred=True, task_parameters_id=id)


def _parameters(id: str) -> Check:
    return lambda it: it.state is not None and it.state.details == _held(id)


ROWS = [
    *_expected_state(),
    *_fenced_out(),
    *_ended_while_waiting(),
    *_held_by_session(),
    *_keep_result(),
    *_keep_parameters(),
]
