"""What a lint finds out, for people's tables and machines' JSON alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from p4xdp import ir
from p4xdp.lint.target import Target


class Severity(StrEnum):
    """An error cannot fit or is refused by p4c; a warning may be wrong in one case or another."""

    error = "error"
    warning = "warning"
    note = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` is a name to search for; `hint` says what to do."""

    severity: Severity
    rule: str
    at: ir.Position
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TableUse:
    """A table, with its direct counter and meter. `stages` are numbered from 0."""

    name: str
    gress: str
    key_bits: int
    entries: int
    action_data_bits: int
    srams: int
    tcams: int
    map_rams: int
    stages: tuple[int, ...]
    at: ir.Position


@dataclass(frozen=True, slots=True)
class ExternUse:
    """A counter, meter or register by index."""

    name: str
    gress: str
    kind: str
    cells: int
    srams: int
    map_rams: int
    stages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StageUse:
    """What stands in one stage, of both gresses."""

    number: int
    srams: int
    tcams: int
    map_rams: int
    logical_tables: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A step of the longest chain of dependencies: why this one stands below the one before."""

    stage: int
    name: str
    reason: str
    at: ir.Position


@dataclass(frozen=True, slots=True)
class Report:
    """The whole. `dependency_stages` by gress; `bridged_octets` is what ingress adds for egress."""

    target: Target
    tables: tuple[TableUse, ...]
    externs: tuple[ExternUse, ...]
    stages: tuple[StageUse, ...]
    dependency_stages: dict[str, int]
    chains: dict[str, tuple[ChainLink, ...]]
    bridged_octets: int
    egress_parse_octets: int
    checksums: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def fits(self) -> bool:
        """Return whether nothing was found that cannot fit."""
        return all(finding.severity is not Severity.error for finding in self.findings)

    @property
    def srams(self) -> int:
        return sum(stage.srams for stage in self.stages)

    @property
    def tcams(self) -> int:
        return sum(stage.tcams for stage in self.stages)

    @property
    def map_rams(self) -> int:
        return sum(stage.map_rams for stage in self.stages)


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON's types; a position is `file:line:column`."""
    whole: dict[str, Any] = {
        "estimate": True,
        "target": report.target.name,
        "fits": report.fits,
        "totals": {
            "stages": _of(len(report.stages), report.target.stages),
            "srams": _of(report.srams, report.target.stages * report.target.srams_per_stage),
            "tcams": _of(report.tcams, report.target.stages * report.target.tcams_per_stage),
            "map_rams": _of(
                report.map_rams, report.target.stages * report.target.map_rams_per_stage
            ),
        },
        "dependency_stages": report.dependency_stages,
        "bridged_octets": report.bridged_octets,
        "egress_parse_octets": report.egress_parse_octets,
        "checksums": report.checksums,
    }
    for name in ("tables", "externs", "stages", "findings"):
        whole[name] = [_plain(one) for one in getattr(report, name)]
    whole["chains"] = {
        gress: [_plain(link) for link in chain] for gress, chain in report.chains.items()
    }
    return whole


def _of(used: int, available: int) -> dict[str, int]:
    return {"used": used, "available": available}


def _plain(one: Any) -> dict[str, Any]:
    fields: dict[str, Any] = asdict(one)
    if "at" in fields:
        fields["at"] = str(one.at)
    return fields
