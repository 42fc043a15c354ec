"""docs/monitoring.md, the dashboard and the alerts speak of the metrics that a server exports, and of no others."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from antiphon.cli.main import app
from antiphon_server.metrics import catalogue
from antiphon_server.metrics.catalogue import Type
from conftest import ROOT
from hand_session import HandSession
from monitoring.page import ALERTS, PAGES, alerts, rendered
from running_server import RunningServer
from scraped import Scraped
from world import World

PAGE = ROOT / "docs" / "monitoring.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "antiphon.json"
#: What Prometheus itself makes of a scrape.
ITS_OWN = {"up"}
NAME = re.compile(r"\b(?:antiphon|process|python)_[a-z_]+|\bup\b")
#: A name with its matchers, and what is grouped by.
MATCHERS = re.compile(r"([a-z_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
#: Labels that Prometheus adds to every series, and that of histograms.
ADDED = {"instance", "job", "le"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples of a server that has done something of everything."""
    with RunningServer(tmp_path_factory.mktemp("home"), metrics="127.0.0.1:0") as server:
        World(server).fill()
        HandSession(server.channel).cut()
        return Scraped(server.server.exporter.address).names


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the expression."""
    for panel in panels():
        for target in panel.get("targets", ()):
            yield f"dashboard: {panel['title']}", target["expr"]
    for rule in alerts():
        yield f"alert: {rule['alert']}", rule["expr"]


def labels_of(name: str) -> set[str]:
    for metric in catalogue.ALL:
        names = {metric.exported}
        if metric.type is Type.HISTOGRAM:
            names = {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
        if name in names:
            return set(metric.labels)
    return set()


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tables_are_those_of_the_server_and_of_the_alerts(page: Path) -> None:
    assert page.read_text() == rendered(page), "run scripts/generate"


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_names_what_is_exported(where: str, expression: str, exported: set[str]) -> None:
    names = set(NAME.findall(expression))
    assert names, where
    assert names - ITS_OWN <= exported, where
    known = set().union(*map(labels_of, names)) | ADDED
    for name, matchers in MATCHERS.findall(expression):
        asked = set(re.findall(r"([a-z_]+)\s*[=!]", matchers))
        assert asked <= labels_of(name) | ADDED, f"{where}: {name}"
    grouped = {label.strip() for labels in GROUPED.findall(expression) for label in labels.split(",")}
    assert grouped <= known, where
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing), where


def test_a_label_in_a_legend_is_one_of_the_expression() -> None:
    for panel in panels():
        for target in panel.get("targets", ()):
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            known = set().union(*map(labels_of, NAME.findall(target["expr"]))) | ADDED
            assert shown <= known, panel["title"]


def test_every_metric_of_the_server_is_on_the_dashboard() -> None:
    shown = {
        name for where, expression in EXPRESSIONS if where.startswith("dashboard") for name in NAME.findall(expression)
    }
    for metric in catalogue.ALL:
        assert any(name.startswith(metric.name) for name in shown), metric.name


def test_panels_have_places_of_their_own_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place: Mapping[str, int] = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["description"]
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "meaning", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


def test_other_alerts_that_an_alert_names_are_there() -> None:
    names = {rule["alert"] for rule in alerts()}
    for rule in alerts():
        assert set(re.findall(r"\bAntiphon[A-Z]\w+", " ".join(rule["annotations"].values()))) <= names


def commands() -> list[str]:
    texts = [PAGE.read_text(), *(rule["annotations"]["action"] for rule in alerts())]
    found = [each for text in texts for each in re.findall(r"(?:^|`)(antiphon [a-z][^`\n]*)", text, re.MULTILINE)]
    return sorted(set(found))


@pytest.mark.parametrize("command", commands())
def test_a_command_that_is_named_is_there(command: str) -> None:
    group: Any = typer.main.get_command(app)
    words = iter(shlex.split(command)[1:])
    context: Any = group.make_context("antiphon", [], resilient_parsing=True)
    while hasattr(group, "get_command"):
        word = next(words)
        group = group.get_command(context, word)
        assert group is not None, f"{command}: {word}"
    options = {option for parameter in group.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options, command


def test_what_the_page_has_prometheus_read_is_sound() -> None:
    (config,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    read = yaml.safe_load(config)
    assert read["scrape_configs"][0]["job_name"] == "antiphon", "the alerts ask for it"
    assert read["rule_files"] == [Path(ALERTS).name]
