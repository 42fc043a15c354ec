"""Loggers of runs, the terminal, the way to the server, and print()."""

import builtins
import contextlib
import io
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import MissingContextError
from antiphon.logging import (
    APILogHandler,
    disable_run_logger,
    get_logger,
    get_run_logger,
    patch_print,
    print_as_log,
    set_log_sink,
    setup_logging,
)
from antiphon.settings import temporary_settings
from antiphon.v1.log_pb2 import Log

FLOW_RUN_ID = "0190b0a0-0000-7000-8000-00000000000f"
TASK_RUN_ID = "0190b0a0-0000-7000-8000-00000000000a"


def flow_run(log_prints: bool = False) -> FlowRunContext:
    flow = SimpleNamespace(name="etl")
    return FlowRunContext(
        flow=flow, flow_run_id=FLOW_RUN_ID, flow_run_name="brisk-otter", flow_name="etl", log_prints=log_prints
    )


def task_run(log_prints: bool = False) -> TaskRunContext:
    task = SimpleNamespace(name="load")
    return TaskRunContext(
        task=task, task_run_id=TASK_RUN_ID, task_run_name="load-0", flow_run_id=FLOW_RUN_ID, log_prints=log_prints
    )


@contextlib.contextmanager
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        yield stream


def test_a_record_of_a_flow_run_reaches_the_sink(logs: list[Log]) -> None:
    with flow_run():
        get_run_logger().warning("%d of %s", 3, "x")
    (log,) = logs
    assert (log.logger, log.level, log.message) == ("antiphon.flow_runs", 30, "3 of x")
    assert (log.flow_run_id, log.task_run_id) == (FLOW_RUN_ID, "")
    assert UUID(log.id).version == 7


def test_a_record_of_a_task_run_knows_both_runs(logs: list[Log]) -> None:
    with flow_run(), task_run():
        get_run_logger().info("hi")
    (log,) = logs
    assert log.logger == "antiphon.task_runs"
    assert (log.flow_run_id, log.task_run_id) == (FLOW_RUN_ID, TASK_RUN_ID)


def test_times_are_those_of_the_record() -> None:
    record = logging.makeLogRecord({"created": 1_700_000_000.25, "levelno": 20, "flow_run_id": FLOW_RUN_ID, "msg": "m"})
    log = APILogHandler().make_log(record)
    assert log is not None
    assert (log.create_time.seconds, log.create_time.nanos) == (1_700_000_000, 250_000_000)


@pytest.mark.parametrize(("level", "expected"), [(-5, 0), (5, 5), (50, 50), (1000, 100)])
def test_levels_fit_the_contract(level: int, expected: int) -> None:
    record = logging.makeLogRecord({"levelno": level, "flow_run_id": FLOW_RUN_ID})
    log = APILogHandler().make_log(record)
    assert log is not None
    assert log.level == expected


def test_long_messages_are_cut_between_characters(logs: list[Log]) -> None:
    with flow_run():
        get_run_logger().info("ü" * 1_000_000)
        get_run_logger().info("x" * 1_000_000)
    cut, whole = logs
    assert 999_990 <= len(cut.message.encode()) <= 1_000_000
    assert cut.message.startswith("üü")
    assert cut.message.endswith("ü… (cut)")
    assert whole.message == "x" * 1_000_000
    # Not through a logger: pytest's reports cannot carry it.
    strange = logging.makeLogRecord({"levelno": 20, "flow_run_id": FLOW_RUN_ID, "msg": "half \ud800"})
    log = APILogHandler().make_log(strange)
    assert log is not None
    assert log.message == "half \\ud800"


def test_the_traceback_is_part_of_the_message(logs: list[Log]) -> None:
    with flow_run():
        try:
            raise KeyError("lost")
        except KeyError:
            get_run_logger().exception("it broke")
    (log,) = logs
    assert log.message.startswith("it broke\nTraceback")
    assert log.message.endswith("KeyError: 'lost'")


def test_a_failing_sink_or_record_does_not_reach_user_code(logs: list[Log], capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_log: Log) -> None:
        raise OSError("no space")

    with flow_run():
        set_log_sink(broken)
        get_run_logger().info("one")
        assert "OSError: no space" in capsys.readouterr().err
        set_log_sink(logs.append)
        # Straight to the handler: pytest's own would raise.
        APILogHandler().handle(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
        assert "--- Logging error ---" in capsys.readouterr().err
        get_run_logger().info("two")
    assert [log.message for log in logs] == ["two"]


def test_a_sink_that_logs_does_not_call_itself(logs: list[Log]) -> None:
    def talkative(log: Log) -> None:
        logs.append(log)
        get_run_logger().info("about a log")

    set_log_sink(talkative)
    with flow_run():
        get_run_logger().info("one")
        get_run_logger().info("two")
    assert [log.message for log in logs] == ["one", "two"]


def test_a_sink_is_called_by_several_threads_at_once(logs: list[Log]) -> None:
    together = threading.Barrier(2, timeout=30)

    def waits_for_the_other(log: Log) -> None:
        together.wait()
        logs.append(log)

    set_log_sink(waits_for_the_other)
    loggers = [get_run_logger(flow_run()) for _ in range(2)]
    threads = [threading.Thread(target=logger.info, args=("m",)) for logger in loggers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(logs) == 2


def test_without_a_sink_records_are_dropped(logs: list[Log]) -> None:
    assert set_log_sink(None) is not None
    with flow_run():
        get_run_logger().info("nobody listens")
    assert logs == []


def test_extra_loggers_are_part_of_the_run_that_they_log_in(logs: list[Log]) -> None:
    extra = logging.getLogger("some.library")
    with temporary_settings({"logging_extra_loggers": ["some.library"], "logging_level": "INFO"}):
        setup_logging()
        with pytest.warns(
            UserWarning, match=r"'some\.library' was to send .* ANTIPHON_LOGGING_TO_API_WHEN_MISSING_FLOW"
        ):
            extra.info("outside of any run")
        with flow_run():
            extra.info("in the flow")
            with task_run():
                logging.getLogger("some.library.part").info("in the task")
    setup_logging()
    with flow_run():
        extra.info("no longer an extra logger")
    assert [(log.logger, log.message, log.flow_run_id, log.task_run_id) for log in logs] == [
        ("some.library", "in the flow", FLOW_RUN_ID, ""),
        ("some.library.part", "in the task", FLOW_RUN_ID, TASK_RUN_ID),
    ]


def test_logs_to_the_server_can_be_switched_off(logs: list[Log], monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_settings({"logging_to_api_enabled": False}), console(monkeypatch) as stream, flow_run():
        setup_logging()
        get_run_logger().info("only here")
    assert logs == []
    assert "only here" in stream.getvalue()


@pytest.mark.usefixtures("logs")
def test_the_terminal_shows_time_level_and_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with console(monkeypatch) as stream:
        with flow_run():
            get_run_logger().info("hello")
            with task_run():
                get_run_logger().warning("careful")
        get_logger("engine").error("no run")
    lines = [re.sub(r"^\d\d:\d\d:\d\d\.\d\d\d", "TIME", line) for line in stream.getvalue().splitlines()]
    assert lines == [
        "TIME | INFO    | Flow run 'brisk-otter' - hello",
        "TIME | WARNING | Task run 'load-0' - careful",
        "TIME | ERROR   | antiphon.engine - no run",
    ]


def test_setting_up_again_adds_nothing_and_leaves_the_root_alone(
    logs: list[Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    root_before = list(logging.getLogger().handlers)
    for _ in range(3):
        setup_logging()
    with console(monkeypatch) as stream, flow_run():
        get_run_logger().info("once")
    assert stream.getvalue().count("once") == 1
    assert len(logs) == 1
    assert logging.getLogger().handlers == root_before


def test_what_a_person_does_to_our_loggers_stays(logs: list[Log]) -> None:
    with temporary_settings({"logging_level": "INFO"}):
        setup_logging()
        get_logger().setLevel(logging.ERROR)
        setup_logging()
        with flow_run():
            get_run_logger().info("not wanted any more")
    assert logs == []


def test_the_level_is_that_of_the_settings(logs: list[Log]) -> None:
    with temporary_settings({"logging_level": "ERROR"}):
        setup_logging()
        with flow_run():
            get_run_logger().warning("too little")
            get_run_logger().error("enough")
    assert [log.message for log in logs] == ["enough"]


def test_outside_of_a_run_there_is_no_run_logger() -> None:
    with pytest.raises(MissingContextError, match=r"disable_run_logger\(\)"):
        get_run_logger()


def test_a_disabled_run_logger_works_anywhere_and_writes_nothing(logs: list[Log]) -> None:
    with disable_run_logger():
        with disable_run_logger():
            get_run_logger().error("nothing")
        get_run_logger().error("nothing")
        with flow_run():
            get_run_logger().error("nothing")
    assert logs == []
    with pytest.raises(MissingContextError):
        get_run_logger()


def test_what_a_call_adds_is_kept_beside_the_run(logs: list[Log]) -> None:
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[assignment]
    logger = logging.getLogger("antiphon.flow_runs")
    logger.addHandler(handler)
    try:
        run_logger = get_run_logger(flow_run(), customer="c")
        run_logger.info("m", extra={"row": 5})
        run_logger.getChild("part").info("n")
    finally:
        logger.removeHandler(handler)
    first, second = (vars(record) for record in seen)
    assert (first["row"], first["customer"], first["flow_run_name"], first["flow_name"]) == (
        *(5, "c"),
        *("brisk-otter", "etl"),
    )
    assert (second["name"], second["flow_run_id"]) == ("antiphon.flow_runs.part", FLOW_RUN_ID)
    assert len(logs) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [(None, "antiphon"), ("antiphon", "antiphon"), ("x", "antiphon.x"), ("antiphon.y", "antiphon.y")],
)
def test_loggers_of_the_sdk(name: str | None, expected: str) -> None:
    assert get_logger(name).name == expected


def test_print_is_a_record_where_the_run_says_so(logs: list[Log], capsys: pytest.CaptureFixture[str]) -> None:
    with patch_print():
        print("outside")
        with flow_run(log_prints=True):
            print("flow", 1, sep="-")
            print("100", end="%")
            print("to stderr", file=sys.stderr)
            buffer = io.StringIO()
            print("to a file", file=buffer)
            with task_run(log_prints=False):
                print("quiet task")
        with flow_run(log_prints=False), task_run(log_prints=True):
            print("task")
    assert [log.message for log in logs] == ["flow-1", "100%", "to stderr", "task"]
    assert {log.level for log in logs} == {logging.INFO}
    assert [log.task_run_id for log in logs] == ["", "", "", TASK_RUN_ID]
    assert buffer.getvalue() == "to a file\n"
    assert capsys.readouterr().out == "outside\nquiet task\n"


def test_print_is_as_before_after_overlapping_blocks() -> None:
    before = builtins.print
    first, second = patch_print(), patch_print()
    first.__enter__()
    second.__enter__()
    assert builtins.print is print_as_log
    first.__exit__(None, None, None)
    assert builtins.print is print_as_log
    second.__exit__(None, None, None)
    assert builtins.print is before


def test_a_forked_child_prints_although_another_thread_was_just_patching() -> None:
    code = (
        "import os\n"
        "from antiphon.logging import prints\n"
        "with prints._lock:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        with prints.patch_print():\n"
        "            print('from the child', flush=True)\n"
        "        os._exit(0)\n"
        "    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "from the child\n"


def test_a_print_that_somebody_else_put_in_place_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*args: Any, **kwargs: Any) -> None: ...

    monkeypatch.setattr(builtins, "print", builtins.print)
    with patch_print():
        builtins.print = other
    assert builtins.print is other
