"""What the servers of the settings answer, each of them asked by itself."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from antiphon.cli.doctor import symptoms
from antiphon.cli.doctor.strangers import Stranger, meet
from antiphon.endpoints import endpoints_of
from antiphon.exceptions import ServerError, ServerUnreachable
from antiphon.service_client import ServiceClient
from antiphon.timestamps import read_timestamp
from antiphon.v1.admin_service_pb2 import (
    DiagnoseServerRequest,
    DiagnoseServerResponse,
    DiagnosticFinding,
    GetServerInfoRequest,
    ServerInfo,
)

__all__ = ["Answer", "ask_all", "check_answers"]

#: For a word of a server, and for what it finds: each of its looks may take seconds.
_TIMEOUT_SECONDS, _LONGEST_SECONDS = 5.0, 60.0
#: Addresses that are asked at the same time.
_AT_ONCE = 16
#: Seconds.
_SKEW = 5.0


@dataclass(slots=True)
class Answer:
    """Of one address."""

    address: str
    #: None where no Antiphon server answered.
    info: ServerInfo | None = None
    #: Why not, in words, and whether somebody else did.
    why: str = ""
    stranger: bool = False
    #: What it found, and when it was asked and answered by the clock of here; None where it does not say.
    diagnosis: DiagnoseServerResponse | None = None
    asked: datetime | None = None
    answered: datetime | None = None
    #: Why it did not find anything out, in words.
    unexamined: str = ""
    findings: list[DiagnosticFinding] = field(default_factory=list)


def ask_all(target: str) -> list[Answer]:
    """The answers of all servers of a target, in its order. The first one that answers looks at the database too."""
    addresses = endpoints_of(target)
    with ThreadPoolExecutor(min(len(addresses), _AT_ONCE)) as pool:
        answers = list(pool.map(_ask, addresses))
        there = [answer for answer in answers if answer.info is not None]
        own_only = [answer is not there[0] for answer in there]
        list(pool.map(_examine, there, own_only))
    return answers


def _ask(address: str) -> Answer:
    answer = Answer(address)
    with ServiceClient(address) as client:
        try:
            request = GetServerInfoRequest()
            answer.info = client.call(
                client.admin.GetServerInfo, request, timeout=_TIMEOUT_SECONDS, once=True
            ).server_info
        except ServerError as error:
            _find_out(answer, error)
    return answer


def _find_out(answer: Answer, error: ServerError) -> None:
    """Why there was no answer."""
    if not isinstance(error, ServerUnreachable) and error.code not in ("DEADLINE_EXCEEDED", "UNAVAILABLE"):
        # Whoever it is speaks gRPC.
        answer.stranger, answer.why = True, f"it answers gRPC and does not know this request ({error.code})"
        return
    if isinstance(error, ServerError) and error.reason:
        answer.why = str(error)  # A server's own words: it stops, say.
        return
    try:
        answer.why = meet(answer.address)
    except Stranger as stranger:
        answer.stranger, answer.why = True, str(stranger)


def _examine(answer: Answer, own_only: bool) -> None:
    with ServiceClient(answer.address) as client:
        answer.asked = datetime.now(UTC)
        try:
            request = DiagnoseServerRequest(own_only=own_only)
            answer.diagnosis = client.call(client.admin.DiagnoseServer, request, timeout=_LONGEST_SECONDS, once=True)
        except ServerError as error:
            answer.unexamined = str(error)
        answer.answered = datetime.now(UTC)


def check_answers(answers: Sequence[Answer]) -> Iterator[DiagnosticFinding]:
    """All that the answers tell, what the servers found among it."""
    there = [answer for answer in answers if answer.info is not None]
    yield from _unanswered(answers, bool(there))
    yield from _apart(there)
    yield from _versions(there)
    for answer in there:
        yield from _examined(answer, len(answers) > 1)


def _unanswered(answers: Iterable[Answer], some: bool) -> Iterator[DiagnosticFinding]:
    for answer in answers:
        if answer.info is not None:
            continue
        symptom = symptoms.ADDRESS_UNREACHABLE if some else symptoms.SERVER_UNREACHABLE
        if answer.stranger:
            symptom = symptoms.NOT_AN_ANTIPHON_SERVER
        yield symptom.found(f"no Antiphon server answers at {answer.address}: {answer.why}", address=answer.address)


def _apart(there: Sequence[Answer]) -> Iterator[DiagnosticFinding]:
    """Several processes, of which one has its database for itself."""
    by_process = {
        (answer.info.process_id, answer.info.start_time.ToNanoseconds(), answer.info.database): answer
        for answer in there
        if answer.info is not None
    }
    alone = [answer for (*_, database), answer in by_process.items() if database.startswith("sqlite:")]
    if len(by_process) > 1 and alone:
        databases = "; ".join(f"{answer.address} has {key[-1]}" for key, answer in by_process.items())
        message = f"the addresses are {len(by_process)} servers that do not share a database: {databases}"
        yield symptoms.SERVERS_APART.found(message, servers=len(by_process))


def _versions(there: Sequence[Answer]) -> Iterator[DiagnosticFinding]:
    ours = version("antiphon")
    for answer in there:
        assert answer.info is not None
        if answer.info.version != ours:
            message = f"this client is of release {ours}, and the server at {answer.address} of {answer.info.version}"
            yield symptoms.VERSION_DIFFERS.found(
                message, address=answer.address, client_version=ours, server_version=answer.info.version
            )


def _examined(answer: Answer, several: bool) -> Iterator[DiagnosticFinding]:
    if answer.diagnosis is None:
        message = f"the server at {answer.address} did not say what is wrong with it: {answer.unexamined}"
        yield symptoms.DIAGNOSIS_MISSING.found(message, address=answer.address)
        return
    yield from _skewed(answer)
    for finding in answer.diagnosis.findings:
        finding.facts["server"] = answer.address
        if several:
            finding.message = f"{finding.message} (told by {answer.address})"
        yield finding


def _skewed(answer: Answer) -> Iterator[DiagnosticFinding]:
    if answer.diagnosis is None or answer.answered is None or answer.asked is None:
        return
    theirs = read_timestamp(answer.diagnosis.server_time)
    # It was told shortly before the answer came, and in any case after it was asked for.
    ahead = (answer.asked - theirs).total_seconds()
    behind = (theirs - answer.answered).total_seconds()
    if max(ahead, behind) > _SKEW:
        which = "ahead of" if ahead > behind else "behind"
        message = (
            f"the clock of this machine is {max(ahead, behind):.0f} s {which} that of the server at {answer.address}"
        )
        yield symptoms.CLOCK_SKEWED.found(message, address=answer.address, seconds=round(max(ahead, behind), 1))
