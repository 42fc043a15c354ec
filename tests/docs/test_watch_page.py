"""docs/watch.md: what it says to type works. Its programs are run by test_pages.py."""

import re
import shlex
import subprocess
from pathlib import Path

from running_server import RunningServer
from world import World

PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text()


def test_grpcurl_follows_runs(grpcurl: str, tmp_path: Path) -> None:
    (command,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    program, *arguments = shlex.split(command)
    assert program == "grpcurl"
    with RunningServer(tmp_path) as server:
        world = World(server)
        run = world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": "going"}}).flow_run.id
        world.propose(run, "RUNNING")
        arguments[arguments.index("127.0.0.1:4200")] = str(server.socket)
        with subprocess.Popen(
            [grpcurl, "-unix", "-max-time", "60", *arguments], stdout=subprocess.PIPE, text=True
        ) as shown:
            assert shown.stdout is not None
            seen: list[str] = []
            # In whichever style of JSON this grpcurl writes it.
            while not seen or "snapshotmark" not in seen[-1].replace("_", "").lower():
                seen.append(shown.stdout.readline())
                assert seen[-1], seen
            shown.kill()
    assert any('"name": "going"' in line for line in seen)


def test_the_commands_are_there() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    for group, verb in re.findall(r"^antiphon ([a-z-]+) ([a-z]+)", PAGE, re.MULTILINE):
        assert f"antiphon {group} {verb}" in reference
