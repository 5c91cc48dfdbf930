"""What clients have written, as the data plane confirmed it: the source of every read but counters.

It also carries what no data plane needs: opaque metadata and meter settings to read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from p4xdp.dataplane import Entry, Match, MeterConfig
from p4xdp.runtime.schema import Default, MatchType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from p4xdp.runtime.schema import Schema, Table

Key: TypeAlias = tuple[int, ...]  # of an entry: its matches flattened, then its priority


def key_of(table: Table, matches: Sequence[Match], priority: int) -> Key:
    """Return what tells an entry apart from the others of its table."""
    key = []
    for field_, match in zip(table.fields, matches, strict=True):
        key.append(match.value)
        if field_.match_type is not MatchType.EXACT:
            key.append(match.mask if match.high is None else match.high)
    return (*key, priority)


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
    def empty(cls, schema: Schema, constant: Mapping[str, Sequence[Entry]]) -> Store:
        """The state of a pipeline nobody has written to. `constant`: entries of the program's own,
        by table.
        """
        tables = {t.id: TableState(t.initial_default) for t in schema.tables.values()}
        for name, entries in constant.items():
            table = schema.tables_by_name[name]
            tables[table.id].entries = {key_of(table, e.matches, e.priority): e for e in entries}
        return cls(tables, {meter.name: {} for meter in schema.meters.values()})
