"""What all code has in common that is brought from elsewhere."""

from pathlib import Path


class PulledCode:
    """Code that is brought to a folder called `_name`, below a base: the working directory, unless it is said."""

    _name: str

    def __init__(self, pull_interval: int | None) -> None:
        self._pull_interval = pull_interval
        self._base_path = Path.cwd()

    def set_base_path(self, path: Path) -> None:
        """Say under which folder the code is to be put."""
        self._base_path = path

    @property
    def pull_interval(self) -> int | None:
        """Seconds after which the code is brought anew; None for never."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """The folder that the code is in after `pull_code`."""
        return self._base_path / self._name
