"""One-shot programming of selectors: an entry that brings a group and its members along.

P4Runtime specification, "One Shot Action Selector Programming". Each set is a group with members of
its own, under numbers that no client can give to one. It is noted before anything of it is in the
data plane and until nothing of it is, so what a server that was killed left of one is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp import profiles
from p4xdp.runtime.changes import unsupported
from p4xdp.runtime.errors import invalid
from p4xdp.runtime.groups import put_buckets, share_as_told, share_of
from p4xdp.runtime.members import action_of, put_member
from p4xdp.runtime.schema import Default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from p4xdp.dataplane import Entry
    from p4xdp.runtime.groups import Share
    from p4xdp.runtime.profiles import Access
    from p4xdp.runtime.schema import Profile, Schema, Table
    from p4xdp.runtime.store import ProfileState, Store

_FIELD = "action_profile_action_set"
_MODES = (
    p4r.ActionProfileActionSet.DEFAULT_MODE_DETERMINED_BY_ACTION_SELECTOR,
    p4r.ActionProfileActionSet.HASH,
)
_SIZES = (
    p4r.ActionProfileActionSet.DEFAULT_SIZE_DETERMINED_BY_ACTION_SELECTOR,
    p4r.ActionProfileActionSet.SUM_OF_WEIGHTS,
)


def is_given(message: Any) -> bool:
    """Return whether a TableEntry brings a set along."""
    return bool(message.HasField("action") and message.action.WhichOneof("type") == _FIELD)


def write_action_set(
    access: Access, table: Table, message: Any
) -> tuple[Default, Callable[[], None]]:
    """Make the group and members that a TableEntry wants. Returns what its entry does, and how to
    undo it.
    """
    if not table.has_groups:
        raise invalid(f"{table.name}: only tables with an action selector take action sets")
    profile = _profile_of(access.schema, table)
    wanted = message.action.action_profile_action_set
    _check(access, profile, wanted)
    state = access.store.profiles[profile.id]
    number = next(n for n in profiles.action_set_numbers() if n not in state.action_sets)
    _make(access, profile, number, wanted)
    does = Default(profiles.set_group(table.name), (number,))
    return does, lambda: _remove(access, profile, number)


def drop_action_set(access: Access, table: Table, entry: Entry | None) -> Callable[[], None] | None:
    """Remove what an entry that is no more had brought along. Returns how to undo it, or None if
    there was nothing.
    """
    number = None if entry is None else _number_of(table, entry)
    if number is None:
        return None
    profile = _profile_of(access.schema, table)
    before = access.store.profiles[profile.id].action_sets[number]
    _remove(access, profile, number)
    return lambda: _make(access, profile, number, before)


def action_set_of(table: Table, entry: Entry, held: Mapping[str, Mapping[int, Any]]) -> Any | None:
    """Return the set that an entry has of those `held` by profile, or None if it has none."""
    number = _number_of(table, entry)
    return None if number is None else held[table.profile_name].get(number)


def held_sets(schema: Schema, store: Store) -> dict[str, dict[int, Any]]:
    """Return the sets of all profiles as they are now, by profile and number."""
    return {p.name: dict(store.profiles[p.id].action_sets) for p in schema.profiles.values()}


def follow_ports(access: Access) -> None:
    """Share the buckets anew of sets that watch ports, as these are now."""
    for profile in access.schema.profiles.values():
        for number, wanted in access.store.profiles[profile.id].action_sets.items():
            shares = _shares(profile, number, wanted)
            if any(share.watch_port is not None for share in shares):
                put_buckets(access, profile, number, shares)


def clear(access: Access, profile: Profile) -> None:
    """Remove all sets of a profile; no entry refers to them any more."""
    for number in list(access.store.profiles[profile.id].action_sets):
        _remove(access, profile, number)


def sweep(access: Access) -> None:
    """Remove what is left of sets that no entry has: a server was killed while it wrote them."""
    for profile in access.schema.profiles.values():
        if not profile.has_selector:
            continue
        states = (access.store.tables[number] for number in profile.table_ids)
        used = {entry.arguments[0] for state in states for entry in state.entries.values()}
        state = access.store.profiles[profile.id]
        for number in {*state.action_sets, *_in_dataplane(profile, state)} - used:
            _remove(access, profile, number)


def _in_dataplane(profile: Profile, state: ProfileState) -> Iterable[int]:
    yield from filter(profiles.is_of_action_set, state.filled)
    for member in filter(profiles.is_of_action_set, state.members):
        yield profiles.action_set_of_member(member, profile.max_group_size)


def _make(access: Access, profile: Profile, number: int, wanted: Any) -> None:
    access.store.profiles[profile.id].action_sets.settle(number, wanted)
    shares = _shares(profile, number, wanted)
    try:
        for share, one in zip(shares, wanted.action_profile_actions, strict=True):
            action = action_of(access.schema, profile, one.action)
            put_member(access, profile, share.member, action)
        put_buckets(access, profile, number, shares)
    except Exception:
        _remove(access, profile, number)
        raise


def _remove(access: Access, profile: Profile, number: int) -> None:
    put_buckets(access, profile, number, [])
    state = access.store.profiles[profile.id]
    for position in range(profile.max_group_size):
        member = profiles.member_of_action_set(number, position, profile.max_group_size)
        if member in state.members:
            put_member(access, profile, member, None)
    state.action_sets.pop(number, None)


def _check(access: Access, profile: Profile, wanted: Any) -> None:
    where = f"{profile.name}: an action set"
    state = access.store.profiles[profile.id]
    if state.groups or not all(map(profiles.is_of_action_set, state.members)):
        raise invalid(f"{profile.name}: it has members and groups, so it takes no action sets")
    if wanted.action_selection_mode not in _MODES:
        raise unsupported("another choice than by hash for a group")
    if wanted.size_semantics not in _SIZES:
        raise unsupported("another size of a group than the sum of its weights")
    for position, one in enumerate(wanted.action_profile_actions):
        share_of(access.dataplane, position, one, where)
        action_of(access.schema, profile, one.action)
    weights = sum(one.weight for one in wanted.action_profile_actions)
    if weights > profile.max_group_size:
        raise invalid(f"{where} of weights {weights} in all; at most {profile.max_group_size}")


def _shares(profile: Profile, number: int, wanted: Any) -> list[Share]:
    return [
        share_as_told(profiles.member_of_action_set(number, position, profile.max_group_size), one)
        for position, one in enumerate(wanted.action_profile_actions)
    ]


def _number_of(table: Table, entry: Entry) -> int | None:
    if not table.has_groups or entry.action != profiles.set_group(table.name):
        return None
    (number,) = entry.arguments
    return number if profiles.is_of_action_set(number) else None


def _profile_of(schema: Schema, table: Table) -> Profile:
    assert table.implementation is not None, "the table has an action selector"
    return schema.profiles[table.implementation]
