"""What a server finds of itself."""

from collections.abc import Sequence
from typing import Any

from antiphon.v1 import admin_service_pb2 as pb
from antiphon_server.application.time_travel import KeepAlive
from running_server import RunningServer

WARNING, ERROR = pb.DIAGNOSTIC_SEVERITY_WARNING, pb.DIAGNOSTIC_SEVERITY_ERROR


def diagnosed(server: RunningServer, *, own_only: bool = False, **how: Any) -> Sequence[pb.DiagnosticFinding]:
    """All findings. `how` are fields of the server's diagnosis/patient.py."""
    answer: pb.DiagnoseServerResponse = server.run(lambda: server.server.diagnose(own_only, **how))
    return list(answer.findings)


def reasons(server: RunningServer, **how: Any) -> list[str]:
    return [finding.reason for finding in diagnosed(server, **how)]


def finding(server: RunningServer, reason: str, **how: Any) -> pb.DiagnosticFinding:
    """The one finding of a kind, and nothing else."""
    found = diagnosed(server, **how)
    assert [each.reason for each in found] == [reason], found
    return found[0]


def later(server: RunningServer, seconds: float) -> None:
    """Puts the clock forward, as if the server had lived meanwhile; what it does every few seconds is done."""
    parts, by = server.server, round(seconds * 1e6)

    async def move() -> None:
        await parts.core.run(KeepAlive(parts._ttl, by))
        async with parts.scheduler.planning:  # A round that has begun would take what is passed for missed.
            server.clock.ahead += by
            parts.scheduler.clock_moved()
        parts.sweeper.clock_moved(by)
        parts.core.clock_moved()
        await parts.scheduler.round()
        await parts.sweeper.sweep()

    server.run(move)
