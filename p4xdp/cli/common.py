"""What every command shares: the program it is about, and how a fault ends it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from p4xdp import ir

Source = Annotated[Path, typer.Argument(metavar="FILE.p4", help="The program's main file.")]
Defines = Annotated[
    list[str] | None,
    typer.Option("-D", metavar="NAME[=VALUE]", help="Define a macro of the preprocessor."),
]
Includes = Annotated[
    list[Path] | None, typer.Option("-I", metavar="DIR", help="Look here for included files too.")
]


def load(source: Path, defines: list[str] | None, includes: list[Path] | None) -> ir.Program:
    """Read, check and elaborate a program; end with what is wrong in one line."""
    from p4xdp import frontend  # noqa: PLC0415

    macros = {}
    for define in defines or []:
        name, _, value = define.partition("=")
        macros[name] = value or "1"
    try:
        return frontend.load(source, defines=macros, include_dirs=tuple(includes or ()))
    except frontend.SourceError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot read {error.filename or source}: {error.strerror}")


def fail(message: str) -> NoReturn:
    """End with one line that says what is wrong."""
    print(f"p4xdp: {message}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)
