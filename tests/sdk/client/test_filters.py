"""Filters: what they say to the server, and what it finds by them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError

from antiphon import flow
from antiphon.client import listings
from antiphon.client.filter_texts import filter_text
from antiphon.client.orchestration import SyncAntiphonClient
from antiphon.client.schemas import filters as f
from antiphon.client.schemas.actions import WorkPoolCreate
from antiphon.client.schemas.sorting import (
    ArtifactCollectionSort,
    ArtifactSort,
    DeploymentSort,
    FlowRunSort,
    FlowSort,
    LogSort,
    TaskRunSort,
)
from antiphon.exceptions import ObjectUnsupported, ServerError
from antiphon.states import Completed, Failed, Pending, Running, Scheduled
from stored import Stored

A, B = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        (f.FlowRunFilter(), ""),
        (f.FlowRunFilter(id=f.FlowRunFilterId()), ""),
        (f.FlowRunFilter(id=f.FlowRunFilterId(any_=[A, B])), f"id = {A} OR id = {B}"),
        (f.FlowRunFilter(id=f.FlowRunFilterId(any_=[])), "NOT id:*"),
        (f.FlowRunFilter(id=f.FlowRunFilterId(not_any_=[A, B])), f"(id != {A}) AND (id != {B})"),
        (f.FlowRunFilter(name=f.FlowRunFilterName(any_=['a"b\\c*'])), r'name = "a\"b\\c\*"'),
        (f.FlowRunFilter(name=f.FlowRunFilterName(like_="x")), 'name:"x"'),
        (f.FlowRunFilter(tags=f.FlowRunFilterTags(all_=["a", "b"])), '(tags:"a") AND (tags:"b")'),
        (f.FlowRunFilter(tags=f.FlowRunFilterTags(any_=["a", "b"])), '(tags:"a") OR (tags:"b")'),
        (f.FlowRunFilter(tags=f.FlowRunFilterTags(is_null_=True)), "NOT tags:*"),
        (
            f.FlowRunFilter(tags=f.FlowRunFilterTags(operator=f.Operator.or_, all_=["a"], is_null_=True)),
            '(tags:"a") OR (NOT tags:*)',
        ),
        (
            f.FlowRunFilter(
                state=f.FlowRunFilterState(
                    type=f.FlowRunFilterStateType(any_=["FAILED"]), name=f.FlowRunFilterStateName(not_any_=["x"])
                )
            ),
            '(state.type = FAILED) AND (state.name != "x")',
        ),
        (
            f.FlowRunFilter(
                operator=f.Operator.or_,
                deployment_id=f.FlowRunFilterDeploymentId(is_null_=False),
                start_time=f.FlowRunFilterStartTime(before_=datetime(2026, 1, 2, 3, 4, 5)),
            ),
            "(deployment_id:*) OR (start_time <= 2026-01-02T03:04:05Z)",
        ),
    ],
)
def test_what_filters_say(filter: f.FlowRunFilter, text: str) -> None:
    assert filter_text(filter, listings.FLOW_RUNS.fields) == text


def test_a_search_of_text() -> None:
    filter = f.LogFilter(text=f.LogFilterTextSearch(query='a "b c" -d !e +f'))
    said = filter_text(filter, listings.LOGS.fields)
    assert said == '(NOT message:"d") AND (NOT message:"e") AND (message:"f") AND ((message:"a") OR (message:"b c"))'


def test_a_misspelt_field_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        f.FlowRunFilter(states=f.FlowRunFilterState())


def test_a_field_that_the_server_cannot_look_for() -> None:
    with pytest.raises(ObjectUnsupported, match=r"cannot look for tags here \(FlowFilter\). It can for: id, name"):
        filter_text(f.FlowFilter(tags=f.FlowFilterTags(all_=["a"])), {"id": "flow_id", "name": "flow_name"})


def test_a_filter_that_is_too_long(stored: Stored) -> None:
    many = f.FlowRunFilter(id=f.FlowRunFilterId(any_=[uuid4() for _ in range(500)]))
    with pytest.raises(ValueError, match=r"too long: it takes .* characters to say, and the server reads 8,192"):
        SyncAntiphonClient().read_flow_runs(flow_run_filter=many)


class World:
    """Things of one flow that filters of all kinds find."""

    def __init__(self, client: SyncAntiphonClient) -> None:
        self.mark = uuid4().hex[:8]
        self.flow = client.create_flow_from_name(f"flow {self.mark}")
        pool = client.create_work_pool(WorkPoolCreate(name=f"pool-{self.mark}"))
        queue = client.create_work_queue(f"queue-{self.mark}", work_pool_name=pool.name)
        self.pool, self.queue = pool, queue
        names = {"work_pool_name": pool.name, "work_queue_name": queue.name}
        self.deployment = client.create_deployment(
            self.flow, f"dep {self.mark}", tags=["d"], concurrency_limit=3, **names
        )
        self.other = client.create_deployment(self.flow, f"other {self.mark}")
        self.soon = datetime.now(UTC) + timedelta(hours=1)
        make = client.create_flow_run_from_deployment
        key = f"key {self.mark}"
        self.waits = make(self.deployment, name="waits", tags=["a"], state=Scheduled(self.soon), idempotency_key=key).id
        self.ran = make(self.deployment, name="ran", tags=["a", "b"]).id
        for state in (Pending(), Running(), Completed()):
            client.set_flow_run_state(self.ran, state)
        self.bare = make(self.other, name="Bare").id
        for state in (Pending(), Running(), Failed()):
            client.set_flow_run_state(self.bare, state)


@pytest.fixture
def client(stored: Stored) -> Iterator[SyncAntiphonClient]:
    with SyncAntiphonClient() as client:
        yield client


@pytest.fixture
def world(client: SyncAntiphonClient) -> World:
    return World(client)


def test_what_flow_runs_are_found(client: SyncAntiphonClient, world: World) -> None:
    def found(**parts: BaseModel) -> set[str]:
        mine = f.FlowFilter(id=f.FlowFilterId(any_=[world.flow]))
        runs = client.read_flow_runs(flow_filter=mine, flow_run_filter=f.FlowRunFilter(**parts))
        return {run.name for run in runs}

    all_three, soon = {"waits", "ran", "Bare"}, world.soon
    assert found() == all_three
    assert found(id=f.FlowRunFilterId(not_any_=[world.ran])) == {"waits", "Bare"}
    assert found(name=f.FlowRunFilterName(like_="a")) == all_three
    assert found(name=f.FlowRunFilterName(like_="Ba")) == {"Bare"}
    assert found(tags=f.FlowRunFilterTags(all_=["a", "b"])) == {"ran"}
    assert found(tags=f.FlowRunFilterTags(any_=["d"])) == {"waits", "ran"}
    assert found(tags=f.FlowRunFilterTags(is_null_=True)) == {"Bare"}
    assert found(deployment_id=f.FlowRunFilterDeploymentId(any_=[world.other])) == {"Bare"}
    assert found(deployment_id=f.FlowRunFilterDeploymentId(is_null_=True)) == set()
    assert found(work_queue_name=f.FlowRunFilterWorkQueueName(any_=[world.queue.name])) == {"waits", "ran"}
    assert found(work_queue_name=f.FlowRunFilterWorkQueueName(is_null_=True)) == {"Bare"}
    of_type = f.FlowRunFilterStateType(any_=["FAILED", "SCHEDULED"])
    assert found(state=f.FlowRunFilterState(type=of_type)) == {"waits", "Bare"}
    assert found(state=f.FlowRunFilterState(name=f.FlowRunFilterStateName(not_any_=["Failed"]))) == {"waits", "ran"}
    assert found(start_time=f.FlowRunFilterStartTime(is_null_=True)) == {"waits"}
    assert found(end_time=f.FlowRunFilterEndTime(after_=datetime.now(UTC) - timedelta(hours=1))) == {"ran", "Bare"}
    assert found(expected_start_time=f.FlowRunFilterExpectedStartTime(after_=soon)) == {"waits"}
    scheduled = f.FlowRunFilterNextScheduledStartTime(before_=soon)
    assert found(next_scheduled_start_time=scheduled) == {"waits"}
    assert found(idempotency_key=f.FlowRunFilterIdempotencyKey(any_=[f"key {world.mark}"])) == {"waits"}
    assert found(idempotency_key=f.FlowRunFilterIdempotencyKey(not_any_=[f"key {world.mark}"])) == {"ran", "Bare"}
    assert found(flow_version=f.FlowRunFilterFlowVersion(any_=["9"])) == set()
    assert found(parent_task_run_id=f.FlowRunFilterParentTaskRunId(is_null_=True)) == all_three
    either = {"operator": f.Operator.or_, "name": f.FlowRunFilterName(any_=["ran"])}
    assert found(**either, start_time=f.FlowRunFilterStartTime(is_null_=True)) == {"waits", "ran"}


def test_flow_runs_by_other_things(client: SyncAntiphonClient, world: World) -> None:
    def found(**filters: Any) -> set[str]:
        runs = client.read_flow_runs(**filters)
        assert client.count_flow_runs(**filters) == len(runs)
        return {run.name for run in runs}

    named = f.FlowFilter(name=f.FlowFilterName(any_=[f"flow {world.mark}"]))
    assert found(flow_filter=named) == {"waits", "ran", "Bare"}
    tagged = f.DeploymentFilter(tags=f.DeploymentFilterTags(all_=["d"]), name=f.DeploymentFilterName(like_=world.mark))
    assert found(deployment_filter=tagged) == {"waits", "ran"}
    pool = f.WorkPoolFilter(name=f.WorkPoolFilterName(any_=[world.pool.name]))
    assert found(work_pool_filter=pool) == {"waits", "ran"}
    queue = f.WorkQueueFilter(id=f.WorkQueueFilterId(any_=[world.queue.id]))
    assert found(work_queue_filter=queue, flow_filter=named) == {"waits", "ran"}
    nobody = f.DeploymentFilter(name=f.DeploymentFilterName(any_=["nobody"]), tags=f.DeploymentFilterTags(all_=["q"]))
    assert found(deployment_filter=nobody) == set()
    assert found(task_run_filter=f.TaskRunFilter(id=f.TaskRunFilterId(any_=[world.ran]))) == set()


def test_other_things(client: SyncAntiphonClient, world: World) -> None:
    mine = f.FlowFilter(name=f.FlowFilterName(like_=world.mark))
    ran = f.FlowRunFilter(id=f.FlowRunFilterId(any_=[world.ran]))
    pool = f.WorkPoolFilter(id=f.WorkPoolFilterId(any_=[world.pool.id]))
    assert [each.id for each in client.read_flows(flow_filter=mine)] == [world.flow]
    assert [each.id for each in client.read_flows(flow_run_filter=ran)] == [world.flow]
    assert [each.id for each in client.read_flows(work_pool_filter=pool, sort=FlowSort.UPDATED_DESC)] == [world.flow]

    def deployments(**filters: Any) -> list[UUID]:
        return [each.id for each in client.read_deployments(flow_filter=mine, **filters)]

    by_limit = f.DeploymentFilterConcurrencyLimit(ge_=1, le_=3)
    both = [world.deployment, world.other]
    assert deployments(sort=DeploymentSort.NAME_ASC) == deployments(sort=DeploymentSort.CONCURRENCY_LIMIT_DESC) == both
    assert deployments(deployment_filter=f.DeploymentFilter(concurrency_limit=by_limit)) == [world.deployment]
    none = f.DeploymentFilter(concurrency_limit=f.DeploymentFilterConcurrencyLimit(is_null_=True))
    assert deployments(deployment_filter=none) == [world.other]
    queue = f.DeploymentFilterWorkQueueName(any_=[world.queue.name])
    assert deployments(deployment_filter=f.DeploymentFilter(work_queue_name=queue)) == [world.deployment]
    assert deployments(flow_run_filter=ran) == deployments(work_pool_filter=pool) == [world.deployment]


def test_subflows(client: SyncAntiphonClient, stored: Stored) -> None:
    @flow(name=f"child-{uuid4().hex[:8]}")
    def child() -> None: ...

    @flow(name=f"parent-{uuid4().hex[:8]}")
    def parent() -> None:
        child()

    ended = parent(return_state=True)
    id = UUID(ended.state_details.flow_run_id)
    of_parent = f.FlowRunFilter(parent_flow_run_id=f.FlowRunFilterParentFlowRunId(any_=[id]))
    (inner,) = client.read_flow_runs(flow_run_filter=of_parent)
    assert inner.flow_id == client.read_flow_by_name(child.name).id
    stands = f.TaskRunFilter(
        flow_run_id=f.TaskRunFilterFlowRunId(any_=[id]), subflow_runs=f.TaskRunFilterSubFlowRuns(exists_=True)
    )
    assert [each.id for each in client.read_task_runs(task_run_filter=stands)] == [inner.parent_task_run_id]
    stands.subflow_runs = f.TaskRunFilterSubFlowRuns(exists_=False)
    assert client.read_task_runs(task_run_filter=stands) == []
    by_task = f.TaskRunFilter(id=f.TaskRunFilterId(any_=[inner.parent_task_run_id]))
    assert [each.id for each in client.read_flow_runs(task_run_filter=by_task)] == [id]
    assert [each.name for each in client.read_flows(task_run_filter=by_task)] == [parent.name]


def test_too_many_things_of_another_kind(client: SyncAntiphonClient) -> None:
    mark = uuid4().hex[:8]
    made = [client.create_flow_from_name(f"{mark} {each}") for each in range(101)]
    mine = f.FlowFilter(name=f.FlowFilterName(like_=mark))
    assert client.read_flow_runs(flow_filter=mine) == []  # the server's own filter knows the names of flows
    tagged = f.FlowFilter(name=f.FlowFilterName(like_=mark), tags=f.FlowFilterTags(is_null_=True))
    with pytest.raises(ValueError, match="filter of flows lets 101 flows through; flow runs can be"):
        client.read_flow_runs(flow_filter=tagged)
    client.delete_flow(made[0])
    assert client.read_flow_runs(flow_filter=tagged) == []


@pytest.mark.parametrize(
    ("listing", "sorts"),
    [
        (listings.FLOWS, FlowSort),
        (listings.FLOW_RUNS, FlowRunSort),
        (listings.TASK_RUNS, TaskRunSort),
        (listings.DEPLOYMENTS, DeploymentSort),
        (listings.LOGS, LogSort),
        (listings.ARTIFACTS, ArtifactSort),
        (listings.LATEST_ARTIFACTS, ArtifactCollectionSort),
    ],
    ids=lambda each: getattr(each, "noun", ""),
)
def test_each_order_is_one_of_the_server(client: SyncAntiphonClient, listing: Any, sorts: Any) -> None:
    assert set(listing.orders) == set(sorts)
    for order in set(listing.orders.values()):
        request = listing.request(order_by=order, page_size=1)
        client.offer(lambda request: client.call(listing.method, request, listing.response))(request)


@pytest.mark.parametrize("listing", [each for each in vars(listings).values() if isinstance(each, listings.Listing)])
def test_each_field_is_one_of_the_server(client: SyncAntiphonClient, listing: listings.Listing) -> None:
    ask = client.offer(lambda request: client.call(listing.method, request, listing.response))
    for field in listing.fields.values():
        ask(listing.request(filter=f"{field}:*", page_size=1))
    with pytest.raises(ServerError, match="nonsense"):
        ask(listing.request(filter="nonsense:*"))
