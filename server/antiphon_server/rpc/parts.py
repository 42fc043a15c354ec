"""What services are made of that are loaded on demand."""

from dataclasses import dataclass

from antiphon_server.application.core import Core, Reader
from antiphon_server.application.lease_storage import LeaseStorage
from antiphon_server.application.queries import Queries
from antiphon_server.application.takers import Takers
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.encryption_keys import KeyRing
from antiphon_server.rpc.change_log import ChangeLog
from antiphon_server.rpc.session_stream import SessionHub


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one server."""

    core: Core
    queries: Queries
    tokens: ResumeTokens
    encryption: KeyRing
    reader: Reader
    hub: SessionHub
    log: ChangeLog
    lease_storage: LeaseStorage
    #: Microseconds after which a session is lost that was not heard of.
    ttl: int
    #: Who takes flow runs at this server.
    takers: Takers
