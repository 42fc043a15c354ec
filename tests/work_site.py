"""Deployments, workers that run them, and looks at what became of their runs."""

import asyncio
import base64
import json
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.v1 import state_pb2
from antiphon.workers.process import ProcessWorker
from running_server import RunningServer
from until import until
from world import World

PATIENCE = 60.0
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class WorkSite:
    """One server, one folder with code, and a pool of the type process."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.call = World(server).call

    def write(self, text: str, name: str = "flows.py") -> None:
        """Code of flows, which can say `mark("word")`: it is kept in a file, a line each."""
        helper = f"""
        def mark(word):
            with open({str(self.folder / "marks")!r}, "a") as file:
                file.write(word + chr(10))
        """
        (self.folder / name).write_text(textwrap.dedent(helper) + textwrap.dedent(text))

    @property
    def marks(self) -> list[str]:
        """What the flows have said."""
        file = self.folder / "marks"
        return file.read_text().splitlines() if file.exists() else []

    def pool(self, name: str = "pool", **fields: Any) -> Any:
        return self.call("CreateWorkPool", {"workPool": {"name": name, "type": "process", **fields}}).work_pool

    def deploy(self, flow: str = "work", pool: str = "pool", *, file: str = "flows.py", **fields: Any) -> str:
        """The id of a deployment of a function in the code."""
        deployment = {
            "name": "deployed",
            "flowName": flow,
            "entrypoint": f"{file}:{flow}",
            "path": str(self.folder),
            "workPoolName": pool,
            **fields,
        }
        if not pool:
            del deployment["workPoolName"]
        if "jobVariables" in fields:
            deployment["jobVariables"] = json.dumps(fields["jobVariables"])
        if "pullSteps" in fields:
            deployment["pullSteps"] = json.dumps(fields["pullSteps"])
        return str(self.call("CreateDeployment", {"deployment": deployment}).deployment.id)

    def run(self, deployment: str, **parameters: Any) -> str:
        """The id of a new run."""
        request: dict[str, Any] = {"id": deployment}
        if parameters:
            request["parameters"] = {"metadata": {"encoding": "json/plain"}, "data": _base64(json.dumps(parameters))}
        return str(self.call("RunDeployment", request).flow_run.id)

    def read(self, run: str) -> Any:
        return self.call("GetFlowRun", {"id": run}).flow_run

    def state(self, run: str) -> str:
        """The type of the state that holds."""
        return state_pb2.StateType.Name(self.read(run).state.type).removeprefix("STATE_TYPE_")

    def until(self, run: str, *types: str, patience: float = PATIENCE) -> Any:
        """Waits until a run is in one of these states."""
        until(lambda: self.state(run) in types, patience)
        return self.read(run)

    def ended(self, run: str, patience: float = PATIENCE) -> Any:
        """Waits until a run has ended."""
        return self.until(run, *FINAL, patience=patience)

    def states(self, run: str) -> list[str]:
        """The names of all states that it was in."""
        states = self.call("ListFlowRunStates", {"id": run}).states
        return [each.name for each in states]

    @contextmanager
    def worker(self, pool: str = "pool", **options: Any) -> Iterator["WorkerThread"]:
        """A worker at work, in a thread of this process; what it has not ended is killed at the end."""
        thread = WorkerThread(ProcessWorker(pool, **options))
        try:
            until(lambda: thread.worker.id is not None or thread.error is not None, PATIENCE)
            yield thread
        finally:
            thread.end()


class WorkerThread:
    """A worker in a thread."""

    def __init__(self, worker: Any, **how: Any) -> None:
        self.worker = worker
        self.error: BaseException | None = None
        self._how = how
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self.worker.start(**self._how))
        except BaseException as error:  # noqa: BLE001 - it is looked at by the test
            self.error = error

    def stop(self) -> None:
        with suppress(RuntimeError):  # it has ended
            self.worker.stop()

    def join(self, patience: float = PATIENCE) -> None:
        self._thread.join(patience)
        assert not self._thread.is_alive(), "the worker goes on"

    def end(self) -> None:
        self.stop()
        self.stop()
        self.join()


@contextmanager
def site_of(server: RunningServer, folder: Path) -> Iterator[WorkSite]:
    """Has workers of this process talk to the server, with a home of the test's own."""
    code = folder / "code"
    code.mkdir()
    settings = with_changes(get_current_settings(), {"api.url": server.target, "home": folder})
    with settings_of_process(settings):
        yield WorkSite(server, code)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
