"""Reads of very many cells of one counter, answered from columns (`p4xdp.columns`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from finsy.proto import p4r

from p4xdp import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.dataplane import Dataplane
    from p4xdp.runtime.schema import Array, Schema

CELLS_PER_MESSAGE = 16_384  # of 49 octets each
_MOST_BETWEEN = 8  # cells that are not wanted are read too, if they are few


@dataclass(frozen=True, slots=True)
class CellsRequest:
    """A ReadRequest for cells of one counter. `octets` are the whole of it."""

    octets: bytes
    device_id: int
    counter_id: int
    indexes: columns.Numbers

    @classmethod
    def parse(cls, octets: bytes) -> CellsRequest | None:
        """Return the request if it is one of that kind."""
        found = columns.read_request(octets)
        return None if found is None else cls(octets, *found)

    def message(self) -> Any:
        """Return it as any other request."""
        return p4r.ReadRequest.FromString(self.octets)

    def counter(self, schema: Schema) -> Array | None:
        """Return the counter, or None if not all of this is of one that there is."""
        array = schema.counters.get(self.counter_id)
        if array is None or int(self.indexes.max()) >= array.size:
            return None
        return array


def answer(dataplane: Dataplane, counter: Array, request: CellsRequest) -> Iterator[bytes]:
    """Yield ReadResponses with the cells, in the order asked."""
    for first in range(0, len(request.indexes), CELLS_PER_MESSAGE):
        indexes = request.indexes[first : first + CELLS_PER_MESSAGE]
        packets, octets = _read(dataplane, counter, indexes)
        yield columns.response(columns.Cells(counter.id, indexes, packets, octets))


def _read(
    dataplane: Dataplane, counter: Array, indexes: columns.Numbers
) -> tuple[columns.Numbers, columns.Numbers]:
    """Read cells, those near each other together."""
    packets, octets = np.zeros((2, len(indexes)), np.uint64)
    order = np.argsort(indexes, kind="stable")
    ordered = indexes[order].astype(np.int64)
    breaks = np.flatnonzero(np.diff(ordered) > _MOST_BETWEEN) + 1
    for run in np.split(np.arange(len(ordered)), breaks):
        first, last = int(ordered[run[0]]), int(ordered[run[-1]])
        found = dataplane.read_columns(counter.name, first, last + 1 - first)
        wanted, places = ordered[run] - first, order[run]
        packets[places], octets[places] = (column[wanted] for column in found)
    return packets, octets
