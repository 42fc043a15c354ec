"""What Python refuses with ValueError or TypeError, where somebody typed it."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from antiphon.exceptions import AntiphonException


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Inside, values that cannot be raise typer.BadParameter with the same words."""
    try:
        yield
    except AntiphonException:
        raise  # these have an exit code of their own
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from error
