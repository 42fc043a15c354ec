"""`python -m antiphon_server`: a server as a process of its own."""

import argparse
import asyncio
import gc
import logging
import math
import os
import signal
import sys
import time
from pathlib import Path

from antiphon_server import log_lines
from antiphon_server.clocks import MovableClock
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.encryption_keys import ENCRYPTION_KEY, keys_of
from antiphon_server.home import DATABASE, DATABASE_URL, LEASE_STORAGE, HomeTaken, take
from antiphon_server.metrics.opening import metrics_address
from antiphon_server.rpc import call_facts
from antiphon_server.server import Server, Settings
from antiphon_server.services.clock_control import ClockControl
from antiphon_server.services.sweeper import Retention
from antiphon_server.storage.upgrade_backup import back_up_before_upgrade
from antiphon_server.tracing.opening import provider_of

logger = logging.getLogger("antiphon_server")

EXIT_FAILED, EXIT_TAKEN = 1, 3
#: Seconds after which a server that nobody calls looks again whether the sessions that it knows have ended.
LOOK_AGAIN = 1.0


def _seconds(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value


def _some_time(text: str) -> float:
    value = _seconds(text)
    if value < 0.001:
        raise argparse.ArgumentTypeError(f"{text} s is too short: give at least 0.001")
    return value


def _days(days: float | None) -> int | None:
    """In microseconds."""
    return round(days * 24 * 3600 * 1e6) if days is not None else None


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:4200; port 0 takes a free one")
    return text


def _metrics(text: str) -> str:
    try:
        return metrics_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _descriptor(text: str) -> int:
    try:
        os.fstat(int(text))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"descriptor {text}: {error.strerror}") from None
    return int(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m antiphon_server", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of database, lock and socket")
    parser.add_argument(
        "--database",
        default=os.environ.get(DATABASE_URL, ""),
        metavar="URL",
        help=f"PostgreSQL's, such as postgresql://user:password@host:5432/antiphon, in place of a file in the home; "
        f"{DATABASE_URL} says the same and is not seen in lists of processes",
    )
    parser.add_argument(
        "--listen", action="append", default=[], type=_address, metavar="HOST:PORT", help="TCP address; repeatable"
    )
    parser.add_argument("--socket", type=Path, help="path of a Unix socket to listen on")
    parser.add_argument(
        "--idle-timeout", type=_seconds, default=0.0, help="leave after so many quiet seconds; 0: never"
    )
    parser.add_argument("--session-ttl", type=_some_time, default=30.0, help="seconds before a silent session is lost")
    for what in ("runs", "logs"):
        parser.add_argument(
            f"--keep-{what}", type=_seconds, metavar="DAYS", help=f"delete {what} that are older; kept for ever without"
        )
    parser.add_argument(
        "--metrics",
        type=_metrics,
        metavar="[HOST:]PORT",
        help="serve metrics for Prometheus by HTTP there; a port alone is one of this machine",
    )
    parser.add_argument(
        "--lease-storage",
        default=os.environ.get(LEASE_STORAGE, ""),
        metavar="URL",
        help="Redis's, such as redis://:password@host:6379/0, which keeps the time of leases of slots in place of the "
        f"database; {LEASE_STORAGE} says the same and is not seen in lists of processes",
    )
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument(
        "--log-format", default=log_lines.TEXT, choices=log_lines.FORMATS, help="json: an object a line, for programs"
    )
    parser.add_argument(
        "--ready-fd", type=_descriptor, help="descriptor that gets a line when the server serves, or cannot"
    )
    parser.add_argument(
        "--no-fsync", action="store_true", help="commit without waiting for the disk: for data that nobody misses"
    )
    parser.add_argument(
        "--clock-fd",
        type=_descriptor,
        help="socket on which tests move this server's clock; the server leaves when it closes",
    )
    parser.add_argument(
        "--no-upgrade-backup",
        action="store_true",
        help="upgrade a database of an older release without a copy of it in the home's folder of backups",
    )
    parser.add_argument("--lock-fd", type=_descriptor, help="inherited descriptor to close by then")
    options = parser.parse_args()
    if not options.listen and options.socket is None:
        parser.error("nowhere to listen: give --listen HOST:PORT, --socket PATH, or both")
    return options


class Starter:
    """Whoever started this process and waits to hear of it."""

    def __init__(self, ready_fd: int | None, lock_fd: int | None) -> None:
        self._ready_fd = ready_fd
        self._lock_fd = lock_fd

    def keep_waiting(self, why: str) -> None:
        """Says that something takes its time, before the one line."""
        self._say(f"busy {why}")

    def tell(self, line: str) -> None:
        """Says one line and lets go of what was inherited. A starter that has died does not matter."""
        self._say(line)
        if self._ready_fd is not None:
            os.close(self._ready_fd)
            self._ready_fd = None
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _say(self, line: str) -> None:
        if self._ready_fd is not None:
            try:
                os.write(self._ready_fd, f"{line}\n".encode())
            except BrokenPipeError:
                logger.info("the process that started this server has gone")


async def serve(options: argparse.Namespace, starter: Starter) -> None:
    listen = [f"unix:{options.socket}"] if options.socket is not None else []
    listen += options.listen
    place = options.database or options.home / DATABASE
    moved = MovableClock() if options.clock_fd is not None else None

    def before_migrating(revision: str) -> None:
        starter.keep_waiting(f"upgrading the database from schema {revision}")
        if isinstance(place, Path) and not options.no_upgrade_backup:
            back_up_before_upgrade(place, revision)

    traces = provider_of(os.environ)
    server = Server(
        Settings(
            place,
            listen,
            session_ttl=options.session_ttl,
            clock=moved,
            durable=not options.no_fsync,
            lease_storage=options.lease_storage,
            retention=Retention(_days(options.keep_runs), _days(options.keep_logs)),
            metrics=options.metrics,
            traces=traces,
            encryption_keys=keys_of(os.environ.get(ENCRYPTION_KEY, ""), ENCRYPTION_KEY),
            before_migrating=before_migrating,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.asked_to_stop.set)
    await server.start()
    starter.tell("ready " + " ".join(server.addresses))
    if moved is not None:
        ttl = round(options.session_ttl * 1e6)
        control = ClockControl(
            moved, server.core, server.waits, server.slot_expiry, server.sweeper, server.scheduler, ttl
        )
        obeying = asyncio.create_task(control.obey(options.clock_fd))
        obeying.add_done_callback(lambda _: server.asked_to_stop.set())
    if options.idle_timeout > 0:
        idle = asyncio.create_task(leave_when_idle(server, options.idle_timeout))
        idle.add_done_callback(lambda _: server.asked_to_stop.set())
    await server.asked_to_stop.wait()
    await server.stop()
    if traces is not None:
        await asyncio.to_thread(traces.close)


async def leave_when_idle(server: Server, timeout: float) -> None:
    """Returns once no call was under way for `timeout` seconds, no session is left that could be lost, and no operation
    goes on."""
    activity = server.activity
    while True:
        quiet = time.monotonic() - activity.quiet_since
        if activity.calls or quiet < timeout:
            await asyncio.sleep(timeout if activity.calls else timeout - quiet)
        elif await _may_leave(server):
            logger.info("nobody needed this server for %g s", timeout)
            return
        else:
            await asyncio.sleep(LOOK_AGAIN)


async def _may_leave(server: Server) -> bool:
    """Whether nobody's runs are left behind: those of a process that was killed are found CRASHED only by a server."""
    try:
        if server.operations_runner.busy or await server.has_active_sessions():
            return False
        return server.activity.calls == 0
    except AntiphonError as error:
        logger.warning("this server stays, it cannot tell whether it is needed: %s", error)
        return False


def tune() -> None:
    """What a server's interpreter does better than a script's: measured, a third more transitions a second."""
    # The loop and the writer hand work to each other; neither should wait 5 ms for the other's time slice.
    sys.setswitchinterval(0.0005)
    # What start-up made stays, and frames are freed by their counts: looking for cycles among them is wasted time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def main() -> int:
    options = arguments()
    tune()
    log_lines.set_up(options.log_format, options.log_level, call_facts.facts)
    starter = Starter(options.ready_fd, options.lock_fd)
    try:
        take(options.home)
        asyncio.run(serve(options, starter))
    except (HomeTaken, OSError, AntiphonError) as error:
        logger.error("%s", error)
        starter.tell(f"error {error}")
        return EXIT_TAKEN if isinstance(error, HomeTaken) else EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
