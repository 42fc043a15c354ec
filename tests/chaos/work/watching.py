"""Follows all flow runs over every cut, and says in the end what the picture is that it was told."""

import threading
import time

from antiphon.exceptions import AntiphonException
from antiphon.watching import Picture, Watch, watch
from chaos.work.program import journal, stopping

#: Seconds without a step after which nothing more is to come, and that are waited for it.
_STILL, _LONGEST = 3.0, 20.0


def follow() -> None:
    picture = Picture()
    watching = watch("flow_runs")
    heard = [time.monotonic()]
    threading.Thread(target=_end, args=(watching, heard), daemon=True).start()
    try:
        for step in watching:
            heard[0] = time.monotonic()
            picture.apply(step)
            if step.kind == "begin":
                journal.note("watch-begins")
            elif step.kind == "thing":
                state = step.thing.state
                journal.note("watched", run=step.thing.id, state=state.id, etag=step.thing.etag, type=state.type)
            elif step.kind == "gone":
                journal.note("gone", run=step.id)
    except AntiphonException as error:
        if not stopping.is_set():
            raise
        journal.note("failed", of="watch", error=type(error).__name__, text=str(error)[:200])
    journal.note("picture", runs={id: run.state.id for id, run in picture.items()})


def _end(watching: Watch, heard: list[float]) -> None:
    stopping.wait()
    end = time.monotonic() + _LONGEST
    while time.monotonic() < min(heard[0] + _STILL, end):
        time.sleep(0.1)
    watching.close()
