"""What clients have written, as the data plane confirmed it: the source of every read but counters.

It also carries what no data plane needs: opaque metadata and meter settings to read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from p4xdp.dataplane import Entry, MeterConfig
from p4xdp.runtime.schema import Default

if TYPE_CHECKING:
    from p4xdp.runtime.schema import Schema

Key: TypeAlias = tuple[int, ...]  # of an entry: its matches flattened, then its priority


@dataclass(frozen=True, slots=True)
class Metadata:
    """The client's own notes on an entry: `metadata`, and the deprecated 64-bit cookie."""

    octets: bytes = b""
    cookie: int = 0


@dataclass(slots=True)
class TableState:
    """`default` is None when it is the program's own and P4Info does not say what that is."""

    default: Default | None
    default_metadata: Metadata | None = None
    entries: dict[Key, Entry] = field(default_factory=dict)
    metadata: dict[Key, Metadata] = field(default_factory=dict)
    meters: dict[Key, MeterConfig] = field(default_factory=dict)


@dataclass(slots=True)
class Store:
    """`meters`: by name of the array, then by index; cells not named are unlimited."""

    tables: dict[int, TableState]
    meters: dict[str, dict[int, MeterConfig]]

    @classmethod
    def empty(cls, schema: Schema) -> Store:
        """The state of a pipeline nobody has written to."""
        tables = {t.id: TableState(t.initial_default) for t in schema.tables.values()}
        return cls(tables, {meter.name: {} for meter in schema.meters.values()})
