"""One row: a rule, what it is asked, and its word."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from antiphon_server.domain.decision import Effect, Finding
from antiphon_server.domain.facts import Facts, Limit
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import Policy
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules import (
    DEFERRED_TASK_RUN_POLICY,
    FLOW_RUN_POLICY,
    MARK_LATE_POLICY,
    TASK_RUN_POLICY,
)
from antiphon_server.domain.states import DEFAULT_NAMES, Origin, StateType, VerdictKind

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
LATER = NOW + 10 * SECOND
POLICIES: Mapping[str, Policy] = {
    "flow": FLOW_RUN_POLICY,
    "late": MARK_LATE_POLICY,
    "task": TASK_RUN_POLICY,
    "deferred": DEFERRED_TASK_RUN_POLICY,
}
#: The words of a rule besides the verdicts that end the asking.
NOTHING, REWRITE = "nothing", "rewrite"
Check = Callable[[Finding], bool]


@dataclass(frozen=True)
class Row:
    """`word` is a VerdictKind's name in lower case, `rewrite` or `nothing`; `check` looks at the finding."""

    policy: str
    rule: str
    word: str
    facts: Facts
    proposal: Proposal
    check: Check | None

    @property
    def name(self) -> str:
        origin = self.facts.run.state_type
        held = origin.name if origin is not None else "none"
        return f"{self.policy}-{self.rule}-{self.word}-{held}-{self.proposal.state.type.name}"

    def rules(self) -> list[Rule]:
        """Those of that name that watch the move."""
        move = self.facts.run.state_type, self.proposal.state.type
        return [rule for rule in POLICIES[self.policy].watching[move] if rule.name == self.rule]


def word_of(finding: Finding | None) -> str:
    if finding is None:
        return NOTHING
    return REWRITE if finding.kind is None else VerdictKind(finding.kind).name.lower()


def run_in(state: Origin, kind: RunKind = RunKind.FLOW_RUN, **changes: Any) -> Run:
    """A run in a state for a minute, held by the session `holder`."""
    run = Run(id="run", kind=kind, session_id="holder")
    if state is not None:
        run.state_id, run.state_type, run.state_name = "held", state, DEFAULT_NAMES[state]
        run.state_time = NOW - 60 * SECOND
    return replace(run, **changes)


def proposal_of(type_: StateType, kind: RunKind = RunKind.FLOW_RUN, **changes: Any) -> Proposal:
    """A proposal of the session `holder`; `name`, `message`, `data` and `details` are those of its state."""
    name = changes.pop("name", DEFAULT_NAMES[type_])
    state = State(type_, name, changes.pop("message", ""), changes.pop("details", None), changes.pop("data", None))
    return Proposal("transition", kind, "run", state, **{"session_id": "holder", **changes})


def kind_of(policy: str) -> RunKind:
    return RunKind.FLOW_RUN if policy in ("flow", "late") else RunKind.TASK_RUN


def rows(
    policies: str,
    rule: str,
    word: str,
    origin: Origin,
    target: StateType,
    *,
    run: Mapping[str, Any] | None = None,
    said: Mapping[str, Any] | None = None,
    check: Check | None = None,
    **facts: Any,
) -> list[Row]:
    """A row for each of `policies`. `run` and `said` change the run and the proposal, `facts` what stands around."""
    found = []
    for policy in policies.split():
        kind, asked = kind_of(policy), dict(said or {})
        if policy == "deferred":
            asked["details"] = replace(asked.get("details") or StateDetails(), deferred=True)
        around = Facts(run_in(origin, kind, **(run or {})), **facts)
        found.append(Row(policy, rule, word, around, proposal_of(target, kind, **asked), check))
    return found


def limit(name: str = "limit", slots: int = 1, taken: int = 0, **more: Any) -> Limit:
    return Limit(f"id of {name}", name, slots, taken=taken, **more)


def effects(*expected: Effect) -> Check:
    return lambda finding: finding.effects == expected


def becomes(**expected: Any) -> Check:
    """The state that the finding brings in has these attributes."""
    return lambda finding: (
        finding.state is not None and {name: getattr(finding.state, name) for name in expected} == expected
    )


def stays(finding: Finding) -> bool:
    """The run stays as it was."""
    return finding.state is None
