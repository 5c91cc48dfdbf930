"""ActionProfileGroup: sets of members that a selector chooses from, without those whose watch port
is not up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp import profiles
from p4xdp.runtime import bytestrings
from p4xdp.runtime.changes import DELETE
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.profiles import held_before, require_unreferred, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from p4xdp.dataplane import Dataplane, Entry
    from p4xdp.runtime.profiles import Access
    from p4xdp.runtime.schema import Profile, Schema
    from p4xdp.runtime.store import Store

_PORT_BITS = 9


@dataclass(frozen=True, slots=True)
class Share:
    """What part a member has in its group, and the port it depends on, if any."""

    member: int
    weight: int
    watch_port: int | None = None


def write_group(access: Access, kind: int, message: Any) -> Callable[[], None]:
    """Insert, modify or delete a group. Returns how to undo it."""
    profile = access.find(message)
    number = message.group_id
    if not profile.has_selector:
        raise invalid(f"{profile.name}: has no selector, so it has no groups")
    held = access.store.profiles[profile.id].groups
    before = held_before(access, profile, kind, held, ("group", number))
    if kind == DELETE:
        for table in {access.schema.tables[one].name for one in profile.table_ids}:
            require_unreferred(access, profile, profiles.set_group(table), number, "group")
        wanted = None
    else:
        _check(access, profile, message, before)
        wanted = message
    put_group(access, profile, number, wanted)
    return lambda: put_group(access, profile, number, before)


def _check(access: Access, profile: Profile, message: Any, before: Any) -> None:
    where = f"{profile.name}: group {message.group_id}"
    members = access.store.profiles[profile.id].members
    ids = [member.member_id for member in message.members]
    if len(set(ids)) != len(ids):
        raise invalid(f"{where}: a member is given twice; use its weight")
    for member in message.members:
        if member.member_id not in members:
            raise RequestError(Code.NOT_FOUND, f"{where}: there is no member {member.member_id}")
    shares = [share_of(access.dataplane, m.member_id, m, where) for m in message.members]
    if before is not None and message.max_size != before.max_size:
        raise invalid(f"{where}: max_size is {before.max_size} for good")
    if not 0 < message.max_size <= profile.max_group_size:
        raise invalid(f"{where}: max_size {message.max_size}, not 1..{profile.max_group_size}")
    weights = sum(share.weight for share in shares)
    if weights > message.max_size:
        text = f"{where}: weights of {weights} in all, its max_size is {message.max_size}"
        raise RequestError(Code.RESOURCE_EXHAUSTED, text)


def share_of(dataplane: Dataplane, member: int, message: Any, where: str) -> Share:
    """Check what a group, or an action set, says of one of its members."""
    if message.weight < 1:
        raise invalid(f"{where}: member {member} has weight {message.weight}")
    share = share_as_told(member, message)
    if share.watch_port is not None and share.watch_port not in dataplane.port_states():
        raise invalid(f"{where}: member {member} watches port {share.watch_port}: there is none")
    return share


def share_as_told(member: int, message: Any) -> Share:
    """Read what a group, or an action set, says of one of its members."""
    watch_port = None
    if message.watch_port:
        watch_port = bytestrings.decode(message.watch_port, _PORT_BITS, "a member", "watch_port")
    elif message.watch:
        watch_port = message.watch  # as long as it was a number of 32 bits
    return Share(member, message.weight, watch_port)


def put_group(access: Access, profile: Profile, number: int, wanted: Any) -> None:
    """Have the group be `wanted`, or not be."""
    groups = access.store.profiles[profile.id].groups
    put_buckets(access, profile, number, _shares(wanted))
    groups.pop(number, None)
    if wanted is not None:
        groups[number] = wanted


def clear(access: Access, profile: Profile) -> None:
    """Remove all groups; no entry refers to them any more."""
    for number in list(access.store.profiles[profile.id].groups):
        put_group(access, profile, number, None)


def _shares(group: Any) -> list[Share]:
    return [] if group is None else [share_as_told(one.member_id, one) for one in group.members]


def put_buckets(access: Access, profile: Profile, number: int, shares: Sequence[Share]) -> None:
    """Share the buckets of a group among those whose watch port is up; without any, there are none.

    `number` is the group's, or that of an action set.
    """
    ports = access.dataplane.port_states()
    able = [s for s in shares if s.watch_port is None or ports.get(s.watch_port) == "up"]
    buckets = _buckets(profile, number, [s.member for s in able for _ in range(s.weight)])
    filled = access.store.profiles[profile.id].filled
    table = profiles.buckets_table(profile.name)
    if not buckets:
        if number in filled:
            access.dataplane.delete_entries(table, _buckets(profile, number, [0]))
            filled.remove(number)
    elif number in filled:
        access.dataplane.modify_entries(table, buckets)
    else:
        access.dataplane.insert_entries(table, buckets)
        filled.add(number)


def _buckets(profile: Profile, number: int, members: Sequence[int]) -> list[Entry]:
    count = profiles.buckets_of(profile.max_group_size)
    return profiles.bucket_entries(profile.name, number, members, count)


def follow_ports(access: Access) -> None:
    """Share the buckets anew of groups that watch ports, as these are now."""
    for profile in access.schema.profiles.values():
        for number, group in access.store.profiles[profile.id].groups.items():
            shares = _shares(group)
            if any(share.watch_port is not None for share in shares):
                put_buckets(access, profile, number, shares)


def read_groups(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the groups asked for; id 0 of either is all of them."""
    wanted = message.action_profile_id, message.group_id
    found = select(schema, wanted, lambda profile: store.profiles[profile.id].groups, "group")
    return iter([p4r.Entity(action_profile_group=group) for _, _, group in found])
