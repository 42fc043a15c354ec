"""Time zones by their names."""

from functools import lru_cache
from zoneinfo import ZoneInfo

UTC_NAME = "UTC"


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of the IANA database; empty is UTC. Raises ValueError for a name that it does not have."""
    try:
        return ZoneInfo(name or UTC_NAME)
    except (LookupError, ValueError, OSError):  # A folder of the database is no zone, and neither is ../etc/passwd.
        raise ValueError(f"the IANA database has no time zone {name!r}; write one like Europe/Berlin") from None
