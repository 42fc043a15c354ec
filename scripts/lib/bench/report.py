"""The figures as a table for people and as JSON for programs."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Samples
from bench.systems import System

OURS = "antiphon"
_BARS = "▁▂▃▄▅▆▇█"


def format_value(value: float, unit: str) -> str:
    """Three significant digits, but none behind the point from 100 on and no more than three behind it."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 3):.3g}"
    return f"{text}{'' if unit.startswith('/') else ' '}{unit}"


def format_target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'≥' if figure.higher_is_better else '≤'} {format_value(figure.target, figure.unit)}"


def format_ratio(ratio: float) -> str:
    """How many times better ours is."""
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def _verdict(figure: Figure, value: float | None) -> str:
    if value is None:
        return "[red]failed[/]"
    met = figure.meets(value)
    return "" if met is None else "[green]met[/]" if met else "[red]missed[/]"


def _spread(samples: Samples, figure: Figure) -> str:
    values = samples.values.get(figure.key, [])
    if len(values) < 2:
        return ""
    return f"{format_value(min(values), '').strip()} to {format_value(max(values), '').strip()}"


def _peer_cells(figure: Figure, ours: float | None, theirs: Samples | None) -> tuple[str, str]:
    value = theirs.median(figure) if theirs else None
    if value is None:
        return ("failed" if theirs and theirs.errors else ""), ""
    ratio = format_ratio(figure.advantage(ours, value)) if ours is not None else ""
    return format_value(value, figure.unit), ratio


def draw_curve(samples: Samples) -> str:
    """The medians of a workload's curve: the first, a bar for each over the range from zero, the last."""
    keys = sorted(key for key in samples.values if key.startswith(samples.workload.curve))
    medians = [statistics.median(samples.values[key]) for key in keys]
    unit = next(figure.unit for figure in samples.workload.figures if figure.key == "growth")
    bars = "".join(_BARS[min(int(each / max(medians) * len(_BARS)), len(_BARS) - 1)] for each in medians)
    return f"{format_value(medians[0], unit)} {bars} {format_value(medians[-1], unit)}"


def render(
    console: Console, facts: Mapping[str, str], systems: Sequence[System], results: Sequence[Sequence[Samples]]
) -> None:
    """Prints the head, the table and what failed."""
    for key, text in facts.items():
        console.print(f"[bold]{key}[/]  {text}", highlight=False)
    peers = [system for system in systems if system.name != OURS]
    table = Table("what", "median", "rounds", "target", "")
    for column in table.columns[1:4]:
        column.justify = "right"
    for peer in peers:
        table.add_column(peer.title, justify="right")
        table.add_column("ours is", justify="right")
    for samples in results:
        by_system = {sample.system: sample for sample in samples}
        mine = by_system[OURS]
        for figure in mine.workload.figures:
            value = mine.median(figure)
            row = ["" if value is None else format_value(value, figure.unit), _spread(mine, figure)]
            row += [format_target(figure), _verdict(figure, value)]
            for peer in peers:
                row += _peer_cells(figure, value, by_system.get(peer.name))
            table.add_row(figure.title, *row)
        table.add_section()
    console.print(table)
    for sample in (sample for samples in results for sample in samples if sample.workload.curve and sample.values):
        console.print(f"{sample.workload.name}, {sample.system}: {draw_curve(sample)}", highlight=False)
    for sample in (sample for samples in results for sample in samples):
        for error in sample.errors:
            console.print(f"[red]{sample.workload.name}, {sample.system}:[/] {error}", highlight=False)


def to_json(
    facts: Mapping[str, str], systems: Sequence[System], results: Sequence[Sequence[Samples]]
) -> dict[str, Any]:
    """Every value of every round, with the medians."""
    return {
        "facts": dict(facts),
        "systems": {system.name: system.title for system in systems},
        "figures": [
            {
                "workload": sample.workload.name,
                "figure": figure.key,
                "title": figure.title,
                "unit": figure.unit,
                "target": figure.target,
                "higher_is_better": figure.higher_is_better,
                "system": sample.system,
                "median": sample.median(figure),
                "values": sample.values.get(figure.key, []),
            }
            for samples in results
            for sample in samples
            for figure in sample.workload.figures
        ],
        "errors": [
            {"workload": sample.workload.name, "system": sample.system, "error": error}
            for samples in results
            for sample in samples
            for error in sample.errors
        ],
    }
