"""A home and a current folder of the test's own."""

from pathlib import Path

import pytest

from antiphon.settings import current
from antiphon.settings.rows import SETTINGS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is the home too; this process's settings are read from there until the test is over."""
    for row in SETTINGS.values():
        for name in (row.name, *row.about.aliases):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTIPHON_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(current, "_root", None)
    return tmp_path
