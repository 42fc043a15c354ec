"""Counts what was committed: a few counters for each transaction."""

from collections import Counter
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from antiphon_server.application.core import Outcome
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.metrics import catalogue
from antiphon_server.metrics.instruments import counter, histogram
from antiphon_server.storage.tally import Counted


class CommitMetrics:
    """`observe` is for `Core.observe`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._transitions = counter(catalogue.TRANSITIONS, registry)
        self._states = counter(catalogue.STATES, registry)
        self._seconds = histogram(catalogue.COMMIT_SECONDS, registry)
        self._operations = histogram(catalogue.COMMIT_OPERATIONS, registry)
        self._waited = histogram(catalogue.WRITER_QUEUE_SECONDS, registry)

    def observe(self, outcome: Outcome) -> None:
        """Counts one transaction."""
        self._seconds.observe(outcome.seconds)
        self._operations.observe(len(outcome.answers))
        self._waited.observe(outcome.waited)
        if outcome.changes is not None and outcome.changes.tally is not None:
            self._count(outcome.changes.tally.counts)

    def _count(self, counts: Mapping[Counted, int]) -> None:
        transitions: Counter[tuple[RunKind, VerdictKind, str]] = Counter()
        states: Counter[tuple[RunKind, StateType]] = Counter()
        for (kind, verdict, rule, state), times in counts.items():
            transitions[kind, verdict, rule] += times
            if state is not None:
                states[kind, state] += times
        for (kind, verdict, rule), times in transitions.items():
            self._transitions.labels(kind.value, verdict.name.lower(), rule or "none").inc(times)
        for (kind, state), times in states.items():
            self._states.labels(kind.value, state.name).inc(times)
