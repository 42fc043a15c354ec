"""How records look as lines."""

import json
import logging
import sys

import pytest

from antiphon.logging.formatters import JsonFormatter


def record(**more: object) -> logging.LogRecord:
    made = logging.LogRecord("antiphon.x", logging.INFO, "file.py", 3, "one %s", ("two",), None)
    vars(made).update(more)
    return made


@pytest.mark.parametrize(("fmt", "lines"), [("default", 1), (None, 1), ("pretty", 10)])
def test_json_has_all_that_the_record_carries(fmt: str | None, lines: int) -> None:
    shown = JsonFormatter(fmt, None, "%").format(record(flow_run_id="f", odd={1, 2}.__class__))
    said = json.loads(shown)
    assert (said["message"], said["name"], said["levelname"], said["flow_run_id"]) == (
        "one two",
        "antiphon.x",
        "INFO",
        "f",
    )
    assert said["odd"] == "<class 'set'>"
    assert len(shown.splitlines()) >= lines and (lines > 1 or "\n" not in shown)


def test_json_has_the_traceback() -> None:
    try:
        raise ValueError("oh")
    except ValueError:
        shown = JsonFormatter().format(record(exc_info=sys.exc_info()))
    assert json.loads(shown)["exc_text"].endswith("ValueError: oh")
