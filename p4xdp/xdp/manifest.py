"""What the control path has to know of a generated program: names, maps, and how their keys and
values are laid out. Written beside the C, as JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p4xdp.dataplane import Entry, Match
from p4xdp.walk import mirrors
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.layout import ActionLayout, Slot, TableLayout

if TYPE_CHECKING:
    from pathlib import Path

    from p4xdp import ir
    from p4xdp.xdp.statements import Symbols

FORMAT = 12


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table: its layout, how its key fields match (by field, P4's match kinds) in the order of
    entries, what it starts with as its default, and its entries if they are the program's.
    """

    layout: TableLayout
    match_kinds: tuple[str, ...]
    key_order: tuple[str, ...]
    default_action: str
    default_arguments: tuple[int, ...]
    entries: tuple[Entry, ...] | None = None


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """A counter or meter. `unit` is the counter's or "BYTES" or "PACKETS"; `width` in bits.

    `table` is that of a direct one: it has a cell for each entry, and cell 0 for misses, which
    nobody reads.
    """

    symbol: str
    size: int
    unit: str
    width: int
    table: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterInfo:
    """A register: the widths of a cell's fields, and what they start with."""

    symbol: str
    size: int
    widths: tuple[int, ...]
    initial: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A program as the control path sees it. `has_copies`: it may have packets copied.
    `digests`: by name, the widths of their fields; a digest is numbered by its place here.
    """

    source_sha256: str
    tables: Mapping[str, TableInfo]
    counters: Mapping[str, ArrayInfo]
    meters: Mapping[str, ArrayInfo]
    registers: Mapping[str, RegisterInfo]
    has_copies: bool
    digests: Mapping[str, tuple[int, ...]]


def manifest_of(program: ir.Program, symbols: Symbols) -> dict[str, object]:
    """Return the manifest as JSON values."""
    gresses = (program.ingress, program.egress)
    return {
        "format": FORMAT,
        "source_sha256": program.source_sha256,
        "tables": {
            name: {
                "layout": dataclasses.asdict(symbols.tables[name]),
                "match_kinds": [key.match_kind.value for key in table.keys],
                "key_order": [key.name for key in table.keys],
                "default_action": table.default_action,
                "default_arguments": list(table.default_arguments),
                "entries": _plain_entries(table),
            }
            for gress in gresses
            for name, table in gress.tables.items()
        },
        "counters": {
            name: {
                "symbol": symbols.counters[name],
                "size": array_size(counter, gress.tables),
                "unit": counter.unit.value,
                "width": counter.width,
                "table": counter.table,
            }
            for gress in gresses
            for name, counter in gress.counters.items()
        },
        "meters": {
            name: {
                "symbol": symbols.meters[name],
                "size": array_size(meter, gress.tables),
                "unit": "BYTES" if meter.in_bytes else "PACKETS",
                "width": 64,
                "table": meter.table,
            }
            for gress in gresses
            for name, meter in gress.meters.items()
        },
        "registers": {
            name: {
                "symbol": symbols.registers[name],
                "size": register.size,
                "widths": [field.width for field in register.fields],
                "initial": list(register.initial),
            }
            for gress in gresses
            for name, register in gress.registers.items()
        },
        "has_copies": any(map(mirrors, gresses)),
        "digests": {
            name: [field.width for field in digest.fields]
            for name, digest in program.ingress.digests.items()
        },
    }


def _plain_entries(table: ir.Table) -> list[dict[str, Any]] | None:
    return None if table.entries is None else [dataclasses.asdict(e) for e in table.entries]


def array_size(array: ir.Counter | ir.Meter, tables: Mapping[str, ir.Table]) -> int:
    """Return how many cells a counter or meter has."""
    if array.size is not None:
        return array.size
    # An unattached one has no use, but a name.
    return tables[array.table].size + 1 if array.table is not None else 1


def to_text(manifest: Mapping[str, object]) -> str:
    """Return the manifest as it is kept in a file."""
    return json.dumps(manifest, indent=1) + "\n"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; LoadError if the file is missing or of another format."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LoadError(f"cannot read the manifest {path}: {error}") from error
    return parse_manifest(data, str(path))


def parse_manifest(data: Mapping[str, Any], origin: str) -> Manifest:
    """Return the manifest in `data`; `origin` is for messages."""
    if data.get("format") != FORMAT:
        raise LoadError(f"{origin}: manifest of format {data.get('format')}, not {FORMAT}")
    return Manifest(
        source_sha256=data["source_sha256"],
        tables={name: _table(table) for name, table in data["tables"].items()},
        counters={name: ArrayInfo(**counter) for name, counter in data["counters"].items()},
        meters={name: ArrayInfo(**meter) for name, meter in data["meters"].items()},
        registers={name: _register(register) for name, register in data["registers"].items()},
        has_copies=data["has_copies"],
        digests={name: tuple(widths) for name, widths in data["digests"].items()},
    )


def _register(data: Mapping[str, Any]) -> RegisterInfo:
    widths, initial = tuple(data["widths"]), tuple(data["initial"])
    return RegisterInfo(data["symbol"], data["size"], widths, initial)


def _table(data: Mapping[str, Any]) -> TableInfo:
    layout = dict(data["layout"])
    layout["keys"] = tuple(Slot(**slot) for slot in layout["keys"])
    layout["exact"] = tuple(Slot(**slot) for slot in layout["exact"])
    layout["ranges"] = tuple(layout["ranges"])
    layout["actions"] = tuple(
        ActionLayout(**{**action, "params": tuple(Slot(**slot) for slot in action["params"])})
        for action in layout["actions"]
    )
    return TableInfo(
        layout=TableLayout(**layout),
        match_kinds=tuple(data["match_kinds"]),
        key_order=tuple(data["key_order"]),
        default_action=data["default_action"],
        default_arguments=tuple(data["default_arguments"]),
        entries=None if data["entries"] is None else tuple(map(_entry, data["entries"])),
    )


def _entry(data: Mapping[str, Any]) -> Entry:
    matches = tuple(Match(**match) for match in data["matches"])
    return Entry(matches, data["action"], tuple(data["arguments"]), data["priority"])
