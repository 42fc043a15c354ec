"""Profiles: sets of settings under names, one for each place where one works.

`antiphon profile create`, `use` and `ls`, and `antiphon config set` do from a shell what this program does by hand.

Prints:
    laptop logs at DEBUG
    production logs at WARNING, to grpc://flows.example.com:4200
"""

import os
import tempfile
from pathlib import Path

from antiphon.context import use_profile
from antiphon.settings import get_current_settings

PROFILES = """
active = "laptop"

[profiles.laptop]
ANTIPHON_LOGGING_LEVEL = "DEBUG"

[profiles.production]
ANTIPHON_API_URL = "grpc://flows.example.com:4200"
ANTIPHON_LOGGING_LEVEL = "WARNING"
"""

if __name__ == "__main__":
    os.environ.pop("ANTIPHON_API_URL", None)  # the environment would win over profiles
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "profiles.toml")
        file.write_text(PROFILES)
        os.environ["ANTIPHON_PROFILES_PATH"] = str(file)
        with use_profile("laptop"):
            print(f"laptop logs at {get_current_settings().logging.level}")
        with use_profile("production"):
            settings = get_current_settings()
            print(f"production logs at {settings.logging.level}, to {settings.api.url}")
