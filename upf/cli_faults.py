"""How commands tell what the operator can mend: one line each on stderr, exit status 1."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from upf.errors import UPFError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def faults_in_one_line() -> Iterator[None]:
    """Turn an error of ours into its message; a traceback is a fault of ours."""
    try:
        yield
    except UPFError as error:
        complain(str(error))
        raise typer.Exit(1) from error


def complain(text: str) -> None:
    """Say what is wrong."""
    for line in text.splitlines():
        typer.echo(f"upf: {line}", err=True)
