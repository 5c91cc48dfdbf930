"""The state of a running switch, for a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from finsy.proto import p4r

from p4xdp import ir
from p4xdp.client import Reader
from p4xdp.dataplane import MeterConfig
from p4xdp.p4info import p4info
from p4xdp.runtime import bytestrings, entries, schema
from p4xdp.runtime.registers import cell_of
from p4xdp.trace.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.dataplane import Entry


class SwitchSource:
    """The switch at `address`, `HOST:PORT` or `unix:PATH`, which runs `program`; for `with`.

    Tables with exact keys are asked for the one entry that a packet looks for, others once for all
    they hold. SwitchError if nobody answers, TraceError if another program runs there.
    """

    def __init__(self, program: ir.Program, address: str, device_id: int = 1) -> None:
        self._reader = Reader(address, device_id)
        self._schema = self._reader.schema
        self._whole: dict[str, list[Entry]] = {}
        differing = _difference(schema.load(p4info(program)), self._schema)
        if differing is not None:
            self._reader.close()
            raise TraceError(
                f"{address} runs another program: {differing} differs; give the source that was "
                "compiled for it"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._reader.close()

    def entries(self, table: ir.Table, values: Sequence[int]) -> Sequence[Entry]:
        """Return the one that an exact key names, or all of the table's."""
        known = self._schema.tables_by_name[table.name]
        if all(key.match_kind is ir.MatchKind.EXACT for key in table.keys):
            query = p4r.TableEntry(table_id=known.id)
            for field, value in zip(known.fields, values, strict=True):
                match = query.match.add(field_id=field.id)
                match.exact.value = bytestrings.encode(value)
            return list(self._reader.table_entries(known, query))
        if table.name not in self._whole:
            self._whole[table.name] = list(self._reader.table_entries(known))
        return self._whole[table.name]

    def default(self, table: ir.Table) -> tuple[str, tuple[int, ...]] | None:
        """Return what a miss does, where that can be changed."""
        if table.is_default_const:
            return None
        default = self._reader.default(self._schema.tables_by_name[table.name])
        return None if default is None else (default.action, default.arguments)

    def meter(self, meter: ir.Meter, index: int) -> MeterConfig | None:
        """Return how the cell is set; None beyond the meter too."""
        known = next(each for each in self._schema.meters.values() if each.name == meter.name)
        if index >= known.size:
            return None
        query = p4r.MeterEntry(meter_id=known.id)
        query.index.index = index
        for entity in self._reader.read(p4r.Entity(meter_entry=query), meter.name):
            return _config_of(entity.meter_entry)
        return None

    def direct_meter(self, table: ir.Table, entry: Entry) -> MeterConfig | None:
        """Return how the entry's meter is set."""
        known = self._schema.tables_by_name[table.name]
        query = p4r.DirectMeterEntry(table_entry=entries.encode_entry(known, entry))
        query.table_entry.ClearField("action")
        for entity in self._reader.read(p4r.Entity(direct_meter_entry=query), table.name):
            return _config_of(entity.direct_meter_entry)
        return None

    def register(self, register: ir.Register, index: int) -> tuple[int, ...] | None:
        """Return the cell."""
        known = next(each for each in self._schema.registers.values() if each.name == register.name)
        query = p4r.RegisterEntry(register_id=known.id)
        query.index.index = index
        for entity in self._reader.read(p4r.Entity(register_entry=query), register.name):
            with self._reader.understanding():
                return cell_of(known, entity.register_entry.data)
        return None


def _difference(ours: schema.Schema, theirs: schema.Schema) -> str | None:
    """What first tells two programs apart, sizes aside."""
    for name in sorted(ours.tables_by_name.keys() | theirs.tables_by_name.keys()):
        if _shape(ours.tables_by_name.get(name)) != _shape(theirs.tables_by_name.get(name)):
            return f"table {name}"
    for kind in ("counters", "meters", "registers"):
        of_ours, of_theirs = (
            {(each.id, each.name) for each in getattr(one, kind).values()} for one in (ours, theirs)
        )
        if of_ours != of_theirs:
            return str(min(name for _, name in of_ours ^ of_theirs))
    return None


def _shape(table: schema.Table | None) -> object:
    return None if table is None else (table.id, table.fields, table.actions, table.scopes)


def _config_of(message: Any) -> MeterConfig | None:
    if not message.HasField("config"):
        return None
    config = message.config
    return MeterConfig(config.cir, config.cburst, config.pir, config.pburst)
