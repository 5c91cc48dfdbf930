"""`upf.entry` values <-> P4Runtime messages, by what the P4Info says.

Ids and orders are looked up once; writing an entry is then a loop over its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from finsy.proto import p4d, p4i, p4r

from upf.entry import Entry, MeterRate, Prefix, Range, Ternary
from upf.errors import PipelineMismatchError, TargetError
from upf.target import values, wire
from upf.target.packet_in import PacketIn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upf.entry import MatchValue

_Item = TypeVar("_Item")

_EXACT, _LPM = p4i.MatchField.EXACT, p4i.MatchField.LPM
_TERNARY, _RANGE = p4i.MatchField.TERNARY, p4i.MatchField.RANGE
_KINDS: dict[type, int] = {Prefix: _LPM, Ternary: _TERNARY, Range: _RANGE}


@dataclass(frozen=True, slots=True)
class MatchField:
    """`exact` makes its octets where it is matched exactly."""

    id: int
    name: str
    width: int
    kind: int
    exact: wire.Piece | None

    @property
    def ones(self) -> int:
        """The highest value."""
        return (1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Action:
    """Identifiers of parameters in order, and what makes the octets of each."""

    id: int
    name: str
    param_ids: tuple[int, ...]
    pieces: tuple[wire.Piece, ...]
    head: bytes

    def octets(self, params: Sequence[int]) -> bytes:
        """An Action with these parameters."""
        if len(params) != len(self.pieces):
            raise ValueError(f"{self.name} has {len(self.pieces)} parameters, not {len(params)}")
        parts = [self.head]
        for piece, value in zip(self.pieces, params, strict=True):
            parts.append(piece.of(value))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Table:
    """Match fields in order; `size` is the switch's. `head` begins every entry's octets.

    `rank` is its place in the pipeline: what its entries refer to stands in tables of higher ranks.
    """

    id: int
    name: str
    fields: tuple[MatchField, ...]
    actions: dict[str, Action]
    action_names: dict[int, str]
    size: int
    head: bytes
    rank: int

    def octets(self, entry: Entry) -> bytes:
        """A TableEntry.

        ValueError if it does not fit the table: a fault of ours, not of the switch.
        """
        action = self.actions.get(entry.action)
        if action is None:
            raise ValueError(f"{self.name} has no action {entry.action}")
        call = action.octets(entry.params)
        return self.key_octets(entry) + wire.octets_field(3, wire.octets_field(1, call))

    def key_octets(self, entry: Entry) -> bytes:
        """What identifies an entry: a TableEntry with all that a DELETE needs."""
        parts = [self.head]
        for field, value in zip(self.fields, entry.key, strict=True):
            if isinstance(value, int):
                if field.exact is None:
                    raise ValueError(f"{self.name}: {field.name} is not matched exactly")
                parts.append(field.exact.of(value))
            elif field.kind != _KINDS[type(value)]:
                raise ValueError(f"{self.name}: {field.name} is not matched by {value}")
            else:
                parts.append(_match_octets(field, value))
        if entry.priority:
            parts.append(wire.number_field(4, entry.priority))
        return b"".join(parts)

    def decode(self, message: Any) -> Entry:
        """Read an entry the switch told."""
        given = {match.field_id: match for match in message.match}
        key: list[MatchValue] = []
        for field in self.fields:
            match = given.get(field.id)
            if match is None and field.kind == _EXACT:
                raise TargetError(f"the switch told an entry of {self.name} without {field.name}")
            key.append(_decode_match(field, match))
        action = self.actions[self.action_names[message.action.action.action_id]]
        params = {p.param_id: values.decode(p.value) for p in message.action.action.params}
        arguments = tuple(params[param_id] for param_id in action.param_ids)
        return Entry(self.name, tuple(key), action.name, arguments, message.priority)


def _match_octets(field: MatchField, value: Prefix | Ternary | Range) -> bytes:
    """A FieldMatch that is not exact; P4Runtime wants one that matches anything left out."""
    match value:
        case Prefix(number, length):
            kind, parts = 4, wire.octets_field(1, values.encode(number))
            parts += wire.number_field(2, length)
            is_any = length == 0
        case Ternary(number, mask):
            kind, parts = 3, wire.octets_field(1, values.encode(number))
            parts += wire.octets_field(2, values.encode(mask))
            is_any = mask == 0
        case Range(low, high):
            kind, parts = 6, wire.octets_field(1, values.encode(low))
            parts += wire.octets_field(2, values.encode(high))
            is_any = (low, high) == (0, field.ones)
    if is_any:
        return b""
    return wire.octets_field(2, wire.number_field(1, field.id) + wire.octets_field(kind, parts))


def _decode_match(field: MatchField, match: Any | None) -> MatchValue:
    """Read a match; None is that which matches anything."""
    read, kind = values.decode, field.kind
    if kind == _LPM:
        lpm = match.lpm if match is not None else None
        return Prefix(read(lpm.value), lpm.prefix_len) if lpm is not None else Prefix(0, 0)
    if kind == _TERNARY:
        both = match.ternary if match is not None else None
        return Ternary(read(both.value), read(both.mask)) if both is not None else Ternary(0, 0)
    if kind == _RANGE:
        ends = match.range if match is not None else None
        return Range(read(ends.low), read(ends.high)) if ends is not None else Range(0, field.ones)
    return read(match.exact.value) if match is not None else 0


@dataclass(frozen=True, slots=True)
class Array:
    """An indexed counter or meter; `size` is the switch's."""

    id: int
    name: str
    size: int


class Schema:
    """A P4Info, ready to write and read with."""

    def __init__(self, info: Any) -> None:
        actions = {a.preamble.id: _action(a) for a in info.actions}
        self.tables = {
            t.preamble.name: _table(t, actions, rank) for rank, t in enumerate(info.tables)
        }
        self.counters = {c.preamble.name: _array(c) for c in info.counters}
        self.meters = {m.preamble.name: _array(m) for m in info.meters}
        headers = {h.preamble.name: h.metadata for h in info.controller_packet_metadata}
        self.registers = {r.preamble.name: _array(r) for r in info.registers}
        self._packet_in = {m.id: m.name for m in headers.get("packet_in", ())}
        self._packet_out = {m.name: m.id for m in headers.get("packet_out", ())}

    def table(self, name: str) -> Table:
        """Find a table; PipelineMismatchError if the switch has none of that name."""
        return _find(self.tables, name, "table")

    def counter(self, name: str) -> Array:
        """Find an indexed counter."""
        return _find(self.counters, name, "counter")

    def meter(self, name: str) -> Array:
        """Find an indexed meter."""
        return _find(self.meters, name, "meter")

    def register(self, name: str) -> Array:
        """Find a register."""
        return _find(self.registers, name, "register")

    def size(self, name: str) -> int:
        """Entries of a table or cells of an array on this switch."""
        for items in (self.tables, self.counters, self.meters, self.registers):
            if name in items:
                return items[name].size
        raise PipelineMismatchError(f"the switch has no {name}")

    def packet_out(self, port: int, frame: bytes, *, is_arrival: bool) -> Any:
        """Write a PacketOut with every metadata field."""
        told = {"port": port, "is_arrival": int(is_arrival)}
        message = p4r.PacketOut(payload=frame)
        for name, metadata_id in self._packet_out.items():
            value = values.encode(told.get(name, 0))  # the others are padding
            message.metadata.add(metadata_id=metadata_id, value=value)
        return message

    def packet_in(self, message: Any) -> PacketIn:
        """Read a PacketIn."""
        told = {
            self._packet_in.get(m.metadata_id, ""): values.decode(m.value) for m in message.metadata
        }
        return PacketIn(
            ingress_port=told.get("ingress_port", 0),
            egress_port=told.get("egress_port", 0),
            reason=told.get("reason", 0),
            frame=message.payload,
            usage_id=told.get("usage_id", 0),
        )


def meter_config(rate: MeterRate) -> Any:
    """Write a p4.v1.MeterConfig."""
    return p4r.MeterConfig(
        cir=rate.cir_bytes_per_s,
        cburst=rate.cburst_bytes,
        pir=rate.pir_bytes_per_s,
        pburst=rate.pburst_bytes,
    )


def meter_rate(cell: Any) -> MeterRate | None:
    """Read the setting of a p4.v1.MeterEntry; None is no limit."""
    if not cell.HasField("config"):
        return None
    config = cell.config
    return MeterRate(config.cir, config.cburst, config.pir, config.pburst)


def register_data(cell: Sequence[int]) -> Any:
    """Write a p4.v1.P4Data of a cell: a bitstring, or a struct of several."""
    parts = [p4d.P4Data(bitstring=values.encode(number)) for number in cell]
    return parts[0] if len(parts) == 1 else p4d.P4Data(struct=p4d.P4StructLike(members=parts))


def register_cell(data: Any) -> tuple[int, ...]:
    """Read what `register_data` writes."""
    parts = data.struct.members if data.WhichOneof("data") == "struct" else [data]
    return tuple(values.decode(part.bitstring) for part in parts)


def check_same_pipeline(ours: Any, theirs: Any) -> None:
    """Raise PipelineMismatchError unless two P4Infos describe one program; sizes may differ."""
    wanted, found = _signature(ours), _signature(theirs)
    missing = sorted(set(wanted) - set(found))
    changed = sorted(name for name in wanted if name in found and wanted[name] != found[name])
    added = sorted(set(found) - set(wanted))
    differences = [
        f"{what}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        for what, names in (("missing", missing), ("different", changed), ("unknown", added))
        if names
    ]
    if differences:
        raise PipelineMismatchError(
            f"the switch runs another program than this UPF's ({'; '.join(differences)}); "
            "start it with the pipeline of this version"
        )


def _signature(info: Any) -> dict[str, Any]:
    """Everything entries depend on, by kind and name."""
    signature: dict[str, Any] = {}
    for table in info.tables:
        fields = [(f.id, f.name, f.bitwidth, f.match_type) for f in table.match_fields]
        actions = sorted((ref.id, ref.scope) for ref in table.action_refs)
        signature[f"table {table.preamble.name}"] = (table.preamble.id, fields, actions)
    for action in info.actions:
        params = [(p.id, p.name, p.bitwidth) for p in action.params]
        signature[f"action {action.preamble.name}"] = (action.preamble.id, params)
    for item in info.registers:
        kind = item.type_spec.SerializeToString(deterministic=True)
        signature[f"register {item.preamble.name}"] = (item.preamble.id, kind)
    for kind, items in (("counter", info.counters), ("meter", info.meters)):
        for item in items:
            signature[f"{kind} {item.preamble.name}"] = (item.preamble.id, item.spec.unit)
    for header in info.controller_packet_metadata:
        metadata = [(m.id, m.name, m.bitwidth) for m in header.metadata]
        signature[f"header {header.preamble.name}"] = metadata
    return signature


def _find(items: dict[str, _Item], name: str, what: str) -> _Item:
    try:
        return items[name]
    except KeyError:
        raise PipelineMismatchError(f"the switch has no {what} {name}") from None


def _action(spec: Any) -> Action:
    return Action(
        id=spec.preamble.id,
        name=spec.preamble.name,
        param_ids=tuple(p.id for p in spec.params),
        pieces=tuple(wire.param_piece(p.id, p.bitwidth) for p in spec.params),
        head=wire.number_field(1, spec.preamble.id),
    )


def _array(spec: Any) -> Array:
    return Array(spec.preamble.id, spec.preamble.name, spec.size)


def _table(spec: Any, actions: dict[int, Action], rank: int) -> Table:
    name = spec.preamble.name
    for field in spec.match_fields:
        if field.match_type not in (_EXACT, _LPM, _TERNARY, _RANGE):
            raise PipelineMismatchError(f"{name}: {field.name} has an unknown kind of match")
    own = [actions[ref.id] for ref in spec.action_refs]
    return Table(
        id=spec.preamble.id,
        name=name,
        fields=tuple(_match_field(f) for f in spec.match_fields),
        actions={action.name: action for action in own},
        action_names={action.id: action.name for action in own},
        size=spec.size,
        head=wire.number_field(1, spec.preamble.id),
        rank=rank,
    )


def _match_field(spec: Any) -> MatchField:
    is_exact = spec.match_type == _EXACT
    exact = wire.exact_piece(spec.id, spec.bitwidth) if is_exact else None
    return MatchField(spec.id, spec.name, spec.bitwidth, spec.match_type, exact)
