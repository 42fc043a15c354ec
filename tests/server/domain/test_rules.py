"""Each rule's words on the rows of `policy_rows`, with only the facts that it declares; and no rule lacks a row."""

import ast
import inspect
import pkgutil
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest

from antiphon_server.domain import rules
from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.policy import decide
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules.lawful_move import LawfulMove
from antiphon_server.domain.states import RUNNING, SCHEDULED, VerdictKind
from policy_rows import ALL
from policy_rows.row import NOTHING, NOW, POLICIES, REWRITE, Row, proposal_of, run_in, word_of

#: The field of `Facts` -> what a rule declares that looks at it.
DECLARED_BY = {
    "flow_run": Fact.FLOW_RUN,
    "deployment": Fact.DEPLOYMENT,
    "queue": Fact.DEPLOYMENT,
    "limits": Fact.LIMITS,
    "cached": Fact.CACHE,
}


class Guarded:
    """Facts that say no where a rule looks at what it did not declare."""

    def __init__(self, facts: Facts, needs: Any) -> None:
        self._facts, self._needs = facts, needs
        self.seen: set[Fact] = set()

    def __getattr__(self, name: str) -> Any:
        fact = DECLARED_BY.get(name)
        if fact is not None and fact not in self._needs:
            raise AssertionError(f"reads {name} and does not declare {fact}")
        if fact is not None:
            self.seen.add(fact)
        return getattr(self._facts, name)


def package_rules() -> set[type[Rule]]:
    """The classes of the package, whether a policy has them or not."""
    found: set[type[Rule]] = set()
    for module in pkgutil.iter_modules(rules.__path__):
        names = vars(import_module(f"{rules.__name__}.{module.name}")).values()
        found |= {each for each in names if inspect.isclass(each) and issubclass(each, Rule) and each is not Rule}
    return found


def words_of(rule: type[Rule]) -> set[str]:
    """What the source of a rule can say: the second argument of each Finding that it makes, and `return None`."""
    if rule is LawfulMove:  # Its verdicts are those of its tables.
        laws = [each for policy in POLICIES.values() for each in policy.rules if isinstance(each, LawfulMove)]
        return {NOTHING, *(verdict.name.lower() for law in laws for verdict in law.table.values())}
    words = set()
    for node in ast.walk(ast.parse(inspect.getsource(rule))):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value is None:
            words.add(NOTHING)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            kind = node.args[1]
            words.add(VerdictKind[kind.attr].name.lower() if isinstance(kind, ast.Attribute) else REWRITE)
    return words


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_each_row(row: Row) -> None:
    asked = row.rules()
    assert asked, "no rule of that name watches the move"
    findings = [rule.check(row.facts, row.proposal, NOW) for rule in asked]
    found: Finding | None = next(filter(None, findings), None)
    assert word_of(found) == row.word, found
    if found is not None:
        assert found.rule == row.rule
        assert found.reason
        assert row.check is None or row.check(found), found


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_the_policy_lets_each_row_speak(row: Row) -> None:
    decision = decide(POLICIES[row.policy], row.facts, row.proposal, NOW)
    words = [word_of(each) for each in decision.findings if each.rule == row.rule]
    if row.word == NOTHING:
        assert words == []
        return
    assert row.word in words, decision
    if row.word != REWRITE:
        assert (decision.findings[-1].rule, decision.verdict.name.lower()) == (row.rule, row.word)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_rule_looks_only_at_what_it_declares(row: Row) -> None:
    for rule in row.rules():
        guarded: Any = Guarded(row.facts, rule.needs)
        assert rule.check(guarded, row.proposal, NOW) == rule.check(row.facts, row.proposal, NOW)


def test_a_rule_that_looks_at_more_is_caught() -> None:
    @dataclass(frozen=True)
    class Sly(Rule):
        def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
            return None if facts.deployment is None else Finding(self.name, None, "it is deployed")

    sly = Sly()
    guarded: Any = Guarded(Facts(run_in(SCHEDULED)), sly.needs)
    with pytest.raises(AssertionError, match="reads deployment"):
        sly.check(guarded, proposal_of(RUNNING), NOW)


def test_a_rule_declares_no_more_than_it_looks_at() -> None:
    seen: dict[str, set[Fact]] = {}
    declared: dict[str, set[Fact]] = {}
    for row in ALL:
        for rule in row.rules():
            guarded: Any = Guarded(row.facts, rule.needs)
            rule.check(guarded, row.proposal, NOW)
            seen.setdefault(rule.name, set()).update(guarded.seen)
            declared.setdefault(rule.name, set()).update(rule.needs)
    assert seen == declared


def test_neither_facts_nor_proposal_are_changed() -> None:
    for row in ALL:
        run, proposal = replace(row.facts.run), replace(row.proposal, state=replace(row.proposal.state))
        decide(POLICIES[row.policy], row.facts, row.proposal, NOW)
        assert (row.facts.run, row.proposal) == (run, proposal), row.name


# The gate: a rule that is added without rows fails here.


def test_every_rule_of_the_package_is_in_a_policy() -> None:
    used = {type(rule) for policy in POLICIES.values() for rule in policy.rules}
    assert used == package_rules()


def test_every_rule_of_every_policy_has_rows() -> None:
    asked = {(row.policy, row.rule) for row in ALL}
    assert asked == {(name, rule.name) for name, policy in POLICIES.items() for rule in policy.rules}


@pytest.mark.parametrize(
    "rule", sorted(package_rules(), key=lambda each: each.__name__), ids=lambda each: each.__name__
)
def test_every_word_of_a_rule_has_a_row(rule: type[Rule]) -> None:
    assert {row.word for row in ALL if row.rule == rule.__name__} == words_of(rule)


def test_a_rule_is_called_as_its_file_is() -> None:
    for rule in package_rules():
        words = "".join(part.capitalize() for part in sys.modules[rule.__module__].__name__.split(".")[-1].split("_"))
        assert words == rule.__name__
