"""What a transaction decided, for who watches over a server. Decisions are counted as they are made: to keep them all
until somebody looks costs more than to count them."""

from antiphon_server.domain.decision import Decision
from antiphon_server.domain.model import Proposal, RunKind
from antiphon_server.domain.states import StateType, VerdictKind

#: The kind of run, the verdict, the rule that gave it (empty where none had a word against the move), and the state
#: that was entered (None where the run stayed as it was).
Counted = tuple[RunKind, VerdictKind, str, StateType | None]


class Tally:
    """Of one transaction."""

    __slots__ = ("counts", "traced")

    def __init__(self) -> None:
        self.counts: dict[Counted, int] = {}
        #: Those whose proposer named a span.
        self.traced: list[tuple[Proposal, Decision]] = []

    def note(self, proposal: Proposal, decision: Decision) -> None:
        """Counts a decision."""
        rule, state = "", decision.state
        if decision.findings and decision.findings[-1].kind is not None:
            rule = decision.findings[-1].rule
        key = (proposal.kind, decision.verdict, rule, state.type if state is not None else None)
        self.counts[key] = self.counts.get(key, 0) + 1
        if proposal.traceparent:
            self.traced.append((proposal, decision))

    def note_mirrored(self, kind: RunKind, state: StateType) -> None:
        """Counts a state that a run entered with another one."""
        key = (kind, VerdictKind.ACCEPT, "", state)
        self.counts[key] = self.counts.get(key, 0) + 1
