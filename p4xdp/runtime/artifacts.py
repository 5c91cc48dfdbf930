"""What `p4xdp compile` wrote, as the server needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finsy.proto import p4i
from google.protobuf import text_format

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SUFFIX = ".p4info.txtpb"


class ArtifactError(Exception):
    """A directory or option does not fit what was compiled. One line, saying what to do."""


@dataclass(frozen=True, slots=True)
class CompiledPipeline:
    """`device_config` is the manifest, octet by octet."""

    name: str
    p4info: Any
    device_config: bytes


def load(build: Path) -> CompiledPipeline:
    """Read the one compiled program a directory holds."""
    found = sorted(build.glob(f"*{_SUFFIX}")) if build.is_dir() else []
    if len(found) != 1:
        what = "no compiled program" if not found else "more than one compiled program"
        raise ArtifactError(f"{build}: {what} there; run p4xdp compile FILE.p4 -o {build}")
    name = found[0].name.removesuffix(_SUFFIX)
    try:
        info = text_format.Parse(found[0].read_text(), p4i.P4Info())
        manifest = (build / f"{name}.json").read_bytes()
    except text_format.ParseError as error:
        raise ArtifactError(f"{found[0]}: not a P4Info: {error}") from None
    except OSError as error:
        raise ArtifactError(f"cannot read {error.filename}: {error.strerror}") from None
    return CompiledPipeline(name, info, manifest)


def sizes(info: Any, options: Iterable[str]) -> dict[str, int]:
    """Read NAME=N options; a name may be P4Info's short alias."""
    names = {}
    for section in (info.tables, info.counters, info.meters, info.registers):
        for item in section:
            names[item.preamble.name] = names[item.preamble.alias] = item.preamble.name
    result = {}
    for option in options:
        name, _, number = option.partition("=")
        if name not in names:
            known = ", ".join(sorted(names.keys() - set(names.values())))
            raise ArtifactError(f"--size {option}: no such table or array; have {known}")
        if not number.isdecimal() or not 0 < int(number) < 1 << 31:
            raise ArtifactError(f"--size {option}: not of the form {name}=NUMBER")
        result[names[name]] = int(number)
    return result
