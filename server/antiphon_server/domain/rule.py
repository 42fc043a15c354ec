"""What a rule is: one idea of the policy, a small frozen object in a file of its own."""

from abc import ABC, abstractmethod
from collections.abc import Set

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.states import ALL, Origin, StateType

#: Every state that a run may be in, and none.
ANYWHERE: frozenset[Origin] = frozenset({None, *StateType})


class Rule(ABC):
    """A rule is asked only about the moves that it watches: those from `origins` to `targets`."""

    origins: Set[Origin] = ANYWHERE
    targets: Set[StateType] = ALL
    #: Whether a forced proposal passes it by.
    forceable: bool = True
    #: What it looks at besides run and proposal; loaded for it before it is asked.
    needs: Set[Fact] = frozenset()

    @property
    def name(self) -> str:
        """As verdicts name it."""
        return type(self).__name__

    @abstractmethod
    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        """Its word on a move that it watches; None where it has nothing to say. `now` in microseconds."""
