"""The RPCs of limits, deployments, work pools and work queues refuse what is wrong, as all do (test_unary_refusals)."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from world import MISSING, World

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, EXISTS, ABORTED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
)
OWNERS = ("deployment", "work-pool", "work-queue")


def limit_refusals() -> list[tuple[Any, ...]]:
    def create(**fields: Any) -> Ask:
        return lambda w: {"concurrencyLimit": {"name": "db", "limit": 1, **fields}}

    def update(paths: str, **fields: Any) -> Ask:
        return lambda w: {"concurrencyLimit": {"id": w.limit, **fields}, "updateMask": paths}

    limit = "concurrency_limit"
    reserved = (INVALID, "LIMIT_NAME_RESERVED", (f"{limit}.name",))
    return [
        ("CreateConcurrencyLimit", lambda w: {}, INVALID, "FIELD_INVALID", (limit,)),
        ("CreateConcurrencyLimit", create(name=""), INVALID, "FIELD_INVALID", (f"{limit}.name",)),
        ("CreateConcurrencyLimit", create(name="tag:"), INVALID, "FIELD_INVALID", (f"{limit}.name",)),
        ("CreateConcurrencyLimit", create(limit=-1), INVALID, "FIELD_INVALID", (f"{limit}.limit",)),
        *(
            (
                "CreateConcurrencyLimit",
                create(slotDecayPerSecond=decay),
                INVALID,
                "FIELD_INVALID",
                (f"{limit}.slot_decay_per_second",),
            )
            for decay in (-1, "NaN", "Infinity", 1e-9)
        ),
        ("CreateConcurrencyLimit", create(name="tag:scarce"), EXISTS, "CONCURRENCY_LIMIT_EXISTS", ()),
        *(("CreateConcurrencyLimit", create(name=f"{kind}:x"), *reserved) for kind in OWNERS),
        ("UpdateConcurrencyLimit", update("name", name="deployment:x"), *reserved),
        ("UpdateConcurrencyLimit", update(""), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateConcurrencyLimit", update("activeSlots"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateConcurrencyLimit", update("limit", limit=-1), INVALID, "FIELD_INVALID", (f"{limit}.limit",)),
        ("UpdateConcurrencyLimit", update("limit", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateConcurrencyLimit", update("limit", id=MISSING), NOT_FOUND, "CONCURRENCY_LIMIT_NOT_FOUND", ()),
        ("DeleteConcurrencyLimit", lambda w: {"id": w.limit, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("GetConcurrencyLimit", lambda w: {}, INVALID, "FIELD_INVALID", (limit,)),
        ("GetConcurrencyLimit", lambda w: {"name": "db"}, NOT_FOUND, "CONCURRENCY_LIMIT_NOT_FOUND", ()),
        ("ListSlots", lambda w: {}, INVALID, "FIELD_INVALID", (limit,)),
        ("ListSlots", lambda w: {"id": w.limit, "pageSize": -1}, INVALID, "FIELD_INVALID", ("page_size",)),
        ("ListSlots", lambda w: {"id": w.limit, "pageToken": "x"}, INVALID, "PAGE_TOKEN_INVALID", ("page_token",)),
        (
            "ListSlotWaiters",
            lambda w: {"id": w.limit, "pageToken": "x"},
            INVALID,
            "PAGE_TOKEN_INVALID",
            ("page_token",),
        ),
        (
            "ListConcurrencyLimits",
            lambda w: {"filter": "active = perhaps"},
            INVALID,
            "FILTER_INVALID",
            ("filter",),
        ),
    ]


def deployment_refusals() -> list[tuple[Any, ...]]:
    def create(**fields: Any) -> Ask:
        return lambda w: {"deployment": {"name": "d", "flowName": "etl", **fields}}

    def update(paths: str, **fields: Any) -> Ask:
        return lambda w: {"deployment": {"id": w.deployment, **fields}, "updateMask": paths}

    def second(w: World) -> dict[str, Any]:
        other = w.call("CreateDeployment", create()(w)).deployment.id
        return {"deployment": {"id": other, "name": "nightly"}, "updateMask": "name"}

    return [
        ("CreateDeployment", create(flowName=""), INVALID, "FLOW_MISSING", ("deployment.flow_name",)),
        ("CreateDeployment", create(flowId=MISSING), NOT_FOUND, "FLOW_NOT_FOUND", ()),
        ("CreateDeployment", create(workQueueId=MISSING, flowName="new"), NOT_FOUND, "WORK_QUEUE_NOT_FOUND", ()),
        ("CreateDeployment", create(name="nightly"), EXISTS, "DEPLOYMENT_EXISTS", ()),
        *(
            ("CreateDeployment", create(**{name: value}), INVALID, "FIELD_INVALID", (f"deployment.{field}",))
            for name, value, field in [
                ("name", "", "name"),
                ("concurrencyLimit", -1, "concurrency_limit"),
                ("collisionStrategy", 7, "collision_strategy"),
                ("gracePeriod", "0s", "grace_period"),
                ("gracePeriod", "86400.5s", "grace_period"),
                ("workQueueId", "queue", "work_queue_id"),
                ("tags", [""], "tags[0]"),
            ]
        ),
        ("UpdateDeployment", update("flowId"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateDeployment", update("paused", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateDeployment", update("paused", id=MISSING), NOT_FOUND, "DEPLOYMENT_NOT_FOUND", ()),
        ("UpdateDeployment", update("workQueueId", workQueueId=MISSING), NOT_FOUND, "WORK_QUEUE_NOT_FOUND", ()),
        ("UpdateDeployment", second, EXISTS, "DEPLOYMENT_EXISTS", ()),
        ("DeleteDeployment", lambda w: {"id": w.deployment, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("GetDeployment", lambda w: {}, INVALID, "FIELD_INVALID", ("deployment",)),
        (
            "GetDeployment",
            lambda w: {"name": {"flowName": "etl"}},
            INVALID,
            "FIELD_INVALID",
            ("name.name",),
        ),
        (
            "GetDeployment",
            lambda w: {"name": {"flowName": "other", "name": "nightly"}},
            NOT_FOUND,
            "DEPLOYMENT_NOT_FOUND",
            (),
        ),
    ]


def pool_refusals() -> list[tuple[Any, ...]]:
    def pool(paths: str, **fields: Any) -> Ask:
        return lambda w: {"workPool": {"id": w.pool, **fields}, "updateMask": paths}

    def queue(paths: str, **fields: Any) -> Ask:
        return lambda w: {"workQueue": {"id": w.queue, **fields}, "updateMask": paths}

    def second(w: World, thing: str, **more: Any) -> dict[str, Any]:
        made = w.call(f"Create{thing[0].upper()}{thing[1:]}", {thing: {"name": "second", **more}})
        (other,) = (each[1] for each in made.ListFields())
        return {thing: {"id": other.id, "name": thing[4:].lower()}, "updateMask": "name"}

    return [
        ("CreateWorkPool", lambda w: {"workPool": {"name": "pool", "type": "x"}}, EXISTS, "WORK_POOL_EXISTS", ()),
        ("CreateWorkPool", lambda w: {"workPool": {"name": "x"}}, INVALID, "FIELD_INVALID", ("work_pool.type",)),
        ("UpdateWorkPool", lambda w: second(w, "workPool", type="x"), EXISTS, "WORK_POOL_EXISTS", ()),
        ("UpdateWorkPool", pool("createTime"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateWorkPool", pool("paused", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateWorkPool", pool("paused", id=MISSING), NOT_FOUND, "WORK_POOL_NOT_FOUND", ()),
        ("DeleteWorkPool", lambda w: {"id": w.pool, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("GetWorkPool", lambda w: {"name": "x"}, NOT_FOUND, "WORK_POOL_NOT_FOUND", ()),
        (
            "CreateWorkQueue",
            lambda w: {"workQueue": {"name": "queue", "workPoolId": w.pool}},
            EXISTS,
            "WORK_QUEUE_EXISTS",
            (),
        ),
        (
            "CreateWorkQueue",
            lambda w: {"workQueue": {"name": "x", "workPoolId": MISSING}},
            NOT_FOUND,
            "WORK_POOL_NOT_FOUND",
            (),
        ),
        (
            "CreateWorkQueue",
            lambda w: {"workQueue": {"name": "x", "priority": -1}},
            INVALID,
            "FIELD_INVALID",
            ("work_queue.work_pool_id", "work_queue.priority"),
        ),
        ("UpdateWorkQueue", lambda w: second(w, "workQueue", workPoolId=w.pool), EXISTS, "WORK_QUEUE_EXISTS", ()),
        ("UpdateWorkQueue", queue("workPoolId", workPoolId=MISSING), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateWorkQueue", queue("paused", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateWorkQueue", queue("paused", id=MISSING), NOT_FOUND, "WORK_QUEUE_NOT_FOUND", ()),
        ("DeleteWorkQueue", lambda w: {"id": w.queue, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        (
            "GetWorkQueue",
            lambda w: {"name": {"workPoolName": "other", "name": "queue"}},
            NOT_FOUND,
            "WORK_QUEUE_NOT_FOUND",
            (),
        ),
    ]


#: (RPC, request, code, reason, fields of BadRequest)
REFUSES = [*limit_refusals(), *deployment_refusals(), *pool_refusals()]


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...]
) -> None:
    request = ask(world)
    before = everything(world)
    refusal = world.refused(name, request)
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert everything(world) == before


def everything(world: World) -> list[Any]:
    """All that these RPCs could have written."""
    lists = ("ListConcurrencyLimits", "ListDeployments", "ListWorkPools", "ListWorkQueues", "ListFlows")
    return [world.call(name) for name in lists]
