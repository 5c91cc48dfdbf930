"""`p4xdp graph`: look into a program without running it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from p4xdp.cli.common import Defines, Includes, Source, fail, load

GRAPH_EXAMPLES = (
    "Examples: p4xdp graph upf.p4 -o upf.svg (open it in a browser); "
    "p4xdp graph upf.p4 --what parser --format dot | dot -Tpdf > parser.pdf"
)


class What(StrEnum):
    """Which parts are drawn."""

    parser = "parser"
    control = "control"
    all = "all"


class Format(StrEnum):
    """The language of the drawing."""

    svg = "svg"
    dot = "dot"


def graph(
    source: Source,
    *,
    what: Annotated[What, typer.Option(help="Parsers, controls, or both.")] = What.all,
    format_: Annotated[
        Format, typer.Option("--format", help="svg stands alone; dot is for Graphviz.")
    ] = Format.svg,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where it goes; else to stdout."),
    ] = None,
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Draw the parsers and controls of a program."""
    from p4xdp.graph import graphs, to_dot, to_svg  # noqa: PLC0415

    program = load(source, defines, includes)
    drawn = graphs(program, parsers=what != What.control, controls=what != What.parser)
    text = (to_svg if format_ is Format.svg else to_dot)(drawn, source.name)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror}")
