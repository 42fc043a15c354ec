"""`import antiphon`: light, and complete when asked."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import antiphon

HEAVY = ("grpc", "google.protobuf", "pydantic", "sqlalchemy", "cloudpickle", "asyncio", "logging", "importlib.metadata")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import antiphon\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules.keys() - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_that_of_the_distribution() -> None:
    assert antiphon.__version__ == version("antiphon")


def test_names_come_from_their_modules_and_are_listed() -> None:
    from_context = antiphon.tags
    assert from_context is sys.modules["antiphon.context"].tags
    assert antiphon.State is sys.modules["antiphon.states"].State
    assert antiphon.runtime.flow_run.id is None
    assert set(antiphon.__all__) <= set(dir(antiphon))


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = antiphon.nonsense
