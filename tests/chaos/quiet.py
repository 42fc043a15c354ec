"""After the last fault: nothing new is begun, what was begun comes to its end, and everybody leaves."""

import time
from dataclasses import dataclass, field

from antiphon.service_client import ServiceClient
from chaos import furniture, snapshot
from chaos.process import PRODUCERS, Process
from chaos.scene import Scene

#: Seconds for processes to finish what they do, and for all that is left to come to rest, with room for slow machines:
#: a session is lost after 6 s, a pause ends after 12, a claim after 15. What nobody takes back ends by the server's own
#: deadlines of minutes, and is found.
LEAVING, SETTLING = 90.0, 120.0
_WORK = ("runs", "waits", "slots", "leases", "queues", "operations", "commands")


@dataclass(slots=True)
class Calm:
    """How it became quiet."""

    seconds: float = 0.0
    #: What never came to rest, by kind.
    unrest: dict[str, list[object]] = field(default_factory=dict)
    #: Processes that had to be killed, or failed, when they were asked to end.
    stuck: list[str] = field(default_factory=list)


def calm(scene: Scene, schedule: str) -> Calm:
    """Everything is healed and alive. Producers end, then the work, then those who worked."""
    began, found = time.monotonic(), Calm()
    _leave([each for each in scene.processes if each.role in PRODUCERS], found)
    with ServiceClient(scene.target) as client:
        furniture.begin_nothing_more(client, schedule)
    found.unrest = _settled(scene.database.url, _WORK, SETTLING)
    _leave([each for each in scene.processes if each.role not in PRODUCERS], found)
    found.unrest |= _settled(scene.database.url, ("sessions",), SETTLING)
    found.seconds = time.monotonic() - began
    return found


def _leave(processes: list[Process], found: Calm) -> None:
    for process in processes:
        process.ask_to_end()
    end = time.monotonic() + LEAVING
    for process in processes:
        if not process.ended(max(end - time.monotonic(), 0.1)):
            found.stuck.append(process.name)


def _settled(url: str, names: tuple[str, ...], patience: float) -> dict[str, list[object]]:
    end = time.monotonic() + patience
    while (left := snapshot.unrest(url, names)) and time.monotonic() < end:
        time.sleep(0.25)
    return left
