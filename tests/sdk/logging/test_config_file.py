"""Logging as a file says it."""

import contextlib
import importlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.context import FlowRunContext
from antiphon.exceptions import SettingError
from antiphon.logging import get_run_logger, setup_logging
from antiphon.settings import temporary_settings
from antiphon.v1.log_pb2 import Log

Console = Callable[..., contextlib.AbstractContextManager[io.StringIO]]

YAML = """
version: 1
formatters:
  mine:
    (): antiphon.logging.formatters.AntiphonFormatter
    format: "%(name)s %(message)s"
    flow_run_fmt: "MINE %(flow_run_name)s %(message)s"
handlers:
  console:
    class: antiphon.logging.console.AntiphonConsoleHandler
    formatter: mine
  api:
    class: antiphon.logging.handlers.APILogHandler
loggers:
  antiphon:
    level: "${ANTIPHON_LOGGING_LEVEL}"
    handlers: [console]
    propagate: no
  antiphon.flow_runs:
    level: NOTSET
    handlers: [api]
"""


@pytest.fixture
def config(tmp_path: Path, logs: list[Log]) -> Iterator[Callable[[str, str], None]]:
    """Writes a file and has logging set up by it."""
    with contextlib.ExitStack() as stack:

        def write(name: str, text: str) -> None:
            (tmp_path / name).write_text(text)
            stack.enter_context(
                temporary_settings({"logging.config_path": tmp_path / name, "logging.level": "WARNING"})
            )
            setup_logging()

        yield write
    setup_logging()


def as_toml(document: dict[str, object]) -> str:
    return str(importlib.import_module("tomlkit").dumps(document))


@pytest.mark.parametrize("kind", ["yml", "yaml", "json", "toml"])
def test_a_file_takes_the_place_of_our_set_up(
    config: Callable[[str, str], None], logs: list[Log], console: Console, flow_run: FlowRunContext, kind: str
) -> None:
    document = importlib.import_module("yaml").safe_load(YAML)
    texts = {"json": json.dumps(document), "toml": as_toml(document)}
    config(f"logging.{kind}", texts.get(kind, YAML))
    with console() as stream, flow_run:
        get_run_logger().warning("careful")
        get_run_logger().info("below the level of the settings")
    assert stream.getvalue() == "MINE brisk-otter careful\n"
    assert [log.message for log in logs] == ["careful"]


def test_a_file_in_the_home_is_found_and_left_again(
    tmp_path: Path, logs: list[Log], console: Console, flow_run: FlowRunContext
) -> None:
    (tmp_path / "logging.yml").write_text(YAML)
    with console() as stream, flow_run:
        with temporary_settings({"home": tmp_path}):
            setup_logging()
            get_run_logger().warning("by the file")
        setup_logging()
        get_run_logger().warning("by us")
    first, second = stream.getvalue().splitlines()
    assert first == "MINE brisk-otter by the file"
    assert second.endswith("| WARNING | Flow run 'brisk-otter' - by us")
    assert [log.message for log in logs] == ["by the file", "by us"]


def test_extra_loggers_come_on_top(
    config: Callable[[str, str], None], logs: list[Log], flow_run: FlowRunContext
) -> None:
    with temporary_settings({"logging.extra_loggers": ["some.other"]}):
        config("logging.yml", YAML)
        with flow_run:
            logging.getLogger("some.other").warning("of the run")
    assert [log.message for log in logs] == ["of the run"]


def test_the_environment_may_fill_a_gap(
    config: Callable[[str, str], None], logs: list[Log], flow_run: FlowRunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_LEVEL", "ERROR")
    config("logging.yml", YAML.replace("ANTIPHON_LOGGING_LEVEL", "MY_LEVEL"))
    with flow_run:
        get_run_logger().warning("too little")
        get_run_logger().error("enough")
    assert [log.message for log in logs] == ["enough"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("logging.yml", "[", r"Cannot set up logging by .*/logging\.yml: while parsing"),
        ("logging.json", "{", r"logging\.json: Expecting"),
        ("logging.toml", "[", r"logging\.toml: Invalid"),
        ("logging.yml", "just words", "it holds no table"),
        ("logging.yml", "version: 2", "Unsupported version: 2"),
        ("logging.yml", "handlers: {x: {class: no.such.Handler}}", "Unable to configure handler 'x': .*no"),
        ("logging.yml", "loggers: {x: {level: LOUD}}", "Unable to configure logger 'x': Unknown level: 'LOUD'"),
        ("logging.yml", "x: ${MY_GAP}", r"\${MY_GAP} is neither a setting nor an environment variable"),
    ],
)
def test_wrong_files_are_told(config: Callable[[str, str], None], name: str, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        config(name, text)


def test_a_file_that_is_not_there_is_told_and_forgotten(
    tmp_path: Path, logs: list[Log], flow_run: FlowRunContext
) -> None:
    with (
        temporary_settings({"logging.config_path": tmp_path / "no.yml"}),
        pytest.raises(SettingError, match=r"no\.yml: .* or unset ANTIPHON_LOGGING_CONFIG_PATH"),
    ):
        setup_logging()
    setup_logging()
    with flow_run:
        get_run_logger().info("as before")
    assert [log.message for log in logs] == ["as before"]
