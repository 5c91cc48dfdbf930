"""Indexed counters and meters: CounterEntry and MeterEntry, written and read."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from finsy.proto import p4r

from p4xdp.runtime import entries
from p4xdp.runtime.errors import Code, RequestError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from p4xdp.dataplane import CounterValue, Dataplane, MeterConfig
    from p4xdp.runtime.schema import Array, Digest, Profile, Schema
    from p4xdp.runtime.store import Store

AnyArray = TypeVar("AnyArray", bound="Array | Digest | Profile")
CELLS_PER_CALL = 4096
_CELLS_TOLD_TOGETHER = 1000


class CounterCells(NamedTuple):
    """Cells of a counter to be told: so many are asked for that each is written in place."""

    counter_id: int
    first: int
    values: Sequence[CounterValue]

    def add_to(self, entities: Any) -> None:
        """Append them to the entities of a ReadResponse."""
        for cell, value in enumerate(self.values, start=self.first):
            entry = entities.add().counter_entry
            entry.counter_id = self.counter_id
            entry.index.index = cell
            entries.fill_counter(value, entry.data)


def write_counter(schema: Schema, dataplane: Dataplane, message: Any) -> Callable[[], None]:
    """Set one cell, or all without an index. Returns how to undo it (packets since are lost)."""
    counter = find(schema.counters, message.counter_id, "counter")
    cells = cells_of(counter, message)
    if not message.HasField("data"):
        return lambda: None
    value = entries.decode_counter(message.data, counter.name)
    before = dataplane.read_counter(counter.name, cells.start, len(cells))
    for index in cells:
        dataplane.write_counter(counter.name, index, value)

    def undo() -> None:
        for index, old in zip(cells, before, strict=True):
            dataplane.write_counter(counter.name, index, old)

    return undo


def write_meter(
    schema: Schema, store: Store, dataplane: Dataplane, message: Any
) -> Callable[[], None]:
    """Configure one cell, or all without an index. Returns how to undo it."""
    meter = find(schema.meters, message.meter_id, "meter")
    if message.HasField("counter_data"):
        raise RequestError(Code.UNIMPLEMENTED, "this switch has no counters per colour")
    cells = cells_of(meter, message)
    config = None
    if message.HasField("config"):
        config = entries.decode_meter_config(message.config, meter.name)
    configured = store.meters[meter.name]
    before = {index: configured.get(index) for index in cells}
    # Without an index and a configuration, only cells that have one need a visit.
    wanted = [i for i in cells if config is not None or len(cells) == 1 or i in configured]
    _set_meters(dataplane, meter.name, configured, dict.fromkeys(wanted, config))
    return lambda: _set_meters(
        dataplane, meter.name, configured, {index: before[index] for index in wanted}
    )


def _set_meters(
    dataplane: Dataplane,
    meter: str,
    configured: dict[int, MeterConfig],
    wanted: dict[int, MeterConfig | None],
) -> None:
    for index, config in wanted.items():
        dataplane.write_meter(meter, index, config)
        if config is None:
            configured.pop(index, None)
        else:
            configured[index] = config


def read_counters(
    schema: Schema, dataplane: Dataplane, message: Any, count: int = 1
) -> Iterator[CounterCells]:
    """Give what a CounterEntry asks for; id 0 is every counter, no index every cell.

    `count` cells from one with an index on are read together.
    """
    chosen = selected(schema.counters, message.counter_id, "counter")
    cells = [(array, cells_of(array, message)) for array in chosen]
    if count > 1:
        ((array, (first,)),) = cells
        cells = [(array, range(first, first + count))]
    return _counter_cells(dataplane, cells)


def num_adjoining(schema: Schema, entities: Sequence[Any], position: int) -> int:
    """How many requests from one on ask for cells of a counter that lie side by side."""
    first = entities[position].counter_entry
    array = schema.counters.get(first.counter_id)
    if array is None or not first.HasField("index"):
        return 1
    count, start = 1, first.index.index
    for entity in itertools.islice(entities, position + 1, position + CELLS_PER_CALL):
        cell = entity.counter_entry
        if cell.counter_id != first.counter_id or cell.index.index != start + count:
            break
        count += 1
    return max(1, min(count, int(array.size - start)))


def _counter_cells(
    dataplane: Dataplane, chosen: list[tuple[Array, range]]
) -> Iterator[CounterCells]:
    for counter, cells in chosen:
        for first in range(cells.start, cells.stop, _CELLS_TOLD_TOGETHER):
            count = min(_CELLS_TOLD_TOGETHER, cells.stop - first)
            yield CounterCells(
                counter.id, first, dataplane.read_counter(counter.name, first, count)
            )


def read_meters(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the entities a MeterEntry asks for; an unlimited cell has no config."""
    if message.HasField("counter_data"):
        raise RequestError(Code.UNIMPLEMENTED, "this switch has no counters per colour")
    chosen = []
    for array in selected(schema.meters, message.meter_id, "meter"):
        cells, configured = cells_of(array, message), store.meters[array.name]
        # As they are at this moment; not all of them for one that is asked for alone.
        held = {i: configured[i] for i in cells if i in configured} if len(cells) == 1 else None
        chosen.append((array, cells, dict(configured) if held is None else held))
    return _meter_entities(chosen)


def _meter_entities(
    chosen: list[tuple[Array, range, dict[int, MeterConfig]]],
) -> Iterator[Any]:
    for meter, cells, configured in chosen:
        for index in cells:
            entity = p4r.Entity()
            entity.meter_entry.meter_id = meter.id
            entity.meter_entry.index.index = index
            config = configured.get(index)
            if config is not None:
                entity.meter_entry.config.CopyFrom(entries.encode_meter_config(config))
            yield entity


def find(arrays: Mapping[int, AnyArray], array_id: int, what: str) -> AnyArray:
    """Return the array of that id; RequestError if there is none."""
    array = arrays.get(array_id)
    if array is None:
        raise RequestError(Code.NOT_FOUND, f"no {what} has id {array_id:#x}")
    return array


def selected(arrays: Mapping[int, AnyArray], array_id: int, what: str) -> list[AnyArray]:
    """Return the array of that id, or all for id 0."""
    return [find(arrays, array_id, what)] if array_id else list(arrays.values())


def cells_of(array: Array, message: Any) -> range:
    """Return the cells a message names: one, or all without an index."""
    if not message.HasField("index"):
        return range(array.size)
    index = message.index.index
    if index < 0:
        raise invalid(f"{array.name}: index {index} is negative")
    if index >= array.size:
        text = f"{array.name}: index {index} is beyond its {array.size} cells"
        raise RequestError(Code.OUT_OF_RANGE, text)
    return range(index, index + 1)
