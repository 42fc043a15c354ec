"""docs/blocks.md: its example runs, and what it names is there."""

import importlib
import re
from pathlib import Path

import pytest

from antiphon.service_client import ServiceClient
from antiphon.settings import temporary_settings
from antiphon.shared_client import close_clients
from antiphon.v1.block_service_pb2 import ListBlockDocumentsRequest
from antiphon_server.encryption_keys import ENCRYPTION_KEY, KEY_FILE
from running_server import RunningServer

PAGE = (Path(__file__).parents[2] / "docs" / "blocks.md").read_text(encoding="utf-8")


def test_the_example_keeps_a_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with RunningServer(tmp_path) as server, temporary_settings({"api_url": server.target, "home": tmp_path}):
        exec(compile(code, "docs/blocks.md", "exec"), {"__name__": "blocks_page"})
        with ServiceClient() as client:
            [kept] = client.pages(client.blocks.ListBlockDocuments, ListBlockDocumentsRequest(), "block_documents")
        close_clients()
    assert capsys.readouterr().out == "postgresql://app:...@db.example.com:5432\n"
    assert (kept.block_type_slug, kept.name) == ("database", "warehouse")
    assert '"password": "********"' in kept.data


def test_what_it_names_is_there() -> None:
    for module in re.findall(r"^\| `(antiphon[.\w]+)`", PAGE, re.MULTILINE):
        assert importlib.import_module(module).__all__
    assert ENCRYPTION_KEY in PAGE and f"`{KEY_FILE}`" in PAGE
