"""A database that is as a case describes it: runs, deployment, limits and slots, parents, cached results."""

import json
from typing import Any

from sqlalchemy import Connection, select

from antiphon_server.domain import limit_names
from antiphon_server.domain.facts import CollisionStrategy
from antiphon_server.domain.model import RunKind, State
from antiphon_server.domain.rules.retry_failed import AWAITING_RETRY
from antiphon_server.domain.states import CANCELLING, PENDING, RUNNING, StateType
from antiphon_server.storage import tables
from antiphon_server.storage.records import encode_details, encode_retry_policy
from oracle.cases import Case, Json
from oracle.names import id_of, micros, moment, retry_policy_of, state_id, state_of

FLOW_RUN, TASK_RUN = RunKind.FLOW_RUN, RunKind.TASK_RUN
#: States of a flow run in which it has a slot, where its deployment has a limit; so has one that tries again in its
#: process. Theirs counts slots and gives one back whoever leaves such a state; ours are held by runs, so the run that
#: will give one back is the one that holds it.
HOLDING = (PENDING, RUNNING, CANCELLING)
#: Seconds: a run has entered the state that it is in a minute ago.
ENTERED = -60


class World:
    """Writes rows over one connection; the caller ends its transaction."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def insert(self, table: Any, **values: Any) -> None:
        self._connection.execute(table.insert(), values)

    def run(self, kind: RunKind, run_id: str, context: Json, state: State | None, **more: Any) -> None:
        """A run with the columns that `context` names, in `state` since a minute ago."""
        flow = kind is FLOW_RUN
        now = self._now
        policy = retry_policy_of(context)
        columns: dict[str, Any] = {
            "id": run_id,
            "name": "run",
            "tags": "[]",
            "retry_policy": encode_retry_policy(policy),
            "run_count": context.get("run_count", 0),
            "state_has_data": False,
            "start_time": moment(context.get("start_time_s"), now),
            "end_time": moment(context.get("end_time_s"), now),
            "expected_start_time": moment(context.get("expected_start_time_s"), now),
            "next_scheduled_start_time": moment(context.get("next_scheduled_start_time_s"), now),
            "total_run_time": micros(context.get("total_run_time_s", 0)),
            "create_time": now,
            "update_time": now,
            "version": 1,
            "create_digest": b"",
        }
        if flow:
            columns |= {
                "flow_id": id_of("flow"),
                "flow_version": "",
                "infrastructure_pid": context.get("infrastructure_pid") or "",
                "auto_scheduled": bool(context.get("auto_scheduled")),
                "resuming": bool(context.get("resuming")),
                "retry_type": context.get("retry_type"),
                "pause_keys": json.dumps(context.get("pause_keys", [])),
            }
        else:
            columns |= {
                "task_key": "task",
                "dynamic_key": "0",
                "task_version": "",
                "upstream_task_run_ids": "[]",
                "flow_run_run_count": context.get("flow_run_run_count", 0),
            }
        if state is not None:
            columns |= self._entered(run_id, state, columns["run_count"])
        self.insert(tables.RUNS[kind], **columns, **more)

    def _entered(self, run_id: str, state: State, run_count: int) -> dict[str, Any]:
        time = self._now + micros(ENTERED)
        self.insert(
            tables.transitions,
            id=state.id,
            run_id=run_id,
            digest=b"",
            verdict=1,
            reason="",
            findings="[]",
            run_count=run_count,
            create_time=time,
            wrote_state=True,
            state_type=int(state.type),
            state_name=state.name,
            message=state.message,
            details=encode_details(state.details),
            data=state.data,
        )
        return {
            "state_id": state.id,
            "state_type": int(state.type),
            "state_name": state.name,
            "state_time": time,
            "state_scheduled_time": state.scheduled_time,
            "state_details": encode_details(state.details),
            "state_has_data": state.data is not None,
        }

    def limit(self, name: str, slots: int, *, active: bool = True, occupancy: float = 2.0) -> str:
        limit_id = id_of("limit", name)
        self.insert(
            tables.concurrency_limits,
            id=limit_id,
            name=name,
            slots=slots,
            active=active,
            slot_decay_per_second=0.0,
            average_occupancy=micros(occupancy),
            create_time=self._now,
            update_time=self._now,
            version=1,
        )
        return limit_id

    def slots(self, limit_id: str, taken: int, own: str | None) -> None:
        """So many slots are taken; with `own` that run has one of them."""
        others = [id_of("other", str(i)) for i in range(taken - (own is not None))]
        for holder in [*others, *([own] if own is not None else [])]:
            self.insert(
                tables.slots,
                limit_id=limit_id,
                holder_id=holder,
                count=1,
                acquire_time=self._now + micros(ENTERED),
                expire_time=None,
            )

    def deployment(self, words: Json) -> str:
        """Gives its id; the row is not there where the case says that it is gone."""
        deployment_id = id_of("deployment")
        if words.get("exists", True):
            grace = words.get("grace_period_seconds")
            self.insert(
                tables.deployments,
                id=deployment_id,
                name="deployment",
                flow_id=id_of("flow"),
                paused=bool(words.get("paused")),
                collision_strategy=CollisionStrategy[words.get("collision_strategy") or "ENQUEUE"].value,
                grace_period=None if grace is None else micros(grace),
                work_queue_id=None,
                tags="[]",
                create_time=self._now,
                update_time=self._now,
                version=1,
            )
        if words.get("concurrency_limit") is not None:
            self.limit(
                limit_names.of_deployment(deployment_id),
                words["concurrency_limit"],
                active=words.get("limit_enabled", True),
            )
        return deployment_id

    def cache_entry(self, number: int, words: Json) -> None:
        """A result that another run has left under a key."""
        state = state_of(words["state"], id_of("cached", str(number)), self._now)
        self.run(TASK_RUN, id_of("cached run", str(number)), {}, state)
        self.insert(
            tables.cache_entries,
            id=state.id,
            cache_key=words["key"],
            create_time=self._now + micros(words.get("created_s", -300)),
            expire_time=moment(words.get("expiration_s"), self._now),
        )

    def arrange(self, case: Case) -> None:
        """All that a case describes."""
        context, run_id = case.context, id_of("run")
        initial = state_of(case.initial, state_id(case.initial, "initial"), self._now) if case.initial else None
        more: dict[str, Any] = {}
        if case.kind == "flow_run":
            if case.deployment is not None:
                more["deployment_id"] = self.deployment(case.deployment)
                more["holds_slots"] = self._deployment_slots(case, run_id)
            if "subflow" in context:
                more["parent_task_run_id"] = self._parent(context["subflow"])
            self.run(FLOW_RUN, run_id, context, initial, **more)
            return
        parent = context.get("parent_flow_run")
        if parent is not None:
            self._flow_around(parent)
            more["flow_run_id"] = id_of("parent flow run")
        tags = self._tags(context.get("tag_limits", []), run_id)
        held = any(each.get("held_by_this_run") for each in context.get("tag_limits", []))
        for number, entry in enumerate(context.get("cache_entries", [])):
            self.cache_entry(number, entry)
        more["holds_slots"] = held
        self.run(TASK_RUN, run_id, context, initial, **more)
        self._connection.execute(
            tables.task_runs.update().where(tables.task_runs.c.id == run_id).values(tags=json.dumps(tags))
        )

    def _deployment_slots(self, case: Case, run_id: str) -> bool:
        """Whether the run holds one."""
        words = case.deployment or {}
        taken = words.get("active_slots", 0)
        if words.get("concurrency_limit") is None:
            return False
        own = taken > 0 and holds_slot(case)
        self.slots(id_of("limit", limit_names.of_deployment(id_of("deployment"))), taken, run_id if own else None)
        return own

    def _parent(self, words: Json) -> str:
        parent_id = id_of("parent task run")
        self._flow_around(words.get("parent_flow_run") or {"type": "RUNNING", "name": "Running"})
        task = words.get("parent_task")
        state = state_of(task, id_of("parent task state"), self._now) if task else None
        context = {"run_count": words.get("parent_task_run_count", 0)}
        self.run(TASK_RUN, parent_id, context, state, flow_run_id=id_of("parent flow run"))
        return parent_id

    def _flow_around(self, words: Json) -> None:
        state = state_of(words, id_of("parent flow state"), self._now) if words.get("type") else None
        self.run(FLOW_RUN, id_of("parent flow run"), {"run_count": words.get("run_count", 1)}, state)

    def _tags(self, limits: list[Json], run_id: str) -> list[str]:
        tags = []
        for words in limits:
            tag = tag_of(words)
            tags.append(tag)
            limit_id = self.limit(
                limit_names.of_tag(tag),
                words["limit"],
                active=words.get("enabled", True),
                occupancy=words.get("avg_slot_occupancy_s", 2),
            )
            self.slots(limit_id, words.get("active", 0), run_id if words.get("held_by_this_run") else None)
        return tags


def holds_slot(case: Case) -> bool:
    """Whether the run of a case holds a slot of its deployment, as far as one is in use. A lease that is noted on a
    state in which no run of ours holds a slot is somebody else's to us, as it is to theirs: nobody gives it back."""
    lease = (case.deployment or {}).get("lease")
    if lease == "reaped" or case.initial is None:
        return False
    kept = lease == "held" and case.initial["name"] == AWAITING_RETRY
    return kept or StateType[case.initial["type"]] in HOLDING


def tag_of(words: Json) -> str:
    """Theirs keeps an older kind of limit beside the newer one under the same tag; to us these are two tags."""
    return f"{words['tag']} (v1)" if words.get("store") == "v1" else str(words["tag"])


def taken(connection: Connection, name: str) -> int:
    """Slots of a limit that are in use."""
    slots, limits = tables.slots, tables.concurrency_limits
    query = select(slots.c.count).join(limits, limits.c.id == slots.c.limit_id).where(limits.c.name == name)
    return sum(connection.execute(query).scalars())


def stored(connection: Connection, kind: RunKind, run_id: str) -> Any:
    """A run's row, or None."""
    table = tables.RUNS[kind]
    return connection.execute(table.select().where(table.c.id == run_id)).one_or_none()
