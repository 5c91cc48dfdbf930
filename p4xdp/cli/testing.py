"""`p4xdp stf`: test vectors on a program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from p4xdp.cli.common import Defines, Includes, Source, fail, load

STF_EXAMPLE = "Example: p4xdp stf upf.p4 upf.stf --on both"


class DataPlane(StrEnum):
    """What runs test vectors."""

    interpreter = "interpreter"
    xdp = "xdp"
    both = "both"


def stf(
    source: Source,
    vectors: Annotated[list[Path], typer.Argument(metavar="FILE.stf...", help="Test vectors.")],
    on: Annotated[
        DataPlane, typer.Option(help="The reference interpreter, the XDP code (root), or both.")
    ] = DataPlane.interpreter,
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Run test vectors in p4c's STF, written by hand or by p4testgen, on a program.

    No interface is touched. The status is 1 if a vector failed.
    """
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.stf import StfError, command  # noqa: PLC0415
    from p4xdp.xdp.errors import UnsupportedProgramError  # noqa: PLC0415

    program = load(source, defines, includes)
    names = ("interpreter", "xdp") if on is DataPlane.both else (on.value,)
    try:
        passed = command.run(program, vectors, names)
    except (StfError, UnsupportedProgramError, DataplaneError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}")
    if not passed:
        raise SystemExit(1)
