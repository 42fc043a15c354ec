"""`antiphon server doctor`."""

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from antiphon.cli.doctor import symptoms
from antiphon.cli.doctor.here import check_address_sources, check_folders, check_spelling
from antiphon.cli.doctor.report import report, well
from antiphon.cli.doctor.servers import Answer, ask_all, check_answers
from antiphon.cli.exit_codes import ERROR
from antiphon.cli.output import WIDTH_WITHOUT_TERMINAL, JsonFlag, print_json, to_json
from antiphon.cli.safe_console import SafeConsole
from antiphon.embedded_server import accepts
from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.server_address import known_target
from antiphon.settings import Settings, get_current_settings
from antiphon.v1.admin_service_pb2 import DiagnosticFinding, DiagnosticSeverity

__all__ = ["doctor"]

_HERE = ("settings", "folders")
_THERE = ("addresses", "versions", "clocks of here and there")


def doctor(
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 also where there are warnings alone.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find what is wrong, here and at the server, and say what to do. Starts no server and changes nothing.

    Exits with 1 where there is an error, be it that no server answers; warnings alone exit with 0, unless --strict.
    docs/doctor.md has all that may be found.

    With --json: an object with `healthy` (whether it exits with 0), `findings` (an array of
    antiphon.v1.DiagnosticFinding, the most serious ones first), `servers` (an array of objects with `target` and
    `server_info`, antiphon.v1.ServerInfo or null) and `checks`, an array of what was looked at.
    """
    try:
        settings = get_current_settings()
        findings = list(_look_here(settings))
    except (SettingError, MissingProfileError) as error:
        _tell([symptoms.SETTINGS_INVALID.found(str(error))], [], ["settings"], strict=strict, as_json=as_json)
        return
    answers = _ask(settings)
    findings += [*check_answers(answers), *_unnamed(settings, answers)]
    findings.sort(key=_how_bad, reverse=True)
    checks = [*_HERE, *(_THERE if answers else ()), *_looked_at(answers)]
    _tell(findings, answers, checks, strict=strict, as_json=as_json)


def _look_here(settings: Settings) -> Iterator[DiagnosticFinding]:
    yield from check_spelling(os.environ)
    yield from check_address_sources(settings)
    yield from check_folders(settings)


def _ask(settings: Settings) -> list[Answer]:
    """Nobody where the home's own server does not run: it starts when somebody needs it."""
    target = known_target(settings)
    return ask_all(target) if settings.api.url or accepts(target.removeprefix("unix:")) else []


def _unnamed(settings: Settings, answers: Sequence[Answer]) -> Iterator[DiagnosticFinding]:
    if not answers and not settings.server.ephemeral.enabled:
        yield symptoms.SERVER_NOT_NAMED.found(
            "ANTIPHON_API_URL is not set, and ANTIPHON_SERVER_EPHEMERAL_ENABLED is false"
        )


def _looked_at(answers: Sequence[Answer]) -> list[str]:
    """By the servers, each check once."""
    return list(
        dict.fromkeys(name for answer in answers if answer.diagnosis is not None for name in answer.diagnosis.checks)
    )


def _how_bad(finding: DiagnosticFinding) -> int:
    return finding.severity


def _tell(
    findings: Sequence[DiagnosticFinding],
    answers: Sequence[Answer],
    checks: Sequence[str],
    *,
    strict: bool,
    as_json: bool,
) -> None:
    wrong = any(strict or each.severity == DiagnosticSeverity.DIAGNOSTIC_SEVERITY_ERROR for each in findings)
    if as_json:
        servers = [
            {"target": answer.address, "server_info": to_json(answer.info) if answer.info is not None else None}
            for answer in answers
        ]
        print_json(
            {
                "healthy": not wrong,
                "findings": [to_json(finding) for finding in findings],
                "servers": servers,
                "checks": list(checks),
            }
        )
    else:
        # Not by settings: these may be what is wrong.
        console = SafeConsole(highlight=False, emoji=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = WIDTH_WITHOUT_TERMINAL
        if findings:
            console.print(report(findings))
        else:
            console.print(well([answer.address for answer in answers], checks), markup=False)
    if wrong:
        raise typer.Exit(ERROR)
