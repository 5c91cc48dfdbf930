"""Parsers and deparsers: what egress may parse, what ingress adds for it, checksum units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.lint.report import Finding, Severity
from p4xdp.walk import emitted, nested

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.lint.target import Target

_EGRESS_METADATA_OCTETS = 27  # what p4c adds to the way through the egress parser


def bridged_octets(program: ir.Program) -> int:
    """Return octets of headers that ingress emits and never took from the frame."""
    extracted = {header.name for header in _extracted(program.ingress)}
    return sum(h.type.width for h in emitted(program.ingress) if h.name not in extracted) // 8


def egress_parse_octets(program: ir.Program) -> int:
    """Return the longest way through the egress parser, with the device's metadata."""
    return _longest(program.egress.parser, "start", {}) // 8 + _EGRESS_METADATA_OCTETS


def checksums(gress: ir.Gress) -> int:
    """Return the checksum units that the deparser takes."""
    return sum(isinstance(statement, ir.UpdateChecksum) for statement in nested(gress.deparser))


def check_frames(program: ir.Program, target: Target) -> Iterator[Finding]:
    """Yield what is more than the chip's parser and deparser do."""
    octets = egress_parse_octets(program)
    if octets > target.egress_parse_octets:
        start = program.egress.parser.states["start"]
        yield Finding(
            Severity.error,
            "egress-parse-depth",
            start.at,
            f"the longest way through the egress parser is {octets} octets, "
            f"{_EGRESS_METADATA_OCTETS} of them the device's; "
            f"{target.title} parses {target.egress_parse_octets}",
            "leave headers that egress does not change in the payload",
        )
    for gress in (program.ingress, program.egress):
        updates = [s for s in nested(gress.deparser) if isinstance(s, ir.UpdateChecksum)]
        if len(updates) > target.deparser_checksums:
            yield Finding(
                Severity.error,
                "checksum-units",
                updates[target.deparser_checksums].at,
                f"{gress.name} updates {len(updates)} checksums; a deparser of {target.title} has "
                f"{target.deparser_checksums} units",
                "update checksums of headers that are never sent together with one Checksum",
            )


def _extracted(gress: ir.Gress) -> Iterator[ir.Header]:
    for state in gress.parser.states.values():
        for statement in state.statements:
            if isinstance(statement, ir.Extract):
                yield statement.header


def _longest(parser: ir.Parser, name: str, known: dict[str, int]) -> int:
    if name not in parser.states:
        return 0
    if name not in known:
        own = sum(map(_bits, parser.states[name].statements))
        ways = [_longest(parser, s.next_state, known) for s in parser.states[name].selects]
        known[name] = own + max(ways, default=0)
    return known[name]


def _bits(statement: ir.Statement) -> int:
    match statement:
        case ir.Extract() if not statement.header.intrinsic:
            return statement.header.type.width
        case ir.Advance():
            return statement.bits
        case _:
            return 0
