"""Words for ends."""

from antiphon.workers.ends import MOST, exit_words, with_last_lines


def test_signals_are_named() -> None:
    assert [exit_words(code) for code in (1, 137, 143, 255)] == [
        "exit code 1",
        "exit code 137 (SIGKILL)",
        "exit code 143 (SIGTERM)",
        "exit code 255",
    ]


def test_last_lines_have_room() -> None:
    assert with_last_lines("Bad.", []) == "Bad."
    long = with_last_lines("Bad.", ["x" * MOST, "the end"])
    assert len(long) < MOST + 100 and long.startswith("Bad.\n") and long.endswith("the end")
