"""docs/concurrency.md and docs/pausing.md: their examples run as written."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from antiphon import resume_flow_run
from antiphon.exceptions import CancelledRun
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.shared_client import close_clients
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CancelFlowRunRequest, ListFlowRunsRequest
from named_slots import PATIENCE, Limits
from on_pause import OnPause
from running_server import RunningServer
from until import until

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ServiceClient]:
    # Also for the threads that answer.
    settings = with_changes(get_current_settings(), {"home": tmp_path})
    with RunningServer(tmp_path) as server, settings_of_process(with_changes(settings, {"api.url": server.target})):
        with ServiceClient(server.target) as client:
            yield client
        registry.close_all()
        close_clients()


def example(page: str, number: int) -> Any:
    """One of a page's blocks of Python, as the module that it would be."""
    source = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)[number]
    module = ModuleType(page)
    exec(compile(source, page, "exec"), module.__dict__)
    return module


def run_of(client: ServiceClient, flow: str) -> FlowRun | None:
    request = ListFlowRunsRequest(filter=f'flow_name = "{flow}"')
    return next(iter(client.call(client.flow_runs.ListFlowRuns, request).flow_runs), None)


def test_slots(client: ServiceClient) -> None:
    limits = Limits(client)
    limits.add("warehouse", 2)
    limits.add("warehouse-api", 10, slot_decay_per_second=5)
    assert example("concurrency.md", 0).nightly() == [
        f"{each} is loaded" for each in ("orders", "customers", "returns")
    ]
    assert limits.holders("warehouse") == []


def test_a_release_that_is_approved(client: ServiceClient) -> None:
    with OnPause(client) as hand:
        threading.Thread(target=lambda: hand(found(client, "release"), approve)).start()
        assert example("pausing.md", 0).release("2.0") == "2.0 is out"


def found(client: ServiceClient, flow: str) -> str:
    until(lambda: run_of(client, flow) is not None)
    run = run_of(client, flow)
    assert run is not None
    return run.id


def approve(run: FlowRun) -> None:
    resume_flow_run(run.id, run_input={"approved": True})


def test_a_run_that_is_told_more(client: ServiceClient) -> None:
    module = example("pausing.md", 1)

    def answer() -> None:
        with pytest.raises(CancelledRun):
            module.squares()

    other = threading.Thread(target=answer)
    other.start()
    id = found(client, "squares")
    assert module.asks(id) == 49
    # It waits for more.
    client.call(client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=id))
    other.join(PATIENCE)
    assert not other.is_alive()
