"""docs/workers-docker.md and docs/workers-kubernetes.md: their tables say what the workers take."""

import pytest
import yaml

from job_variables.page import PAGES, rendered


@pytest.mark.parametrize("kind", PAGES)
def test_the_table_has_every_job_variable(kind: str) -> None:
    assert PAGES[kind].read_text() == rendered(kind), "run scripts/generate"


def test_the_rights_are_a_role() -> None:
    _, _, rest = PAGES["kubernetes"].read_text().partition("```yaml\n")
    assert yaml.safe_load(rest.partition("```")[0])["kind"] == "Role"
