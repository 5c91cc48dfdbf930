"""`p4xdp check`, `p4info` and `compile`: from source to what a switch is given."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from p4xdp.cli.common import Defines, Includes, Source, fail, load


def check(source: Source, defines: Defines = None, includes: Includes = None) -> None:
    """Say whether a program is correct and inside the supported subset of P4-16."""
    program = load(source, defines, includes)
    gresses = (program.ingress, program.egress)
    tables = sum(len(gress.tables) for gress in gresses)
    print(f"{source}: correct; {program.architecture}, {tables} tables")  # noqa: T201


def p4info(source: Source, defines: Defines = None, includes: Includes = None) -> None:
    """Print the P4Info of a program, as text."""
    from p4xdp.p4info import p4info as info_of  # noqa: PLC0415
    from p4xdp.p4info import to_text  # noqa: PLC0415

    sys.stdout.write(to_text(info_of(load(source, defines, includes))))


def compile_(
    source: Source,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the three files go.")
    ],
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Write NAME.p4info.txtpb, NAME.bpf.c and NAME.json (the manifest) of a program."""
    from p4xdp import xdp  # noqa: PLC0415
    from p4xdp.p4info import p4info as info_of  # noqa: PLC0415
    from p4xdp.p4info import to_text  # noqa: PLC0415
    from p4xdp.xdp.errors import UnsupportedProgramError  # noqa: PLC0415
    from p4xdp.xdp.manifest import to_text as manifest_text  # noqa: PLC0415

    program = load(source, defines, includes)
    try:
        c_text, manifest = xdp.generate(program)
    except UnsupportedProgramError as error:
        fail(str(error))
    files = {
        f"{source.stem}.p4info.txtpb": to_text(info_of(program)),
        f"{source.stem}.bpf.c": c_text,
        f"{source.stem}.json": manifest_text(manifest),
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text)
    except OSError as error:
        fail(f"cannot write to {output}: {error.strerror}")
