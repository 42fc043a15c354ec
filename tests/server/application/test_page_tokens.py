import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.application.page_tokens import KeyValue, PageTokens
from antiphon_server.domain.errors import InvalidArgument

TOKENS = PageTokens(b"a key of thirty-two secret bytes")
QUERY = ("ListFlows", "name = x", [("create_time", True), ("id", True)])
VALUES = (1_767_225_600_000_000, None, "näme", "01890a5d-ac96-774b-bcce-b302099a8057")


def assert_refused(query: tuple[object, ...], token: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        TOKENS.read(query, token)
    assert (caught.value.reason, caught.value.field) == ("PAGE_TOKEN_INVALID", "page_token")
    assert words in caught.value.message


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text())))
def test_values_come_back(values: list[KeyValue]) -> None:
    assert TOKENS.read(QUERY, TOKENS.make(QUERY, values)) == tuple(values)


@pytest.mark.parametrize(
    "query",
    [
        ("ListFlowRuns", "name = x", [("create_time", True), ("id", True)]),
        ("ListFlows", "name = y", [("create_time", True), ("id", True)]),
        ("ListFlows", "name = x", [("create_time", False), ("id", False)]),
    ],
)
def test_a_token_of_another_query_is_refused(query: tuple[object, ...]) -> None:
    assert_refused(query, TOKENS.make(QUERY, VALUES), "belongs to another call")


def test_every_changed_byte_is_noticed() -> None:
    raw = base64.urlsafe_b64decode(TOKENS.make(QUERY, VALUES) + "==")
    for index in range(len(raw)):
        forged = bytearray(raw)
        forged[index] ^= 1
        assert_refused(QUERY, base64.urlsafe_b64encode(bytes(forged)).decode().rstrip("="), "was not made by this")


def test_a_token_of_another_key_is_refused() -> None:
    assert_refused(QUERY, PageTokens(b"another key of the same length..").make(QUERY, VALUES), "was not made by this")


@given(st.text())
def test_any_other_text_is_refused(token: str) -> None:
    assert_refused(QUERY, token, "was not made by this server")


@pytest.mark.parametrize("name", ["\u0001\u001f" * 250, "\U0001f680\U0001f916" * 250, '"\\' * 250])
def test_the_longest_names_fit_into_the_contract(name: str) -> None:
    token = TOKENS.make(QUERY, [name, *VALUES, *VALUES])
    assert len(token) <= 4096
    assert TOKENS.read(QUERY, token)[0] == name


def test_a_token_needs_no_escaping_in_a_url() -> None:
    assert TOKENS.make(QUERY, VALUES).replace("-", "").replace("_", "").isalnum()


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        PageTokens(b"short")
