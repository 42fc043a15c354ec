"""What the RPCs of limits, deployments, work pools and work queues do, for the tests of every unary RPC."""

from collections.abc import Callable
from typing import Any

from world import World

Ask = Callable[[World], dict[str, Any]]
Check = Callable[[Any, World], bool]


def in_deployment(world: World) -> bool:
    """Claims a new run of the deployment."""
    wanted = {"flowRun": {"flowName": "etl", "deploymentId": world.deployment}}
    return bool(world.propose(world.call("CreateFlowRun", wanted).flow_run.id, "PENDING").state.name == "Pending")


def leased(world: World) -> str:
    """A lease of a slot."""
    return str(world.call("AcquireSlots", {"names": ["tag:scarce"]}).lease.id)


#: RPC -> (request, what must hold of the answer).
WORK_DOES: dict[str, tuple[Ask, Check]] = {
    "CreateConcurrencyLimit": (
        lambda w: {"concurrencyLimit": {"name": "db", "limit": 5, "slotDecayPerSecond": 0.5}},
        lambda r, w: (
            r.concurrency_limit.id != ""
            and (r.concurrency_limit.limit, r.concurrency_limit.active, r.concurrency_limit.etag) == (5, True, "1")
            and (r.concurrency_limit.slot_decay_per_second, r.concurrency_limit.active_slots) == (0.5, 0)
            and r.concurrency_limit.average_occupancy.seconds == 2
        ),
    ),
    "GetConcurrencyLimit": (
        lambda w: {"id": w.limit.upper()},
        lambda r, w: r == w.call("GetConcurrencyLimit", {"name": "tag:scarce"}) and r.concurrency_limit.limit == 3,
    ),
    "ListConcurrencyLimits": (
        lambda w: {"filter": 'name = "tag:*" AND active = true AND limit >= 3', "orderBy": "name"},
        lambda r, w: [each.id for each in r.concurrency_limits] == [w.limit],
    ),
    "UpdateConcurrencyLimit": (
        lambda w: {
            "concurrencyLimit": {"id": w.limit, "active": False, "limit": 4, "name": "unnamed", "etag": "1"},
            "updateMask": "active,limit",
        },
        lambda r, w: (
            (r.concurrency_limit.active, r.concurrency_limit.limit, r.concurrency_limit.name, r.concurrency_limit.etag)
            == (False, 4, "tag:scarce", "2")
        ),
    ),
    "DeleteConcurrencyLimit": (
        lambda w: {"id": w.limit},
        lambda r, w: w.refused("GetConcurrencyLimit", {"id": w.limit}).reason == "CONCURRENCY_LIMIT_NOT_FOUND",
    ),
    "ResetConcurrencyLimit": (
        lambda w: {"id": w.limit},
        lambda r, w: (r.concurrency_limit.id, r.concurrency_limit.active_slots) == (w.limit, 0),
    ),
    "ListSlots": (
        lambda w: {"name": f"deployment:{w.deployment}"} if in_deployment(w) else {},
        lambda r, w: len(r.slots) == 1 and w.call("ListSlots", {"id": w.limit}).slots == [],
    ),
    "ListSlotWaiters": (lambda w: {"name": "tag:scarce"}, lambda r, w: r.slot_waiters == []),
    "AcquireSlots": (
        lambda w: {"names": ["tag:scarce", "unknown"], "slots": 2, "holder": "me", "leaseDuration": "60s"},
        lambda r, w: (
            (r.lease.names, r.lease.slots) == (["tag:scarce", "unknown"], 2)
            and [(slot.holder_id, slot.slots, slot.holder) for slot in w.call("ListSlots", {"id": w.limit}).slots]
            == [(r.lease.id, 2, "me")]
        ),
    ),
    "RenewSlots": (
        lambda w: {"leaseId": leased(w).upper(), "leaseDuration": "3600s"},
        lambda r, w: (
            r.lease.names == ["tag:scarce"]
            and r.lease.expire_time == w.call("ListSlots", {"id": w.limit}).slots[0].expire_time
        ),
    ),
    "ReleaseSlots": (lambda w: {"leaseId": leased(w)}, lambda r, w: w.call("ListSlots", {"id": w.limit}).slots == []),
    "CreateDeployment": (
        lambda w: {"deployment": {"name": "new", "flowName": "another", "tags": ["x"], "workQueueId": w.queue}},
        lambda r, w: (
            (r.deployment.flow_name, r.deployment.tags, r.deployment.work_queue_id) == ("another", ["x"], w.queue)
            and (r.deployment.paused, r.deployment.collision_strategy, r.deployment.etag) == (False, 1, "1")
            and not r.deployment.HasField("concurrency_limit")
            and not r.deployment.HasField("grace_period")
            and w.call("ListFlows", {"filter": "name = another"}).flows[0].id == r.deployment.flow_id
        ),
    ),
    "GetDeployment": (
        lambda w: {"name": {"flowName": "etl", "name": "nightly"}},
        lambda r, w: r == w.call("GetDeployment", {"id": w.deployment.upper()}) and r.deployment.concurrency_limit == 2,
    ),
    "ListDeployments": (
        lambda w: {"filter": "flow_name = etl AND paused = false"},
        lambda r, w: [each.id for each in r.deployments] == [w.deployment],
    ),
    "UpdateDeployment": (
        lambda w: {
            "deployment": {
                "id": w.deployment,
                "name": "daily",
                "paused": True,
                "concurrencyLimit": 7,
                "collisionStrategy": 2,
                "gracePeriod": "90.5s",
                "workQueueId": w.queue,
                "tags": ["new"],
            },
            "updateMask": "name,paused,concurrencyLimit,collisionStrategy,gracePeriod,workQueueId,tags",
        },
        lambda r, w: (
            (r.deployment.name, r.deployment.paused, r.deployment.concurrency_limit) == ("daily", True, 7)
            and (r.deployment.collision_strategy, r.deployment.work_queue_id) == (2, w.queue)
            and (r.deployment.grace_period.nanos, r.deployment.tags, r.deployment.etag) == (500_000_000, ["new"], "2")
        ),
    ),
    "DeleteDeployment": (
        lambda w: {"id": w.deployment, "etag": "1"},
        lambda r, w: (
            w.call("ListDeployments").deployments == []
            and [each.id for each in w.call("ListConcurrencyLimits").concurrency_limits] == [w.limit]
        ),
    ),
    "PauseDeployment": (lambda w: {"id": w.deployment}, lambda r, w: r.deployment.paused),
    "ResumeDeployment": (
        lambda w: {"id": w.call("PauseDeployment", {"id": w.deployment}).deployment.id},
        lambda r, w: (r.deployment.paused, r.deployment.etag) == (False, "3"),
    ),
    "CreateWorkPool": (
        lambda w: {"workPool": {"name": "new", "type": "docker", "concurrencyLimit": 0}},
        lambda r, w: (
            (r.work_pool.type, r.work_pool.paused, r.work_pool.concurrency_limit) == ("docker", False, 0)
            and r.work_pool.HasField("concurrency_limit")
        ),
    ),
    "GetWorkPool": (lambda w: {"name": "pool"}, lambda r, w: r == w.call("GetWorkPool", {"id": w.pool})),
    "ListWorkPools": (
        lambda w: {"filter": 'type = process AND name = "po*"'},
        lambda r, w: [each.id for each in r.work_pools] == [w.pool],
    ),
    "UpdateWorkPool": (
        lambda w: {
            "workPool": {"id": w.pool, "name": "other", "paused": True, "type": "k8s", "concurrencyLimit": 1},
            "updateMask": "name,paused,type,concurrencyLimit",
        },
        lambda r, w: (
            (r.work_pool.name, r.work_pool.paused, r.work_pool.type, r.work_pool.concurrency_limit)
            == ("other", True, "k8s", 1)
        ),
    ),
    "DeleteWorkPool": (
        lambda w: {"id": w.pool},
        lambda r, w: not w.call("ListWorkPools").work_pools and not w.call("ListWorkQueues").work_queues,
    ),
    "CreateWorkQueue": (
        lambda w: {"workQueue": {"name": "new", "workPoolId": w.pool}},
        lambda r, w: (r.work_queue.work_pool_name, r.work_queue.priority, r.work_queue.etag) == ("pool", 3, "1"),
    ),
    "GetWorkQueue": (
        lambda w: {"name": {"workPoolName": "pool", "name": "queue"}},
        lambda r, w: r == w.call("GetWorkQueue", {"id": w.queue}) and r.work_queue.priority == 2,
    ),
    "ListWorkQueues": (
        lambda w: {"filter": "work_pool_name = pool AND priority = 2 AND paused = false", "orderBy": "priority"},
        lambda r, w: [each.id for each in r.work_queues] == [w.queue],
    ),
    "UpdateWorkQueue": (
        lambda w: {
            "workQueue": {"id": w.queue, "name": "other", "paused": True, "priority": 9, "concurrencyLimit": 1},
            "updateMask": "name,paused,priority,concurrencyLimit",
        },
        lambda r, w: (
            (r.work_queue.name, r.work_queue.paused, r.work_queue.priority, r.work_queue.concurrency_limit)
            == ("other", True, 9, 1)
        ),
    ),
    "DeleteWorkQueue": (
        lambda w: {"id": w.queue},
        lambda r, w: [each.name for each in w.call("ListWorkQueues").work_queues] == ["default"],
    ),
    "GetWorker": (
        lambda w: {"name": {"workPoolName": "pool", "name": "gone"}},
        lambda r, w: r == w.call("GetWorker", {"id": w.worker.upper()}) and r.worker.labels == {"zone": "x"},
    ),
    "ListWorkers": (
        lambda w: {"filter": "work_pool_name = pool AND online = false"},
        lambda r, w: [each.id for each in r.workers] == [w.worker],
    ),
    "DeleteWorker": (lambda w: {"id": w.worker}, lambda r, w: not w.call("ListWorkers").workers),
}
