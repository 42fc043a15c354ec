"""What the comparison says to people: agreement by kind, group and rule, the differences that were met, and the first
disagreements of each group side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from oracle.judging import Judgement

#: Disagreements of one group that are shown.
MOST_SHOWN = 3


@dataclass(slots=True)
class Tally:
    """Judgements of one line of a table."""

    cases: int = 0
    agreed: int = 0
    explained: int = 0
    disagreed: int = 0

    def count(self, judgement: Judgement) -> None:
        self.cases += 1
        if judgement.unexplained:
            self.disagreed += 1
        elif judgement.mismatches:
            self.explained += 1
        else:
            self.agreed += 1


@dataclass(slots=True)
class Report:
    """Collects judgements."""

    tallies: dict[str, dict[tuple[str, ...], Tally]] = field(default_factory=lambda: defaultdict(dict))
    differences: Counter[tuple[str, str]] = field(default_factory=Counter)
    lesser: Counter[str] = field(default_factory=Counter)
    disagreements: dict[tuple[str, str], list[Judgement]] = field(default_factory=lambda: defaultdict(list))

    def add(self, judgement: Judgement) -> None:
        for name, key in KEYS.items():
            self.tallies[name].setdefault((judgement.player, *key(judgement)), Tally()).count(judgement)
        for title in dict.fromkeys(judgement.explained_by):
            self.differences[judgement.player, title] += 1
        if judgement.unexplained:
            self.disagreements[judgement.player, judgement.case.group].append(judgement)
        else:
            self.lesser.update(judgement.lesser.keys())

    @property
    def unexplained(self) -> int:
        return sum(map(len, self.disagreements.values()))

    def print(self, console: Console, *, brief: bool = False) -> None:
        """`brief` leaves out the tables by group and rule."""
        for name in KEYS:
            if name == "kind" or not brief:
                console.print(_table(name, self.tallies[name]))
        if self.differences:
            console.print(_differences(self.differences))
        if self.lesser:
            said = ", ".join(f"{name} {count}" for name, count in sorted(self.lesser.items()))
            console.print(f"Should match and does not, in agreed and explained cases: {said}", soft_wrap=True)
        for (player, group), found in sorted(self.disagreements.items()):
            console.rule(f"{group}, through {player}: {len(found)} disagree")
            for judgement in found[:MOST_SHOWN]:
                console.print(side_by_side(judgement), highlight=False, soft_wrap=True)


def deciding_rule(judgement: Judgement) -> str:
    """Theirs, since a disagreement may be about ours."""
    decided = judgement.case.expect.get("rules_decided") or []
    return str(decided[-1][0]) if decided else "(none)"


KEYS: dict[str, Callable[[Judgement], tuple[str, ...]]] = {
    "kind": lambda judgement: (judgement.case.kind,),
    "group": lambda judgement: (judgement.case.kind, judgement.case.group),
    "rule": lambda judgement: (judgement.case.kind, deciding_rule(judgement)),
}
HEADERS = {"kind": ("kind",), "group": ("kind", "group"), "rule": ("kind", "rule that decided")}


def _table(name: str, tallies: dict[tuple[str, ...], Tally]) -> Table:
    table = Table(title=f"Agreement by {name}", title_justify="left")
    for header in ("through", *HEADERS[name]):
        table.add_column(header)
    for header in ("cases", "agree", "differ on purpose", "disagree"):
        table.add_column(header, justify="right")
    for key, tally in sorted(tallies.items()):
        numbers = (tally.cases, tally.agreed, tally.explained, tally.disagreed)
        table.add_row(*key, *(f"{number:,}" for number in numbers))
    return table


def _differences(counts: Counter[tuple[str, str]]) -> Table:
    table = Table(title="Differences on purpose (docs/differences.md)", title_justify="left")
    table.add_column("through")
    table.add_column("difference")
    table.add_column("cases", justify="right")
    for (player, title), count in sorted(counts.items(), key=lambda each: (each[0][0], -each[1])):
        table.add_row(player, title, f"{count:,}")
    return table


def side_by_side(judgement: Judgement) -> str:
    """One disagreement: what was given, and each field as theirs and as ours."""
    case = judgement.case
    lines = [
        f"{case.id}: {_state(case.initial)} -> {_state(case.proposed)}",
        f"    context: {case.context}",
        f"    {'':<28}{'theirs':<40}ours",
    ]
    lines += [
        f"    {name:<28}{theirs!s:<40}{ours!s}{'' if name in judgement.unexplained else '  (on purpose)'}"
        for name, (theirs, ours) in judgement.mismatches.items()
    ]
    rule = judgement.outcome.rule or "(none)"
    lines.append(f"    {'rule that decided':<28}{deciding_rule(judgement):<40}{rule}")
    return "\n".join(lines)


def _state(words: dict[str, object] | None) -> str:
    if words is None:
        return "(no state)"
    details = words.get("details") or {}
    data = f" with {words['data']} data" if words.get("data") else ""
    return f"{words['type']}/{words['name']} {details or ''}{data}".strip()


def collect(judgements: Iterable[Judgement]) -> Report:
    report = Report()
    for judgement in judgements:
        report.add(judgement)
    return report
