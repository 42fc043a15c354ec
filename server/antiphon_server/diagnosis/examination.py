"""One look at everything, and the answer for the wire."""

import asyncio
import logging
import time
from collections.abc import Sequence

from antiphon.v1 import admin_service_pb2 as pb
from antiphon_server.diagnosis.checks.readers import DATABASE_UNREADABLE
from antiphon_server.diagnosis.finding import Finding
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.registry import CHECK_NOT_DONE, PROBE, Check, checks_for
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.wire_times import micros_to_timestamp

__all__ = ["diagnose", "examine"]

logger = logging.getLogger(__name__)

#: Seconds that one look may take, and all together.
PATIENCE, AT_MOST = 5.0, 30.0


async def diagnose(patient: Patient, *, own_only: bool) -> pb.DiagnoseServerResponse:
    """The answer. `own_only` leaves out what every server of the database would find."""
    checks = checks_for(patient, own_only=own_only)
    findings = await examine(patient, checks)
    return pb.DiagnoseServerResponse(
        findings=map(_message, findings),
        checks=(check.name for check in checks),
        server_time=micros_to_timestamp(patient.now),
    )


async def examine(patient: Patient, checks: Sequence[Check]) -> list[Finding]:
    """What is wrong, the most serious things first. One look after the other: they shall take one connection."""
    found: list[Finding] = []
    answers, end = True, time.monotonic() + AT_MOST
    for check in checks:
        if check.asks and not answers:
            continue
        try:
            async with asyncio.timeout(min(PATIENCE, end - time.monotonic())):
                found += await check.look(patient)
        except (AntiphonError, TimeoutError) as error:
            why = str(error) or f"no answer within {PATIENCE:g} s, or all looks took more than {AT_MOST:g} s"
            if check is PROBE:
                answers = False
                found.append(DATABASE_UNREADABLE.found(why))
            else:
                found.append(_not_done(check, why))
        except Exception as error:
            logger.exception("%s could not be looked at by a bug", check.name)
            found.append(_not_done(check, f"{type(error).__name__}: {error}"))
    return sorted(found, key=_how_bad, reverse=True)


def _not_done(check: Check, why: str) -> Finding:
    return CHECK_NOT_DONE.found(f"{check.name} could not be looked at: {why}", check=check.name)


def _how_bad(finding: Finding) -> int:
    return finding.symptom.severity


def _message(finding: Finding) -> pb.DiagnosticFinding:
    symptom = finding.symptom
    return pb.DiagnosticFinding(
        reason=symptom.reason,
        severity=pb.DiagnosticSeverity.Name(symptom.severity),
        message=finding.message,
        consequence=symptom.consequence,
        remedy=finding.remedy,
        facts=finding.facts,
    )
