"""What an update wants of a table, checked against P4Info and the store but not yet carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.dataplane import CounterValue, Entry, MeterConfig
from p4xdp.runtime import entries
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.schema import Table
from p4xdp.runtime.store import Key, Metadata

if TYPE_CHECKING:
    from p4xdp.runtime.plain import PlainUpdate
    from p4xdp.runtime.schema import Default, Schema
    from p4xdp.runtime.store import Store

MOST_METADATA_OCTETS = 4096
INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE


@dataclass(slots=True)
class Change:
    """One update of an entry. `position` is its place in the request; `before` what it replaces.

    `metadata`, `meter` and `counter` are what the entry is to have; an unset counter stays.
    """

    position: int
    key: Key
    entry: Entry
    before: Entry | None
    metadata: Metadata | None = None
    meter: MeterConfig | None = None
    counter: CounterValue | None = None

    @property
    def brings_more(self) -> bool:
        """Whether it sets anything beside the entry."""
        return not (self.metadata is None and self.meter is None and self.counter is None)


@dataclass(slots=True)
class Group:
    """Neighbouring changes of one kind to one table, no two of the same entry."""

    kind: int
    table: Table
    changes: list[Change] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)

    def can_take(self, kind: int, table: Table, key: Key) -> bool:
        """Whether such a change may go to the data plane together with these."""
        return self.kind == kind and self.table is table and key not in self.keys

    def add(self, change: Change) -> None:
        """Take a change along."""
        self.changes.append(change)
        self.keys.add(change.key)


def find_table(schema: Schema, message: Any) -> Table:
    """Find the table a TableEntry names."""
    table = schema.tables.get(message.table_id)
    if table is None:
        raise RequestError(Code.NOT_FOUND, f"no table has id {message.table_id:#x}")
    return table


def find_entry(schema: Schema, store: Store, message: Any) -> tuple[Table, Key, Entry]:
    """Find the entry whose key a TableEntry gives, for its direct resources."""
    table = find_table(schema, message)
    if message.is_default_action:
        raise unsupported("direct counters and meters of default actions")
    _, key = entries.decode_key(table, message)
    entry = store.tables[table.id].entries.get(key)
    if entry is None:
        raise RequestError(Code.NOT_FOUND, f"{table.name}: there is no such entry")
    return table, key, entry


def check_writable(table: Table, kind: int, message: Any) -> None:
    """Refuse what no update may do to a table; of a constant one, direct resources may be set."""
    if message.is_const:
        raise invalid(f"{table.name}: is_const cannot be written")
    if not message.is_default_action:
        if not table.fields:
            raise invalid(f"{table.name}: has no key, only its default action can be set")
        if table.is_const and (kind != MODIFY or message.HasField("action")):
            raise RequestError(Code.PERMISSION_DENIED, f"{table.name}: the table is constant")


def removal(table: Table, position: int, key: Key, before: Entry | None) -> Change:
    """Check a DELETE: nothing but the key counts."""
    if before is None:
        raise RequestError(Code.NOT_FOUND, f"{table.name}: there is no such entry")
    return Change(position, key, before, before)


def insertion(  # what an update is made of
    table: Table,
    position: int,
    key: Key,
    message: Any,
    matches: Any,
    before: Entry | None,
    given: Default | None = None,
) -> Change:
    """Check an INSERT. `given` is the action if its TableAction has been read already."""
    if before is not None:
        raise RequestError(Code.ALREADY_EXISTS, f"{table.name}: the entry exists")
    if not message.HasField("action"):
        raise invalid(f"{table.name}: a new entry needs an action")
    action = given or entries.decode_action(table, message.action, is_default=False)
    entry = Entry(matches, action.action, action.arguments, message.priority)
    return _with_resources(table, message, Change(position, key, entry, None))


def modification(  # what an update is made of
    table: Table,
    position: int,
    key: Key,
    message: Any,
    before: Entry | None,
    given: Default | None = None,
) -> Change:
    """Check a MODIFY; without an action the entry keeps the one it has. `given` is as above."""
    if before is None:
        raise RequestError(Code.NOT_FOUND, f"{table.name}: there is no such entry")
    entry = before
    if message.HasField("action"):
        action = given or entries.decode_action(table, message.action, is_default=False)
        entry = Entry(before.matches, action.action, action.arguments, before.priority)
    return _with_resources(table, message, Change(position, key, entry, before))


def plain_insertion(update: PlainUpdate, position: int, before: Entry | None) -> Change:
    """Check an INSERT that was read at once."""
    table, call = update.table, update.call
    if before is not None:
        raise RequestError(Code.ALREADY_EXISTS, f"{table.name}: the entry exists")
    if call is None:
        raise invalid(f"{table.name}: a new entry needs an action")
    entry = Entry(update.matches, call.action, call.arguments, 0)
    return Change(position, update.key, entry, None)


def plain_modification(update: PlainUpdate, position: int, before: Entry | None) -> Change:
    """Check a MODIFY that was read at once."""
    call = update.call
    if before is None:
        raise RequestError(Code.NOT_FOUND, f"{update.table.name}: there is no such entry")
    entry = before
    if call is not None:
        entry = Entry(before.matches, call.action, call.arguments, 0)
    return Change(position, update.key, entry, before)


def _with_resources(table: Table, message: Any, change: Change) -> Change:
    change.metadata = notes_of(table, message)
    if message.HasField("meter_config"):
        if not table.has_direct_meter:
            raise invalid(f"{table.name}: has no direct meter")
        change.meter = entries.decode_meter_config(message.meter_config, table.name)
    if message.HasField("counter_data"):
        if not table.has_direct_counter:
            raise invalid(f"{table.name}: has no direct counter")
        change.counter = entries.decode_counter(message.counter_data, table.name)
    if message.HasField("meter_counter_data"):
        raise unsupported("counters per colour")
    return change


def notes_of(table: Table, message: Any) -> Metadata | None:
    """Read the client's notes on an entry."""
    timeout_ns = message.idle_timeout_ns
    if timeout_ns and (message.is_default_action or not table.has_idle_timeout):
        what = "its default action" if message.is_default_action else "it"
        raise invalid(f"{table.name}: {what} has no idle timeout")
    if timeout_ns < 0:
        raise invalid(f"{table.name}: an idle timeout of {timeout_ns} ns")
    if message.HasField("time_since_last_hit"):
        raise invalid(f"{table.name}: time_since_last_hit is read, not written")
    if len(message.metadata) > MOST_METADATA_OCTETS:
        text = f"metadata of {len(message.metadata)} octets; at most {MOST_METADATA_OCTETS}"
        raise RequestError(Code.OUT_OF_RANGE, text)
    if message.metadata or message.controller_metadata or timeout_ns:
        return Metadata(message.metadata, message.controller_metadata, timeout_ns)
    return None


def unsupported(what: str) -> RequestError:
    """Make the refusal of a part of P4Runtime this switch has not got."""
    return RequestError(Code.UNIMPLEMENTED, f"this switch does not support {what}")
