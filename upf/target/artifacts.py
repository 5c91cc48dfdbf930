"""Where the compiled pipeline is: beside its sources, or inside the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finsy.proto import p4i
from google.protobuf import text_format

from upf.errors import StartError

_P4INFO = "upf.p4info.txtpb"
_SOURCE = "upf.p4"


def build_dir() -> Path:
    """The directory with upf.p4info.txtpb, upf.bpf.c and upf.json; StartError if there is none."""
    here = Path(__file__).resolve()
    candidates = (here.parents[2] / "p4" / "build", here.parent / "pipeline")
    for candidate in candidates:
        if (candidate / _P4INFO).is_file():
            return candidate
    looked = " and ".join(map(str, candidates))
    raise StartError(f"the compiled pipeline is missing, looked in {looked}; run make p4")


def source() -> Path:
    """The P4 program that was compiled; StartError if it is not there."""
    here = Path(__file__).resolve()
    candidates = (here.parents[2] / "p4" / _SOURCE, here.parent / "pipeline" / "p4" / _SOURCE)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = " and ".join(map(str, candidates))
    raise StartError(f"the P4 program is missing, looked for {looked}: install Tern whole")


def p4info(directory: Path) -> Any:
    """Read our P4Info."""
    path = directory / _P4INFO
    try:
        return text_format.Parse(path.read_text(), p4i.P4Info())
    except (OSError, text_format.ParseError) as error:
        raise StartError(f"{path} cannot be read: {error}; run make p4") from error
