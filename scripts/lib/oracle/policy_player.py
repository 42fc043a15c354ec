"""Plays cases through `decide()` alone: facts made from the words of the case, no database anywhere."""

from copy import copy

from antiphon_server.domain import limit_names
from antiphon_server.domain.bookkeeping import enter, remember
from antiphon_server.domain.decision import Decision, Remember, Restart
from antiphon_server.domain.facts import Cached, CollisionStrategy, Deployment, Facts, Limit
from antiphon_server.domain.model import NO_DETAILS, Proposal, RetryType, Run, RunKind, State
from antiphon_server.domain.policy import Policy, decide
from antiphon_server.domain.rules import MARK_LATE_POLICY, policy_of
from antiphon_server.domain.states import VerdictKind
from oracle.cases import Case, Json
from oracle.names import NOW, id_of, micros, moment, proposal_of, retry_policy_of, seconds, state_id, state_of, words_of
from oracle.outcome import COLUMNS, Outcome, Seen
from oracle.world import ENTERED, holds_slot, tag_of


class PolicyPlayer:
    """Knows no slots, parents or cache entries: those are the application's to write."""

    name = "decide()"

    def close(self) -> None: ...

    def play(self, case: Case) -> Outcome:
        run = run_of(case)
        proposal = proposal_of(run.kind, run.id, case.proposed, case.forced, NOW, "proposed")
        before = copy(run)
        if proposal.transition_id == run.state_id:
            # What was decided once never comes to decide() again.
            return _outcome(run, before, "ERROR TRANSITION_ID_REUSED", None)
        policy = _policy(case, proposal)
        facts = facts_of(case, run)
        decision = decide(policy, facts, proposal, NOW)
        if decision.state is not None:
            _enter(facts, decision.state, decision)
        return _outcome(run, before, decision.verdict.name, decision)


def _policy(case: Case, proposal: Proposal) -> Policy:
    return MARK_LATE_POLICY if case.context.get("policy") == "mark_late" else policy_of(proposal)


def run_of(case: Case) -> Run:
    context, flow = case.context, case.kind == "flow_run"
    run = Run(
        id_of("run"),
        run_count=context.get("run_count", 0),
        start_time=moment(context.get("start_time_s"), NOW),
        end_time=moment(context.get("end_time_s"), NOW),
        expected_start_time=moment(context.get("expected_start_time_s"), NOW),
        next_scheduled_start_time=moment(context.get("next_scheduled_start_time_s"), NOW),
        total_run_time=micros(context.get("total_run_time_s", 0)),
        retry_policy=retry_policy_of(context),
        kind=RunKind.FLOW_RUN if flow else RunKind.TASK_RUN,
    )
    if case.initial is not None:
        _put(run, state_of(case.initial, state_id(case.initial, "initial"), NOW))
    if flow:
        run.deployment_id = id_of("deployment") if case.deployment is not None else None
        run.parent_task_run_id = id_of("parent task run") if "subflow" in context else None
        run.infrastructure_pid = context.get("infrastructure_pid") or ""
        run.auto_scheduled = bool(context.get("auto_scheduled"))
        run.resuming = bool(context.get("resuming"))
        run.retry_type = RetryType(context["retry_type"]) if context.get("retry_type") else None
        run.pause_keys = tuple(context.get("pause_keys", []))
    else:
        run.flow_run_run_count = context.get("flow_run_run_count", 0)
    return run


def _put(run: Run, state: State) -> None:
    run.state_id, run.state_type, run.state_name = state.id, state.type, state.name
    run.state_time, run.state_scheduled_time = NOW + micros(ENTERED), state.scheduled_time
    run.state_has_data, run.details = state.data is not None, state.details or NO_DETAILS


def facts_of(case: Case, run: Run) -> Facts:
    facts = Facts(run)
    if case.kind == "flow_run":
        if case.deployment is not None and case.deployment.get("exists", True):
            strategy = CollisionStrategy[case.deployment.get("collision_strategy") or "ENQUEUE"]
            facts.deployment = Deployment(id_of("deployment"), "deployment", collision_strategy=strategy)
        facts.limits = _deployment_limit(case)
        return facts
    parent = case.context.get("parent_flow_run")
    if parent is not None:
        facts.flow_run = Run(id_of("parent flow run"), run_count=parent.get("run_count", 1))
        if parent.get("type"):
            _put(facts.flow_run, state_of(parent, id_of("parent flow state"), NOW))
    limits = sorted(map(_tag_limit, case.context.get("tag_limits", [])), key=lambda limit: limit.name)
    facts.limits = tuple(limits)
    facts.cached = _cached(case)
    return facts


def _deployment_limit(case: Case) -> tuple[Limit, ...]:
    words = case.deployment or {}
    if words.get("concurrency_limit") is None:
        return ()
    taken = words.get("active_slots", 0)
    name = limit_names.of_deployment(id_of("deployment"))
    held = taken > 0 and holds_slot(case)
    return (Limit(name, name, words["concurrency_limit"], words.get("limit_enabled", True), taken, held),)


def _tag_limit(words: Json) -> Limit:
    name = limit_names.of_tag(tag_of(words))
    return Limit(
        name,
        name,
        words["limit"],
        words.get("enabled", True),
        words.get("active", 0),
        bool(words.get("held_by_this_run")),
        micros(words.get("avg_slot_occupancy_s", 2)),
    )


def _cached(case: Case) -> Cached | None:
    good = [
        entry
        for entry in case.context.get("cache_entries", [])
        if entry["key"] == case.details.get("cache_key")
        and (entry.get("expiration_s") is None or entry["expiration_s"] > 0)
    ]
    if not good:
        return None
    newest = max(good, key=lambda entry: float(entry.get("created_s", -300)))
    return Cached(state_of(newest["state"], id_of("cached"), NOW), moment(newest.get("expiration_s"), NOW))


def _enter(facts: Facts, state: State, decision: Decision) -> None:
    if Restart() in decision.effects:
        facts.run.run_count = 0
    around = facts.flow_run.run_count if facts.flow_run is not None else None
    enter(facts.run, state, NOW, session_id=None, flow_run_run_count=around)
    for effect in decision.effects:
        if isinstance(effect, Remember):
            remember(facts.run, effect)


def _outcome(run: Run, before: Run, status: str, decision: Decision | None) -> Outcome:
    columns: Json = {f"{name}_s": seconds(getattr(run, name), NOW) for name in COLUMNS}
    columns["total_run_time_s"] = run.total_run_time / 1_000_000
    if run.kind is RunKind.FLOW_RUN:
        added = set(run.pause_keys) - set(before.pause_keys)
        generated = id_of("proposed")
        keys = sorted("<generated>" if key in added and key == generated else key for key in run.pause_keys)
        columns |= {"resuming": run.resuming, "retry_type": run.retry_type, "pause_keys": keys}
    else:
        columns["flow_run_run_count"] = run.flow_run_run_count
    outcome = Outcome(status, _seen(run, decision), run.run_count, columns)
    if decision is not None:
        outcome.rule = decision.findings[-1].rule if decision.findings else ""
        if decision.wait_until is not None:
            outcome.delay = (decision.wait_until - NOW) / 1_000_000
    return outcome


def _seen(run: Run, decision: Decision | None) -> Seen | None:
    if run.state_type is None or run.state_name is None:
        return None
    written = decision is not None and decision.state is not None
    accepted = decision is not None and decision.verdict is VerdictKind.ACCEPT
    origin = "current" if not written else "proposed" if accepted else "replacement"
    details = words_of(run.details, NOW)
    scheduled = seconds(run.state_scheduled_time, NOW)
    return Seen(run.state_type.name, run.state_name, origin, scheduled, details, run.state_has_data)
