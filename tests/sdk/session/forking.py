"""A program that forks while its sessions talk, in a process of its own so that nothing else uses gRPC there.

Arguments: the server's target, how many forks, and how each child ends (`exit` or `return`). It prints what the parent
saw as JSON.
"""

import json
import os
import signal
import sys
import threading
import time

from antiphon.exceptions import SessionLost
from antiphon.ids import new_id
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket
from antiphon.session.uploader import LogUploader
from antiphon.v1.log_pb2 import Log
from session_bodies import proposal

PATIENCE = 20.0


def line(message: str) -> Log:
    log = Log(id=new_id(), level=20, message=message)
    log.create_time.GetCurrentTime()
    return log


def in_the_child(target: str, inherited: Session, waiting: Ticket) -> int:
    """What a forked child does; gives its exit code."""
    for ticket in (waiting, *inherited.submit(proposal())):
        try:
            ticket.result(PATIENCE)
        except SessionLost as error:
            if error.reason != "FORKED":
                return 3
        else:
            return 4
    own = Session(lambda: target, client="child")
    if own.submit(proposal())[0].result(PATIENCE) is None:
        return 5
    uploader = LogUploader(lambda: target)
    uploader.put(line("from the child"))
    return 0 if uploader.close(PATIENCE) and own.close(PATIENCE) else 6


def await_child(pid: int) -> int:
    """The child's wait status; one that hangs is killed."""
    timer = threading.Timer(60, os.kill, (pid, signal.SIGKILL))
    timer.start()
    _, status = os.waitpid(pid, 0)
    timer.cancel()
    return status


def main() -> None:
    target, forks, ending = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    session = Session(lambda: target, client="parent")
    uploader = LogUploader(lambda: target, linger=0.001)
    tickets: list[Ticket] = []
    going = True

    def talk() -> None:
        while going:
            tickets.extend(session.submit(proposal()))
            uploader.put(line("from the parent"))
            tickets[-1].result(PATIENCE)

    [waiting] = session.submit(proposal("wait"))
    session.flush(PATIENCE)
    thread = threading.Thread(target=talk)
    thread.start()
    statuses, took = [], []
    for _ in range(forks):
        before = len(tickets)
        begin = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            code = in_the_child(target, session, waiting)
            if ending == "exit":
                os._exit(code)
            sys.exit(code)
        took.append(time.perf_counter() - begin)
        statuses.append(await_child(pid))
        while len(tickets) == before and thread.is_alive():
            tickets[-1].result(PATIENCE)
    going = False
    thread.join(PATIENCE)
    answered = sum(ticket.result(PATIENCE) is not None for ticket in list(tickets))
    facts = {
        "statuses": statuses,
        "submitted": len(tickets),
        "answered": answered,
        "waiting": not waiting.done(),
        "session": session.session_id,
        "longest_fork": max(took),
        "logs": uploader.close(PATIENCE),
        "flushed": session.flush(PATIENCE),
    }
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
