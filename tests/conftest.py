"""Fixtures for every test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import stores
from tools_needed import miss_tool

# Modules that tests share and that assert: pytest shall say what was compared.
pytest.register_assert_rewrite("refusals", "run_model")

# No test may use the home of who runs it: one that has none of its own fails.
os.environ["ANTIPHON_HOME"] = "/dev/null/tests-have-homes-of-their-own"
for name in ("DATABASE_URL", "ENCRYPTION_KEY", "CONCURRENCY_LEASE_STORAGE"):
    os.environ.pop(f"ANTIPHON_SERVER_{name}", None)

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    # The first process only, of which the others are made.
    if not hasattr(config, "workerinput"):
        stores.share_cluster()


@pytest.fixture(autouse=True)
def _databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """Takes back those of the test's folder, once all that used them has ended."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        stores.give_back(folder)


@pytest.fixture(scope="session")
def grpcurl() -> str:
    """The path of grpcurl: `.tools/bin/grpcurl`, which `.ci/run` builds, or the one on PATH."""
    local = ROOT / ".tools" / "bin" / "grpcurl"
    path = str(local) if os.access(local, os.X_OK) else shutil.which("grpcurl")
    if path is None:
        miss_tool(
            "grpcurl is missing: GOBIN=$PWD/.tools/bin go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"
        )
    return path
