"""A small history in which all is well, for tests that spoil one thing of it."""

import json
from typing import Any

from antiphon_server.domain.states import CANCELLED, COMPLETED, PENDING, RUNNING, SCHEDULED, StateType
from chaos.evidence import Evidence
from chaos.journal import Entry

FLOW, TASK, LATER = "flow", "task", "later"
TAG = "scarce"
LIMIT = f"tag:{TAG}"


class World:
    """Rows and journal lines, which a test may change before it asks for the `evidence`."""

    def __init__(self) -> None:
        self.time = 1000
        self.tables: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                "flow_runs",
                "task_runs",
                "transitions",
                "waits",
                "slots",
                "slot_leases",
                "slot_waiters",
                "logs",
            )
        }
        self.tables["concurrency_limits"] = [{"id": "limit", "name": LIMIT, "slots": 1}]
        self.tables["sessions"] = [{"id": "session", "status": 2, "expire_time": 10**9}]
        self.entries: list[Entry] = []
        self.unrest: dict[str, list[Any]] = {}

    def run(self, kind: str, id: str, **columns: Any) -> dict[str, Any]:
        row: dict[str, Any] = {
            **{"id": id, "name": id, "run_count": 0, "fencing_token": 0, "total_run_time": 0, "end_time": None},
            **{"state_id": None, "state_type": None, "state_name": None, "state_time": None, "session_id": None},
            **{"tags": "[]", "flow_run_id": None, "parent_task_run_id": None, "deployment_id": None},
            **columns,
        }
        self.tables[f"{kind}s"].append(row)
        self.note("created", run=id, kind=kind)
        return row

    def move(self, run: dict[str, Any], type_: StateType, *, by: str = "one", verdict: int = 1, **more: Any) -> str:
        """A state that was proposed, accepted and told of. Gives its id."""
        self.time += 10
        id = f"{run['id']}-{self.time}"
        if type_ == PENDING != run["state_type"]:
            run["fencing_token"] += 1
        if run["state_type"] == RUNNING:
            run["total_run_time"] += self.time - run["state_time"]
        run["run_count"] += type_ == RUNNING
        name = type_.name.capitalize()
        run.update(state_id=id, state_type=int(type_), state_name=name, state_time=self.time)
        run["end_time"] = self.time if type_ in (COMPLETED, CANCELLED) else None
        counts = {"run_count": run["run_count"], "fencing_token": run["fencing_token"]}
        row = {"id": id, "run_id": run["id"], "verdict": verdict, "findings": json.dumps([]), "create_time": self.time}
        self.tables["transitions"].append(
            row | counts | {"wrote_state": True, "held_state_id": None, "state_type": int(type_), "state_name": name}
        )
        told = {"expected": "", "token": 0, **more}
        self.note("proposed", by=by, id=id, run=run["id"], type=int(type_), name="", **told)
        words = {"run_count": run["run_count"], "token": run["fencing_token"]}
        self.note("verdict", by=by, id=id, kind=verdict, state=id, type=int(type_), name=name, **words)
        return id

    def note(self, what: str, *, by: str = "one", **facts: Any) -> Entry:
        self.time += 1
        entry = {"what": what, "at": self.time, "by": by, **facts}
        self.entries.append(entry)
        return entry

    def execute(self, run: dict[str, Any], kind: str, *limits: str, by: str = "one", error: str = "") -> None:
        facts = {"run": run["id"], "attempt": run["run_count"], "limits": list(limits)}
        self.time += 1
        self.note("begin", by=by, kind=kind, wall=self.time, **facts)
        self.time += 1
        self.note("end", by=by, kind=kind, wall=self.time, error=error, **facts)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.tables, sorted(self.entries, key=lambda entry: entry["at"]), self.unrest)

    def find(self, table: str, id: str) -> dict[str, Any]:
        return next(row for row in self.tables[table] if row["id"] == id)

    def said(self, what: str, number: int = 0) -> Entry:
        return [entry for entry in self.entries if entry["what"] == what][number]


def well() -> World:
    """A flow run with a task run that holds a slot, a background task run, a lease, a watch and a line of a log."""
    world = World()
    flow = world.run("flow_run", FLOW)
    world.move(flow, PENDING)
    world.move(flow, RUNNING)
    task = world.run("task_run", TASK, flow_run_id=FLOW, tags=json.dumps([TAG]))
    world.move(task, PENDING)
    world.move(task, RUNNING)
    world.execute(task, "task_run", LIMIT)
    world.move(task, COMPLETED)
    world.execute(flow, "flow_run")
    world.move(flow, COMPLETED)
    later = world.run("task_run", LATER)
    world.note("queued", run=LATER)
    scheduled = world.move(later, SCHEDULED)
    world.move(later, PENDING, by="other", expected=scheduled)
    world.move(later, RUNNING, by="other", token=1)
    world.execute(later, "task_run", by="other")
    ended = world.move(later, COMPLETED, by="other")
    world.note("heard", run=LATER, state=ended, name="Completed")
    world.note("leased", lease="lease", expires=world.time + 100)
    world.note("holds", limit=LIMIT, lease="lease", wall=world.time, session="session")
    world.note("lets-go", limit=LIMIT, lease="lease", wall=world.time)
    world.note("watched", by="watcher", run=FLOW, state=flow["state_id"], etag="3", type=4)
    world.note("picture", by="watcher", runs={FLOW: flow["state_id"]})
    world.note("said", run=FLOW, message="hello")
    world.note("ends", role="flows")
    world.tables["logs"].append({"message": "hello"})
    return world
