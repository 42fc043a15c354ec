"""How hard property tests try: a little on each change, much more where ANTIPHON_TEST_EFFORT says so (a factor)."""

import os

from hypothesis import HealthCheck, settings

EFFORT = float(os.environ.get("ANTIPHON_TEST_EFFORT", "1"))


def examples(count: int, **more: object) -> settings:
    """Settings for tests that speak to a server, whose time an example cannot be held to."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=max(1, round(count * EFFORT)), deadline=None, suppress_health_check=slow, **more)  # type: ignore[arg-type]


def fuzzing(count: int, **more: object) -> settings:
    """The same for bytes and frames at random: the same ones on each change, so that what fails there is the change's;
    others each time where ANTIPHON_TEST_EFFORT is set."""
    return settings(examples(count, **more), derandomize="ANTIPHON_TEST_EFFORT" not in os.environ)
