"""Colours and markup on the terminal."""

import contextlib
import io
import logging
from collections.abc import Callable

import pytest

from antiphon.context import FlowRunContext
from antiphon.logging import get_logger, get_run_logger, setup_logging
from antiphon.logging.formatters import AntiphonFormatter
from antiphon.settings import temporary_settings

Console = Callable[..., contextlib.AbstractContextManager[io.StringIO]]


@pytest.mark.usefixtures("logs")
def test_levels_have_colours_on_a_terminal(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    with console(terminal=True) as stream:
        get_logger("x").error("red")
        get_logger("x").info("plain")
        with temporary_settings({"logging.colors": False}):
            get_logger("x").error("no colour")
        monkeypatch.setenv("NO_COLOR", "1")
        get_logger("x").error("nobody wants any")
    red, *others = stream.getvalue().splitlines()
    assert red.startswith("\x1b[31m") and red.endswith("red\x1b[0m")
    assert len(others) == 3 and not any("\x1b" in line for line in others)


@pytest.mark.usefixtures("logs")
def test_a_file_gets_no_colours(console: Console) -> None:
    with console() as stream:
        get_logger("x").error("plain")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.usefixtures("logs")
def test_markup_is_drawn_where_it_is_asked_for(console: Console) -> None:
    with console(terminal=True) as stream, temporary_settings({"logging.markup": True}):
        get_logger("x").info("[red]words[/red] %s", "of [bold]weight[/bold]")
    assert "\x1b[31mwords\x1b[0m" in stream.getvalue()
    with console() as stream:
        with temporary_settings({"logging.markup": True}):
            get_logger("x").info("[red]words[/red] x[0] [/wrong]")
            get_logger("x").info("[red]words[/red] x[0]")
        get_logger("x").info("[red]words[/red]")
    said = [line.partition(" - ")[2] for line in stream.getvalue().splitlines()]
    assert said == ["[red]words[/red] x[0] [/wrong]", "words x[0]", "[red]words[/red]"]


def record(**more: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "hello", "levelname": "INFO", "name": "some.library", **more})


def test_formats_for_flow_runs_and_task_runs() -> None:
    formatter = AntiphonFormatter(
        "%(name)s: %(message)s",
        datefmt="%Y",
        flow_run_fmt="%(flow_run_name)s: %(message)s",
        task_run_fmt="%(asctime)s %(task_run_name)s in %(flow_run_name)s|%(message)s",
    )
    assert formatter.format(record()) == "some.library: hello"
    assert formatter.format(record(flow_run_name="otter")) == "otter: hello"
    year, _, rest = formatter.format(record(task_run_name="t-0")).partition(" ")
    assert (len(year), rest) == (4, "t-0 in |hello")


def test_formats_of_other_styles_and_defaults() -> None:
    formatter = AntiphonFormatter("{name} {more}: {message}", style="{", defaults={"more": "x"})
    assert formatter.format(record()) == "some.library x: hello"
    assert AntiphonFormatter(style="{").format(record()).endswith(" | INFO    | some.library - hello")


@pytest.mark.usefixtures("logs")
def test_a_run_has_the_same_line_for_both_formats(console: Console, flow_run: FlowRunContext) -> None:
    with console() as stream, flow_run:
        setup_logging()
        get_run_logger().info("hi")
    assert stream.getvalue().endswith("| INFO    | Flow run 'brisk-otter' - hi\n")
