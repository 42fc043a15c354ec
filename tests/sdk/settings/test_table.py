"""Every setting is described, importable, and read by something."""

import re
from pathlib import Path

import pytest

import antiphon
import antiphon.settings
from antiphon.settings import Setting, Settings, get_current_settings
from antiphon.settings.kinds import text_of
from antiphon.settings.rows import SETTINGS

SOURCE = Path(antiphon.__file__).parent
#: Settings whose readers are being written: process pools. Take one out when it is read.
AWAITED: set[str] = set()


@pytest.mark.parametrize("accessor", SETTINGS)
def test_each_is_described_and_importable(accessor: str) -> None:
    row = SETTINGS[accessor]
    assert re.fullmatch(r"[A-Z<].*\.", row.about.description), row.about.description
    setting = getattr(antiphon.settings, row.name)
    assert isinstance(setting, Setting)
    assert (setting.name, setting.accessor, setting.description) == (row.name, accessor, row.about.description)
    assert setting.value() == row.read(get_current_settings())
    assert setting.default() is None or row.parse(setting.default(), "default") == setting.default()
    assert repr(setting) == f"<{row.name}: {row.about.kind.allowed}>"


@pytest.mark.parametrize("accessor", SETTINGS)
def test_each_can_be_written_and_read_again(accessor: str) -> None:
    row = SETTINGS[accessor]
    value = row.read(get_current_settings())
    assert row.parse(text_of(value), "the test") == value


def test_each_is_read_by_something() -> None:
    """A setting without effect must not exist."""
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if "v1" not in path.relative_to(SOURCE).parts)
    unread = {each for each in SETTINGS if not re.search(rf'\.{each.rpartition(".")[2]}\b|get\("{each}"\)', code)}
    assert unread <= AWAITED


def test_the_tree_has_every_setting() -> None:
    settings: Settings = get_current_settings()
    assert settings.logging.to_api.enabled is SETTINGS["logging.to_api.enabled"].read(settings)
    assert set(settings.sources) == set(SETTINGS)


def test_a_name_that_is_no_setting_cannot_be_imported() -> None:
    with pytest.raises(ImportError, match="ANTIPHON_TYPO"):
        exec("from antiphon.settings import ANTIPHON_TYPO")
    assert "ANTIPHON_API_URL" in dir(antiphon.settings)
