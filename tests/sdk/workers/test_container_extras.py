"""Workers whose packages are missing."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
for name in ("docker", "kubernetes_asyncio", "aiohttp"):
    sys.modules[name] = None  # as if it were not installed
from antiphon.workers.worker_types import load_worker_class
kind = load_worker_class({kind!r})
assert "image" in kind.get_default_base_job_template()["variables"]["properties"]
try:
    kind("pool")
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(("kind", "package"), [("docker", "docker"), ("kubernetes", "kubernetes_asyncio")])
def test_a_pool_can_be_made_without_its_packages_and_a_worker_says_what_to_install(kind: str, package: str) -> None:
    program = [sys.executable, "-c", PROGRAM.format(kind=kind)]
    said = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout
    assert f"A worker of the type `{kind}` needs the package {package}" in said
    assert f"pip install 'antiphon[{kind}]'" in said
