"""Action profiles: ActionProfileMember and ActionProfileGroup, written and read, and the entries of
tables that refer to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp import profiles
from p4xdp.dataplane import Dataplane
from p4xdp.runtime import entries
from p4xdp.runtime.arrays import find, selected
from p4xdp.runtime.changes import DELETE, INSERT, unsupported
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.schema import Schema
from p4xdp.runtime.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp.dataplane import Entry
    from p4xdp.runtime.schema import Default, Profile, Table


@dataclass(frozen=True, slots=True)
class Access:
    """What a write may touch."""

    schema: Schema
    store: Store
    dataplane: Dataplane


# --- members --------------------------------------------------------------------------------------


def write_member(access: Access, kind: int, message: Any) -> Callable[[], None]:
    """Insert, modify or delete a member. Returns how to undo it."""
    profile = find(access.schema.profiles, message.action_profile_id, "action profile")
    number = message.member_id
    if not number:
        raise invalid(f"{profile.name}: member 0 cannot be: 0 stands for all")
    members = access.store.profiles[profile.id].members
    before = members.get(number)
    _require_fitting(f"{profile.name}: member {number}", kind, is_there=before is not None)
    if kind == DELETE:
        _require_unused_member(access, profile, number)
        wanted = None
    else:
        wanted = _action_of(access.schema, profile, message)
    _put_member(access, profile, number, wanted)
    return lambda: _put_member(access, profile, number, before)


def _action_of(schema: Schema, profile: Profile, message: Any) -> Default:
    table = next((schema.tables[number] for number in profile.table_ids), None)
    if table is None:
        raise invalid(f"{profile.name}: no table has it, so it has no actions")
    if not message.HasField("action"):
        raise invalid(f"{profile.name}: a member needs an action")
    return entries.decode_call(table, message.action, is_default=False)


def _put_member(access: Access, profile: Profile, number: int, wanted: Default | None) -> None:
    members = access.store.profiles[profile.id].members
    before = members.get(number)
    if wanted is not None:
        entry = profiles.member_entry(number, wanted.action, wanted.arguments)
        change = access.dataplane.insert_entries if before is None else None
        (change or access.dataplane.modify_entries)(profile.name, [entry])
        members[number] = wanted
    elif before is not None:
        entry = profiles.member_entry(number, before.action, before.arguments)
        access.dataplane.delete_entries(profile.name, [entry])
        del members[number]


def _require_unused_member(access: Access, profile: Profile, number: int) -> None:
    for group in access.store.profiles[profile.id].groups.values():
        if any(member.member_id == number for member in group.members):
            text = f"{profile.name}: member {number} is in group {group.group_id}"
            raise RequestError(Code.FAILED_PRECONDITION, text)
    _require_unreferred(access, profile, profiles.set_member(profile.name), number, "member")


def read_members(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the members asked for; id 0 of either is all of them."""
    wanted = message.member_id
    found = []
    for profile in selected(schema.profiles, message.action_profile_id, "action profile"):
        members = store.profiles[profile.id].members
        if wanted and message.action_profile_id and wanted not in members:
            raise RequestError(Code.NOT_FOUND, f"{profile.name}: there is no member {wanted}")
        for number, call in members.items():
            if not wanted or number == wanted:
                found.append((profile, number, call))
    return (_member_entity(schema, *one) for one in found)


def _member_entity(schema: Schema, profile: Profile, number: int, call: Default) -> Any:
    entity = p4r.Entity()
    member = entity.action_profile_member
    member.action_profile_id, member.member_id = profile.id, number
    table = schema.tables[profile.table_ids[0]]
    entries.encode_call(table, call.action, call.arguments, member.action)
    return entity


# --- groups ---------------------------------------------------------------------------------------


def write_group(access: Access, kind: int, message: Any) -> Callable[[], None]:
    """Insert, modify or delete a group. Returns how to undo it."""
    profile = find(access.schema.profiles, message.action_profile_id, "action profile")
    number = message.group_id
    if not profile.has_selector:
        raise invalid(f"{profile.name}: has no selector, so it has no groups")
    if not number:
        raise invalid(f"{profile.name}: group 0 cannot be: 0 stands for all")
    before = access.store.profiles[profile.id].groups.get(number)
    _require_fitting(f"{profile.name}: group {number}", kind, is_there=before is not None)
    if kind == DELETE:
        name = {access.schema.tables[one].name for one in profile.table_ids}
        for table in name:
            _require_unreferred(access, profile, profiles.set_group(table), number, "group")
        wanted = None
    else:
        _check_group(access, profile, message, before)
        wanted = message
    _put_group(access, profile, number, wanted)
    return lambda: _put_group(access, profile, number, before)


def _check_group(access: Access, profile: Profile, message: Any, before: Any) -> None:
    where = f"{profile.name}: group {message.group_id}"
    members = access.store.profiles[profile.id].members
    ids = [member.member_id for member in message.members]
    if len(set(ids)) != len(ids):
        raise invalid(f"{where}: a member is given twice; use its weight")
    for member in message.members:
        if member.weight < 1:
            raise invalid(f"{where}: member {member.member_id} has weight {member.weight}")
        if member.watch_port or member.watch:
            raise unsupported("watch ports")
        if member.member_id not in members:
            raise RequestError(Code.NOT_FOUND, f"{where}: there is no member {member.member_id}")
    if before is not None and message.max_size != before.max_size:
        raise invalid(f"{where}: max_size is {before.max_size} for good")
    if not 0 < message.max_size <= profile.max_group_size:
        raise invalid(f"{where}: max_size {message.max_size}, not 1..{profile.max_group_size}")
    weights = sum(member.weight for member in message.members)
    if weights > message.max_size:
        text = f"{where}: weights of {weights} in all, its max_size is {message.max_size}"
        raise RequestError(Code.RESOURCE_EXHAUSTED, text)


def _put_group(access: Access, profile: Profile, number: int, wanted: Any) -> None:
    groups = access.store.profiles[profile.id].groups
    old = _buckets(profile, groups.get(number))
    new = _buckets(profile, wanted)
    table, dataplane = profiles.buckets_table(profile.name), access.dataplane
    if old and new:
        dataplane.modify_entries(table, new)
    elif new:
        dataplane.insert_entries(table, new)
    elif old:
        dataplane.delete_entries(table, old)
    groups.pop(number, None)
    if wanted is not None:
        groups[number] = wanted


def _buckets(profile: Profile, group: Any) -> list[Entry]:
    if group is None:
        return []
    members = [member.member_id for member in group.members for _ in range(member.weight)]
    buckets = profiles.buckets_of(profile.max_group_size)
    return profiles.bucket_entries(profile.name, group.group_id, members, buckets)


def read_groups(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the groups asked for; id 0 of either is all of them."""
    wanted = message.group_id
    found = []
    for profile in selected(schema.profiles, message.action_profile_id, "action profile"):
        groups = store.profiles[profile.id].groups
        if wanted and message.action_profile_id and wanted not in groups:
            raise RequestError(Code.NOT_FOUND, f"{profile.name}: there is no group {wanted}")
        found += [group for number, group in groups.items() if wanted in (0, number)]
    return iter([p4r.Entity(action_profile_group=group) for group in found])


# --- what tables refer to -------------------------------------------------------------------------


def require_referred(schema: Schema, store: Store, table: Table, entry: Entry) -> None:
    """Refuse an entry that names a member or group that is not there."""
    if table.implementation is None:
        return
    profile, (number,) = schema.profiles[table.implementation], entry.arguments
    state = store.profiles[profile.id]
    is_group = entry.action == profiles.set_group(table.name)
    if number not in (state.groups if is_group else state.members):
        what = "group" if is_group else "member"
        raise RequestError(Code.NOT_FOUND, f"{profile.name}: there is no {what} {number}")


def _require_fitting(what: str, kind: int, *, is_there: bool) -> None:
    if kind == INSERT and is_there:
        raise RequestError(Code.ALREADY_EXISTS, f"{what} is there already")
    if kind != INSERT and not is_there:
        raise RequestError(Code.NOT_FOUND, f"{what} is not there")


def _require_unreferred(
    access: Access, profile: Profile, action: str, number: int, what: str
) -> None:
    for table_id in profile.table_ids:
        for entry in access.store.tables[table_id].entries.values():
            if entry.action == action and entry.arguments == (number,):
                name = access.schema.tables[table_id].name
                text = f"{profile.name}: {what} {number} is used by an entry of {name}"
                raise RequestError(Code.FAILED_PRECONDITION, text)


def clear(access: Access) -> None:
    """Remove all groups and members; no entry refers to them any more."""
    for profile in access.schema.profiles.values():
        state = access.store.profiles[profile.id]
        for number in list(state.groups):
            _put_group(access, profile, number, None)
        for number in list(state.members):
            _put_member(access, profile, number, None)
