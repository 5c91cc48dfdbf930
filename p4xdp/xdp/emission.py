"""The end of the program in C: the one change of the frame's length, and the octets that differ.

What leaves is the egress's headers, then what the egress parser left of ingress's, then the
payload. A header that already lies where it has to is not touched but for the fields that were
written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import emitted
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.expressions import constant, load_octets
from p4xdp.xdp.shapes import Placement, placement_of
from p4xdp.xdp.storage import GROWTH, LEAVING_AT, cursor_octets, wide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.xdp.facts import Facts
    from p4xdp.xdp.shapes import Shapes
    from p4xdp.xdp.storage import Storage
    from p4xdp.xdp.writer import Writer


@dataclass(frozen=True, slots=True)
class Run:
    """Adjacent fields that begin and end with an octet: what a store writes."""

    fields: tuple[ir.Field, ...]

    @property
    def first_octet(self) -> int:
        return self.fields[0].offset // 8

    @property
    def octets(self) -> int:
        return sum(f.width for f in self.fields) // 8

    def shift(self, of: ir.Field) -> int:
        """Return how far `of` is from the right end of the run, in bits."""
        return (self.first_octet + self.octets) * 8 - of.offset - of.width


def runs_of(header_type: ir.HeaderType) -> Iterator[Run]:
    """Yield the shortest runs that make up the header."""
    run: list[ir.Field] = []
    for of in header_type.fields:
        run.append(of)
        if (of.offset + of.width) % 8 == 0:
            yield Run(tuple(run))
            run = []


class _Leaving:
    """A header that may leave."""

    def __init__(self, header: ir.Header, storage: Storage, placements: set[Placement]) -> None:
        self.header = header
        self.storage = storage
        self.octets = header.type.width // 8
        self.valid = storage.valid(header)
        self.is_in_frame = storage.is_in_frame(header)
        self.moves = self.is_in_frame and Placement.MOVED in placements
        self.local = storage.local_fields(header)

    def copies(self) -> list[tuple[int, int]]:
        """Return (octet, length) of what is carried to another place unchanged."""
        if not self.moves:
            return []
        copies: list[tuple[int, int]] = []
        for run in runs_of(self.header.type):
            if all(of in self.local for of in run.fields):
                continue
            if copies and sum(copies[-1]) == run.first_octet:
                copies[-1] = (copies[-1][0], copies[-1][1] + run.octets)
            else:
                copies.append((run.first_octet, run.octets))
        return [piece for start, length in copies for piece in _pieces(start, length)]

    def copy_name(self, octet: int) -> str:
        return self.storage.carried(self.header, octet)

    def is_written(self) -> bool:
        return self.moves or bool(self.local)


def _pieces(start: int, length: int) -> Iterator[tuple[int, int]]:
    for size in (8, 4, 2, 1):
        while length >= size:
            yield start, size
            start += size
            length -= size


def render_emission(
    ingress: Storage, egress: Storage, shapes: Shapes, out: Writer
) -> list[tuple[str, str]]:
    """Write the end of the program, from the label `leave` to the frame as it leaves. Return the C
    type and variable of what it keeps in the scratchpad.
    """
    leaving = [
        _Leaving(header, storage, final[header.name])
        for storage, final in ((egress, shapes.egress_final), (ingress, shapes.ingress_final))
        for header in emitted(storage.gress)
        if header.name in final
    ]
    out.label("leave")
    with out.block(""):
        out.line(f"__s32 growth = -(__s32){cursor_octets(egress)};")
        for item in leaving:
            out.line(f"if ({item.valid}) growth += {item.octets};")
        scratched = [one for item in leaving for one in _carry(item, out)]
        if egress.is_large:
            out.line(f"UNKNOWN(growth, {GROWTH});")
        with out.block("if (growth)"):
            out.line("if (bpf_xdp_adjust_head(ctx, -growth)) return DROPPED_NO_HEADROOM;")
            out.line("data = (__u8 *)(long)ctx->data;")
            out.line("data_end = (__u8 *)(long)ctx->data_end;")
        out.line(f"{LEAVING_AT} = 0;" if egress.is_large else "cursor = data;")
        last = max((i for i, item in enumerate(leaving) if item.is_written()), default=-1)
        for item in leaving[: last + 1]:
            _write(item, out)
    return scratched


def render_placed(facts: Facts, ingress: Storage, egress: Storage, out: Writer) -> None:
    """Write the end of a likely way, on which `facts` are known: all lies at places that are known
    when the C is compiled.
    """
    leaving = [
        (header, storage, places[header.name])
        for storage, places in (
            (egress, facts.places("egress")),
            (ingress, facts.places("ingress")),
        )
        for header in emitted(storage.gress)
        if header.name in places
    ]
    octets = sum(header.type.width // 8 for header, _, _ in leaving)
    growth = octets - facts.cursor
    at = 0
    written: list[tuple[_Leaving, int]] = []
    for header, storage, place in leaving:
        placement = placement_of(place, at - growth)
        item = _Leaving(header, storage, {placement})
        if item.is_written():
            written.append((item, at))
        for octet, size in item.copies():
            out.line(f"{item.copy_name(octet)} = COPY{size}(data + {place + octet});")
        at += item.octets
    if growth:
        out.line(f"if (bpf_xdp_adjust_head(ctx, {-growth})) return DROPPED_NO_HEADROOM;")
        out.line("data = (__u8 *)(long)ctx->data;")
        out.line("data_end = (__u8 *)(long)ctx->data_end;")
    if written:
        end = max(at + item.octets for item, at in written)
        out.line(f"if (data + {end} > data_end) return DROPPED_INTERNAL;")
    for item, at in written:
        out.line(f"cursor = data + {at};")
        _store(item, out)


def _carry(item: _Leaving, out: Writer) -> list[tuple[str, str]]:
    copies = item.copies()
    if not copies:
        return []
    variables = [(f"__u{size * 8}", item.copy_name(octet)) for octet, size in copies]
    if not item.storage.is_large:
        out.lines(*(f"{ctype} {name} = 0;" for ctype, name in variables))
        variables = []
    pointer = item.storage.pointer(item.header)
    with out.block(f"if ({item.valid if item.storage.is_large else pointer})"):
        if item.storage.is_large:
            out.line(item.storage.reach(item.header, is_certain=True))
        for octet, size in copies:
            out.line(f"{item.copy_name(octet)} = COPY{size}({pointer} + {octet});")
    return variables


def _write(item: _Leaving, out: Writer) -> None:
    with out.block(f"if ({item.valid})"):
        if item.is_written() and item.storage.is_large:
            out.line(f"REACH(cursor, {LEAVING_AT}, {item.octets});")
        elif item.is_written():
            out.line("HOLD(cursor);")
            out.line(f"if (cursor + {item.octets} > data_end) return DROPPED_INTERNAL;")
        _store(item, out)
        moves = LEAVING_AT if item.storage.is_large else "cursor"
        out.line(f"{moves} += {item.octets};")


def _store(item: _Leaving, out: Writer) -> None:
    """Write what of a header is not there yet, to `cursor`."""
    for octet, size in item.copies():
        out.line(f"PASTE{size}(cursor + {octet}, {item.copy_name(octet)});")
    for run in runs_of(item.header.type):
        _store_run(item, run, out)


def _store_run(item: _Leaving, run: Run, out: Writer) -> None:
    local = [of for of in run.fields if of in item.local]
    if not local:
        return
    if run.octets > 16:
        raise UnsupportedProgramError(
            f"fields {', '.join(f.name for f in run.fields)} of {item.header.name} share octets "
            "over more than 128 bits"
        )
    place = f"cursor + {run.first_octet}"
    parts = []
    for of in local:
        name = item.storage.field(item.header, of)
        shift = run.shift(of)
        parts.append(f"({wide(run.octets * 8)}){name} << {shift}" if shift else name)
    value = " | ".join(parts)
    if len(local) != len(run.fields):
        cleared = (1 << (run.octets * 8)) - 1
        for of in local:
            cleared &= ~(((1 << of.width) - 1) << run.shift(of))
        value = f"({load_octets(place, run.octets)} & {constant(cleared)}) | {value}"
    if run.octets > 8:
        out.line(f"STORE_WIDE({(run.octets - 8) * 8}, {place}, {value});")
    else:
        out.line(f"STORE{run.octets * 8}({place}, {value});")
