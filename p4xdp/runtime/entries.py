"""P4Runtime's TableEntry <-> the data plane's `Entry`, with every rule on keys and actions.

P4Runtime specification, "TableEntry": match format and action specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.dataplane import CounterValue, Entry, Match, MeterConfig
from p4xdp.profiles import is_of_action_set, set_group, set_member
from p4xdp.runtime import bytestrings
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.schema import Action, Default, MatchField, MatchType, Scope, Table
from p4xdp.runtime.store import key_of

if TYPE_CHECKING:
    from p4xdp.runtime.store import Key

_ONEOF = {kind: kind.name.lower() for kind in MatchType}
_MAX_INT64 = (1 << 63) - 1


def decode_key(table: Table, message: Any) -> tuple[tuple[Match, ...], Key]:
    """Read match fields and priority: all fields in order, don't-cares filled in, and the key."""
    given = {match.field_id: match for match in message.match}
    if len(given) != len(message.match):
        raise invalid(f"{table.name}: a match field is given twice")
    matches = tuple(_decode_match(table.name, f, given.pop(f.id, None)) for f in table.fields)
    if given:
        raise invalid(f"{table.name}: no match field has id {next(iter(given))}")
    priority = message.priority
    if table.needs_priority:
        if priority <= 0:
            raise invalid(f"{table.name}: entries need a priority of at least 1")
    elif priority:
        raise invalid(f"{table.name}: entries have no priority, {priority} is given")
    return matches, key_of(table, matches, priority)


def _decode_match(table: str, field: MatchField, message: Any) -> Match:
    if message is None:
        return _dont_care(table, field)
    kind = field.match_type
    if message.WhichOneof("field_match_type") != _ONEOF[kind]:
        raise invalid(f"{table}: {field.name} is matched by {_ONEOF[kind]}")
    match kind:
        case MatchType.EXACT:
            value = bytestrings.decode(message.exact.value, field.width, table, field.name)
            return Match(value, field.full)
        case MatchType.OPTIONAL:
            value = bytestrings.decode(message.optional.value, field.width, table, field.name)
            return Match(value, field.full)
        case MatchType.LPM:
            return _decode_lpm(table, field, message.lpm)
        case MatchType.TERNARY:
            return _decode_ternary(table, field, message.ternary)
        case MatchType.RANGE:
            return _decode_range(table, field, message.range)


def _dont_care(table: str, field: MatchField) -> Match:
    if field.match_type is MatchType.EXACT:
        raise invalid(f"{table}: {field.name} is missing")
    return Match(0, 0, field.full if field.match_type is MatchType.RANGE else None)


def _decode_lpm(table: str, field: MatchField, message: Any) -> Match:
    value = bytestrings.decode(message.value, field.width, table, field.name)
    length = message.prefix_len
    if not 0 < length <= field.width:
        limits = f"1..{field.width}; omit don't-cares"
        raise invalid(f"{table}: {field.name}: prefix length {length} is not {limits}")
    mask = field.full >> (field.width - length) << (field.width - length)
    if value & ~mask:
        raise invalid(f"{table}: {field.name}: bits beyond the prefix of {length} are set")
    return Match(value, mask)


def _decode_ternary(table: str, field: MatchField, message: Any) -> Match:
    value = bytestrings.decode(message.value, field.width, table, field.name)
    mask = bytestrings.decode(message.mask, field.width, table, field.name)
    if mask == 0:
        raise invalid(f"{table}: {field.name}: the mask is zero; omit don't-cares")
    if value & ~mask:
        raise invalid(f"{table}: {field.name}: masked bits of the value are set")
    return Match(value, mask)


def _decode_range(table: str, field: MatchField, message: Any) -> Match:
    low = bytestrings.decode(message.low, field.width, table, field.name)
    high = bytestrings.decode(message.high, field.width, table, field.name)
    if low > high:
        raise invalid(f"{table}: {field.name}: low {low} is above high {high}")
    if low == 0 and high == field.full:
        raise invalid(f"{table}: {field.name}: the range is everything; omit don't-cares")
    return Match(low, 0, high)


def decode_action(table: Table, message: Any, *, is_default: bool) -> Default:
    """Read a TableAction: the action's name and arguments in the order of its parameters."""
    kind = message.WhichOneof("type")
    if table.implementation is not None and not is_default:
        return _decode_reference(table, kind, message)
    if kind != "action":
        raise invalid(f"{table.name}: needs an action, not {kind or 'an empty action'}")
    return decode_call(table, message.action, is_default=is_default)


def _decode_reference(table: Table, kind: str | None, message: Any) -> Default:
    """Read what an entry has of its profile."""
    if kind == "action_profile_member_id":
        return Default(set_member(table.profile_name), (message.action_profile_member_id,))
    if kind == "action_profile_group_id" and table.has_groups:
        return Default(set_group(table.name), (message.action_profile_group_id,))
    wanted = "a member or a group" if table.has_groups else "a member"
    raise invalid(f"{table.name}: needs {wanted} of {table.profile_name}, not {kind or 'nothing'}")


def decode_call(table: Table, message: Any, *, is_default: bool) -> Default:
    """Read an Action of a table."""
    action = table.actions.get(message.action_id)
    if action is None:
        raise invalid(f"{table.name}: has no action with id {message.action_id:#x}")
    scope = table.scopes[action.id]
    if scope is (Scope.TABLE_ONLY if is_default else Scope.DEFAULT_ONLY):
        where = "as the default action" if is_default else "in an entry"
        message_text = f"{table.name}: {action.name} is not allowed {where}"
        raise RequestError(Code.PERMISSION_DENIED, message_text)
    return Default(action.name, _decode_params(action, message.params))


def _decode_params(action: Action, params: Any) -> tuple[int, ...]:
    values = {param.param_id: param.value for param in params}
    if len(values) != len(params):
        raise invalid(f"{action.name}: a parameter is given twice")
    arguments = []
    for param in action.params:
        data = values.pop(param.id, None)
        if data is None:
            raise invalid(f"{action.name}: parameter {param.name} is missing")
        arguments.append(bytestrings.decode(data, param.width, action.name, param.name))
    if values:
        raise invalid(f"{action.name}: no parameter has id {next(iter(values))}")
    return tuple(arguments)


def decode_meter_config(message: Any, what: str) -> MeterConfig:
    """Read a trTCM setting."""
    if message.eburst:
        raise invalid(f"{what}: eburst is for single-rate meters; this one has two rates")
    config = MeterConfig(message.cir, message.cburst, message.pir, message.pburst)
    if min(config.cir, config.cburst, config.pir, config.pburst) < 0:
        raise invalid(f"{what}: rates and bursts cannot be negative")
    return config


def decode_counter(message: Any, what: str) -> CounterValue:
    """Read a CounterData."""
    if message.packet_count < 0 or message.byte_count < 0:
        raise invalid(f"{what}: counts cannot be negative")
    return CounterValue(message.packet_count, message.byte_count)


def encode_entry(table: Table, entry: Entry) -> Any:
    """Write key and action canonically; what else a client asked for is added by the reader."""
    message = p4r.TableEntry(table_id=table.id, priority=entry.priority, is_const=table.is_const)
    for field, match in zip(table.fields, entry.matches, strict=True):
        _encode_match(message, field, match)
    encode_action(table, entry.action, entry.arguments, message)
    return message


def encode_action(table: Table, name: str, arguments: tuple[int, ...], message: Any) -> None:
    """Write an action, or what stands for it, into a TableEntry."""
    if name == set_member(table.profile_name):
        message.action.action_profile_member_id = arguments[0]
    elif name == set_group(table.name):
        if is_of_action_set(arguments[0]):
            return  # the set itself is told, and not what stands for it
        message.action.action_profile_group_id = arguments[0]
    else:
        encode_call(table, name, arguments, message.action.action)


def encode_call(table: Table, name: str, arguments: tuple[int, ...], target: Any) -> None:
    """Write an Action of a table."""
    action = table.actions_by_name[name]
    target.action_id = action.id
    for param, value in zip(action.params, arguments, strict=True):
        target.params.add(param_id=param.id, value=bytestrings.encode(value))


def _encode_match(message: Any, field: MatchField, match: Match) -> None:
    value = bytestrings.encode(match.value)
    match field.match_type:
        case MatchType.EXACT:
            message.match.add(field_id=field.id).exact.value = value
        case MatchType.OPTIONAL:
            if match.mask:
                message.match.add(field_id=field.id).optional.value = value
        case MatchType.LPM:
            if match.mask:
                lpm = message.match.add(field_id=field.id).lpm
                lpm.value = value
                lpm.prefix_len = match.mask.bit_count()
        case MatchType.TERNARY:
            if match.mask:
                ternary = message.match.add(field_id=field.id).ternary
                ternary.value = value
                ternary.mask = bytestrings.encode(match.mask)
        case MatchType.RANGE:
            high = field.full if match.high is None else match.high
            if (match.value, high) != (0, field.full):
                limits = message.match.add(field_id=field.id).range
                limits.low = value
                limits.high = bytestrings.encode(high)


def encode_meter_config(config: MeterConfig) -> Any:
    """Write a p4.v1.MeterConfig."""
    return p4r.MeterConfig(
        cir=config.cir, cburst=config.cburst, pir=config.pir, pburst=config.pburst
    )


def encode_counter(value: CounterValue) -> Any:
    """Write a p4.v1.CounterData."""
    data = p4r.CounterData()
    fill_counter(value, data)
    return data


def fill_counter(value: CounterValue, data: Any) -> None:
    """Write into an empty CounterData; its fields are signed, so a count stops at 2^63 - 1."""
    packets, octets = value.packets, value.octets
    data.packet_count = min(packets, _MAX_INT64)
    data.byte_count = min(octets, _MAX_INT64)
