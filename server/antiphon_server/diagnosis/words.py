"""Figures as people read them."""

from collections.abc import Sequence

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def span(seconds: float) -> str:
    """A length of time, such as `45 s`, `12 min`, `3 h` or `2 days`."""
    for size, unit in ((2 * 86_400, "days"), (2 * 3_600, "h"), (120, "min")):
        if seconds >= size:
            each = {"days": 86_400, "h": 3_600, "min": 60}[unit]
            return f"{seconds / each:.0f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def micros(length: int) -> str:
    """The same of microseconds."""
    return span(length / 1e6)


def size(count: float) -> str:
    """Bytes, such as `512 MiB`."""
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.3g} {_UNITS[unit]}" if unit else f"{count:.0f} bytes"


def many(count: int, thing: str, most: int | None = None) -> str:
    """`1 flow run`, `3 flow runs`; `more than 1000 flow runs` where nobody counted beyond `most`."""
    if most is not None and count >= most:
        return f"{most} {thing}s and perhaps more"
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
