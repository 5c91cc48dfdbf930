"""P4Info as p4c's Tofino back end prints it with --p4runtime-force-std-externs.

An id is a kind and a hash of a name. Tables and externs are hashed with the name of the pipe before
theirs and printed without it; actions have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from finsy.proto import p4i
from google.protobuf import text_format

from p4xdp import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MATCH_TYPES = {
    ir.MatchKind.EXACT: p4i.MatchField.EXACT,
    ir.MatchKind.LPM: p4i.MatchField.LPM,
    ir.MatchKind.TERNARY: p4i.MatchField.TERNARY,
    ir.MatchKind.RANGE: p4i.MatchField.RANGE,
}
_COUNTER_UNITS = {
    ir.CounterUnit.PACKETS: p4i.CounterSpec.PACKETS,
    ir.CounterUnit.BYTES: p4i.CounterSpec.BYTES,
    ir.CounterUnit.BOTH: p4i.CounterSpec.BOTH,
}
# What is hashed with the name of the pipe.
_Prefixed: TypeAlias = ir.Table | ir.Counter | ir.Meter | ir.Register | ir.Digest | ir.ActionProfile

# Annotations that P4Info has fields of its own for.
_NOT_REPEATED = frozenset({"name", "id", "brief", "description"})


def p4info(program: ir.Program) -> Any:
    """Return the P4Info message of a program."""
    return _Builder(program).build()


def to_text(info: Any) -> str:
    """Print a P4Info message in the text form of protocol buffers, as p4c does."""
    head = "# proto-file: p4/config/v1/p4info.proto\n# proto-message: p4.config.v1.P4Info\n\n"
    return head + str(text_format.MessageToString(info))


# --- identifiers ----------------------------------------------------------------------------------


def name_hash(name: str) -> int:
    """Jenkins' one-at-a-time hash, 32 bits."""
    value = 0
    for octet in name.encode():
        value = (value + octet) & 0xFFFFFFFF
        value = (value + (value << 10)) & 0xFFFFFFFF
        value ^= value >> 6
    value = (value + (value << 3)) & 0xFFFFFFFF
    value ^= value >> 11
    return (value + (value << 15)) & 0xFFFFFFFF


def assign_ids(prefix: int, names: Mapping[str, int | None]) -> dict[str, int]:
    """Give each name of one kind its id; those with a number (@id) keep it.

    The rest are taken in the order of their octets, and where the id is taken the hash is increased
    until one is free.
    """
    given_names: dict[int, str] = {}
    for name, given in names.items():
        if given is None:
            continue
        if given >> 24 not in (0, prefix):
            raise ValueError(f"@id({given:#x}) of {name} has another kind's prefix: leave it out")
        other = given_names.setdefault(given & 0xFFFFFF, name)
        if other != name:
            raise ValueError(f"@id({given:#x}) is given to {other} and to {name}: change one")
    ids = {
        name: prefix << 24 | (given & 0xFFFFFF)
        for name, given in names.items()
        if given is not None
    }
    taken = set(ids.values())
    for name in sorted(set(names) - set(ids), key=str.encode):
        value = name_hash(name)
        while prefix << 24 | (value & 0xFFFFFF) in taken:
            value += 1
        ids[name] = prefix << 24 | (value & 0xFFFFFF)
        taken.add(ids[name])
    return ids


def aliases(symbols: Iterable[str]) -> dict[str, str]:
    """Return for each symbol the shortest of its dotted suffixes that no other symbol has."""
    names = set(symbols)
    count: dict[str, int] = {}
    for name in names:
        for suffix in _suffixes(name):
            count[suffix] = count.get(suffix, 0) + 1
    return {
        name: next((found for found in _suffixes(name) if count[found] == 1), name)
        for name in names
    }


def _suffixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]


def _field_ids(given: Sequence[int | None]) -> list[int]:
    """Number fields from 1 in order, around the numbers that @id gives to some."""
    taken = {number for number in given if number is not None}
    numbers: list[int] = []
    following = 1
    for number in given:
        if number is not None:
            numbers.append(number)
            following += 1
            continue
        while following in taken:
            following += 1
        numbers.append(following)
        taken.add(following)
    return numbers


# --- annotations ----------------------------------------------------------------------------------


def _given_id(annotations: Iterable[ir.Annotation]) -> int | None:
    return next((int(one.text, 0) for one in annotations if one.name == "id"), None)


def _is_hidden(annotations: Iterable[ir.Annotation]) -> bool:
    return any(one.name == "hidden" for one in annotations)


def _annotate(message: Any, annotations: Iterable[ir.Annotation]) -> None:
    for one in annotations:
        if one.name not in _NOT_REPEATED:
            message.annotations.append(f"@{one.name}({one.text})" if one.text else f"@{one.name}")


def _document(message: Any, annotations: Iterable[ir.Annotation]) -> None:
    for one in annotations:
        if one.name in ("brief", "description"):
            setattr(message.doc, one.name, one.text.strip('"'))


def _describe(spec: Any, field: ir.RegisterField | ir.DigestField) -> None:
    if isinstance(field, ir.DigestField) and field.is_bool:
        spec.bool.SetInParent()
        return
    kind = spec.bitstring.int if field.is_signed else spec.bitstring.bit
    kind.bitwidth = field.width


# --- the message ----------------------------------------------------------------------------------


class _Builder:
    def __init__(self, program: ir.Program) -> None:
        self._program = program
        self._info = p4i.P4Info()
        gresses = (program.ingress, program.egress)
        self._tables = [table for gress in gresses for table in gress.tables.values()]
        self._counters = [one for gress in gresses for one in gress.counters.values()]
        self._meters = [one for gress in gresses for one in gress.meters.values()]
        self._registers = [one for gress in gresses for one in gress.registers.values()]
        self._profiles = [one for gress in gresses for one in gress.profiles.values()]
        self._digests = list(program.ingress.digests.values())
        self._actions: dict[str, ir.Action] = {}
        for gress in gresses:
            self._actions.update(gress.actions)
        # Actions that only code calls have lost their parameters by the time p4c looks.
        for name in program.other_actions:
            self._actions.setdefault(name, ir.Action(name, (), ()))
        self._action_ids = assign_ids(
            p4i.P4Ids.ACTION,
            {name: _given_id(action.annotations) for name, action in self._actions.items()},
        )
        self._table_ids = self._prefixed_ids(p4i.P4Ids.TABLE, self._tables)
        headers = {kind.name: _given_id(kind.annotations) for _, kind in program.controller_headers}
        self._header_ids = assign_ids(p4i.P4Ids.CONTROLLER_HEADER, headers)
        prefixed = (
            self._prefixed(one.name)
            for objects in (
                self._tables,
                self._counters,
                self._meters,
                self._registers,
                self._digests,
                self._profiles,
                [one.selector for one in self._profiles if one.selector is not None],
            )
            for one in objects
        )
        self._aliases = aliases((*self._actions, *headers, *prefixed))

    def _prefixed(self, name: str) -> str:
        return f"{self._program.pipe}.{name}"

    def _prefixed_ids(
        self,
        prefix: int,
        objects: Iterable[_Prefixed],
    ) -> dict[str, int]:
        names = {self._prefixed(one.name): _given_id(one.annotations) for one in objects}
        ids = assign_ids(prefix, names)
        return {one.name: ids[self._prefixed(one.name)] for one in objects}

    def build(self) -> Any:
        self._info.pkg_info.arch = self._program.architecture
        _annotate(
            self._info.pkg_info,
            [one for one in self._program.annotations if one.name != "pkginfo"],
        )
        for table in self._tables:
            if not _is_hidden(table.annotations):
                self._add_table(table)
        for action in self._actions.values():
            if not _is_hidden(action.annotations):
                self._add_action(action)
        self._add_counters()
        self._add_meters()
        self._add_registers()
        self._add_digests()
        self._add_profiles()
        for name, header in self._program.controller_headers:
            self._add_controller_header(name, header)
        return self._info

    def _preamble(
        self,
        message: Any,
        number: int,
        declared: ir.Action | _Prefixed,
    ) -> None:
        preamble = message.preamble
        preamble.id = number
        preamble.name = declared.name
        is_prefixed = not isinstance(declared, ir.Action)
        symbol = self._prefixed(declared.name) if is_prefixed else declared.name
        preamble.alias = self._aliases[symbol]
        _annotate(preamble, declared.annotations)
        _document(preamble, declared.annotations)

    def _add_table(self, table: ir.Table) -> None:
        message = self._info.tables.add()
        self._preamble(message, self._table_ids[table.name], table)
        numbers = _field_ids([_given_id(key.annotations) for key in table.keys])
        for number, key in zip(numbers, table.keys, strict=True):
            if key.match_kind is ir.MatchKind.SELECTOR:
                continue
            field = message.match_fields.add(id=number, name=key.name, bitwidth=key.width)
            field.match_type = _MATCH_TYPES[key.match_kind]
            _annotate(field, key.annotations)
            _document(field, key.annotations)
        for reference in table.actions:
            self._add_action_ref(message, reference)
        default = self._action_ids[table.default_action]
        if table.is_default_const:
            message.const_default_action_id = default
        message.initial_default_action.action_id = default
        params = self._actions[table.default_action].params
        for index, (_, width) in enumerate(params):
            value = table.default_arguments[index].to_bytes((width + 7) // 8, "big")
            message.initial_default_action.arguments.add(param_id=index + 1, value=value)
        for kind, name in (
            (p4i.P4Ids.DIRECT_COUNTER, table.direct_counter),
            (p4i.P4Ids.DIRECT_METER, table.direct_meter),
        ):
            if name is not None:
                objects = self._counters if kind == p4i.P4Ids.DIRECT_COUNTER else self._meters
                direct = [one for one in objects if one.size is None]
                message.direct_resource_ids.append(self._prefixed_ids(kind, direct)[name])
        if table.implementation is not None:
            ids = self._prefixed_ids(p4i.P4Ids.ACTION_PROFILE, self._profiles)
            message.implementation_id = ids[table.implementation]
        message.size = table.size
        if table.has_idle_timeout:
            message.idle_timeout_behavior = p4i.Table.NOTIFY_CONTROL
        message.is_const_table = table.entries is not None
        message.has_initial_entries = bool(table.entries)

    def _add_action_ref(self, message: Any, reference: ir.ActionRef) -> None:
        scope = p4i.ActionRef.TABLE_AND_DEFAULT
        if reference.table_only:
            scope = p4i.ActionRef.TABLE_ONLY
        elif reference.default_only:
            scope = p4i.ActionRef.DEFAULT_ONLY
        added = message.action_refs.add(id=self._action_ids[reference.action], scope=scope)
        _annotate(added, reference.annotations)

    def _add_action(self, action: ir.Action) -> None:
        message = self._info.actions.add()
        self._preamble(message, self._action_ids[action.name], action)
        for index, (name, width) in enumerate(action.params):
            message.params.add(id=index + 1, name=name, bitwidth=width)

    def _add_counters(self) -> None:
        direct = [one for one in self._counters if one.size is None]
        indexed = [one for one in self._counters if one.size is not None]
        for kind, objects, messages in (
            (p4i.P4Ids.COUNTER, indexed, self._info.counters),
            (p4i.P4Ids.DIRECT_COUNTER, direct, self._info.direct_counters),
        ):
            ids = self._prefixed_ids(kind, objects)
            for one in objects:
                message = messages.add()
                self._preamble(message, ids[one.name], one)
                message.spec.unit = _COUNTER_UNITS[one.unit]
                self._size_or_table(message, one)

    def _add_meters(self) -> None:
        direct = [one for one in self._meters if one.size is None]
        indexed = [one for one in self._meters if one.size is not None]
        for kind, objects, messages in (
            (p4i.P4Ids.METER, indexed, self._info.meters),
            (p4i.P4Ids.DIRECT_METER, direct, self._info.direct_meters),
        ):
            ids = self._prefixed_ids(kind, objects)
            for one in objects:
                message = messages.add()
                self._preamble(message, ids[one.name], one)
                message.spec.unit = p4i.MeterSpec.BYTES if one.in_bytes else p4i.MeterSpec.PACKETS
                self._size_or_table(message, one)

    def _add_registers(self) -> None:
        ids = self._prefixed_ids(p4i.P4Ids.REGISTER, self._registers)
        for one in self._registers:
            message = self._info.registers.add()
            self._preamble(message, ids[one.name], one)
            message.size = one.size
            if one.struct is None:
                _describe(message.type_spec, one.fields[0])
                continue
            message.type_spec.struct.name = one.struct
            self._describe_struct(one.fields, one.struct)

    def _add_digests(self) -> None:
        ids = self._prefixed_ids(p4i.P4Ids.DIGEST, self._digests)
        for one in self._digests:
            message = self._info.digests.add()
            self._preamble(message, ids[one.name], one)
            if one.type_name is None:
                _describe(message.type_spec, one.fields[0])
            elif one.is_header:
                message.type_spec.header.name = one.type_name
                self._describe_header(one, one.type_name)
            else:
                message.type_spec.struct.name = one.type_name
                self._describe_struct(one.fields, one.type_name)

    def _add_profiles(self) -> None:
        ids = self._prefixed_ids(p4i.P4Ids.ACTION_PROFILE, self._profiles)
        for one in self._profiles:
            message = self._info.action_profiles.add()
            self._preamble(message, ids[one.name], one)
            users = sorted(t.name for t in self._tables if t.implementation == one.name)
            message.table_ids.extend(self._table_ids[name] for name in users)
            message.size = one.size
            if one.selector is not None:
                message.with_selector = True
                message.max_group_size = one.selector.max_group_size

    def _describe_struct(
        self, fields: Sequence[ir.RegisterField | ir.DigestField], name: str
    ) -> None:
        described = self._info.type_info.structs[name]
        if not described.members:
            for field in fields:
                _describe(described.members.add(name=field.name).type_spec, field)

    def _describe_header(self, digest: ir.Digest, name: str) -> None:
        described = self._info.type_info.headers[name]
        if not described.members:
            for field in digest.fields:
                spec = described.members.add(name=field.name).type_spec
                (spec.int if field.is_signed else spec.bit).bitwidth = field.width

    def _size_or_table(self, message: Any, one: ir.Counter | ir.Meter) -> None:
        if one.size is not None:
            message.size = one.size
        else:
            assert one.table is not None
            message.direct_table_id = self._table_ids[one.table]

    def _add_controller_header(self, name: str, header: ir.HeaderType) -> None:
        """Add packet_in or packet_out: hashed as the type is named, printed as @controller_header
        says."""
        message = self._info.controller_packet_metadata.add()
        message.preamble.id = self._header_ids[header.name]
        message.preamble.name = name
        message.preamble.alias = name
        _annotate(message.preamble, header.annotations)
        numbers = _field_ids([_given_id(field.annotations) for field in header.fields])
        for number, field in zip(numbers, header.fields, strict=True):
            if _is_hidden(field.annotations):
                continue
            metadata = message.metadata.add(id=number, name=field.name, bitwidth=field.width)
            _annotate(metadata, field.annotations)
