"""Page tokens: where the last page ended, closed to forgery and bound to the query that it was made for."""

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from collections.abc import Sequence
from typing import TypeAlias

from antiphon_server.domain.errors import InvalidArgument

#: A row's value in a column that the list is ordered by.
KeyValue: TypeAlias = str | int | None

_SIGNATURE_BYTES = 16
_QUERY_BYTES = 8


class PageTokens:
    """Makes and reads tokens with one server's key.

    A token is base64url, without padding, of a signature (HMAC-SHA256 cut to 16 bytes) and what it signs: 8 bytes of
    the query's hash and the compressed JSON list of the key values. The compression keeps the longest name within the
    contract's 4,096 characters.
    """

    def __init__(self, key: bytes) -> None:
        """`key`: at least 16 secret bytes, the same for every server of one database."""
        if len(key) < 16:
            raise ValueError("the signing key must have at least 16 bytes")
        self._key = key

    def make(self, query: Sequence[object], values: Sequence[KeyValue]) -> str:
        """The token for going on after the row whose keys are `values`.

        `query` holds all that must be the same on the next page, as values that JSON knows.
        """
        packed = zlib.compress(json.dumps(list(values), ensure_ascii=False).encode())
        body = _query_hash(query) + packed
        return base64.urlsafe_b64encode(self._sign(body) + body).rstrip(b"=").decode()

    def read(self, query: Sequence[object], token: str) -> tuple[KeyValue, ...]:
        """The key values that `make` put into `token`.

        Raises InvalidArgument (PAGE_TOKEN_INVALID) if no server with this key made it, or made it for another query.
        """
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            raise _invalid("was not made by this server or was changed on its way")
        if body[:_QUERY_BYTES] != _query_hash(query):
            raise _invalid("belongs to another call: method, filter and order must stay the same from page to page")
        values: list[KeyValue] = json.loads(zlib.decompress(body[_QUERY_BYTES:]))
        return tuple(values)

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"page token\0" + body, "sha256")[:_SIGNATURE_BYTES]


def _query_hash(query: Sequence[object]) -> bytes:
    return hashlib.sha256(json.dumps(list(query)).encode()).digest()[:_QUERY_BYTES]


def _invalid(problem: str) -> InvalidArgument:
    return InvalidArgument(
        "PAGE_TOKEN_INVALID",
        f"the page token {problem}; send the next_page_token of the page before as it came, or none for the first page",
        field="page_token",
    )
