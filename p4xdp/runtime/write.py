"""The Write RPC: a batch of updates, checked one by one, applied in order, undone if asked.

Neighbouring updates of the same kind to the same table reach the data plane in one call. The store
changes only after the data plane has agreed, so the two never differ. Everything here runs without
giving up the event loop: another write or read sees all of a batch or nothing of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from finsy.proto import p4r

from p4xdp.dataplane import DataplaneError
from p4xdp.runtime import (
    action_sets,
    arrays,
    changes,
    clones,
    digests,
    entries,
    groups,
    members,
    profiles,
    registers,
)
from p4xdp.runtime.atomic import require_atomic
from p4xdp.runtime.changes import DELETE, INSERT, MODIFY, Change, Group
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.plain import PlainUpdate
from p4xdp.runtime.store import DEFAULT_ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from p4xdp.dataplane import Dataplane, Entry, MeterConfig
    from p4xdp.runtime.schema import Default, Schema, Table
    from p4xdp.runtime.store import Key, Metadata, Store, TableState

MAX_UPDATES = 1 << 16  # an answer has to tell of each
_LOG = logging.getLogger(__name__)
_Value = TypeVar("_Value")


class Batch:
    """One WriteRequest on its way into the data plane. `run` is called once."""

    def __init__(self, schema: Schema, store: Store, dataplane: Dataplane) -> None:
        self._schema = schema
        self._store = store
        self._dataplane = dataplane
        self._group: Group | None = None
        self._errors: list[RequestError | None] = []
        self._has_failed = False
        self._undo: list[Callable[[], None]] = []

    def run(self, updates: Sequence[Any], atomicity: int) -> list[RequestError | None]:
        """Carry out all updates; the answer has one place per update, None where it succeeded.

        With ROLLBACK_ON_ERROR the first refusal ends the batch: what was done is undone and all
        other updates are ABORTED. DATAPLANE_ATOMIC raises RequestError where it cannot be.
        """
        if atomicity == p4r.WriteRequest.DATAPLANE_ATOMIC:
            require_atomic(self._schema, updates)
        if len(updates) > MAX_UPDATES:
            text = f"a batch of {len(updates)} updates; at most {MAX_UPDATES}, send several"
            raise RequestError(Code.RESOURCE_EXHAUSTED, text)
        rolls_back = atomicity == p4r.WriteRequest.ROLLBACK_ON_ERROR
        self._errors = [None] * len(updates)
        for position, update in enumerate(updates):
            try:
                self._add(position, update)
            except (RequestError, DataplaneError) as error:
                self._refuse(position, RequestError.of(error))
            if rolls_back and self._has_failed:
                self._group = None
                break
        self._flush()
        if rolls_back and self._has_failed:
            self._roll_back()
        return self._errors

    def _refuse(self, position: int, error: RequestError) -> None:
        self._errors[position] = error
        self._has_failed = True

    def _add(self, position: int, update: Any) -> None:
        if isinstance(update, PlainUpdate):
            self._add_plain(position, update)
            return
        kind = update.type
        if kind not in (INSERT, MODIFY, DELETE):
            raise invalid("the type of the update is not set")
        entity = update.entity.WhichOneof("entity")
        if entity == "table_entry":
            self._add_table_entry(position, kind, update.entity.table_entry)
            return
        if entity == "packet_replication_engine_entry":
            self._flush()
            message = update.entity.packet_replication_engine_entry
            undo = clones.write_replication(self._store, self._dataplane, kind, message)
            self._undo.append(undo)
            return
        if entity in ("action_profile_member", "action_profile_group"):
            self._flush()
            is_group = entity == "action_profile_group"
            put = groups.write_group if is_group else members.write_member
            access = profiles.Access(self._schema, self._store, self._dataplane)
            self._undo.append(put(access, kind, getattr(update.entity, entity)))
            return
        if entity == "digest_entry":
            self._flush()
            message = update.entity.digest_entry
            self._undo.append(digests.write_digest(self._schema, self._store, kind, message))
            return
        write = {
            "counter_entry": self._write_counter,
            "meter_entry": self._write_meter,
            "register_entry": self._write_register,
            "direct_counter_entry": self._write_direct_counter,
            "direct_meter_entry": self._write_direct_meter,
        }.get(entity)
        if entity is None:
            raise invalid("the update names no entity")
        if write is None:
            raise changes.unsupported(entity)
        if kind != MODIFY:
            raise invalid(f"a {entity} can only be modified")
        self._flush()
        write(getattr(update.entity, entity))

    # --- table entries ----------------------------------------------------------------------------

    def _add_table_entry(self, position: int, kind: int, message: Any) -> None:
        table = changes.find_table(self._schema, message)
        changes.check_writable(table, kind, message)
        if message.is_default_action:
            self._flush()
            self._modify_default(table, kind, message)
            return
        if table.has_groups:
            self._add_with_action_set(position, kind, table, message)
        else:
            self._add_change(position, kind, table, message)

    def _add_with_action_set(self, position: int, kind: int, table: Table, message: Any) -> None:
        """Change an entry that may bring an action set along, and leave one behind."""
        self._flush()
        access = profiles.Access(self._schema, self._store, self._dataplane)
        held, (_, key) = self._store.tables[table.id].entries, entries.decode_key(table, message)
        before, at = held.get(key), len(self._undo)
        given = undo = None
        if kind != DELETE and action_sets.is_given(message):
            given, undo = action_sets.write_action_set(access, table, message)
        try:
            self._add_change(position, kind, table, message, given)
            self._flush()
        finally:
            # An entry was never put there if it is as it was.
            if undo is not None and held.get(key) is before:
                undo()
        if undo is not None and self._errors[position] is None:
            self._undo.insert(at, undo)
        after = held.get(key)
        if before is not None and (after is None or after.arguments != before.arguments):
            dropped = action_sets.drop_action_set(access, table, before)
            if dropped is not None:
                self._undo.append(dropped)

    def _add_change(
        self, position: int, kind: int, table: Table, message: Any, given: Default | None = None
    ) -> None:
        matches, key = entries.decode_key(table, message)
        if self._group is None or not self._group.can_take(kind, table, key):
            self._flush()
            self._group = Group(kind, table)
        before = self._store.tables[table.id].entries.get(key)
        if kind == INSERT:
            change = changes.insertion(table, position, key, message, matches, before, given)
        elif kind == MODIFY:
            change = changes.modification(table, position, key, message, before, given)
        else:
            change = changes.removal(table, position, key, before)
        if kind != DELETE:
            profiles.require_referred(self._schema, self._store, table, change.entry)
        self._group.add(change)

    def _add_plain(self, position: int, update: PlainUpdate) -> None:
        """Take along an update that was read at once: nothing is left to check but the store."""
        kind, table, key = update.kind, update.table, update.key
        if self._group is None or not self._group.can_take(kind, table, key):
            self._flush()
            self._group = Group(kind, table)
        before = self._store.tables[table.id].entries.get(key)
        if kind == DELETE:
            change = changes.removal(table, position, key, before)
        elif kind == INSERT:
            change = changes.plain_insertion(update, position, before)
        else:
            change = changes.plain_modification(update, position, before)
        self._group.add(change)

    def _flush(self) -> None:
        """Bring the changes collected so far into data plane and store."""
        group, self._group = self._group, None
        if group is not None and group.changes:
            self._apply(group.kind, group.table, group.changes)

    def _apply(self, kind: int, table: Table, wanted: list[Change]) -> None:
        """Apply all, or find by halving those that the data plane refuses."""
        try:
            self._to_dataplane(kind, table, [change.entry for change in wanted])
        except DataplaneError as error:
            if len(wanted) == 1:
                self._refuse(wanted[0].position, RequestError.from_dataplane(error))
                return
            middle = len(wanted) // 2
            self._apply(kind, table, wanted[:middle])
            self._apply(kind, table, wanted[middle:])
            return
        state = self._store.tables[table.id]
        if not (state.metadata or state.meters or any(change.brings_more for change in wanted)):
            _remember_entries(kind, state, wanted)
            self._undo.append(
                lambda: self._revert(kind, table, [(each, (None, None)) for each in wanted])
            )
            return
        saved = [(state.metadata.get(c.key), state.meters.get(c.key)) for c in wanted]
        done = [
            (change, old)
            for change, old in zip(wanted, saved, strict=True)
            if self._remember(kind, table, change, old)
        ]
        self._undo.append(lambda: self._revert(kind, table, done))

    def _to_dataplane(self, kind: int, table: Table, wanted: list[Entry]) -> None:
        if kind == INSERT:
            self._dataplane.insert_entries(table.name, wanted)
        elif kind == MODIFY:
            self._dataplane.modify_entries(table.name, wanted)
        else:
            self._dataplane.delete_entries(table.name, wanted)

    def _remember(
        self,
        kind: int,
        table: Table,
        change: Change,
        old: tuple[Metadata | None, MeterConfig | None],
    ) -> bool:
        """Put a change the data plane took into the store; False if its meter or counter failed."""
        state = self._store.tables[table.id]
        key = change.key
        if kind == DELETE:
            del state.entries[key]
            state.metadata.pop(key, None)
            state.meters.pop(key, None)
            return True
        state.entries[key] = change.entry
        _set_or_drop(state.metadata, key, change.metadata)
        try:
            if table.has_direct_meter and state.meters.get(key) != change.meter:
                self._dataplane.write_direct_meter(table.name, change.entry, change.meter)
                _set_or_drop(state.meters, key, change.meter)
            if change.counter is not None:
                self._dataplane.write_direct_counter(table.name, change.entry, change.counter)
        except DataplaneError as error:
            self._refuse(change.position, RequestError.from_dataplane(error))
            self._revert(kind, table, [(change, old)])
            return False
        return True

    def _modify_default(self, table: Table, kind: int, message: Any) -> None:
        if kind != MODIFY:
            raise invalid(f"{table.name}: the default action can only be modified")
        if message.match or message.priority:
            raise invalid(f"{table.name}: the default action has neither match nor priority")
        if table.is_default_const:
            text = f"{table.name}: the default action is constant"
            raise RequestError(Code.PERMISSION_DENIED, text)
        if message.HasField("meter_config") or message.HasField("counter_data"):
            raise changes.unsupported("direct counters and meters of default actions")
        state = self._store.tables[table.id]
        notes, metadata = changes.notes_of(table, message), None
        if message.HasField("action"):
            default = entries.decode_action(table, message.action, is_default=True)
            metadata = notes
        elif state.initial is not None:
            default = state.initial
        elif state.default is None:
            return  # never changed
        else:
            raise changes.unsupported(f"resetting {table.name}: P4Info tells no initial action")
        before, before_metadata = state.default, state.metadata.get(DEFAULT_ENTRY)
        self._dataplane.set_default(table.name, default.action, default.arguments)
        state.default = default
        _set_or_drop(state.metadata, DEFAULT_ENTRY, metadata)

        def revert() -> None:
            if before is not None:
                self._dataplane.set_default(table.name, before.action, before.arguments)
            state.default = before
            _set_or_drop(state.metadata, DEFAULT_ENTRY, before_metadata)

        self._undo.append(revert)

    # --- counters and meters ----------------------------------------------------------------------

    def _write_counter(self, message: Any) -> None:
        self._undo.append(arrays.write_counter(self._schema, self._dataplane, message))

    def _write_meter(self, message: Any) -> None:
        self._undo.append(arrays.write_meter(self._schema, self._store, self._dataplane, message))

    def _write_register(self, message: Any) -> None:
        self._undo.append(registers.write_register(self._schema, self._dataplane, message))

    def _write_direct_counter(self, message: Any) -> None:
        table, _, entry = changes.find_entry(self._schema, self._store, message.table_entry)
        if not table.has_direct_counter:
            raise invalid(f"{table.name}: has no direct counter")
        if not message.HasField("data"):
            return
        value = entries.decode_counter(message.data, table.name)
        before = self._dataplane.read_direct_counter(table.name, entry)
        self._dataplane.write_direct_counter(table.name, entry, value)
        self._undo.append(lambda: self._dataplane.write_direct_counter(table.name, entry, before))

    def _write_direct_meter(self, message: Any) -> None:
        table, key, entry = changes.find_entry(self._schema, self._store, message.table_entry)
        if not table.has_direct_meter:
            raise invalid(f"{table.name}: has no direct meter")
        if message.HasField("counter_data"):
            raise changes.unsupported("counters per colour")
        config = None
        if message.HasField("config"):
            config = entries.decode_meter_config(message.config, table.name)
        meters = self._store.tables[table.id].meters
        before = meters.get(key)

        def write(value: MeterConfig | None) -> None:
            self._dataplane.write_direct_meter(table.name, entry, value)
            _set_or_drop(meters, key, value)

        write(config)
        self._undo.append(lambda: write(before))

    # --- undoing ----------------------------------------------------------------------------------

    def _roll_back(self) -> None:
        for revert in reversed(self._undo):
            try:
                revert()
            except DataplaneError as error:
                _LOG.critical("a write could not be undone, state is inconsistent: %s", error)
        culprit = next(i for i, error in enumerate(self._errors) if error is not None)
        aborted = RequestError(Code.ABORTED, f"rolled back: update {culprit} was refused")
        self._errors = [error or aborted for error in self._errors]

    def _revert(
        self,
        kind: int,
        table: Table,
        done: list[tuple[Change, tuple[Metadata | None, MeterConfig | None]]],
    ) -> None:
        """Make changes unhappen; counts of an entry that was deleted begin again at zero."""
        if kind == INSERT:
            self._dataplane.delete_entries(table.name, [change.entry for change, _ in done])
        else:
            before = [change.before for change, _ in done if change.before is not None]
            self._to_dataplane(INSERT if kind == DELETE else MODIFY, table, before)
        state = self._store.tables[table.id]
        for change, (metadata, meter) in done:
            self._restore_meter(table, state, change, meter)
            _set_or_drop(state.entries, change.key, change.before)
            _set_or_drop(state.metadata, change.key, metadata)

    def _restore_meter(
        self, table: Table, state: TableState, change: Change, meter: MeterConfig | None
    ) -> None:
        if change.before is not None and state.meters.get(change.key) != meter:
            self._dataplane.write_direct_meter(table.name, change.before, meter)
        _set_or_drop(state.meters, change.key, meter)


def _remember_entries(kind: int, state: TableState, wanted: list[Change]) -> None:
    """Put changes into the store that concern nothing but entries."""
    if kind == DELETE:
        for change in wanted:
            del state.entries[change.key]
    else:
        state.entries.update({change.key: change.entry for change in wanted})


def _set_or_drop(mapping: MutableMapping[Key, _Value], key: Key, value: _Value | None) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
