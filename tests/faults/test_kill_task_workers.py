"""Task workers and the server are killed while background tasks run: nothing that was queued is lost, and each run ends
once."""

import os
import signal
from pathlib import Path

import pytest

from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.tasks import Task
from python_programs import programs
from server_process import ServerProcess
from stored import Stored
from until import until

pytestmark = pytest.mark.timeout(240)
PATIENCE = 120.0
COUNT = 60

SCRIPT = """
import sys, time
from antiphon import task

@task
def work(number, folder):
    with open(f"{folder}/{number}", "a") as file:
        file.write("x")
    time.sleep(0.05)
    return number

if __name__ == "__main__":
    from antiphon.task_worker import serve
    serve(work, limit=4)
"""


def test_every_run_that_was_queued_is_run_and_ends_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work_of_test.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    import work_of_test  # type: ignore[import-not-found]  # noqa: PLC0415 - it was just written

    folder = tmp_path / "done"
    folder.mkdir()
    home = tmp_path / "h"
    home.mkdir()
    arguments = ("--session-ttl", "2")
    server = ServerProcess(home, *arguments).serving()
    address = server.target
    with temporary_settings({"api_url": address, "home": home}), programs() as start:
        task: Task[..., int] = work_of_test.work
        futures: list[AntiphonDistributedFuture[int]] = task.map(range(COUNT), str(folder), deferred=True)  # type: ignore[assignment]
        told: list[str] = []
        for future in futures:
            # Who waits does so from before the server dies.
            future.add_done_callback(lambda each: told.append(each.task_run_id))
        environment = {"ANTIPHON_API_URL": address, "ANTIPHON_HOME": str(home)}
        first = start(work_of_test.__file__, **environment)
        second = start(work_of_test.__file__, **environment)
        until(lambda: len(os.listdir(folder)) > COUNT // 6, PATIENCE)
        first.kill()
        until(lambda: len(os.listdir(folder)) > COUNT // 3, PATIENCE)
        server.end(signal.SIGKILL)
        server.close()
        server = ServerProcess(home, *arguments).serving()
        start(work_of_test.__file__, **environment)
        assert [future.result(timeout=PATIENCE) for future in futures] == list(range(COUNT))
        until(lambda: sorted(told) == sorted(future.task_run_id for future in futures), PATIENCE)
        assert second.poll() is None, "it has outlived the server"
        with ServiceClient(address) as client:
            stored = Stored(client)
            histories = [stored.task_run_history(future.task_run_id) for future in futures]
        registry.close_all()
    server.close()
    assert all(history.count("Completed") == 1 and history[-1] == "Completed" for history in histories)
    # Four at most were in the hands of the worker that was killed.
    again = [len((folder / str(number)).read_text()) for number in range(COUNT)]
    assert min(again) == 1 and sum(again) <= COUNT + 4, again
