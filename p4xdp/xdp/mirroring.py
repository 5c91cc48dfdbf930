"""Mirroring in C: what a deparser wants copied is noted with its header. Ingress copies the frame
at once, as nothing of it has changed yet; egress when the frame is as it leaves. And digests, whose
values go to the controller in whole octets, one after the other.
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
_LARGEST_STORE_OCTETS = 16
_LARGEST_WORD_OCTETS = 8
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
        _store(header, fields, "mirrored->header", statement.at, out)
        out.line("copy_frame(ctx);" if when is Mirroring.AT_ONCE else f"{is_mirrored} = 1;")


def tell(
    statement: ir.PackDigest, number: int, fields: Sequence[tuple[str, int]], out: Writer
) -> None:
    """Write what a call of pack does. `fields` as above, `number` is the digest's."""
    with out.block(""):
        padded = [
            part
            for value, width in fields
            for part in (("0", -width % 8), (value, width))
            if part[1]
        ]
        told = _header_of(statement, padded)
        out.line("struct digest_record *told = begin_digest();")
        with out.block("if (told)"):
            out.line(f"told->digest = {number};")
            _store(told, padded, "told->values", statement.at, out)
            out.line("bpf_ringbuf_submit(told, 0);")


def _store(
    header: ir.HeaderType,
    fields: Sequence[tuple[str, int]],
    place: str,
    at: ir.Position,
    out: Writer,
) -> None:
    for run in runs_of(header):
        parts = []
        for of in run.fields:
            value, shift = fields[int(of.name)][0], run.shift(of)
            parts.append(f"({wide(run.octets * 8)}){value} << {shift}" if shift else value)
        if run.octets > _LARGEST_STORE_OCTETS:
            raise UnsupportedProgramError("fields share octets over more than 128 bits", at)
        where, value = f"{place} + {run.first_octet}", " | ".join(parts)
        if run.octets > _LARGEST_WORD_OCTETS:
            out.line(f"STORE_WIDE({run.octets * 8 - 64}, {where}, {value});")
        else:
            out.line(f"STORE{run.octets * 8}({where}, {value});")


def _header_of(
    statement: ir.MirrorPacket | ir.PackDigest, fields: Sequence[tuple[str, int]]
) -> ir.HeaderType:
    offset, laid_out = 0, []
    for index, (_, width) in enumerate(fields):
        laid_out.append(ir.Field(str(index), width, offset))
        offset += width
    if offset // 8 > LARGEST_HEADER_OCTETS:
        raise UnsupportedProgramError(
            f"{offset // 8} octets mirrored or packed; XDP takes at most {LARGEST_HEADER_OCTETS}",
            statement.at,
        )
    return ir.HeaderType("mirrored", tuple(laid_out), offset)
