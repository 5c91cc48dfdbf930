"""Asking what the pipeline would make of a packet, with the entries that the switch holds now.

The P4 program's reference interpreter runs it here; the switch is only read.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from p4xdp import frontend, ir
from p4xdp import trace as p4trace
from p4xdp.client import SwitchError
from p4xdp.p4info import p4info
from p4xdp.runtime import packet_io
from p4xdp.runtime import schema as p4schema
from p4xdp.trace import steps
from p4xdp.trace.switch import SwitchSource
from upf.entry import Entry, Prefix, Range, Ternary
from upf.errors import TargetError
from upf.packet_trace import (
    Counted,
    Lookup,
    Metered,
    PacketTrace,
    ParserState,
    Registered,
    TraceStep,
)
from upf.target import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.dataplane import Match
    from upf.entry import MatchValue
    from upf.target.packet_in import PacketIn
    from upf.target.schema import Schema


def trace_on(address: str, device_id: int, schema: Schema, port: int, frame: bytes) -> PacketTrace:
    """What the packet would undergo on the switch at `address`; TargetError if none can tell.

    Takes its time: not for the event loop.
    """
    program = _program()
    try:
        with SwitchSource(program, address, device_id) as source:
            found = p4trace.trace(program, source, port, frame)
    except (p4trace.TraceError, SwitchError) as error:
        raise TargetError(f"the packet cannot be traced: {error}") from error
    return packet_trace(program, found, schema)


@cache
def _program() -> ir.Program:
    """The program that p4/build was compiled from; read once, in a fifth of a second."""
    source, build = artifacts.source(), artifacts.build_dir()
    try:
        program = frontend.load(source)
        compiled = json.loads((build / "upf.json").read_text())["source_sha256"]
    except (OSError, ValueError, KeyError, frontend.SourceError) as error:
        raise TargetError(f"{source} cannot be used to trace packets: {error}") from error
    if program.source_sha256 != compiled:
        raise TargetError(f"{source} is not what {build} was compiled from: run make p4")
    return program


def packet_trace(program: ir.Program, found: steps.Trace, schema: Schema) -> PacketTrace:
    """A trace in the values of `upf`."""
    tables = {**program.ingress.tables, **program.egress.tables}
    told = [
        step
        for passage in found.passages
        for each in passage.steps
        for step in _step(passage.gress, each, tables)
    ]
    return PacketTrace(
        port=found.port,
        frame=found.frame,
        steps=tuple(told),
        verdict=found.result.verdict,
        out_port=found.result.port,
        out_frame=found.result.frame,
        packet_in=_packet_in(program, found, schema),
    )


def _step(gress: str, step: steps.Step, tables: dict[str, ir.Table]) -> Iterator[TraceStep]:
    """What of a step matters here: code between tables does not."""
    match step:
        case steps.Parsed():
            fields = {each.name.rpartition(".")[0] for each in step.changes}
            headers = [each.name for each in step.changes if each.name in fields]
            yield ParserState(gress, step.state, tuple(headers))
        case steps.Applied():
            yield Lookup(
                table=step.table,
                key={each.name: each.value for each in step.key},
                entry=None if step.entry is None else _entry(tables[step.table], step),
                action=step.action,
                params={each.name: each.value for each in step.arguments},
                is_constant=step.is_constant,
            )
        case steps.Counted() if step.index is not None:
            yield Counted(step.counter, step.index, step.octets)
        case steps.Metered() if step.index is not None:
            rate = None if step.config is None else step.config.pir
            yield Metered(step.meter, step.index, rate)
        case steps.Registered() if step.before is not None and step.after is not None:
            yield Registered(step.register, step.index, step.before, step.after)
        case _:
            pass


def _entry(table: ir.Table, step: steps.Applied) -> Entry:
    assert step.entry is not None
    key = zip(table.keys, step.entry.matches, strict=True)
    matches = tuple(_match(each, match) for each, match in key)
    return Entry(
        table.name, matches, step.action, step.entry.arguments, priority=step.entry.priority
    )


def _match(key: ir.Key, match: Match) -> MatchValue:
    match key.match_kind:
        case ir.MatchKind.EXACT:
            return match.value
        case ir.MatchKind.LPM:
            return Prefix(match.value, match.mask.bit_count())
        case ir.MatchKind.TERNARY:
            return Ternary(match.value, match.mask)
        case ir.MatchKind.RANGE:
            return Range(match.value, match.value if match.high is None else match.high)
        case ir.MatchKind.SELECTOR:
            raise AssertionError("a selector's key chooses a member, not an entry")


def _packet_in(program: ir.Program, found: steps.Trace, schema: Schema) -> PacketIn | None:
    """What the controller would be shown, without its header."""
    if found.result.verdict != "controller":
        return None
    header = p4schema.load(p4info(program)).packet_in
    try:
        return schema.packet_in(packet_io.packet_in(header, found.result.frame))
    except ValueError as error:
        raise TargetError(f"the program shows a packet without its header: {error}") from error
