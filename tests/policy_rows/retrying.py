"""Rules about retries, and what a run that runs once more is called."""

from antiphon_server.domain.decision import KeepSlots, Remember
from antiphon_server.domain.model import RetryPolicy, RetryType, StateDetails
from antiphon_server.domain.rules.retry_failed import SLOT_LEASE
from antiphon_server.domain.states import COMPLETED, CRASHED, FAILED, PAUSED, PENDING, RUNNING, SCHEDULED
from policy_rows.row import NOTHING, NOW, SECOND, Row, becomes, effects, rows, run_in

EVERY, FLOWS, TASKS = "flow late task deferred", "flow late", "task deferred"
RETRIES = RetryPolicy(2, (3 * SECOND, 5 * SECOND))


def _retry_failed() -> list[Row]:
    rule = "RetryFailed"
    due = NOW + 3 * SECOND
    error = {"message": "boom", "data": b"error"}
    first, second, spent = ({"run_count": count, "retry_policy": RETRIES} for count in (1, 2, 3))
    awaiting = {"type": SCHEDULED, "name": "AwaitingRetry", "message": "boom", "data": b"error", "scheduled_time": due}
    at_once = {"run_count": 1, "retry_policy": RetryPolicy(1)}
    held = {**first, "details": StateDetails(deferred=True, task_parameters_id="p")}
    carried = StateDetails(scheduled_time=due, deferred=True, task_parameters_id="p")
    never = {"details": StateDetails(retriable=False)}
    forgotten = effects(Remember(resuming=False, retry_type=None, pause_keys=("key",)))
    kept = effects(Remember(False, RetryType.IN_PROCESS, ()), KeepSlots(due + SLOT_LEASE))
    retried = {**spent, "retry_type": RetryType.IN_PROCESS, "pause_keys": ("key",)}
    return [
        *rows(EVERY, rule, "reject", RUNNING, FAILED, run=first, said=error, check=becomes(**awaiting)),
        *rows(EVERY, rule, "reject", RUNNING, FAILED, run=second, check=becomes(scheduled_time=NOW + 5 * SECOND)),
        *rows(EVERY, rule, "reject", RUNNING, FAILED, run=at_once, check=becomes(scheduled_time=NOW)),
        *rows(FLOWS, rule, "reject", RUNNING, FAILED, run=first, check=kept),
        *rows(TASKS, rule, "reject", RUNNING, FAILED, run=first, check=effects()),
        *rows("deferred", rule, "reject", RUNNING, FAILED, run=held, check=becomes(details=carried)),
        *rows(FLOWS, rule, "rewrite", RUNNING, FAILED, run=retried, check=forgotten),
        *rows(FLOWS, rule, "rewrite", RUNNING, FAILED, run={**first, "resuming": True}, said=never),
        *rows(EVERY, rule, NOTHING, RUNNING, FAILED, run=spent),
        *rows(EVERY, rule, NOTHING, RUNNING, FAILED, run=first, said=never),
        *rows(EVERY, rule, NOTHING, RUNNING, FAILED),
    ]


def _name_rerun() -> list[Row]:
    rule, retrying, rerunning = "NameRerun", becomes(name="Retrying"), becomes(name="Rerunning")
    ran = {"run_count": 1, "flow_run_run_count": 1}
    awaiting = {**ran, "state_name": "AwaitingRetry"}
    same, later = (run_in(RUNNING, run_count=count) for count in (1, 2))
    return [
        *rows(TASKS, rule, "rewrite", SCHEDULED, RUNNING, run=awaiting, check=retrying),
        *(row for end in (FAILED, CRASHED) for row in _after(end, later, "rewrite")),
        *(row for end in (FAILED, CRASHED) for row in _after(end, same, NOTHING)),
        *(
            row
            for origin in (PENDING, RUNNING, PAUSED)
            for row in rows(TASKS, rule, "rewrite", origin, RUNNING, run=ran, check=rerunning)
        ),
        *rows(TASKS, rule, NOTHING, SCHEDULED, RUNNING, run=awaiting, said={"name": "Retrying"}),
        *rows(TASKS, rule, NOTHING, COMPLETED, RUNNING, run=ran),
        *rows(TASKS, rule, NOTHING, PENDING, RUNNING, flow_run=same),
    ]


def _after(end: object, flow_run: object, word: str) -> list[Row]:
    run = {"run_count": 1, "flow_run_run_count": 1}
    check = becomes(name="Retrying") if word != NOTHING else None
    return rows(TASKS, "NameRerun", word, end, RUNNING, run=run, check=check, flow_run=flow_run)  # type: ignore[arg-type]


ROWS = [*_retry_failed(), *_name_rerun()]
