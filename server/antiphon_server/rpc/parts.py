"""What services are made of that are loaded on demand."""

from dataclasses import dataclass

from antiphon_server.application.core import Core
from antiphon_server.application.queries import Queries
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.encryption_keys import KeyRing


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one server."""

    core: Core
    queries: Queries
    tokens: ResumeTokens
    encryption: KeyRing
