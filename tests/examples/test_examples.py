"""Each example runs as it stands, prints what its docstring says under `Prints:`, and is in the table of the README."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server_process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
#: Those that tests of their own run, since they are parts of something: the demo, and programs that do not end.
TESTED_ELSEWHERE = {
    "seattle_best_months.py": "test_seattle_weather.py",
    "seattle_booking.py": "test_seattle_weather.py",
    "seattle_checked.py": "test_seattle_weather.py",
    "seattle_plot.py": "test_seattle_weather.py",
    "seattle_weather.py": "test_seattle_weather.py",
    "background/thumbnails.py": "test_background.py",
    "background/web.py": "test_background.py",
}
ALL = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py"))
PATIENCE = 100
#: What a worker of Dask says where its cluster is closed while it sends a heartbeat.
FAREWELL = re.compile(
    r"^.*Failed to communicate with scheduler during heartbeat\.\n(.*\n)*?distributed\.comm\.core\.CommClosedError: .*",
    re.MULTILINE,
)
pytestmark = pytest.mark.timeout(2 * PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all examples, so that each need not start its own."""
    server = ServerProcess(tmp_path_factory.mktemp("examples")).serving()
    yield server
    server.close()


@pytest.mark.parametrize("name", [name for name in ALL if name not in TESTED_ELSEWHERE])
def test_an_example_does_what_it_says(name: str, server: ServerProcess, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env=kept | {"ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if ended.returncode != 0 and ended.stderr.startswith("skipped: "):
        pytest.skip(ended.stderr.strip().removeprefix("skipped: "))
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    # A run's log has the traceback of what failed in it; nothing else of ours may fail.
    expected = len(re.findall(r" run raised an exception:$", said, re.MULTILINE))
    assert FAREWELL.sub("", said).count("Traceback (most") == expected, said
    for line in promised(name):
        assert matching(line).search(said), f"no line {line!r} in\n{said}"


def promised(name: str) -> list[str]:
    """The lines under `Prints:`, which end the docstring."""
    docstring = ast.get_docstring(ast.parse((EXAMPLES / name).read_text())) or ""
    lines = docstring.partition("\nPrints:\n")[2].splitlines()
    assert lines, f"{name}: the docstring is to end with `Prints:` and what it prints"
    assert all(line.startswith("    ") for line in lines), f"{name}: what it prints is to be indented by four"
    return [line.strip() for line in lines]


def matching(line: str) -> re.Pattern[str]:
    """A whole line of output, `...` being anything."""
    return re.compile("^" + ".*".join(map(re.escape, line.split("..."))) + "$", re.MULTILINE)


def test_the_table_has_each_example_once() -> None:
    linked = re.findall(r"^\| \[[^]]+\]\(([^)]+\.py)\) \| \S", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(linked) == ALL


def test_what_is_tested_elsewhere_is() -> None:
    for name, test in TESTED_ELSEWHERE.items():
        assert (EXAMPLES / name).exists()
        assert Path(name).stem.split("_")[0] in (Path(__file__).parent / test).read_text()


def test_module_names_are_unique() -> None:
    """Type checkers and tools take each for a module of its name."""
    names = [Path(name).name for name in ALL]
    assert sorted(set(names)) == sorted(names)
