"""A limit for each test."""

import pytest

from named_slots import Limits
from stored import Stored


@pytest.fixture
def limits(stored: Stored) -> Limits:
    return Limits(stored.client)


@pytest.fixture
def name(request: pytest.FixtureRequest, limits: Limits) -> str:
    """A limit of one slot."""
    name = f"limit of {request.node.name}"
    limits.add(name)
    return name
