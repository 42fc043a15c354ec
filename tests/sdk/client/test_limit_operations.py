"""Limits by the client."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from antiphon import task
from antiphon.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from antiphon.client.schemas.objects import ConcurrencyLeaseHolder
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound, ServerError
from antiphon.states import Running


def test_limits_of_tags(api: Any) -> None:
    tag = f"tag {uuid4().hex[:8]}"
    made = api.create_concurrency_limit(tag, 1)
    run = api.create_task_run(task(lambda: None, tags=[tag]), None, "0")
    api.set_task_run_state(run.id, Running())
    limit = api.read_concurrency_limit_by_tag(tag)
    assert (limit.id, limit.tag, limit.concurrency_limit, limit.active_slots) == (made, tag, 1, [run.id])
    assert api.create_concurrency_limit(tag, 5) == made
    assert api.read_concurrency_limit_by_tag(tag).concurrency_limit == 5
    assert made in [each.id for each in api.read_concurrency_limits(limit=1000)]
    api.reset_concurrency_limit_by_tag(tag)
    assert api.read_concurrency_limit_by_tag(tag).active_slots == []
    api.delete_concurrency_limit_by_tag(tag)
    with pytest.raises(ObjectNotFound):
        api.read_concurrency_limit_by_tag(tag)


def test_limits_by_name(api: Any) -> None:
    name = f"limit {uuid4().hex[:8]}"
    made = api.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=2))
    with pytest.raises(ObjectAlreadyExists):
        api.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=2))
    read = api.read_global_concurrency_limit_by_name(name)
    assert (read.id, read.name, read.limit, read.active, read.active_slots) == (made, name, 2, True, 0)
    api.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=3, active=False))
    api.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate())
    api.upsert_global_concurrency_limit_by_name(name, 4)
    read = api.read_global_concurrency_limit_by_name(name)
    assert (read.limit, read.active, read.slot_decay_per_second) == (4, False, 0.0)
    api.upsert_global_concurrency_limit_by_name(name, 4, slot_decay_per_second=0.5)
    assert api.read_global_concurrency_limit_by_name(name).slot_decay_per_second == 0.5
    api.create_concurrency_limit(name, 1)
    listed = [each.name for each in api.read_global_concurrency_limits(limit=1000)]
    assert name in listed and not any(":" in each for each in listed)
    api.delete_global_concurrency_limit_by_name(name)
    api.upsert_global_concurrency_limit_by_name(name, 7)
    assert api.read_global_concurrency_limit_by_name(name).limit == 7
    with pytest.raises(ObjectNotFound):
        api.update_global_concurrency_limit("nobody", GlobalConcurrencyLimitUpdate(limit=1))
    with pytest.raises(ValidationError):
        GlobalConcurrencyLimitCreate(name="a/b", limit=-1)


def test_slots(api: Any) -> None:
    name = f"slots {uuid4().hex[:8]}"
    made = api.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=2))
    holder = ConcurrencyLeaseHolder(type="flow_run", id=uuid4())
    taken = api.increment_concurrency_slots_with_lease(
        [name, "nobody"], 2, mode="concurrency", lease_duration=60, holder=holder
    )
    assert isinstance(taken.lease_id, UUID)
    assert [(each.id, each.name, each.limit) for each in taken.limits] == [(made, name, 2)]
    assert api.read_global_concurrency_limit_by_name(name).active_slots == 2
    with pytest.raises(ServerError) as caught:
        api.increment_concurrency_slots_with_lease([name], 1)
    assert caught.value.reason == "NO_SLOT_FREE"
    api.renew_concurrency_lease(taken.lease_id, 30)
    api.release_concurrency_slots_with_lease(taken.lease_id)
    api.release_concurrency_slots_with_lease(str(taken.lease_id))
    assert api.read_global_concurrency_limit_by_name(name).active_slots == 0
    with pytest.raises(ObjectNotFound):
        api.renew_concurrency_lease(taken.lease_id, 30)
