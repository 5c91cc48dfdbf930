"""What clients have written, as the data plane confirmed it: the source of every read but counters.

It begins with what the data plane holds, which may have outlived an earlier server. Opaque metadata
is the one thing that no data plane needs: it is kept beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from finsy.proto import p4r

from p4xdp.dataplane import Entry, Match, MeterConfig
from p4xdp.profiles import buckets_table
from p4xdp.runtime.keeping import KeptMessages
from p4xdp.runtime.replication import CloneSessions
from p4xdp.runtime.schema import Default, MatchType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.schema import Profile, Schema, Table

Key: TypeAlias = tuple[int, ...]  # of an entry: its matches flattened, then its priority

DEFAULT_ENTRY: Key = ()  # stands for the default action, where an entry's key does
_NUMBERS = struct.Struct(">QQ")  # before the octets of metadata: cookie and idle timeout


def key_of(table: Table, matches: Sequence[Match], priority: int) -> Key:
    """Return what tells an entry apart from the others of its table."""
    key = []
    for field_, match in zip(table.fields, matches, strict=True):
        key.append(match.value)
        if field_.match_type is not MatchType.EXACT:
            key.append(match.mask if match.high is None else match.high)
    return (*key, priority)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The client's own notes on an entry: `metadata`, the deprecated 64-bit cookie, and how long it
    may be idle before the client is told.
    """

    octets: bytes = b""
    cookie: int = 0
    idle_timeout_ns: int = 0


class Notes(MutableMapping[Key, Metadata]):
    """The metadata of a table's entries, kept for a server that follows. `on_timeout` is called
    with the key of an entry that has got an idle timeout.
    """

    def __init__(self, kept: Kept, table_id: int) -> None:
        self.on_timeout: Callable[[Key], None] | None = None
        self._kept = kept
        self._kind = f"notes/{table_id:08x}"
        self._notes = {
            tuple(int(part) for part in key.split(",") if part): _metadata(value)
            for key, value in kept.all(self._kind).items()
        }

    def __getitem__(self, key: Key) -> Metadata:
        return self._notes[key]

    def __setitem__(self, key: Key, value: Metadata) -> None:
        self._kept.put(self._kind, _text(key), _octets(value))
        self._notes[key] = value
        if value.idle_timeout_ns and self.on_timeout is not None:
            self.on_timeout(key)

    def __delitem__(self, key: Key) -> None:
        del self._notes[key]
        self._kept.drop(self._kind, _text(key))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)


@dataclass(slots=True)
class TableState:
    """`initial` is the default action at the start of the program. It is None if neither P4Info nor
    the data plane tells; then `default` is None too until it is set.
    """

    initial: Default | None
    default: Default | None
    metadata: Notes
    entries: dict[Key, Entry] = field(default_factory=dict)
    meters: dict[Key, MeterConfig] = field(default_factory=dict)


@dataclass(slots=True)
class ProfileState:
    """`groups`: the ActionProfileGroups, by number. `action_sets`: the ActionProfileActionSets of
    entries; their members are among `members`. `filled`: the groups and sets that have buckets.
    """

    members: dict[int, Default]
    groups: KeptMessages
    action_sets: KeptMessages
    filled: set[int]


@dataclass(slots=True)
class Store:
    """`meters`: by name of the array, then by index; cells not named are unlimited. `clones`: the
    CloneSessionEntries, by session. `digests`: the DigestEntries, by id.
    """

    tables: dict[int, TableState]
    meters: dict[str, dict[int, MeterConfig]]
    clones: CloneSessions
    digests: KeptMessages
    profiles: dict[int, ProfileState]

    @classmethod
    def of(cls, schema: Schema, dataplane: ServedDataplane, kept: Kept) -> Store:
        """Return what the data plane holds."""
        tables = {t.id: _state(t, dataplane, kept) for t in schema.tables.values()}
        clones = CloneSessions(kept)
        clones.restore(dataplane)
        names = [meter.name for meter in schema.meters.values()]
        meters = {name: dict(dataplane.held_meters(name)) for name in names}
        digests = KeptMessages(kept, "digest", p4r.DigestEntry)
        for number in digests.keys() - schema.digests.keys():
            del digests[number]  # of another program
        profiles = {p.id: _profile(p, dataplane, kept) for p in schema.profiles.values()}
        return cls(tables, meters, clones, digests, profiles)


def _profile(profile: Profile, dataplane: ServedDataplane, kept: Kept) -> ProfileState:
    members = {}
    for entry in dataplane.held_entries(profile.name) if profile.table_ids else ():
        members[entry.matches[0].value] = Default(entry.action, entry.arguments)
    groups = KeptMessages(kept, f"group/{profile.id:08x}", p4r.ActionProfileGroup)
    sets = KeptMessages(kept, f"actions/{profile.id:08x}", p4r.ActionProfileActionSet)
    filled = set()
    if profile.has_selector and profile.table_ids:
        held = dataplane.held_entries(buckets_table(profile.name))
        filled = {entry.matches[0].value for entry in held}
    return ProfileState(members, groups, sets, filled)


def _state(table: Table, dataplane: ServedDataplane, kept: Kept) -> TableState:
    initial = table.initial_default or _default(dataplane.initial_default(table.name))
    default = _default(dataplane.held_default(table.name)) or initial
    state = TableState(initial, default, Notes(kept, table.id))
    for entry in dataplane.held_entries(table.name):
        state.entries[key_of(table, entry.matches, entry.priority)] = entry
    if table.has_direct_meter:
        for entry, config in dataplane.held_direct_meters(table.name):
            state.meters[key_of(table, entry.matches, entry.priority)] = config
    # What was written last when a server was killed may be noted of an entry that never was.
    for key in [k for k in state.metadata if k not in state.entries and k != DEFAULT_ENTRY]:
        del state.metadata[key]
    return state


def _default(told: tuple[str, tuple[int, ...]] | None) -> Default | None:
    return None if told is None else Default(*told)


def _text(key: Key) -> str:
    return ",".join(map(str, key))


def _octets(metadata: Metadata) -> bytes:
    return _NUMBERS.pack(metadata.cookie, metadata.idle_timeout_ns) + metadata.octets


def _metadata(octets: bytes) -> Metadata:
    cookie, idle_timeout_ns = _NUMBERS.unpack_from(octets)
    return Metadata(octets[_NUMBERS.size :], cookie, idle_timeout_ns)
