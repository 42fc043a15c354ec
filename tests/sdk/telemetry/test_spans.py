"""Spans of runs: where they stand, what they say, and that whoever goes on with a run goes on with its trace."""

import asyncio
import logging
import multiprocessing
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from antiphon import flow, get_run_logger, task
from antiphon.engine.drivers import drive
from antiphon.engine.server_calls import call_server
from antiphon.flow_run_process import execute_flow_run
from antiphon.task_runners import ProcessPoolTaskRunner
from antiphon.telemetry.tracing import call_metadata, traceparent
from antiphon.v1 import deployment_pb2, deployment_service_pb2, flow_run_service_pb2, flow_service_pb2
from serving import serving
from stored import Stored
from traces import Traces, is_child
from until import until


def trace_id() -> str:
    """The trace that the calling code is part of."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


def events(span: Any) -> list[str]:
    return [event.name for event in span.events]


def test_a_flow_and_its_task(stored: Stored, traces: Traces, server_traces: Traces) -> None:
    @task(tags=["db"])
    def load(path: str) -> str:
        with traces.tracer.start_as_current_span("read"):
            return path

    @flow(name="etl")
    def etl() -> str:
        return load("here")

    assert etl() == "here"
    run, step = traces.one(run_type="flow"), traces.one(run_type="task")
    assert run.parent is None
    assert is_child(step, run)
    assert is_child(traces.named("read")[0], step), "the code of a run stands in its span"
    assert run.attributes is not None and step.attributes is not None
    assert run.name == run.attributes["antiphon.run.name"]
    assert run.attributes["antiphon.flow.name"] == "etl"
    assert step.attributes["antiphon.tags"] == ("db",)
    assert step.attributes["antiphon.run.parameter.path"] == "str"
    assert events(run) == events(step) == ["Running", "Completed"]
    assert run.status.status_code is step.status.status_code is StatusCode.OK
    until(lambda: len(server_traces.named("decide COMPLETED")) == 2)
    below_run = [span for span in server_traces.spans if is_child(span, run)]
    assert [span.name for span in below_run] == ["decide PENDING", "decide RUNNING", "decide COMPLETED"]
    decided = below_run[-1].attributes
    assert decided is not None
    assert (decided["antiphon.verdict"], decided["antiphon.run.id"]) == ("ACCEPT", run.attributes["antiphon.run.id"])
    assert all(is_child(span, step) or is_child(span, run) for span in server_traces.spans)
    told = stored.client.call(
        stored.client.flow_runs.GetFlowRun,
        flow_run_service_pb2.GetFlowRunRequest(id=str(run.attributes["antiphon.run.id"])),
    ).flow_run
    assert told.traceparent.split("-")[1] == trace.format_trace_id(run.context.trace_id)


def test_tasks_that_run_in_threads(stored: Stored, traces: Traces) -> None:
    @task
    def double(number: int) -> int:
        return number * 2

    @flow
    def sums() -> int:
        return sum(double.map([1, 2, 3]).result())

    assert sums() == 12
    run = traces.one(run_type="flow")
    steps = [span for span in traces.spans if span is not run]
    assert len(steps) == 3
    assert all(is_child(step, run) for step in steps)


def test_coroutines(stored: Stored, traces: Traces) -> None:
    @task
    async def double(number: int) -> int:
        return number * 2

    @flow
    async def sums() -> int:
        return await double(1) + await double(2)

    assert asyncio.run(sums()) == 6
    run = traces.one(run_type="flow")
    steps = [span for span in traces.spans if span is not run]
    assert [is_child(step, run) for step in steps] == [True, True]


def test_a_subflow_and_a_caller_that_traces_itself(stored: Stored, traces: Traces) -> None:
    @flow(name="inner")
    def inner() -> None: ...

    @flow(name="outer")
    def outer() -> None:
        inner()

    with traces.tracer.start_as_current_span("request"):
        outer()
    within, around = traces.one(flow_name="inner"), traces.one(flow_name="outer")
    assert is_child(around, traces.named("request")[0])
    assert is_child(within, around)


def test_a_failure_and_what_is_tried_again(stored: Stored, traces: Traces) -> None:
    attempts: list[int] = []

    @task(retries=1, retry_delay_seconds=0)
    def flaky() -> None:
        attempts.append(1)
        raise ValueError(f"attempt {len(attempts)}")

    @flow
    def etl() -> None:
        flaky()

    with pytest.raises(ValueError, match="attempt 2"):
        etl()
    step, run = traces.one(run_type="task"), traces.one(run_type="flow")
    said = events(step)
    assert said[0] == "Running" and "AwaitingRetry" in said and said[-1] == "Failed"
    assert said.count("exception") == 2
    assert (step.status.status_code, run.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
    assert "attempt 2" in (step.status.description or "")


def test_an_iterated_flow(stored: Stored, traces: Traces) -> None:
    @flow
    def numbers() -> Any:
        yield trace_id()
        yield trace_id()

    seen = list(numbers())
    run = traces.one(run_type="flow")
    assert seen == [trace.format_trace_id(run.context.trace_id)] * 2
    assert trace_id() == "0" * 32, "the code that iterates does not stand in it"


def test_a_call_of_the_server_continues_the_trace(stored: Stored, traces: Traces, server_traces: Traces) -> None:
    @flow
    def look() -> None:
        request = flow_service_pb2.ListFlowsRequest()
        drive(call_server(lambda it: it.flows.ListFlows, request, flow_service_pb2.ListFlowsResponse), None)

    look()
    until(lambda: bool(server_traces.named("antiphon.v1.FlowService/ListFlows")))
    (call,) = server_traces.named("antiphon.v1.FlowService/ListFlows")
    assert is_child(call, traces.one(run_type="flow"))


def test_a_background_task_continues_the_trace_of_who_asked(stored: Stored, traces: Traces) -> None:
    @task
    def later() -> str:
        return trace_id()

    with traces.tracer.start_as_current_span("request") as request:
        future = later.delay()
        asked = trace.format_trace_id(request.get_span_context().trace_id)
    with serving(later):
        until(lambda: len([span for span in traces.spans if span.name != "request"]) == 1)
    assert is_child(traces.one(run_type="task"), traces.named("request")[0])
    assert future.task_run_id
    assert asked == trace.format_trace_id(traces.one(run_type="task").context.trace_id)


def test_a_run_of_a_deployment_continues_the_trace_of_who_asked(
    stored: Stored, traces: Traces, server_traces: Traces
) -> None:
    seen: list[str] = []

    @flow(name="deployed")
    def deployed() -> None:
        seen.append(trace_id())

    client = stored.client
    made = client.call(
        client.deployments.CreateDeployment,
        deployment_service_pb2.CreateDeploymentRequest(
            deployment=deployment_pb2.Deployment(name="d", flow_name="deployed")
        ),
    ).deployment
    with traces.tracer.start_as_current_span("request"):
        asked = trace_id()
        run = client.call(
            client.deployments.RunDeployment, deployment_service_pb2.RunDeploymentRequest(id=made.id)
        ).flow_run
    assert run.traceparent.split("-")[1] == asked
    assert execute_flow_run(run.id, flow=deployed) == 0
    assert seen == [asked]
    (call,) = server_traces.named("antiphon.v1.DeploymentService/RunDeployment")
    assert is_child(call, traces.named("request")[0])
    assert is_child(traces.one(run_type="flow"), call)


@task
def in_its_process() -> tuple[str, str]:
    return multiprocessing.current_process().name, trace_id()


def test_a_task_in_another_process_continues_the_trace(stored: Stored, traces: Traces) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def spread() -> tuple[str, str]:
        return in_its_process.submit().result()

    _, seen = spread()
    assert seen == trace.format_trace_id(traces.one(run_type="flow").context.trace_id)


def test_logs_of_a_run_name_its_span(stored: Stored, traces: Traces) -> None:
    heard: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    @flow
    def talk() -> None:
        get_run_logger().warning("here I am")

    ear = Ear()
    logging.getLogger("antiphon.flow_runs").addHandler(ear)
    try:
        talk()
    finally:
        logging.getLogger("antiphon.flow_runs").removeHandler(ear)
    run = traces.one(run_type="flow")
    (record,) = (record for record in heard if record.getMessage() == "here I am")
    assert vars(record)["trace_id"] == trace.format_trace_id(run.context.trace_id)
    assert vars(record)["span_id"] == trace.format_span_id(run.context.span_id)


def test_a_run_that_is_broken_off(stored: Stored, traces: Traces) -> None:
    @flow
    def broken() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    run = traces.one(run_type="flow")
    assert run.status.status_code is StatusCode.ERROR
    assert "exception" in events(run)


def test_outside_of_spans_nothing_is_carried(traces: Traces) -> None:
    assert (traceparent(), call_metadata()) == ("", {})
