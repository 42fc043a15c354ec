"""What goes wrong with slots."""

from antiphon.exceptions import AntiphonException


class ConcurrencySlotAcquisitionError(AntiphonException):
    """Slots cannot be had, however long one waits, or the server could not be asked."""


class AcquireConcurrencySlotTimeoutError(TimeoutError):
    """No slots came free in the time for which somebody was ready to wait."""


class ConcurrencySlotsLostError(ConcurrencySlotAcquisitionError):
    """Slots were lost while the code that holds them ran: somebody else may have them."""
