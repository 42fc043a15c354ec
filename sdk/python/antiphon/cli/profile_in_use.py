"""The profile that holds here, for commands that change it."""

import os
from collections.abc import Iterable, Mapping

from antiphon.cli.exit_codes import print_note
from antiphon.settings.layers import current_folder
from antiphon.settings.loading import Surroundings, look_around
from antiphon.settings.profiles_editing import set_values

__all__ = ["profile_in_use", "put_into_profile", "warn_of_environment"]


def profile_in_use() -> Surroundings:
    """Where settings come from in this folder and environment: among them the profile, and the file that has it."""
    return look_around(os.environ, current_folder())


def put_into_profile(values: Mapping[str, object]) -> str:
    """Put values of settings, by their names, into the profile in use, and return its name. Raises SettingError."""
    around = profile_in_use()
    return set_values(around.profiles_path, around.profile, values)


def warn_of_environment(names: Iterable[str]) -> None:
    """Say of which of these settings the environment has a value, which comes before the profile's."""
    for name in names:
        if os.environ.get(name):
            print_note(f"{name} is in the environment too, and that comes first.")
