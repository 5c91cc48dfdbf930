"""Mirroring in C: what a deparser wants copied is noted with its header. Ingress copies the frame
at once, as nothing of it has changed yet; egress when the frame is as it leaves.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.emission import runs_of
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.storage import wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.writer import Writer

LARGEST_HEADER_OCTETS = 64
IS_MIRRORED = "is_mirrored"  # set where egress has something copied


class Mirroring(Enum):
    """When the frame is copied."""

    AT_ONCE = "at once"
    AT_END = "at end"
    NEVER = "never"  # a copy is not copied again


def mirror(
    statement: ir.MirrorPacket,
    session: str,
    fields: Sequence[tuple[str, int]],
    when: Mirroring,
    is_mirrored: str,
    out: Writer,
) -> None:
    """Write what a call of emit does. `fields` are C values and their widths in bits."""
    if when is Mirroring.NEVER:
        out.line("count_switch_drop(DROPPED_MIRRORED_TWICE);")
        return
    out.line("if (is_copy) count_switch_drop(DROPPED_MIRRORED_TWICE);")
    with out.block("else"):
        header = _header_of(statement, fields)
        out.line("struct mirrored *mirrored = mirrored_packet();")
        out.line("if (!mirrored) return DROPPED_INTERNAL;")
        out.line(f"mirrored->session = {session};")
        out.line(f"mirrored->header_octets = {header.width // 8};")
        for run in runs_of(header):
            parts = []
            for of in run.fields:
                value, shift = fields[int(of.name)][0], run.shift(of)
                parts.append(f"({wide(run.octets * 8)}){value} << {shift}" if shift else value)
            place = f"mirrored->header + {run.first_octet}"
            value = " | ".join(parts)
            if run.octets > 16:
                raise UnsupportedProgramError(
                    "fields share octets over more than 128 bits", statement.at
                )
            if run.octets > 8:
                out.line(f"STORE_WIDE({run.octets * 8 - 64}, {place}, {value});")
            else:
                out.line(f"STORE{run.octets * 8}({place}, {value});")
        out.line("copy_frame(ctx);" if when is Mirroring.AT_ONCE else f"{is_mirrored} = 1;")


def _header_of(statement: ir.MirrorPacket, fields: Sequence[tuple[str, int]]) -> ir.HeaderType:
    offset, laid_out = 0, []
    for index, (_, width) in enumerate(fields):
        laid_out.append(ir.Field(str(index), width, offset))
        offset += width
    if offset // 8 > LARGEST_HEADER_OCTETS:
        raise UnsupportedProgramError(
            f"{offset // 8} octets in front of a copy; XDP takes at most {LARGEST_HEADER_OCTETS}",
            statement.at,
        )
    return ir.HeaderType("mirrored", tuple(laid_out), offset)
