"""From a program to a report: every measurement and rule in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir, wording
from p4xdp.lint.access import inside_registers
from p4xdp.lint.conditions import check_condition
from p4xdp.lint.depth import longest_chain, needs_of
from p4xdp.lint.frames import bridged_octets, check_frames, checksums, egress_parse_octets
from p4xdp.lint.memory import (
    NOTHING,
    Blocks,
    array_blocks,
    cells_in_word,
    key_bits,
    table_blocks,
)
from p4xdp.lint.placement import Demand, dependency_stages, place
from p4xdp.lint.report import (
    ChainLink,
    ExternUse,
    Finding,
    Report,
    Severity,
    StageUse,
    TableUse,
)
from p4xdp.lint.rules import (
    action_data_bits,
    check_actions,
    check_registers,
    check_repetition,
    check_table,
)
from p4xdp.lint.units import live_names, units_of
from p4xdp.lint.validity import check_validity
from p4xdp.walk import nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.lint.depth import Need
    from p4xdp.lint.placement import Placement
    from p4xdp.lint.target import Target
    from p4xdp.lint.units import Unit

_ORDER = {Severity.error: 0, Severity.warning: 1, Severity.note: 2}


def lint(program: ir.Program, target: Target) -> Report:
    """Estimate the resources of a program and find what will not fit `target`.

    The program must have been elaborated for that target (`__TARGET_TOFINO__`), where it asks.
    """
    gresses = [_Gress(gress) for gress in (program.ingress, program.egress)]
    demands = {key: demand for gress in gresses for key, demand in gress.demands().items()}
    placement = place([(one.units, one.needs) for one in gresses], demands, target)
    findings = [
        *_check_stages(gresses, placement, target),
        *(finding for one in gresses for finding in one.check(target)),
        *check_frames(program, target),
    ]
    findings.sort(key=lambda finding: _ORDER[finding.severity])
    return Report(
        target=target,
        tables=tuple(use for one in gresses for use in one.table_uses(placement)),
        externs=tuple(use for one in gresses for use in one.extern_uses(placement)),
        stages=tuple(_stage_uses(placement)),
        dependency_stages={
            one.gress.name: dependency_stages(one.units, one.needs) for one in gresses
        },
        chains={one.gress.name: tuple(_chain(one)) for one in gresses},
        bridged_octets=bridged_octets(program),
        egress_parse_octets=egress_parse_octets(program),
        checksums={one.gress.name: checksums(one.gress) for one in gresses},
        findings=tuple(findings),
    )


class _Gress:
    """A gress with its units and what they take."""

    def __init__(self, gress: ir.Gress) -> None:
        self.gress = gress
        self.units: list[Unit] = units_of(gress)
        self.needs: list[Need] = needs_of(self.units)
        live = live_names(gress)
        self._tables = {
            table.name: table_blocks(table, gress, live) for table in gress.tables.values()
        }
        arrays = (
            *(("counter", one.name, one.size) for one in gress.counters.values()),
            *(("meter", one.name, one.size) for one in gress.meters.values()),
            *(("register", one.name, one.size) for one in gress.registers.values()),
        )
        self._indexed = {
            name: (kind, size, array_blocks(gress, name, size))
            for kind, name, size in arrays
            if size is not None
        }

    def demands(self) -> dict[int, Demand]:
        """Return what each unit takes, by id; a shared extern is on the account of the first."""
        found: dict[int, Demand] = {}
        charged: set[str] = set()
        for unit in self.units:
            table = NOTHING
            if unit.table is not None and unit.table.name not in charged:
                charged.add(unit.table.name)
                blocks = self._tables[unit.table.name]
                table = Blocks(blocks.srams, blocks.tcams, blocks.map_rams)
            externs, counters, meters = NOTHING, 0, 0
            for name in unit.externs:
                if name in charged:
                    continue
                charged.add(name)
                counters += name in self.gress.counters
                meters += name not in self.gress.counters
                if name in self._indexed:
                    blocks = self._indexed[name][2]
                    externs += Blocks(blocks.srams, blocks.tcams, blocks.map_rams)
            found[id(unit)] = Demand(table, externs, counters, meters)
        return found

    def check(self, target: Target) -> Iterator[Finding]:
        """Yield what is wrong with this gress whatever else there is."""
        for table in self.gress.tables.values():
            yield from check_table(table, self.gress, target)
        in_cells = inside_registers(self.gress)
        for statement in nested(self.gress.control):
            if isinstance(statement, ir.If) and id(statement) not in in_cells:
                yield from check_condition(statement.condition, statement.at, target)
        yield from check_repetition(self.units)
        yield from check_actions(self.gress)
        yield from check_registers(self.gress, target)
        yield from self._check_externs(target)
        yield from check_validity(self.gress)

    def _check_externs(self, target: Target) -> Iterator[Finding]:
        for name, (kind, cells, blocks) in self._indexed.items():
            largest = target.array_words * cells_in_word(self.gress, name)
            if kind == "meter":
                largest = min(largest, target.meter_cells)
            if cells > largest:
                yield Finding(
                    Severity.error,
                    "extern-too-large",
                    self._first_use(name),
                    f"{kind} {wording.short(name)} of {cells:,} cells takes {blocks.map_rams} map "
                    f"RAMs, all of one stage; {largest:,} cells fit",
                    "make it direct, or narrower (36 bits for packets and bytes), or two arrays",
                )

    def _first_use(self, extern: str) -> ir.Position:
        for unit in self.units:
            if extern in unit.externs:
                return unit.at
        return ir.NOWHERE

    def table_uses(self, placement: Placement) -> Iterator[TableUse]:
        """Yield the tables in the order of the source."""
        for table in self.gress.tables.values():
            blocks = self._tables[table.name]
            stages = {
                stage
                for unit in self.units
                if unit.table is table
                for stage in placement.where.get(id(unit), ())
            }
            yield TableUse(
                table.name,
                self.gress.name,
                key_bits(table),
                table.size,
                action_data_bits(table, self.gress),
                blocks.srams,
                blocks.tcams,
                blocks.map_rams,
                tuple(sorted(stages)),
                table.at,
            )

    def extern_uses(self, placement: Placement) -> Iterator[ExternUse]:
        """Yield counters, meters and registers with an index."""
        for name, (kind, cells, blocks) in self._indexed.items():
            stages = {
                stage
                for unit in self.units
                if name in unit.externs
                for stage in placement.where.get(id(unit), ())
            }
            yield ExternUse(
                name,
                self.gress.name,
                kind,
                cells,
                blocks.srams,
                blocks.map_rams,
                tuple(sorted(stages)),
            )


def _check_stages(
    gresses: Sequence[_Gress], placement: Placement, target: Target
) -> Iterator[Finding]:
    depths = {one.gress.name: dependency_stages(one.units, one.needs) for one in gresses}
    for one in gresses:
        depth = depths[one.gress.name]
        if depth > target.stages:
            yield Finding(
                Severity.error,
                "too-deep",
                longest_chain(one.units, one.needs)[-1][0].at,
                f"{one.gress.name} is {depth} stages deep by the order of things alone; "
                f"{target.title} has {target.stages}",
                "shorten the chain shown below: look up earlier, or with a key known earlier",
            )
    if len(placement.stages) > target.stages and max(depths.values()) <= target.stages:
        last = placement.stages[-1].units[0]
        yield Finding(
            Severity.error,
            "too-many-stages",
            last.at,
            f"the program needs about {len(placement.stages)} stages for its memory; "
            f"{target.title} has {target.stages}",
            "make the largest tables smaller, their action data narrower, or the chain shorter",
        )


def _stage_uses(placement: Placement) -> Iterator[StageUse]:
    for number, stage in enumerate(placement.stages):
        names = tuple(dict.fromkeys(unit.name for unit in stage.units if unit.table is not None))
        yield StageUse(
            number, stage.srams, stage.tcams, stage.map_rams, stage.logical_tables, names
        )


def _chain(one: _Gress) -> Iterator[ChainLink]:
    stage = 0
    for unit, need in longest_chain(one.units, one.needs):
        reason = ""
        if need is not None:
            stage += 1
            reason = f"{need.why} {need.storage}"
        if reason or not unit.is_gateway:
            yield ChainLink(stage, unit.name, reason, unit.at)
