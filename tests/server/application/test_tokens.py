"""Resume tokens."""

import pytest

from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.domain.errors import Unauthenticated

TOKENS = ResumeTokens(b"a key")


def test_a_token_names_its_session() -> None:
    assert TOKENS.session_id(TOKENS.issue("one")) == "one"
    assert ResumeTokens(b"a key").session_id(TOKENS.issue("one")) == "one", "the next server knows it too"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "one",
        "one.",
        "one.00",
        "é.é",
        TOKENS.issue("two").replace("two", "one"),
        TOKENS.issue("one") + "0",
        ResumeTokens(b"another key").issue("one"),
    ],
)
def test_a_forged_one_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        TOKENS.session_id(token)
    assert refused.value.reason == "RESUME_TOKEN_INVALID"
