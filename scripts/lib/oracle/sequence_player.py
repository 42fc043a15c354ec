"""Plays sequences through the application: one database and one clock for all steps of a life."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine

from antiphon_server.domain import limit_names
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT
from antiphon_server.storage import tables
from antiphon_server.storage.schema import prepare
from oracle.application_player import decide, observed
from oracle.cases import Case, Json, Sequence
from oracle.names import NOW, id_of, micros, proposal_of
from oracle.outcome import Outcome
from oracle.world import World, stored, tag_of, taken


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence: the case that it is after what was observed before, and what ours made of it."""

    run: str
    #: The flow run around a task run.
    around: str | None
    case: Case
    outcome: Outcome


class SequencePlayer:
    name = "application"

    def play(self, sequence: Sequence) -> Iterator[Step]:
        engine = create_engine("sqlite://")
        try:
            prepare(engine)
            with engine.connect() as connection:
                yield from _Life(connection, sequence).steps()
        finally:
            engine.dispose()


class _Life:
    def __init__(self, connection: Connection, sequence: Sequence) -> None:
        self._connection = connection
        self._sequence = sequence
        self._runs: Json = sequence.setup["runs"]
        #: What was observed of each run last: the state and some columns; and the slots then in use.
        self._states: dict[str, Json] = {}
        self._columns: dict[str, Json] = {}
        self._slots: Json = {}
        self._transitions: list[str] = []

    def steps(self) -> Iterator[Step]:
        self._arrange()
        for number, step in enumerate(self._sequence.steps):
            now = NOW + micros(step["at_s"])
            if step.get("action") == "reap_leases":
                self._reap()
                continue
            yield self._step(number, step, now)

    def _arrange(self) -> None:
        setup, world = self._sequence.setup, World(self._connection, NOW)
        deployment_id = world.deployment(setup["deployment"]) if setup.get("deployment") is not None else None
        for words in setup.get("tag_limits", []):
            world.limit(limit_names.of_tag(tag_of(words)), words["limit"])
        for name, words in self._runs.items():
            kind = RunKind(words["kind"])
            more: dict[str, Any] = {}
            if kind is RunKind.FLOW_RUN and deployment_id is not None and "parent_task" not in words:
                more["deployment_id"] = deployment_id
            if kind is RunKind.FLOW_RUN and words.get("parent_task"):
                more["parent_task_run_id"] = id_of("run", words["parent_task"])
            if kind is RunKind.TASK_RUN and words.get("parent"):
                more["flow_run_id"] = id_of("run", words["parent"])
            world.run(kind, id_of("run", name), words, None, **more)
            if words.get("tags"):
                table = tables.RUNS[kind]
                here = table.c.id == id_of("run", name)
                self._connection.execute(table.update().where(here).values(tags=json.dumps(words["tags"])))
        self._connection.commit()

    def _reap(self) -> None:
        """All leases are taken away, as where their holders were not heard of."""
        self._connection.execute(tables.slots.delete())
        for table in tables.RUNS.values():
            self._connection.execute(table.update().values(holds_slots=False))
        self._connection.commit()

    def _step(self, number: int, step: Json, now: int) -> Step:
        name, context = step["run"], step.get("context") or {}
        kind, run_id = RunKind(self._runs[name]["kind"]), id_of("run", name)
        force = bool(context.get("force"))
        proposal = proposal_of(kind, run_id, step["proposed"], force, now, f"step {number}")
        before = stored(self._connection, kind, run_id)
        answer = decide(self._connection, proposal, now)
        outcome = observed(self._connection, kind, run_id, before, answer, proposal, now)
        self._connection.commit()
        setup = self._sequence.setup
        if (setup.get("deployment") or {}).get("concurrency_limit") is not None:
            outcome.slots = {"deployment": taken(self._connection, limit_names.of_deployment(id_of("deployment")))}
        if setup.get("tag_limits"):
            tags = [tag_of(words) for words in setup["tag_limits"]]
            named = {tag: taken(self._connection, limit_names.of_tag(tag)) for tag in tags}
            outcome.slots = {**(outcome.slots or {}), "tags": named}
        case = self._case(number, step, name, context)
        self._remember(name, step)
        return Step(name, self._runs[name].get("parent"), case, outcome)

    def _case(self, number: int, step: Json, name: str, context: Json) -> Case:
        """The step as a case of its own, from what was observed before."""
        setup = self._sequence.setup
        known = {key: value for key, value in self._runs[name].items() if key in ("retries", "retry_delay")}
        described: Json = {**known, **self._columns.get(name, {}), **context}
        described["known_transitions"] = list(self._transitions)
        described["waiting"] = [
            other
            for other, state in self._states.items()
            if other != name and state["name"] == AWAITING_CONCURRENCY_SLOT
        ]
        if setup.get("deployment") is not None and self._runs[name]["kind"] == "flow_run":
            described["deployment"] = {**setup["deployment"], "active_slots": self._slots.get("deployment", 0)}
        tags = self._runs[name].get("tags") or []
        if tags:
            active = self._slots.get("tags", {})
            described["tag_limits"] = [
                {**words, "active": active.get(words["tag"], 0)}
                for words in setup.get("tag_limits", [])
                if words["tag"] in tags
            ]
        kind = self._runs[name]["kind"]
        group = f"sequence {self._sequence.id}"
        id_ = f"{self._sequence.id}[{number}]"
        return Case(id_, kind, group, self._states.get(name), step["proposed"], described, step["expect"])

    def _remember(self, name: str, step: Json) -> None:
        expect = step["expect"]
        state = expect.get("state")
        if state is not None:
            self._states[name] = {"type": state["type"], "name": state["name"], "details": state["details"]}
            after = expect["run_after"]
            columns = {key: after[key] for key in ("resuming", "pause_keys", "total_run_time_s") if key in after}
            self._columns[name] = {"run_count": expect["run_count_after"], **columns}
        self._slots = expect.get("slots_after") or self._slots
        noted = (step["proposed"].get("details") or {}).get("transition_id")
        if noted is not None:
            self._transitions.append(noted)
