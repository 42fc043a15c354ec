"""The web application that puts work off, as it stands: HTTP request, queue, worker process, result by HTTP."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from python_programs import programs
from server_process import ServerProcess

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "background"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a web process that has a worker process."""
    server = ServerProcess(tmp_path).serving()
    environment = {"ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(tmp_path)}
    with programs() as start:
        start(str(FOLDER / "thumbnails.py"), **environment)
        web = start(str(FOLDER / "web.py"), "0", **environment)
        assert web.stdout is not None
        yield web.stdout.readline().strip()
    server.close()


def ask(url: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(url, data=body, timeout=60) as answer:
        return json.load(answer)


def test_a_request_is_answered_at_once_and_its_work_is_done_elsewhere(site: str) -> None:
    run = ask(f"{site}?name=photo", b"0" * 100_000)
    done = ask(f"{site}/{run['id']}?wait=60")
    assert done["state"] == "Completed"
    assert done["result"]["name"] == "photo" and done["result"]["before"] == 100_000 > done["result"]["after"]
    assert ask(f"{site}/{run['id']}") == done


def test_what_is_no_id_is_not_found(site: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(f"{site}/nothing")


def test_the_page_names_the_files_that_are_there() -> None:
    page = (FOLDER.parents[1] / "docs" / "background-tasks.md").read_text()
    assert all(f"examples/background/{path.name}" in page for path in FOLDER.glob("*.py")), sys.path
