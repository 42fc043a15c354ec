"""What goes wrong with blocks on this side of the server."""

from antiphon.exceptions import AntiphonException


class BlockNotSavedError(AntiphonException, RuntimeError):
    """Something was asked of a block that only a saved one has."""


class InvalidBlockRegistration(AntiphonException):
    """A class cannot be registered as a block type."""


class UnknownBlockType(AntiphonException):
    """There is no class here for the type of a block."""
