"""The secret by which a client goes on with its session, and no other client can."""

import hashlib
import hmac

from antiphon_server.domain.errors import Unauthenticated


class ResumeTokens:
    """Tokens are the session's id and an HMAC-SHA256 of it, so they need no place in the database."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, session_id: str) -> str:
        return f"{session_id}.{self._mac(session_id)}"

    def session_id(self, token: str) -> str:
        """The session that the token is for; raises Unauthenticated (RESUME_TOKEN_INVALID) for a forged one."""
        session_id, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(session_id).encode()):
            raise Unauthenticated(
                "RESUME_TOKEN_INVALID", "the resume token is not one that this server gave; open a new session"
            )
        return session_id

    def _mac(self, session_id: str) -> str:
        return hmac.new(self._key, f"resume:{session_id}".encode(), hashlib.sha256).hexdigest()
