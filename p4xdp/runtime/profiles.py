"""Action profiles: what members, groups and action sets have in common, and the entries of tables
that refer to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from p4xdp import profiles
from p4xdp.dataplane import Dataplane
from p4xdp.runtime.arrays import find, selected
from p4xdp.runtime.changes import DELETE, INSERT
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.schema import Schema
from p4xdp.runtime.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from p4xdp.dataplane import Entry
    from p4xdp.runtime.schema import Profile, Table

_Held = TypeVar("_Held")


@dataclass(frozen=True, slots=True)
class Access:
    """What a write may touch."""

    schema: Schema
    store: Store
    dataplane: Dataplane

    def find(self, message: Any) -> Profile:
        """Return the profile that a message names."""
        return find(self.schema.profiles, message.action_profile_id, "action profile")


def select(
    schema: Schema,
    wanted: tuple[int, int],
    held: Callable[[Profile], Mapping[int, _Held]],
    what: str,
) -> Iterator[tuple[Profile, int, _Held]]:
    """Give what is `held` of the profile and number `wanted`, as it is now; 0 is all of either."""
    profile_id, number = wanted
    found = []
    for profile in selected(schema.profiles, profile_id, "action profile"):
        here = held(profile)
        if number and profile_id and number not in here:
            raise RequestError(Code.NOT_FOUND, f"{profile.name}: there is no {what} {number}")
        found += [(profile, each, one) for each, one in here.items() if number in (0, each)]
    return iter(found)


def require_referred(schema: Schema, store: Store, table: Table, entry: Entry) -> None:
    """Refuse an entry that names a member or group that is not there."""
    if table.implementation is None:
        return
    profile, (number,) = schema.profiles[table.implementation], entry.arguments
    if profiles.is_of_action_set(number):
        return
    state = store.profiles[profile.id]
    is_group = entry.action == profiles.set_group(table.name)
    if number not in (state.groups if is_group else state.members):
        what = "group" if is_group else "member"
        raise RequestError(Code.NOT_FOUND, f"{profile.name}: there is no {what} {number}")


def _require_no_action_sets(access: Access, profile: Profile, kind: int) -> None:
    """Refuse members and groups beside action sets: a profile has either."""
    if kind != DELETE and access.store.profiles[profile.id].action_sets:
        text = f"{profile.name}: its entries have action sets, so it takes no members and groups"
        raise invalid(text)


def _require_fitting(what: str, kind: int, *, is_there: bool) -> None:
    """Refuse an update of what is not there, or is there already."""
    if kind == INSERT and is_there:
        raise RequestError(Code.ALREADY_EXISTS, f"{what} is there already")
    if kind != INSERT and not is_there:
        raise RequestError(Code.NOT_FOUND, f"{what} is not there")


def held_before(
    access: Access, profile: Profile, kind: int, held: Mapping[int, _Held], named: tuple[str, int]
) -> _Held | None:
    """What is `held` of a member or group, which is `named` so, before an update of it; refuses
    one that cannot be.
    """
    what, number = named
    if not number:
        raise invalid(f"{profile.name}: {what} 0 cannot be: 0 stands for all")
    _require_no_action_sets(access, profile, kind)
    before = held.get(number)
    _require_fitting(f"{profile.name}: {what} {number}", kind, is_there=before is not None)
    return before


def require_unreferred(
    access: Access, profile: Profile, action: str, number: int, what: str
) -> None:
    """Refuse to delete what entries refer to."""
    for table_id in profile.table_ids:
        for entry in access.store.tables[table_id].entries.values():
            if entry.action == action and entry.arguments == (number,):
                name = access.schema.tables[table_id].name
                text = f"{profile.name}: {what} {number} is used by an entry of {name}"
                raise RequestError(Code.FAILED_PRECONDITION, text)
