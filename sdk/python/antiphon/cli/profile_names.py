"""Names of profiles for the shell to complete."""

from antiphon.exceptions import AntiphonException
from antiphon.settings.profiles import load_profiles


def complete_profiles(incomplete: str) -> list[str]:
    """Those that begin so; none where their file cannot be read: a shell has no place for what is wrong."""
    try:
        return sorted(name for name in load_profiles().names if name.startswith(incomplete))
    except AntiphonException:
        return []
