"""What the decorators' options, and tags, must be."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from antiphon.exceptions import InvalidNameError
from antiphon.text_limits import encodable

F = TypeVar("F", bound=Callable[..., Any])

#: Seconds; thirty years.
MAX_TIMEOUT = 1_000_000_000
#: Limits of the contract.
MAX_TAGS, MAX_TAG_LENGTH, MAX_VERSION_LENGTH, MAX_NAME_LENGTH = 100, 200, 500, 500


#: What addresses and command lines give a meaning of their own.
_BANNED_IN_FLOW_NAMES = re.compile("[/%&<>\u2039\u203a]")


def checked_name(name: str | None, default: str, noun: str) -> str:
    """Return the name, or `default` for none. Raises InvalidNameError where it is no text, too long, or has characters
    that names of flows and deployments must not have."""
    if name is None or name == "":
        return encodable(default[:MAX_NAME_LENGTH])
    if not isinstance(name, str):
        raise InvalidNameError(f"The name of a {noun} is text, not {type(name).__name__}: {name!r}.")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidNameError(f"The name of a {noun} has at most {MAX_NAME_LENGTH} characters: {name[:40]!r}...")
    banned = _BANNED_IN_FLOW_NAMES.search(name) if noun in ("flow", "deployment") else None
    if banned is not None:
        raise InvalidNameError(f"The name of a {noun} must not contain {banned[0]!r}: {name!r}.")
    return encodable(name)


def checked_run_name(template: Any, option: str) -> "str | Callable[..., str] | None":
    """Return the template. Raises TypeError where it is neither text nor a function."""
    if template is not None and not isinstance(template, str) and not callable(template):
        raise TypeError(f"{option} is text or a function that returns text, not {type(template).__name__}.")
    return template  # type: ignore[no-any-return]


def checked_storage_key(key: Any) -> str | None:
    """Return the key, or the template of one. Raises TypeError where it is no text, ValueError where it is empty."""
    if key is None:
        return None
    if not isinstance(key, str):
        raise TypeError(f"result_storage_key is text, not {type(key).__name__}: {key!r}.")
    if not key:
        raise ValueError("result_storage_key is empty; leave it out to have a key made.")
    return key


def checked_flag(flag: Any, option: str) -> bool | None:
    """Return the flag. Raises TypeError where it is neither a bool nor None."""
    if flag is not None and not isinstance(flag, bool):
        raise TypeError(f"{option} is True, False or None, not {flag!r}.")
    return flag


def checked_hooks(hooks: Sequence[F] | None, option: str) -> list[F]:
    """Return the hooks. Raises TypeError where they are no collection of functions."""
    if hooks is None:
        return []
    if callable(hooks):
        raise TypeError(f"{option} is a list of functions: write {option}=[{getattr(hooks, '__name__', 'hook')}].")
    for hook in hooks:
        if not callable(hook):
            raise TypeError(f"{option} is a list of functions, and {hook!r} is none.")
    return list(hooks)


def checked_version(version: str | None) -> str | None:
    """Return the version. Raises TypeError where it is no text, ValueError where it is too long."""
    if version is not None and not isinstance(version, str):
        raise TypeError(f"A version is text, not {type(version).__name__}: {version!r}.")
    if version is not None and len(version) > MAX_VERSION_LENGTH:
        raise ValueError(f"A version has at most {MAX_VERSION_LENGTH} characters: {version[:40]!r}...")
    return version if version is None else encodable(version)


def checked_timeout(seconds: Any) -> float | None:
    """Return the time limit in seconds. Raises TypeError where it is no number, ValueError where it is none that a run
    could have."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"timeout_seconds must be a number of seconds or None, not {type(seconds).__name__}.")
    if not 0 < seconds <= MAX_TIMEOUT:
        raise ValueError(
            f"timeout_seconds must be more than 0 and at most {MAX_TIMEOUT:,}, not {seconds}; None is no limit."
        )
    return float(seconds)


def checked_wait(timeout: Any) -> float | None:
    """Return for how many seconds something is waited for; None is for ever. Raises TypeError where it is no number,
    ValueError where it is out of range."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout is a number of seconds or None, not {type(timeout).__name__}.")
    if not 0 <= timeout <= MAX_TIMEOUT:
        raise ValueError(f"timeout is from 0 to {MAX_TIMEOUT:,} seconds, not {timeout}; None waits for ever.")
    return float(timeout)


def checked_tags(tags: Iterable[str] | None) -> frozenset[str]:
    """Return the tags. Raises TypeError where they are no collection of texts, ValueError where the contract forbids
    them."""
    if isinstance(tags, str):
        raise TypeError(f"Tags are a list of texts, not one text: write tags=[{tags!r}].")
    given = tuple(tags or ())
    for tag in given:
        if not isinstance(tag, str):
            raise TypeError(f"A tag is text, not {type(tag).__name__}: {tag!r}.")
        if not 0 < len(tag) <= MAX_TAG_LENGTH:
            raise ValueError(f"A tag has 1 to {MAX_TAG_LENGTH} characters: {tag[:40]!r} has {len(tag)}.")
    checked = frozenset(encodable(tag) for tag in given)
    return _few_enough(checked)


def all_tags(*given: Iterable[str]) -> list[str]:
    """Return the tags of a run from all that give it some, each checked before. Raises ValueError for too many."""
    return sorted(_few_enough(frozenset().union(*given)))


def _few_enough(tags: frozenset[str]) -> frozenset[str]:
    if len(tags) > MAX_TAGS:
        raise ValueError(f"There may be at most {MAX_TAGS} tags, not {len(tags)}.")
    return tags


def checked_expiration(expiration: Any) -> timedelta | None:
    """Return for how long a result may be used. Raises TypeError where it is no timedelta, ValueError for a negative
    one."""
    if expiration is None:
        return None
    if isinstance(expiration, int | float) and not isinstance(expiration, bool):
        expiration = timedelta(seconds=expiration)
    if not isinstance(expiration, timedelta):
        raise TypeError(
            f"cache_expiration is a timedelta, such as timedelta(hours=1), not {type(expiration).__name__}."
        )
    if expiration < timedelta(0):
        raise ValueError(f"cache_expiration is how long a result may be used, and cannot be negative: {expiration}.")
    return expiration


def checked_limit(limit: int | None) -> int | None:
    """Return how many runs there may be at a time; None is no bound. Raises ValueError."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit is {limit!r}; give the number of runs at a time, or None for no bound.")
    return limit
