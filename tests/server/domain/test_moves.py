"""Each pair of states under each policy, with the final verdict: what a caller sees who breaks no other rule."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from antiphon_server.domain.decision import Decision
from antiphon_server.domain.facts import Deployment, Facts
from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.policy import ORIGINS, decide
from antiphon_server.domain.states import CANCELLED, Origin, StateType, VerdictKind
from policy_rows.row import NOW, POLICIES, kind_of, proposal_of, run_in

# One row for the state that a run is in, one column for the state proposed, in the order of StateType:
# Scheduled, Pending, Running, Completed, Failed, cAncelled (X), crasHed, paUsed, canceLling.
# A accept, R reject, B abort, c reject to CANCELLED. The run keeps no result.
HELD_FLOW_RUN = """
              S P R C F X H U L
    none      A A A A A A A B A
    SCHEDULED A A A A A A A R A
    PENDING   A B A A A A A R A
    RUNNING   A B A A A A A A A
    COMPLETED B A A A A A B B B
    FAILED    B A A A A A B B B
    CANCELLED B B A A A A B B B
    CRASHED   B A A A A A B B B
    PAUSED    A R A A A A A R A
    CANCELLING R R R R R A R R R
"""
FREE_FLOW_RUN = """
              S P R C F X H U L
    none      A A A A A A A B c
    SCHEDULED A A A A A A A R c
    PENDING   A B A A A A A R A
    RUNNING   A B A A A A A A A
    COMPLETED A A A A A A B B B
    FAILED    A A A A A A B B B
    CANCELLED A B A A A A B B B
    CRASHED   A A A A A A B B B
    PAUSED    A R A A A A A R A
    CANCELLING R R R R R A R R R
"""
FORCED_FLOW_RUN = """
              S P R C F X H U L
    none      A A A A A A A A c
    SCHEDULED A A A A A A A A c
    PENDING   A A A A A A A A A
    RUNNING   A A A A A A A A A
    COMPLETED A A A A A A A A A
    FAILED    A A A A A A A A A
    CANCELLED A A A A A A A A A
    CRASHED   A A A A A A A A A
    PAUSED    A A A A A A A A A
    CANCELLING A A A A A A A A A
"""
TASK_RUN = """
              S P R C F X H U L
    none      A A A A A A A A A
    SCHEDULED A A A A A A A A A
    PENDING   A A A A A A A A A
    RUNNING   A A A A A A A A A
    COMPLETED A A A A A A B B B
    FAILED    A A A A A A B B B
    CANCELLED A A A A A A B B B
    CRASHED   A A A A A A B B B
    PAUSED    A A A A A A A A A
    CANCELLING A A A A A A A A A
"""
FORCED_TASK_RUN = """
              S P R C F X H U L
    none      A A A A A A A A A
    SCHEDULED A A A A A A A A A
    PENDING   A A A A A A A A A
    RUNNING   A A A A A A A A A
    COMPLETED A A A A A A A A A
    FAILED    A A A A A A A A A
    CANCELLED A A A A A A A A A
    CRASHED   A A A A A A A A A
    PAUSED    A A A A A A A A A
    CANCELLING A A A A A A A A A
"""
HELD_DEFERRED_TASK_RUN = """
              S P R C F X H U L
    none      A A A A A A A A A
    SCHEDULED A A A A A A A A A
    PENDING   A B A A A A A A A
    RUNNING   A B A A A A A A A
    COMPLETED A A A A A A B B B
    FAILED    A A A A A A B B B
    CANCELLED A B A A A A B B B
    CRASHED   A A A A A A B B B
    PAUSED    A A A A A A A A A
    CANCELLING A B A A A A A A A
"""
FREE_DEFERRED_TASK_RUN = """
              S P R C F X H U L
    none      A A A A A A A A c
    SCHEDULED A A A A A A A A c
    PENDING   A B A A A A A A A
    RUNNING   A B A A A A A A A
    COMPLETED A A A A A A B B B
    FAILED    A A A A A A B B B
    CANCELLED A B A A A A B B B
    CRASHED   A A A A A A B B B
    PAUSED    A A A A A A A A A
    CANCELLING A B A A A A A A A
"""
LETTERS = {"A": VerdictKind.ACCEPT, "R": VerdictKind.REJECT, "B": VerdictKind.ABORT, "c": VerdictKind.REJECT}
#: Who asks, and whose run it is.
HELD: Mapping[str, Any] = {"run": {}, "said": {}}
FREE: Mapping[str, Any] = {"run": {"session_id": None, "deployment_id": "d"}, "said": {"session_id": None}}
FORCED: Mapping[str, Any] = {"run": {"session_id": None}, "said": {"session_id": None, "force": True}}
#: Somebody else's run; no other row of this table differs from the one above it.
TAKEN: Mapping[str, Any] = {"run": {}, "said": {"session_id": "stranger", "force": True}}
TABLES = [
    ("flow", "held", HELD_FLOW_RUN, HELD),
    ("flow", "free", FREE_FLOW_RUN, FREE),
    ("flow", "forced", FORCED_FLOW_RUN, FORCED),
    ("late", "held", HELD_FLOW_RUN, HELD),
    ("late", "free", FREE_FLOW_RUN, FREE),
    ("late", "forced", FORCED_FLOW_RUN, FORCED),
    ("task", "held", TASK_RUN, HELD),
    ("task", "free", TASK_RUN, FREE),
    ("task", "forced", FORCED_TASK_RUN, FORCED),
    ("task", "forced by another", FORCED_TASK_RUN, TAKEN),
    ("deferred", "held", HELD_DEFERRED_TASK_RUN, HELD),
    ("deferred", "free", FREE_DEFERRED_TASK_RUN, FREE),
    # Nobody forces these, but for the sake of a holder who cannot be reached.
    ("deferred", "forced", FREE_DEFERRED_TASK_RUN, FORCED),
    ("deferred", "forced by another", HELD_DEFERRED_TASK_RUN, TAKEN),
]


def cells(table: str) -> list[tuple[Origin, StateType, str]]:
    lines = [line.split() for line in table.strip().splitlines()[1:]]
    return [
        (None if origin == "none" else StateType[origin], target, letter)
        for origin, *letters in lines
        for target, letter in zip(StateType, letters, strict=True)
    ]


PAIRS = [
    pytest.param(policy, who, *cell, id=f"{policy}-{named}-{cell[0].name if cell[0] else 'none'}-{cell[1].name}")
    for policy, named, table, who in TABLES
    for cell in cells(table)
]


def decided(policy: str, who: Mapping[str, Any], origin: Origin, target: StateType) -> Decision:
    run = run_in(origin, kind_of(policy), **who["run"])
    deployment = Deployment("d", "nightly") if run.deployment_id is not None else None
    proposal = proposal_of(target, kind_of(policy), **who["said"])
    if policy == "deferred":
        proposal = replace(proposal, state=replace(proposal.state, details=StateDetails(deferred=True)))
    return decide(POLICIES[policy], Facts(run, deployment=deployment), proposal, NOW)


@pytest.mark.parametrize(("policy", "who", "origin", "target", "letter"), PAIRS)
def test_each_pair_of_states(
    policy: str, who: Mapping[str, Any], origin: Origin, target: StateType, letter: str
) -> None:
    decision = decided(policy, who, origin, target)
    assert decision.verdict is LETTERS[letter], decision
    entered = decision.state.type if decision.state is not None else None
    assert entered == {"A": target, "c": CANCELLED}.get(letter)


def test_the_tables_have_every_pair_of_every_policy() -> None:
    for policy in POLICIES:
        for table in (table for name, _, table, _ in TABLES if name == policy):
            pairs = [(origin, target) for origin, target, _ in cells(table)]
            assert len(pairs) == len(set(pairs))
            assert set(pairs) == {(origin, target) for origin in ORIGINS for target in StateType}
    assert {name for name, *_ in TABLES} == POLICIES.keys()
