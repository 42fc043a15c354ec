"""Exceptions: their bases, which `except` clauses name, and what the ones with facts say."""

import os
import pickle

import pytest

from antiphon import exceptions
from antiphon.exceptions import (
    AntiphonException,
    AntiphonHTTPStatusError,
    AntiphonSignal,
    EventTooLarge,
    ExternalSignal,
    ObjectNotFound,
    ProfileSettingsValidationError,
    ScriptError,
    ServerError,
    TerminationSignal,
    exception_traceback,
)

#: Those of Prefect, with the bases that they have there; ours may have more.
BASES = {
    "Abort": ["AntiphonSignal"],
    "BlockMissingCapabilities": ["AntiphonException"],
    "CancelledRun": ["AntiphonException"],
    "ConfigurationError": ["AntiphonException"],
    "CrashedRun": ["AntiphonException"],
    "EventTooLarge": ["AntiphonException"],
    "ExternalSignal": ["BaseException"],
    "FailedRun": ["AntiphonException"],
    "FlowPauseTimeout": ["AntiphonException"],
    "FlowRunWaitTimeout": ["AntiphonException"],
    "FlowRunWatchError": ["AntiphonException"],
    "HashError": ["AntiphonException"],
    "InfrastructureError": ["AntiphonException"],
    "InfrastructureNotAvailable": ["AntiphonException"],
    "InfrastructureNotFound": ["AntiphonException"],
    "InvalidNameError": ["AntiphonException", "ValueError"],
    "InvalidRepositoryURLError": ["AntiphonException"],
    "MappingLengthMismatch": ["AntiphonException"],
    "MappingMissingIterable": ["AntiphonException"],
    "MissingContextError": ["AntiphonException", "RuntimeError"],
    "MissingFlowError": ["AntiphonException"],
    "MissingProfileError": ["AntiphonException", "ValueError"],
    "MissingResult": ["AntiphonException"],
    "NotPausedError": ["AntiphonException"],
    "ObjectAlreadyExists": ["AntiphonException"],
    "ObjectLimitReached": ["AntiphonException"],
    "ObjectNotFound": ["AntiphonException"],
    "ObjectUnsupported": ["AntiphonException"],
    "ParameterBindError": ["TypeError", "AntiphonException"],
    "ParameterTypeError": ["AntiphonException"],
    "Pause": ["AntiphonSignal"],
    "PausedRun": ["AntiphonException"],
    "AntiphonHTTPStatusError": ["Exception"],
    "AntiphonImportError": ["ImportError"],
    "AntiphonSignal": ["BaseException"],
    "ProfileSettingsValidationError": ["AntiphonException"],
    "ProtectedBlockError": ["AntiphonException"],
    "ReservedArgumentError": ["AntiphonException", "TypeError"],
    "ScriptError": ["AntiphonException"],
    "SerializationError": ["AntiphonException"],
    "SignatureMismatchError": ["AntiphonException", "TypeError"],
    "TerminationSignal": ["ExternalSignal"],
    "UnfinishedRun": ["AntiphonException"],
    "UnspecifiedFlowError": ["AntiphonException"],
    "UpstreamTaskError": ["AntiphonException"],
}


@pytest.mark.parametrize("name", BASES)
def test_bases(name: str) -> None:
    kind = getattr(exceptions, name)
    assert kind.__doc__
    assert {"AntiphonException", *BASES[name]} - {"AntiphonException"} <= {each.__name__ for each in kind.__mro__}
    assert issubclass(kind, AntiphonException) is ("AntiphonException" in BASES[name] or kind is ServerError)


def test_refusals_are_caught_by_any_of_their_names() -> None:
    for kind in (AntiphonHTTPStatusError, ServerError, AntiphonException):
        with pytest.raises(kind):
            raise ObjectNotFound("gone", code="NOT_FOUND")


def test_signals_pass_by_except_exception() -> None:
    assert not issubclass(AntiphonSignal, Exception) and not issubclass(ExternalSignal, Exception)
    assert issubclass(TerminationSignal, AntiphonSignal)


def test_what_they_say() -> None:
    too_large = EventTooLarge(2_000_000, 1_500_000)
    assert (too_large.size, too_large.maximum) == (2_000_000, 1_500_000)
    assert "2,000,000 bytes; the server takes at most 1,500,000" in str(too_large)
    cause = ValueError("bad")
    script = ScriptError(cause, "a.py")
    assert script.user_exc is cause and "The script at 'a.py' raised an exception: ValueError('bad')" in str(script)
    missing = ScriptError(FileNotFoundError(2, "No such file", os.path.abspath("a.py")), "a.py")
    assert str(missing).startswith("There is no script at 'a.py'; a path counts from the working directory")
    other = ScriptError(FileNotFoundError(2, "No such file", "data.csv"), "a.py")
    assert "'a.py' raised an exception: FileNotFoundError" in str(other)
    wrong = ProfileSettingsValidationError([("API_URL", cause)])
    assert str(wrong) == "API_URL: bad" and wrong.errors == [("API_URL", cause)]


def test_a_traceback_as_python_prints_it() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        text = exception_traceback(error)
    assert text.startswith("Traceback (most recent call last):") and text.endswith("division by zero\n")


def test_those_with_facts_can_be_pickled() -> None:
    for error in (EventTooLarge(2, 1), ScriptError(ValueError("bad"), "a.py"), ObjectNotFound("m", code="c")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == str(error)
