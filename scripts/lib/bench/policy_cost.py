"""What the policy costs: the time that each rule takes to be asked, and whole decisions. No server, no database."""

import time
from collections.abc import Callable, Iterator, Mapping

from antiphon_server.domain.facts import Cached, Deployment, Facts, Limit
from antiphon_server.domain.model import Proposal, RetryPolicy, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import Policy, decide
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules import DEFERRED_TASK_RUN_POLICY, FLOW_RUN_POLICY, MARK_LATE_POLICY, TASK_RUN_POLICY
from antiphon_server.domain.states import (
    COMPLETED,
    DEFAULT_NAMES,
    PENDING,
    RUNNING,
    SCHEDULED,
    Origin,
    StateType,
)
from bench.figures import Figure, Scale, Workload
from bench.systems import System

NOW = 1_750_000_000_000_000
_ROUNDS = 200
_LIFE: tuple[tuple[Origin, StateType], ...] = ((None, PENDING), (PENDING, RUNNING), (RUNNING, COMPLETED))
_POLICIES = (FLOW_RUN_POLICY, MARK_LATE_POLICY, TASK_RUN_POLICY, DEFERRED_TASK_RUN_POLICY)


def _facts(kind: RunKind, origin: Origin) -> Facts:
    """A run with something to say for every rule: deployment and limit, or tags, parent and a cached result."""
    run = Run("run", kind=kind, run_count=1, retry_policy=RetryPolicy(3, (1_000_000,)), deployment_id="deployment")
    if origin is not None:
        run.state_id, run.state_type, run.state_name = "held", origin, DEFAULT_NAMES[origin]
        run.state_time = NOW - 1_000_000
        run.state_scheduled_time = NOW - 1_000_000 if origin == SCHEDULED else None
    limits = (Limit("limit", "deployment:deployment" if kind is RunKind.FLOW_RUN else "tag:a", 10, taken=3),)
    if kind is RunKind.FLOW_RUN:
        return Facts(run, deployment=Deployment("deployment", "bench"), limits=limits)
    run.flow_run_id = "around"
    return Facts(run, Run("around", run_count=1, state_type=RUNNING, state_name="Running"), limits=limits)


def _proposal(kind: RunKind, target: StateType) -> Proposal:
    details = StateDetails(cache_key="key") if kind is RunKind.TASK_RUN else None
    return Proposal("transition", kind, "run", State(target, DEFAULT_NAMES[target], details=details))


def _kind_of(policy: Policy) -> RunKind:
    return RunKind.FLOW_RUN if policy in (FLOW_RUN_POLICY, MARK_LATE_POLICY) else RunKind.TASK_RUN


def _asked() -> Iterator[tuple[str, list[Callable[[], object]]]]:
    """Each rule once, with calls of it on every move that it watches."""
    seen: set[str] = set()
    for policy in _POLICIES:
        kind = _kind_of(policy)
        for rule in policy.rules:
            if rule.name not in seen:
                seen.add(rule.name)
                yield rule.name, [_call(policy, rule, kind, *move) for move in policy.watching if _watches(rule, *move)]


def _watches(rule: Rule, origin: Origin, target: StateType) -> bool:
    return origin in rule.origins and target in rule.targets


def _call(policy: Policy, rule: Rule, kind: RunKind, origin: Origin, target: StateType) -> Callable[[], object]:
    facts, proposal = _facts(kind, origin), _proposal(kind, target)
    if rule.name == "UseCache":
        facts.cached = Cached(State(COMPLETED, "Completed", id="kept"), None)
    return lambda: rule.check(facts, proposal, NOW)


def _microseconds(calls: list[Callable[[], object]], rounds: int) -> float:
    """For one call, the fastest round: what disturbs a round only makes it longer."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            for call in calls:
                call()
        best = min(best, time.perf_counter() - start)
    return best / rounds / len(calls) * 1e6


def _life(policy: Policy) -> list[Callable[[], object]]:
    kind = _kind_of(policy)
    moves = [(_facts(kind, origin), _proposal(kind, target)) for origin, target in _LIFE]
    return [lambda facts=facts, proposal=proposal: decide(policy, facts, proposal, NOW) for facts, proposal in moves]  # type: ignore[misc]


def measure(system: System, scale: Scale) -> Mapping[str, float]:
    rounds = scale.count(_ROUNDS)
    found = {name: _microseconds(calls, rounds) for name, calls in _asked()}
    found["flow run"] = _microseconds(_life(FLOW_RUN_POLICY), rounds)
    found["task run"] = _microseconds(_life(TASK_RUN_POLICY), rounds)
    return found


WORKLOADS = (
    Workload(
        "policy_cost",
        (
            Figure("flow run", "decide(), flow run with deployment and limit, each of PENDING to COMPLETED", "µs"),
            Figure("task run", "decide(), task run with limited tag and parent, each of PENDING to COMPLETED", "µs"),
            *(Figure(name, f"rule {name}, on average of the moves that it watches", "µs") for name, _ in _asked()),
        ),
        measure,
    ),
)
