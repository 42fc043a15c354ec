"""Counts what was committed: a few counters for each transaction."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from antiphon_server.application.core import Outcome
from antiphon_server.domain.decision import Decision
from antiphon_server.domain.model import Proposal, RunKind
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.metrics import catalogue
from antiphon_server.metrics.instruments import counter, histogram


class CommitMetrics:
    """`observe` is for `Core.observe`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._transitions = counter(catalogue.TRANSITIONS, registry)
        self._states = counter(catalogue.STATES, registry)
        self._seconds = histogram(catalogue.COMMIT_SECONDS, registry)
        self._operations = histogram(catalogue.COMMIT_OPERATIONS, registry)

    def observe(self, outcome: Outcome) -> None:
        """Counts one transaction."""
        self._seconds.observe(outcome.seconds)
        self._operations.observe(len(outcome.answers))
        if outcome.changes is not None and outcome.changes.decided:
            self._count(outcome.changes.decided)

    def _count(self, decided: Iterable[tuple[Proposal, Decision]]) -> None:
        transitions: Counter[tuple[RunKind, VerdictKind, str]] = Counter()
        states: Counter[tuple[RunKind, StateType]] = Counter()
        for (kind, verdict, rule, state), times in Counter(map(_what, decided)).items():
            transitions[kind, verdict, rule] += times
            if state is not None:
                states[kind, state] += times
        for (kind, verdict, rule), times in transitions.items():
            self._transitions.labels(kind.value, verdict.name.lower(), rule).inc(times)
        for (kind, state), times in states.items():
            self._states.labels(kind.value, state.name).inc(times)


def _what(decided: tuple[Proposal, Decision]) -> tuple[RunKind, VerdictKind, str, StateType | None]:
    """The kind of run, the verdict, the rule that gave it, and the state that was entered."""
    proposal, decision = decided
    rule = "none"
    if decision.findings and decision.findings[-1].kind is not None:
        rule = decision.findings[-1].rule
    return proposal.kind, decision.verdict, rule, decision.state.type if decision.state is not None else None
