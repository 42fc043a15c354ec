"""New identifiers. Version 7, so that what is made later sorts later."""

from uuid_utils import uuid7


def new_id() -> str:
    """Return a new UUID as 36 lower-case characters. Safe in a forked child: it draws from a generator of its own."""
    return str(uuid7())
