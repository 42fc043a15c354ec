"""What artifacts show, as the text that is sent, and the limits of that."""

import json
import logging
import math
import re
from typing import Any

from antiphon.text_limits import encodable

logger = logging.getLogger("antiphon.artifacts")

#: Limits of the contract: bytes of UTF-8, and characters.
MAX_DATA_BYTES, MAX_DESCRIPTION_BYTES, MAX_KEY_LENGTH = 2 * 1024 * 1024, 64 * 1024, 500
_KEY = re.compile("[a-z0-9-]*")


def is_key(text: str) -> bool:
    """Whether an artifact can have this key."""
    return _KEY.fullmatch(text) is not None and len(text) <= MAX_KEY_LENGTH


def checked_key(key: str) -> str:
    """Return the key. Raises ValueError where an artifact cannot have it."""
    if not is_key(key):
        raise ValueError(
            f"the key of an artifact is at most {MAX_KEY_LENGTH} lowercase letters, digits and dashes, such as"
            f" sales-report, and {key[:40]!r} is not"
        )
    return key


def data_text(value: Any) -> str:
    """What an artifact's `format` gave, as text.

    Raises TypeError where it is neither text nor JSON, ValueError where it is too long.
    """
    if isinstance(value, str):
        text = encodable(value)
    else:
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(
                f"The data of an artifact is text, or what JSON can say, and this is not: {error}. Give it as text."
            ) from error
    return _short_enough(text, MAX_DATA_BYTES, "data")


def description_text(description: str | None) -> str:
    """Raises ValueError where it is too long."""
    return _short_enough(encodable(description or ""), MAX_DESCRIPTION_BYTES, "description")


def table_text(table: Any) -> str:
    """A table as JSON, with null for numbers that JSON cannot say. Raises TypeError for a cell that it cannot say."""
    try:
        return json.dumps(_without_nan(table), ensure_ascii=False)
    except TypeError as error:
        raise TypeError(
            f"The cells of a table are what JSON can say, and one is not: {error}. Give text for it: str(cell)."
        ) from error


def percent(progress: float) -> float:
    """The number, or 0 for a smaller and 100 for a larger one. Raises ValueError for NaN."""
    if math.isnan(progress):
        raise ValueError("progress is a number from 0 to 100, and NaN is none.")
    if 0 <= progress <= 100:
        return progress
    nearest = min(max(progress, 0.0), 100.0)
    logger.warning("A progress of %s %% is taken as %s %%: it goes from 0 to 100.", progress, nearest)
    return nearest


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short_enough(text: str, most: int, what: str) -> str:
    size = len(text) if text.isascii() else len(text.encode())
    if size > most:
        raise ValueError(
            f"The {what} of an artifact has at most {most:,} bytes, and this has {size:,}. Keep it in a file or in"
            " object storage, and make an artifact with a link to it."
        )
    return text
