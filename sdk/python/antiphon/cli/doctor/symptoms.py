"""What may be found on the client's side. The server has a list of its own; docs/doctor.md has both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.v1.admin_service_pb2 import DiagnosticFinding, DiagnosticSeverity

__all__ = ["SYMPTOMS", "Symptom"]

ERROR, WARNING = DiagnosticSeverity.DIAGNOSTIC_SEVERITY_ERROR, DiagnosticSeverity.DIAGNOSTIC_SEVERITY_WARNING


@dataclass(frozen=True, slots=True)
class Symptom:
    """One kind of thing that may be wrong; the same as the server's, in the same order."""

    reason: str
    severity: DiagnosticSeverity
    #: When it is told.
    meaning: str
    consequence: str
    #: `{name}` stands for a fact of the finding.
    remedy: str

    def found(self, message: str, **facts: Any) -> DiagnosticFinding:
        """Here it is: `message` says it with figures, `facts` has them for programs."""
        texts = {name: str(value) for name, value in facts.items()}
        return DiagnosticFinding(
            reason=self.reason,
            severity=self.severity,
            message=message,
            consequence=self.consequence,
            remedy=self.remedy.format_map(texts),
            facts=texts,
        )


SETTINGS_INVALID = Symptom(
    "SETTINGS_INVALID",
    ERROR,
    "A setting cannot be read, or the profile is not there.",
    "Every program of Antiphon that starts here fails with this.",
    "Change it where the message says that it was read.",
)
SETTING_MISSPELT = Symptom(
    "SETTING_MISSPELT",
    WARNING,
    "The environment has a variable that is no setting, and that is called almost like one.",
    "It does nothing, and what it was to set keeps its default.",
    "Rename {name} to {meant}, or unset it.",
)
PROFILE_OVERRIDDEN = Symptom(
    "PROFILE_OVERRIDDEN",
    WARNING,
    "The profile in use names one server, and the environment or a file of this folder another.",
    "The profile's is not used here: runs that are started elsewhere with this profile are at another server.",
    "If that is not meant: take the address out of {source}; `antiphon config view` shows where each setting is from.",
)
SERVER_NOT_NAMED = Symptom(
    "SERVER_NOT_NAMED",
    ERROR,
    "No server is named, and none may start by itself.",
    "Nothing can run from here.",
    "Name a server: `antiphon config set ANTIPHON_API_URL=HOST:PORT`, or set ANTIPHON_SERVER_EPHEMERAL_ENABLED=true.",
)
SERVER_UNREACHABLE = Symptom(
    "SERVER_UNREACHABLE",
    ERROR,
    "None of the addresses of ANTIPHON_API_URL answers.",
    "Nothing can run from here, and what runs waits for a server to come back.",
    "On the server's machine: `antiphon server status`; where it does not run, `antiphon server start`. Else look at "
    "the address (`antiphon config view`), and at firewalls between here and there.",
)
ADDRESS_UNREACHABLE = Symptom(
    "ADDRESS_UNREACHABLE",
    WARNING,
    "One of several addresses does not answer, and others do.",
    "Clients go on with the others, which have more to do; where they fail too, nothing goes on.",
    "On the machine of {address}: `antiphon server status`, and `antiphon server start` where it does not run. If it "
    "is no server any more: take it out of ANTIPHON_API_URL.",
)
NOT_AN_ANTIPHON_SERVER = Symptom(
    "NOT_AN_ANTIPHON_SERVER",
    ERROR,
    "Something answers at an address that is no Antiphon server, or that stands before one and speaks TLS.",
    "Nothing can run by this address.",
    "Name the port at which the server speaks gRPC without TLS: `antiphon server status` on its machine has its "
    "addresses.",
)
VERSION_DIFFERS = Symptom(
    "VERSION_DIFFERS",
    WARNING,
    "This client and the server are of different releases.",
    "What only one of them knows does not work, or is refused.",
    "Install the server's release here (`pip install antiphon=={server_version}`), or upgrade the server "
    "(docs/operations.md, Upgrade).",
)
SERVERS_APART = Symptom(
    "SERVERS_APART",
    ERROR,
    "The addresses of ANTIPHON_API_URL lead to servers with different databases.",
    "Each knows only some of the runs: what one was told, the next one denies.",
    "Name the addresses of servers of one database. Several servers share a PostgreSQL (docs/high-availability.md).",
)
CLOCK_SKEWED = Symptom(
    "CLOCK_SKEWED",
    WARNING,
    "The clock of this machine and the server's are more than five seconds apart.",
    "Times that programs here choose (schedules, `--start-in`, caches) are early or late, and logs are out of order.",
    "Have this machine's clock set by NTP: `timedatectl` says whether it is. Where it is, look at the server's.",
)
DIAGNOSIS_MISSING = Symptom(
    "DIAGNOSIS_MISSING",
    WARNING,
    "A server answers, and does not say what is wrong with it.",
    "It is too old for it, or has too much to do: only what can be seen from here was looked at.",
    "Upgrade the server, or look at it by `antiphon server services ls` and its log.",
)
FOLDER_NOT_WRITABLE = Symptom(
    "FOLDER_NOT_WRITABLE",
    ERROR,
    "The home, or the folder for results, cannot be written to.",
    "No server starts by itself, and runs that keep their results fail.",
    "Give this user the right to write to {folder}, or name another folder by {setting}.",
)
FOLDER_FULL = Symptom(
    "FOLDER_FULL",
    ERROR,
    "The disk of the home, or of the folder for results, has less than 100 MiB left.",
    "Runs that keep their results fail soon, and so does a server that has its home here.",
    "Make room on the disk of {folder}, or name another folder by {setting}.",
)
#: In the order of docs/doctor.md.
SYMPTOMS: Sequence[Symptom] = (
    SERVER_UNREACHABLE,
    ADDRESS_UNREACHABLE,
    NOT_AN_ANTIPHON_SERVER,
    SERVERS_APART,
    SERVER_NOT_NAMED,
    SETTINGS_INVALID,
    SETTING_MISSPELT,
    PROFILE_OVERRIDDEN,
    VERSION_DIFFERS,
    CLOCK_SKEWED,
    FOLDER_NOT_WRITABLE,
    FOLDER_FULL,
    DIAGNOSIS_MISSING,
)
