"""Loggers of what is not in progress here, and the bounds on what goes to the server."""

import logging
import threading
from contextvars import copy_context
from types import SimpleNamespace

import pytest

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import MissingContextError
from antiphon.logging import LogEavesdropper, get_run_logger, setup_logging
from antiphon.logging.loggers import (
    AntiphonLogAdapter,
    disable_logger,
    flow_run_logger,
    get_worker_logger,
    task_run_logger,
)
from antiphon.settings import temporary_settings
from antiphon.v1.log_pb2 import Log

RUN, TASK = "0190b0a0-0000-7000-8000-00000000000f", "0190b0a0-0000-7000-8000-00000000000a"


def test_a_flow_run_that_is_not_in_progress_here(logs: list[Log]) -> None:
    run, flow = SimpleNamespace(id=RUN, name="otter"), SimpleNamespace(name="etl")
    logger = flow_run_logger(run, flow, customer="c")
    assert logger.extra == {"flow_run_id": RUN, "flow_run_name": "otter", "flow_name": "etl", "customer": "c"}
    logger.info("one")
    flow_run_logger(flow_run_id=RUN).info("two")
    assert [(log.message, log.flow_run_id) for log in logs] == [("one", RUN), ("two", RUN)]
    with pytest.raises(ValueError, match="needs the run, or its id"):
        flow_run_logger()


def test_a_task_run_that_is_not_in_progress_here(logs: list[Log]) -> None:
    task_run = SimpleNamespace(id=TASK, name="load-0", flow_run_id=RUN)
    logger = task_run_logger(task_run, task=SimpleNamespace(name="load"))
    logger.info("one")
    assert (logger.extra or {})["task_name"] == "load"
    assert [(log.flow_run_id, log.task_run_id) for log in logs] == [(RUN, TASK)]


def test_a_worker() -> None:
    worker = SimpleNamespace(type="process", name="Mine", id=None)
    logger = get_worker_logger(worker)
    assert isinstance(logger, logging.Logger) and logger.name == "antiphon.workers.process.mine"
    worker.id = RUN
    adapter = get_worker_logger(worker, "other")
    assert isinstance(adapter, AntiphonLogAdapter)
    assert (adapter.logger.name, adapter.extra) == ("antiphon.other", {"worker_id": RUN})


def test_a_logger_can_be_silenced(logs: list[Log], flow_run: FlowRunContext) -> None:
    with flow_run:
        with disable_logger("antiphon.flow_runs") as logger:
            assert logger.name == "antiphon.flow_runs"
            get_run_logger().info("nothing")
        get_run_logger().info("something")
    assert [log.message for log in logs] == ["something"]


def test_an_eavesdropper_hears_a_logger_and_those_below(flow_run: FlowRunContext, logs: list[Log]) -> None:
    with LogEavesdropper("antiphon", level=logging.INFO) as ear, flow_run:
        get_run_logger().info("hello %s", "there")
        get_run_logger().debug("too little")
        get_run_logger().getChild("part", {"x": 1}).error("oh")
    get_run_logger(flow_run).info("nobody listens")
    assert ear.text() == "[INFO]: hello there\n[ERROR]: oh"


def test_threads_of_user_code_log_to_the_run(logs: list[Log], flow_run: FlowRunContext) -> None:
    missing: list[type] = []

    def without() -> None:
        try:
            get_run_logger()
        except MissingContextError as error:
            missing.append(type(error))

    with flow_run:
        logger = get_run_logger()
        threads = [
            threading.Thread(target=logger.info, args=("a logger made outside",)),
            threading.Thread(target=copy_context().run, args=(lambda: get_run_logger().info("a copied context"),)),
            threading.Thread(target=without),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    assert [(log.message, log.flow_run_id) for log in logs] == [
        ("a logger made outside", RUN),
        ("a copied context", RUN),
    ]
    assert missing == [MissingContextError]


def test_long_lines_are_cut_where_the_settings_say(logs: list[Log], flow_run: FlowRunContext) -> None:
    with temporary_settings({"logging.to_api.max_log_size": 100}), flow_run:
        get_run_logger().info("x" * 1000)
    (log,) = logs
    assert len(log.message.encode()) == 100 and log.message.endswith("… (cut)")


def test_a_record_may_stay_here(logs: list[Log], flow_run: FlowRunContext) -> None:
    with flow_run:
        get_run_logger().info("here", extra={"send_to_api": False})
        with temporary_settings({"logging.to_api.enabled": False}):
            get_run_logger().info("here too")
    assert logs == []


def test_a_record_of_no_run(logs: list[Log], recwarn: pytest.WarningsRecorder) -> None:
    logger = logging.getLogger("antiphon.flow_runs")
    with pytest.warns(UserWarning, match="'antiphon.flow_runs' was to send .* outside of any run") as warned:
        logger.warning("lost")
    assert warned[0].filename == __file__
    with temporary_settings({"logging.to_api.when_missing_flow": "ignore"}):
        logger.warning("lost")
    with (
        temporary_settings({"logging.to_api.when_missing_flow": "error"}),
        pytest.raises(MissingContextError, match="send_to_api"),
    ):
        logger.warning("lost")
    task_run = TaskRunContext(task=None, task_run_id=TASK, task_run_name="t-0")
    with task_run:
        logger.warning("of a task outside of any flow")
    assert [log.task_run_id for log in logs] == [TASK]
    assert len(recwarn) == 0


@pytest.mark.usefixtures("logs")
def test_records_reach_neither_the_root_nor_others() -> None:
    with LogEavesdropper("") as root:
        setup_logging()
        logging.getLogger("antiphon.engine").warning("ours alone")
    assert root.text() == ""
