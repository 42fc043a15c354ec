"""Text cut to the limits of the contract."""

CUT_MARK = "… (cut)"


def clip_characters(text: str, limit: int) -> str:
    """Return `text`, or as much of it as `limit` characters hold together with a mark that something is missing."""
    return text if len(text) <= limit else text[: limit - len(CUT_MARK)] + CUT_MARK


def clip_bytes(text: str, limit: int) -> str:
    """Return `text` as far as it fits into `limit` bytes of UTF-8, with a mark at the end where it was cut.

    Never splits a character. What UTF-8 cannot say (half a surrogate pair) is written as an escape.
    """
    if len(text) <= limit and text.isascii():
        return text
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode("utf-8")
    kept = data[: limit - len(CUT_MARK.encode())]
    return kept.decode("utf-8", "ignore") + CUT_MARK


def encodable(text: str) -> str:
    """Return `text` with what UTF-8 cannot say written as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
