"""A P4Info digested once: everything the server looks up per request, by id.

Names are P4Info's, without the pipe; they are what the data plane calls the same things.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from finsy.proto import p4i


class SchemaError(Exception):
    """The P4Info asks for what this server has not got, or contradicts itself."""


class MatchType(Enum):
    """p4.config.v1.MatchField.MatchType."""

    EXACT = 2
    LPM = 3
    TERNARY = 4
    RANGE = 5
    OPTIONAL = 6


_UNORDERED = (MatchType.TERNARY, MatchType.RANGE, MatchType.OPTIONAL)


class Scope(Enum):
    """p4.config.v1.ActionRef.Scope."""

    TABLE_AND_DEFAULT = 0
    TABLE_ONLY = 1
    DEFAULT_ONLY = 2


@dataclass(frozen=True, slots=True)
class Field:
    """A match field, an action parameter or a packet metadata field."""

    id: int
    name: str
    width: int
    is_padding: bool = False


@dataclass(frozen=True, slots=True)
class MatchField(Field):
    match_type: MatchType = MatchType.EXACT
    full: int = 0  # all ones


@dataclass(frozen=True, slots=True)
class Action:
    id: int
    name: str
    params: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Default:
    """What a miss does: an action of `actions_by_name` and its arguments."""

    action: str
    arguments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`initial_default` is None when the P4Info does not tell the arguments it starts with.
    `implementation` is the profile whose members or groups its entries have instead of actions.

    `needs_priority`: entries can overlap, so a priority must order them.
    """

    id: int
    name: str
    fields: tuple[MatchField, ...]
    actions: dict[int, Action]
    scopes: dict[int, Scope]
    actions_by_name: dict[str, Action]
    size: int
    is_const: bool
    is_default_const: bool
    initial_default: Default | None
    has_direct_counter: bool
    has_direct_meter: bool
    needs_priority: bool
    implementation: int | None = None
    profile_name: str = ""
    has_groups: bool = False
    has_idle_timeout: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """An action profile, and what its groups may be if it has a selector."""

    id: int
    name: str
    table_ids: tuple[int, ...]
    has_selector: bool
    max_group_size: int


@dataclass(frozen=True, slots=True)
class Array:
    """An indexed counter or meter of `size` cells."""

    id: int
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Register(Array):
    """Its cells are structs of `fields`, or, if `is_struct` is False, one field alone."""

    fields: tuple[RegisterField, ...] = ()
    is_struct: bool = False


@dataclass(frozen=True, slots=True)
class RegisterField:
    width: int
    is_signed: bool


@dataclass(frozen=True, slots=True)
class DigestField:
    width: int
    is_signed: bool = False
    is_bool: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """What packets may tell: a "struct" or "header" of `fields`, or one alone ("bitstring")."""

    id: int
    name: str
    kind: str
    fields: tuple[DigestField, ...]


@dataclass(frozen=True, slots=True)
class PacketHeader:
    """A @controller_header: its fields, first at the most significant end."""

    name: str
    fields: tuple[Field, ...]

    @property
    def size_bytes(self) -> int:
        return sum(field.width for field in self.fields) // 8


@dataclass(frozen=True, slots=True)
class Schema:
    tables: dict[int, Table]
    counters: dict[int, Array]
    meters: dict[int, Array]
    registers: dict[int, Register]
    digests: dict[int, Digest]
    profiles: dict[int, Profile]
    direct_counters: frozenset[int]
    direct_meters: frozenset[int]
    packet_in: PacketHeader | None
    packet_out: PacketHeader | None
    tables_by_name: dict[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        by_name = {table.name: table for table in self.tables.values()}
        object.__setattr__(self, "tables_by_name", by_name)


def load(info: Any) -> Schema:
    """Digest a p4.config.v1.P4Info; SchemaError says what cannot be served."""
    actions = {a.preamble.id: _action(a) for a in info.actions}
    direct_counters = frozenset(c.preamble.id for c in info.direct_counters)
    direct_meters = frozenset(m.preamble.id for m in info.direct_meters)
    profiles = {p.preamble.id: _profile(p) for p in info.action_profiles}
    tables = (_table(t, actions, profiles, direct_counters, direct_meters) for t in info.tables)
    headers = {h.preamble.name: _packet_header(h) for h in info.controller_packet_metadata}
    return Schema(
        tables={table.id: table for table in tables},
        counters={c.preamble.id: _array(c) for c in info.counters},
        meters={m.preamble.id: _array(m) for m in info.meters},
        registers={r.preamble.id: _register(r, info.type_info) for r in info.registers},
        digests={d.preamble.id: _digest(d, info.type_info) for d in info.digests},
        profiles=profiles,
        direct_counters=direct_counters,
        direct_meters=direct_meters,
        packet_in=headers.get("packet_in"),
        packet_out=headers.get("packet_out"),
    )


def _action(spec: Any) -> Action:
    params = tuple(Field(p.id, p.name, p.bitwidth) for p in spec.params)
    return Action(spec.preamble.id, spec.preamble.name, params)


def _profile(spec: Any) -> Profile:
    return Profile(
        spec.preamble.id,
        spec.preamble.name,
        tuple(spec.table_ids),
        spec.with_selector,
        spec.max_group_size,
    )


def _array(spec: Any) -> Array:
    return Array(spec.preamble.id, spec.preamble.name, spec.size)


def _register(spec: Any, type_info: Any) -> Register:
    name = spec.preamble.name
    is_struct = spec.type_spec.WhichOneof("type_spec") == "struct"
    types = [spec.type_spec]
    if is_struct:
        types = [m.type_spec for m in type_info.structs[spec.type_spec.struct.name].members]
    fields = tuple(_register_field(f"register {name}", one) for one in types)
    return Register(spec.preamble.id, name, spec.size, fields=fields, is_struct=is_struct)


def _digest(spec: Any, type_info: Any) -> Digest:
    name, kind = spec.preamble.name, spec.type_spec.WhichOneof("type_spec")
    if kind == "header":
        members = type_info.headers[spec.type_spec.header.name].members
        numbers = (getattr(m.type_spec, m.type_spec.WhichOneof("type_spec")) for m in members)
        signs = (m.type_spec.HasField("int") for m in members)
        fields = tuple(DigestField(n.bitwidth, s) for n, s in zip(numbers, signs, strict=True))
        return Digest(spec.preamble.id, name, kind, fields)
    types = [spec.type_spec]
    if kind == "struct":
        types = [m.type_spec for m in type_info.structs[spec.type_spec.struct.name].members]
    fields = tuple(_digest_field(name, one) for one in types)
    return Digest(spec.preamble.id, name, kind, fields)


def _digest_field(digest: str, spec: Any) -> DigestField:
    if spec.HasField("bool"):
        return DigestField(1, is_bool=True)
    number = _register_field(f"digest {digest}", spec)
    return DigestField(number.width, number.is_signed)


def _register_field(owner: str, spec: Any) -> RegisterField:
    if spec.bitstring.WhichOneof("type_spec") not in ("bit", "int"):
        raise SchemaError(f"{owner}: it has parts that are not numbers")
    is_signed = spec.bitstring.HasField("int")
    described = spec.bitstring.int if is_signed else spec.bitstring.bit
    return RegisterField(described.bitwidth, is_signed)


def _table(
    spec: Any,
    actions: dict[int, Action],
    profiles: dict[int, Profile],
    direct_counters: frozenset[int],
    direct_meters: frozenset[int],
) -> Table:
    name = spec.preamble.name
    refs = {ref.id: Scope(ref.scope) for ref in spec.action_refs}
    missing = [f"{ref:#x}" for ref in refs if ref not in actions]
    if missing:
        raise SchemaError(f"table {name}: refers to unknown actions {', '.join(missing)}")
    own = {ref: actions[ref] for ref in refs}
    profile = profiles.get(spec.implementation_id)
    if spec.implementation_id and profile is None:
        raise SchemaError(f"table {name}: refers to an unknown action profile")
    resources = set(spec.direct_resource_ids)
    fields = tuple(_match_field(name, f) for f in spec.match_fields)
    return Table(
        id=spec.preamble.id,
        name=name,
        fields=fields,
        actions=own,
        scopes=refs,
        actions_by_name={action.name: action for action in own.values()},
        size=spec.size,
        is_const=spec.is_const_table,
        is_default_const=spec.const_default_action_id != 0,
        initial_default=_initial_default(spec, own),
        has_direct_counter=bool(resources & direct_counters),
        has_direct_meter=bool(resources & direct_meters),
        needs_priority=any(field.match_type in _UNORDERED for field in fields),
        implementation=spec.implementation_id or None,
        profile_name=profile.name if profile else "",
        has_groups=profile is not None and profile.has_selector,
        has_idle_timeout=spec.idle_timeout_behavior == p4i.Table.NOTIFY_CONTROL,
    )


def _match_field(table: str, spec: Any) -> MatchField:
    try:
        match_type = MatchType(spec.match_type)
    except ValueError:
        raise SchemaError(f"table {table}: field {spec.name} has no known match type") from None
    full = (1 << spec.bitwidth) - 1
    return MatchField(spec.id, spec.name, spec.bitwidth, match_type=match_type, full=full)


def _initial_default(spec: Any, actions: dict[int, Action]) -> Default | None:
    if spec.HasField("initial_default_action"):
        call = spec.initial_default_action
        values = {a.param_id: int.from_bytes(a.value, "big") for a in call.arguments}
        action = actions[call.action_id]
        return Default(action.name, tuple(values[p.id] for p in action.params))
    constant = actions.get(spec.const_default_action_id)
    if constant is not None and not constant.params:
        return Default(constant.name, ())
    return None


def _packet_header(spec: Any) -> PacketHeader:
    fields = tuple(
        Field(m.id, m.name, m.bitwidth, is_padding="@padding" in m.annotations)
        for m in spec.metadata
    )
    header = PacketHeader(spec.preamble.name, fields)
    bits = sum(field.width for field in fields)
    if bits % 8:
        raise SchemaError(f"controller header {header.name}: {bits} bits are not whole octets")
    return header
