"""`p4xdp graph` and `lint`: look into a program without running it."""

from __future__ import annotations

import json
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

LINT_EXAMPLES = (
    "Examples: p4xdp lint upf.p4; p4xdp lint upf.p4 --target tofino2 --json | jq .findings"
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


class Chip(StrEnum):
    """Whose resources are estimated."""

    tofino = "tofino"
    tofino2 = "tofino2"


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


def lint(
    source: Source,
    *,
    target: Annotated[Chip, typer.Option(help="The chip to fit.")] = Chip.tofino,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Estimate what a program takes of a Tofino switch and name what will not fit.

    It prints memory blocks per table, counter and meter, stages, the longest chain of dependencies,
    and findings with file:line:column. __TARGET_TOFINO__ is 1 or 2 as the target is. The status is
    1 if something cannot fit. Only a compile with p4c is proof.
    """
    from rich.console import Console  # noqa: PLC0415

    from p4xdp.lint import TARGETS, to_json  # noqa: PLC0415
    from p4xdp.lint import lint as estimate  # noqa: PLC0415
    from p4xdp.lint.text import render  # noqa: PLC0415

    number = "2" if target is Chip.tofino2 else "1"
    program = load(source, [f"__TARGET_TOFINO__={number}", *(defines or [])], includes)
    report = estimate(program, TARGETS[target.value])
    if as_json:
        print(json.dumps(to_json(report), indent=2))  # noqa: T201
    else:
        console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        for part in render(report, str(source)):
            console.print(part)
    if not report.fits:
        raise typer.Exit(1)
