"""Tools that a test needs and not every machine has."""

import importlib.util
import os
from typing import NoReturn

import pytest


def miss_tool(reason: str) -> NoReturn:
    """Skips a test whose tool is missing; fails it where every tool must be present, as in CI."""
    if os.environ.get("ANTIPHON_REQUIRE_TOOLS"):
        pytest.fail(f"{reason} (ANTIPHON_REQUIRE_TOOLS is set)")
    pytest.skip(reason)


def need_extra(module: str, extra: str) -> None:
    """Misses the module where the extra of ours that brings it is not installed."""
    if importlib.util.find_spec(module) is None:
        miss_tool(f"{module} is missing: pip install -c constraints.txt -e '.[{extra}]'")
