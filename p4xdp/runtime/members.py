"""ActionProfileMember: the actions that entries of tables with an action profile refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp import profiles
from p4xdp.runtime import entries
from p4xdp.runtime.changes import DELETE
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.profiles import held_before, require_unreferred, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp.runtime.profiles import Access
    from p4xdp.runtime.schema import Default, Profile, Schema
    from p4xdp.runtime.store import Store


def write_member(access: Access, kind: int, message: Any) -> Callable[[], None]:
    """Insert, modify or delete a member. Returns how to undo it."""
    profile = access.find(message)
    number = message.member_id
    held = access.store.profiles[profile.id].members
    before = held_before(access, profile, kind, held, ("member", number))
    if kind == DELETE:
        _require_unused(access, profile, number)
        wanted = None
    else:
        if not message.HasField("action"):
            raise invalid(f"{profile.name}: a member needs an action")
        wanted = action_of(access.schema, profile, message.action)
    put_member(access, profile, number, wanted)
    return lambda: put_member(access, profile, number, before)


def action_of(schema: Schema, profile: Profile, message: Any) -> Default:
    """Read an Action that a member is to have."""
    table = next((schema.tables[number] for number in profile.table_ids), None)
    if table is None:
        raise invalid(f"{profile.name}: no table has it, so it has no actions")
    return entries.decode_call(table, message, is_default=False)


def put_member(access: Access, profile: Profile, number: int, wanted: Default | None) -> None:
    """Have the member be `wanted`, or not be."""
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


def clear(access: Access, profile: Profile) -> None:
    """Remove all members; no group and no entry refers to them any more."""
    for number in list(access.store.profiles[profile.id].members):
        put_member(access, profile, number, None)


def _require_unused(access: Access, profile: Profile, number: int) -> None:
    for group in access.store.profiles[profile.id].groups.values():
        if any(member.member_id == number for member in group.members):
            text = f"{profile.name}: member {number} is in group {group.group_id}"
            raise RequestError(Code.FAILED_PRECONDITION, text)
    require_unreferred(access, profile, profiles.set_member(profile.name), number, "member")


def read_members(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the members asked for; id 0 of either is all of them."""
    wanted = message.action_profile_id, message.member_id
    found = select(schema, wanted, lambda profile: store.profiles[profile.id].members, "member")
    return (_entity(schema, *one) for one in found if not profiles.is_of_action_set(one[1]))


def _entity(schema: Schema, profile: Profile, number: int, call: Default) -> Any:
    entity = p4r.Entity()
    member = entity.action_profile_member
    member.action_profile_id, member.member_id = profile.id, number
    table = schema.tables[profile.table_ids[0]]
    entries.encode_call(table, call.action, call.arguments, member.action)
    return entity
