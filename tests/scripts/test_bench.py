"""The bench: its arithmetic, its rounds, its output, and one little run of everything."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import WORKLOADS
from bench.children import ChildFailed, run_child, run_job
from bench.figures import SQLITE, Figure, Samples, Scale, Workload, percentile
from bench.report import format_ratio, format_value, render, to_json
from bench.runner import run_workload
from bench.systems import Site, System
from postgresql_cluster import MISSING, binaries
from shipped import go_tool
from tools_needed import miss_tool

ROOT = Path(__file__).resolve().parents[2]
PATHS = os.pathsep.join(str(ROOT / folder) for folder in ("scripts/lib", "tests"))
LATENCY = Figure("p50", "latency", "ms", target=2)
RATE = Figure("rate", "throughput", "/s", target=100, higher_is_better=True)


class Fake(System):
    """A system that does nothing."""

    python = sys.executable
    imports = ("import this",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.title = name.title()

    def durability(self) -> str:
        return "none"

    def hello(self) -> Sequence[str]:
        return []

    def flows(self, workload: str, count: int) -> Sequence[str]:
        return []

    def site(self, folder: Path) -> Site:
        return Site(folder, {})


def silent(_: str) -> None:
    """Says nothing."""


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50), (99, 99), (99.5, 100), (100, 100), (1, 1), (0, 1)], ids=str
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 99) == 7.0


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_target_is_met_on_its_own_side() -> None:
    assert LATENCY.meets(2.0) and not LATENCY.meets(2.1)
    assert RATE.meets(100) and not RATE.meets(99)
    assert Figure("x", "no target", "s").meets(1) is None


def test_the_advantage_is_over_one_when_ours_is_better() -> None:
    assert LATENCY.advantage(ours=1, theirs=4) == 4
    assert RATE.advantage(ours=400, theirs=100) == 4
    assert RATE.advantage(ours=50, theirs=100) == 0.5


@pytest.mark.parametrize(("factor", "expected"), [(1, 1000), (0.02, 20), (0.0001, 5)])
def test_the_scale_leaves_at_least_a_little_work(factor: float, expected: int) -> None:
    assert Scale(factor).count(1000) == expected


def test_systems_take_turns_within_a_round() -> None:
    order: list[str] = []

    def measure(system: System, scale: Scale) -> Mapping[str, float]:
        order.append(system.name)
        return {"p50": float(len(order))}

    workload = Workload("turns", (LATENCY,), measure, frozenset({"one", "two"}))
    systems = [Fake("one"), Fake("two"), Fake("three")]
    samples = run_workload(workload, systems, 3, Scale(), silent)
    assert order == ["one", "two"] * 3
    assert [sample.values for sample in samples] == [{"p50": [1.0, 3.0, 5.0]}, {"p50": [2.0, 4.0, 6.0]}]
    assert samples[0].median(LATENCY) == 3.0


def test_a_failure_is_kept_and_the_others_go_on() -> None:
    def measure(system: System, scale: Scale) -> Mapping[str, float]:
        if system.name == "one":
            raise ChildFailed("it broke")
        return {"p50": 1.0}

    workload = Workload("failing", (LATENCY,), measure, frozenset({"one", "two"}))
    broken, whole = run_workload(workload, [Fake("one"), Fake("two")], 2, Scale(), silent)
    assert broken.errors == ["it broke"] and broken.median(LATENCY) is None
    assert whole.values == {"p50": [1.0, 1.0]}


def samples_of(system: str, workload: Workload, **values: list[float]) -> Samples:
    return Samples(workload, system, values=dict(values))


def test_the_table_shows_target_verdict_and_ratio() -> None:
    workload = Workload("both", (LATENCY, RATE), lambda system, scale: {}, frozenset({"antiphon", "peer"}))
    ours = samples_of("antiphon", workload, p50=[1.0, 1.5, 9.0], rate=[50.0])
    theirs = samples_of("peer", workload, p50=[150.0], rate=[0.5])
    out = io.StringIO()
    render(Console(file=out, width=200), {"date": "today"}, [Fake("antiphon"), Fake("peer")], [[ours, theirs]])
    latency, rate = (line for line in out.getvalue().splitlines() if "latency" in line or "throughput" in line)
    assert [cell.strip() for cell in latency.split("│")[2:8]] == ["1.5 ms", "1 to 9", "≤ 2 ms", "met", "150 ms", "100x"]
    assert [cell.strip() for cell in rate.split("│")[2:8]] == ["50/s", "", "≥ 100/s", "missed", "0.5/s", "100x"]


def test_failures_are_in_table_and_json() -> None:
    workload = Workload("broken", (LATENCY,), lambda system, scale: {}, frozenset({"antiphon"}))
    sample = Samples(workload, "antiphon", errors=["the server went away"])
    out = io.StringIO()
    render(Console(file=out, width=200), {}, [Fake("antiphon")], [[sample]])
    assert "failed" in out.getvalue() and "the server went away" in out.getvalue()
    document = to_json({}, [Fake("antiphon")], [[sample]])
    assert document["figures"][0]["median"] is None
    assert document["errors"][0]["error"] == "the server went away"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.1234, "s", "0.123 s"),
        (12.345, "ms", "12.3 ms"),
        (12345.6, "/s", "12,346/s"),
        (0.9, "/s", "0.9/s"),
        (0.00574, "s", "0.006 s"),
    ],
)
def test_values_are_short(value: float, unit: str, expected: str) -> None:
    assert format_value(value, unit) == expected


def test_ratios_are_short() -> None:
    assert [format_ratio(value) for value in (0.52, 3.14, 12.6, 1234)] == ["0.52x", "3.1x", "13x", "1,234x"]


def test_a_child_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="exit code 3\nno luck"):
        run_child([sys.executable, "-c", "print('no luck'); raise SystemExit(3)"], {}, tmp_path)


def test_a_job_without_figures_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="no figures"):
        run_job([sys.executable, "-c", "print('hello')"], {}, tmp_path)


def test_a_child_sees_no_setting_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", "grpc://elsewhere:1")
    code = (
        "import json, os; print(json.dumps({'set': 'ANTIPHON_API_URL' in os.environ, 'home': os.environ['HOME_IS']}))"
    )
    assert run_job([sys.executable, "-c", code], {"HOME_IS": "1"}, tmp_path) == {"set": 0.0, "home": 1.0}


def run_quickly(out: Path, *options: str) -> tuple[dict[tuple[str, str], float], str]:
    """Little of each, so the figures mean nothing; that all are there does. Gives them, and what was printed."""
    command = [sys.executable, "-m", "bench", "--quick", "--json", str(out), *options]
    environment = os.environ | {"PYTHONPATH": PATHS}
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    found = json.loads(out.read_text())["figures"]
    return {(figure["workload"], figure["figure"]): figure["median"] for figure in found}, process.stdout


def figures_of(workloads: Iterable[Workload]) -> set[tuple[str, str]]:
    return {(workload.name, figure.key) for workload in workloads for figure in workload.figures}


@pytest.mark.timeout(600)
def test_every_workload_runs(tmp_path: Path) -> None:
    chosen = [workload for workload in WORKLOADS if SQLITE in workload.stores and workload.name != "overload"]
    names = [workload.name for workload in chosen]
    figures, said = run_quickly(tmp_path / "figures.json", "--only", *names)
    assert set(figures) == figures_of(chosen)
    # Nothing is dropped of a small flood, and no run is late.
    nothing = {("log_flood", "dropped"), ("each_minute", "late")}
    assert [key for key, median in figures.items() if not median and key not in nothing] == []
    assert "synchronous=FULL" in said


def test_overload_is_measured_where_its_load_generator_is(tmp_path: Path) -> None:
    go_tool("ghz")
    figures, _ = run_quickly(tmp_path / "figures.json", "--only", "overload")
    assert set(figures) == figures_of(workload for workload in WORKLOADS if workload.name == "overload")
    # Nobody of few need be turned away or reset.
    wanted = {key for key in figures if not key[1].endswith(("refused", "reset"))}
    assert {key for key in wanted if not figures[key]} == {("overload", key) for key in ("failed", "lost", "unasked")}


@pytest.mark.timeout(600)
def test_several_servers_are_measured_on_a_postgresql(tmp_path: Path) -> None:
    if binaries() is None:
        miss_tool(MISSING)
    chosen = [workload for workload in WORKLOADS if SQLITE not in workload.stores or workload.name == "verdict_latency"]
    names = [workload.name for workload in chosen]
    figures, said = run_quickly(tmp_path / "figures.json", "--store", "postgresql", "--only", *names)
    assert set(figures) == figures_of(chosen)
    assert {key for key, median in figures.items() if not median} == {
        ("failover", "failed"),
        ("rolling_restart", "failed"),
    }
    assert "synchronous_commit=on" in said


def test_an_unknown_workload_is_refused() -> None:
    environment = os.environ | {"PYTHONPATH": PATHS}
    command = [sys.executable, "-m", "bench", "--only", "nonsense"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert process.returncode == 2
    assert "hello_cold" in process.stderr
