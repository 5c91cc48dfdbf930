"""The Read RPC: entities by key or by wildcard, as a stream of bounded messages.

What a request selects is fixed when it begins; encoding happens while it streams, so a million
entries neither fill memory nor hold up writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime import (
    action_sets,
    arrays,
    changes,
    clones,
    digests,
    entries,
    groups,
    members,
    registers,
)
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.store import DEFAULT_ENTRY, Metadata
from p4xdp.runtime.telling import add_metadata, key_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.dataplane import Dataplane, Entry, MeterConfig
    from p4xdp.runtime.schema import Schema, Table
    from p4xdp.runtime.store import Key, Store, TableState

_ID_FIELDS = (
    "extern_type_id",
    "value_set_id",
)
_NO_METADATA = Metadata()


class Reader:
    """Answers the requests of one ReadRequest."""

    def __init__(self, schema: Schema, store: Store, dataplane: Dataplane) -> None:
        self._schema = schema
        self._store = store
        self._dataplane = dataplane

    def select_all(
        self, requests: Sequence[Any]
    ) -> Iterator[tuple[int, Iterator[Any] | RequestError]]:
        """Check requests, and give by position the entities each asks for, or what is wrong with
        it. Cells of a counter that lie side by side are read together.
        """
        position = 0
        while position < len(requests):
            request = requests[position]
            count = 1
            try:
                if request.WhichOneof("entity") == "counter_entry":
                    count = arrays.num_adjoining(self._schema, requests, position)
                    entry = request.counter_entry
                    yield (
                        position,
                        arrays.read_counters(self._schema, self._dataplane, entry, count),
                    )
                else:
                    yield position, self.select(request)
            except RequestError as error:
                yield position, error
            position += count

    def select(  # noqa: C901, PLR0911  # one case a kind
        self, entity: Any
    ) -> Iterator[Any]:
        """Check one request and return the entities it asks for; RequestError if it is wrong."""
        kind = entity.WhichOneof("entity")
        match kind:
            case "table_entry":
                return self._table_entries(entity.table_entry)
            case "meter_entry":
                return arrays.read_meters(self._schema, self._store, entity.meter_entry)
            case "register_entry":
                return registers.read_registers(
                    self._schema, self._dataplane, entity.register_entry
                )
            case "direct_counter_entry":
                return self._direct_counters(entity.direct_counter_entry)
            case "direct_meter_entry":
                return self._direct_meters(entity.direct_meter_entry)
            case "packet_replication_engine_entry":
                message = entity.packet_replication_engine_entry
                return clones.read_replication(self._store, message)
            case "action_profile_member":
                return members.read_members(self._schema, self._store, entity.action_profile_member)
            case "action_profile_group":
                return groups.read_groups(self._schema, self._store, entity.action_profile_group)
            case "digest_entry":
                return digests.read_digests(self._schema, self._store, entity.digest_entry)
            case None:
                raise invalid("the request names no entity")
            case _:
                return _none_of(kind, getattr(entity, kind))

    # --- table entries ----------------------------------------------------------------------------

    def _table_entries(self, query: Any) -> Iterator[Any]:
        if query.HasField("meter_counter_data"):
            raise changes.unsupported("counters per colour")
        tables = self._selected_tables(query)
        _check_idle_times(query, tables)
        if query.is_default_action:
            return iter([e for e in map(self._default_entity, tables) if e is not None])
        # What is selected is told as it is now, whatever is written while the answer streams.
        states = [self._store.tables[table.id] for table in tables]
        selected = [
            (table, self._selected(table, query), dict(state.metadata), dict(state.meters))
            for table, state in zip(tables, states, strict=True)
        ]
        sets = action_sets.held_sets(self._schema, self._store)
        return self._entry_entities(query, selected, sets)

    def _selected_tables(self, query: Any) -> list[Table]:
        if query.table_id == 0:
            return list(self._schema.tables.values())
        return [changes.find_table(self._schema, query)]

    def _selected(self, table: Table, query: Any) -> list[tuple[Key, Entry]]:
        state = self._store.tables[table.id]
        if query.table_id and query.match:
            _, key = entries.decode_key(table, query)
            entry = state.entries.get(key)
            return [] if entry is None else [(key, entry)]
        selected = state.entries.items()
        if query.table_id == 0:  # "no other filter can be used"
            return list(selected)
        action = self._action_filter(table, query)
        if not (action or query.priority or query.metadata or query.controller_metadata):
            return list(selected)
        return [
            (key, entry)
            for key, entry in selected
            if (not action or entry.action == action)
            and (not query.priority or entry.priority == query.priority)
            and _has_metadata(state, key, query)
        ]

    @staticmethod
    def _action_filter(table: Table, query: Any) -> str | None:
        if not query.HasField("action"):
            return None
        action = table.actions.get(query.action.action.action_id)
        if action is None:
            raise invalid(f"{table.name}: the action to filter by is not one of its actions")
        return action.name

    def _entry_entities(
        self,
        query: Any,
        selected: list[
            tuple[Table, list[tuple[Key, Entry]], dict[Key, Metadata], dict[Key, MeterConfig]]
        ],
        sets: dict[str, dict[int, Any]],
    ) -> Iterator[Any]:
        wants_meter, wants_counter = query.HasField("meter_config"), query.HasField("counter_data")
        wants_idle_time = query.HasField("time_since_last_hit")
        for table, found, metadata, meters in selected:
            state = self._store.tables[table.id]
            with_counter = wants_counter and table.has_direct_counter
            for key, entry in found:
                message = entries.encode_entry(table, entry)
                action_set = action_sets.action_set_of(table, entry, sets)
                if action_set is not None:
                    message.action.action_profile_action_set.CopyFrom(action_set)
                add_metadata(message, metadata.get(key))
                meter = meters.get(key) if wants_meter else None
                if meter is not None:
                    message.meter_config.CopyFrom(entries.encode_meter_config(meter))
                if wants_idle_time and table.has_idle_timeout and key in state.entries:
                    (idle_ns,) = self._dataplane.idle_times(table.name, [entry])
                    message.time_since_last_hit.elapsed_ns = idle_ns
                if with_counter and key in state.entries:
                    value = self._dataplane.read_direct_counter(table.name, entry)
                    message.counter_data.CopyFrom(entries.encode_counter(value))
                yield p4r.Entity(table_entry=message)

    def _default_entity(self, table: Table) -> Any:
        state = self._store.tables[table.id]
        if state.default is None:
            return None
        message = p4r.TableEntry(table_id=table.id, is_default_action=True)
        entries.encode_action(table, state.default.action, state.default.arguments, message)
        add_metadata(message, state.metadata.get(DEFAULT_ENTRY))
        return p4r.Entity(table_entry=message)

    # --- direct resources -------------------------------------------------------------------------

    def _direct_counters(self, query: Any) -> Iterator[Any]:
        selected = self._directly_selected(query.table_entry, "has_direct_counter", "counter")
        return self._direct_counter_entities(selected)

    def _direct_counter_entities(
        self, selected: list[tuple[Table, list[tuple[Key, Entry]]]]
    ) -> Iterator[Any]:
        for table, found in selected:
            for key, entry in found:
                if key not in self._store.tables[table.id].entries:
                    continue  # deleted while this answer was streaming
                value = self._dataplane.read_direct_counter(table.name, entry)
                entity = p4r.Entity()
                entity.direct_counter_entry.table_entry.CopyFrom(key_only(table, entry))
                entity.direct_counter_entry.data.CopyFrom(entries.encode_counter(value))
                yield entity

    def _direct_meters(self, query: Any) -> Iterator[Any]:
        if query.HasField("counter_data"):
            raise changes.unsupported("counters per colour")
        selected = self._directly_selected(query.table_entry, "has_direct_meter", "meter")
        return self._direct_meter_entities(
            [(table, found, dict(self._store.tables[table.id].meters)) for table, found in selected]
        )

    def _direct_meter_entities(
        self, selected: list[tuple[Table, list[tuple[Key, Entry]], dict[Key, MeterConfig]]]
    ) -> Iterator[Any]:
        for table, found, meters in selected:
            for key, entry in found:
                entity = p4r.Entity()
                entity.direct_meter_entry.table_entry.CopyFrom(key_only(table, entry))
                config = meters.get(key)
                if config is not None:
                    entity.direct_meter_entry.config.CopyFrom(entries.encode_meter_config(config))
                yield entity

    def _directly_selected(
        self, query: Any, flag: str, what: str
    ) -> list[tuple[Table, list[tuple[Key, Entry]]]]:
        if query.table_id == 0:
            tables = [t for t in self._schema.tables.values() if getattr(t, flag)]
            return [(t, list(self._store.tables[t.id].entries.items())) for t in tables]
        table = changes.find_table(self._schema, query)
        if not getattr(table, flag):
            raise invalid(f"{table.name}: has no direct {what}")
        if not query.match:
            return [(table, self._selected(table, query))]
        _, key, entry = changes.find_entry(self._schema, self._store, query)
        return [(table, [(key, entry)])]


def _none_of(kind: str, query: Any) -> Iterator[Any]:
    """Answer for what no pipeline here has: a wildcard finds nothing, an id is not found."""
    wanted = next((getattr(query, name) for name in _ID_FIELDS if hasattr(query, name)), 0)
    if wanted:
        raise RequestError(Code.NOT_FOUND, f"no {kind} has id {wanted:#x}")
    return iter(())


def _check_idle_times(query: Any, tables: Sequence[Table]) -> None:
    if not (query.idle_timeout_ns or query.HasField("time_since_last_hit")):
        return
    if query.is_default_action:
        raise invalid("default actions have no idle times")
    for table in tables if query.table_id else ():
        if not table.has_idle_timeout:
            raise invalid(f"{table.name}: has no idle timeouts")


def _has_metadata(state: TableState, key: Key, query: Any) -> bool:
    held = state.metadata.get(key, _NO_METADATA)
    return (not query.metadata or held.octets == query.metadata) and (
        not query.controller_metadata or held.cookie == query.controller_metadata
    )
