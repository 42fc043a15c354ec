"""Questions at the terminal."""

from collections.abc import Sequence

import typer

from antiphon.cli.safe_console import on_one_line


def ask_text(question: str, default: str | None = None) -> str:
    """Ask for a text, on stderr."""
    answer: str = typer.prompt(on_one_line(question), default=default, err=True)
    return answer


def ask_which(question: str, choices: Sequence[str]) -> str:
    """Ask for one of several, on stderr, by its number or its name."""
    for number, choice in enumerate(choices, 1):
        typer.echo(f"  {number}. {choice}", err=True)
    while True:
        answer = ask_text(question, "1").strip()
        if answer in choices:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        typer.echo(f"Type a number from 1 to {len(choices)}, or a name.", err=True)
